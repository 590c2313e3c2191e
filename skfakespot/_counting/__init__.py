"""What is taken from the layers: sums, counts and the profiles that make one pass enough.

`_layout` says which neurons and features the layers have. `_reductions` reduces one layer of a
batch; the reducers in `_reducers` and `_quantile` keep what each image needs; `_passes` and
`_workers` send batches through a network. A `_profile` keeps the neurons in `_bands` around the
thresholds, `_store` and `_folder` keep profiles, and `_counter` puts all of it together.
`_thresholds` says for each value of `threshold` what is learnt and counted; what `_map_means`,
`_multisection`, `_top` and `_range` count needs a pass of its own.
"""

from ._counter import NeuronCounter
from ._layout import FeatureLayout
from ._store import open_store
from ._thresholds import threshold_rule
from ._workers import PortableNetwork

__all__ = ["FeatureLayout", "NeuronCounter", "PortableNetwork", "open_store", "threshold_rule"]
