"""From a network and images to numbers for each layer.

This room chooses the layers whose neurons are read (`_layers`), compiles the network into one step
that shows them (`_taps`, `_reader`), reduces them (`_reductions`, `_recorders`) while batches pass
through (`_passes`, `_workers`), and keeps a profile of each image (`_profiles`, `_bands`, `_store`,
`_folder`), so that an image need not pass through again (`_profiler`).
"""

from ._device import device_scope
from ._profiler import Profiler, add_exactly
from ._reader import NeuronReader, shared_reader
from ._source import ImageSource
from ._store import ProfileStore, forget_profiles, open_store
from ._workers import NetworkPlan

__all__ = [
    "ImageSource",
    "NetworkPlan",
    "NeuronReader",
    "ProfileStore",
    "Profiler",
    "add_exactly",
    "device_scope",
    "forget_profiles",
    "open_store",
    "shared_reader",
]
