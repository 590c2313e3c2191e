"""One network made readable: which layers are read, and the compiled step that shows them.

`_spec` describes a network and how it is read; `_graph` lists the calls of its layers and `_layers`
selects some of them; `_step` compiles the network for a backend; `_reader` runs the step on
batches, on a device of `_device`; `_fingerprint` tells networks apart.
"""

from ._reader import NetworkReader, count_network_images
from ._spec import NetworkSpec

__all__ = ["NetworkReader", "NetworkSpec", "count_network_images"]
