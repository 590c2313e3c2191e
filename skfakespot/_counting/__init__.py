# SPDX-License-Identifier: BSD-3-Clause
"""What is taken from the layers: sums, counts and statistics, in as few passes as possible.

`_layout` says which neurons and features the layers have, and `_statistics` which columns the
statistics of feature maps fill. `_reductions`, `_map_statistics` and `_map_kernels` reduce one
layer of a batch; the reducers in `_reducers`, `_statistic_reduction` and `_quantile` keep what each
image needs. Those in `_device_reducers` keep what the plans of `_device_plans` and
`_device_statistics` have computed on the network's device. `_combined_reduction` joins two of them;
`_passes` and `_workers` send batches through a network. A `_profile` keeps the neurons
in `_bands` around the thresholds, `_statistic_rows` the statistics of each image, `_store` stores
both, and `_counter` puts all of it together. `_thresholds` says for each value of `threshold` what
is learnt and counted; what `_map_means`, `_multisection`, `_top` and `_range` count needs a pass of
its own.
"""

from ._counter import NeuronCounter
from ._layout import FeatureLayout
from ._statistics import LAGS, STATISTICS, StatisticLayout
from ._store import Stores
from ._thresholds import threshold_rule
from ._workers import PortableNetwork

__all__ = [
    "LAGS",
    "STATISTICS",
    "FeatureLayout",
    "NeuronCounter",
    "PortableNetwork",
    "StatisticLayout",
    "Stores",
    "threshold_rule",
]
