"""From a network and batches of images to numbers for each layer.

This room chooses the layers whose neurons are read (`_layers`), compiles the network and the
reductions into one step (`_reader`) and runs it over the batches (`_passes`).
"""

from ._passes import count_active_neurons, quantile_thresholds, sum_neurons
from ._reader import NeuronReader, shared_reader

__all__ = [
    "NeuronReader",
    "count_active_neurons",
    "quantile_thresholds",
    "shared_reader",
    "sum_neurons",
]
