# SPDX-License-Identifier: BSD-3-Clause
"""Networks made readable: which layers are read, and the compiled step that shows them.

`_spec` describes a network and how it is read; `_graph` lists the calls of its layers and `_layers`
selects some of them; `_step` compiles the network for a backend, and `_reduced_step` compiles it
together with what is added and counted on the device: a `LayerPlan` for each layer, of the sums of
`_exact_sums` among others. `_engine` chooses between Keras and OpenVINO, whose step is in
`_step_openvino`. `_reader` runs the steps on batches, on a device of `_device`; `_united` reads
several networks as one; `_fingerprint` tells networks apart. `_batch_reader` halves batches that
are too large for the device, and `_image_count` counts the images that pass.
"""

from ._batch_reader import BatchReader, is_out_of_memory
from ._image_count import count_network_images
from ._layer_plans import Inside, LayerPlan, LayerResults
from ._layers import tap_of
from ._reader import NetworkReader, trace_layers
from ._spec import NetworkSpec
from ._united import UnitedReader, UnitedSpec

__all__ = [
    "BatchReader",
    "Inside",
    "LayerPlan",
    "LayerResults",
    "NetworkReader",
    "NetworkSpec",
    "UnitedReader",
    "UnitedSpec",
    "count_network_images",
    "is_out_of_memory",
    "tap_of",
    "trace_layers",
]
