# SPDX-License-Identifier: BSD-3-Clause
"""Several networks read as one, whose layers are those of each network in turn."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .._cache import BoundedCache
from ._batch_reader import BatchReader
from ._spec import NetworkSpec

_readers = BoundedCache(8, is_network=True, collect_after=4)


@dataclass(frozen=True)
class UnitedSpec:
    """Several networks and how they are read; see `NetworkSpec`, whose interface it has.

    Parameters
    ----------
    specs : tuple of NetworkSpec
        The networks. A name in their `layers` may begin with the prefix of a network; see
        `UnitedReader`.
    """

    specs: tuple[NetworkSpec, ...]

    @property
    def backbones(self):
        """List of the networks."""
        return [spec.backbone for spec in self.specs]

    def with_engine(self):
        """Choose the engine of each network; see `NetworkSpec.with_engine`."""
        return UnitedSpec(tuple(spec.with_engine() for spec in self.specs))

    def resolve(self):
        """Build each network; see `NetworkSpec.resolve`."""
        return UnitedSpec(tuple(spec.resolve() for spec in self.specs))

    def networks(self):
        """List the prefix and the spec of each network, once they are resolved.

        The prefix begins the names of the network's layers, and is left out of the names in the
        `layers` of the spec.
        """
        prefixes = _prefixes(self.backbones)
        return [
            (prefix, replace(spec, layers=_own_layers(spec.layers, prefix, prefixes)))
            for prefix, spec in zip(prefixes, self.specs, strict=True)
        ]

    def open(self):
        """Return the reader of the networks, each compiled once per process while it is in use."""
        spec = self.resolve()
        return _readers.get_or_make(spec, lambda: UnitedReader(spec))


class UnitedReader(BatchReader):
    """Shows the outputs of some layers of several networks, as those of one network.

    Parameters
    ----------
    spec : UnitedSpec
        The networks, as `UnitedSpec.resolve` returns them.

    Attributes
    ----------
    name : str
        The networks, for messages.
    image_size : tuple
        Of each network, the image size of its `NetworkReader`.
    layer_names, shapes : tuple
        Of each layer that is read, its name and the shape of its output for one sample. The prefix
        of the name is the name of the network and a slash.
    engine : list of {"keras", "openvino"}
        Of each network, what runs it.
    has_own_code : bool
        Whether any of the networks has.
    """

    def __init__(self, spec):
        prefixes, networks = zip(*spec.networks(), strict=True)
        self._readers = [network.open() for network in networks]
        super().__init__(
            reduces_on_device=all(reader.reduces_on_device for reader in self._readers)
        )
        limits = [reader.largest_batch for reader in self._readers if reader.largest_batch]
        self.largest_batch = min(limits, default=None)
        self.engine = [reader.engine for reader in self._readers]
        self.name = " and ".join(reader.name for reader in self._readers)
        self.image_size = tuple(reader.image_size for reader in self._readers)
        self.layer_names = tuple(
            prefix + name
            for prefix, reader in zip(prefixes, self._readers, strict=True)
            for name in reader.layer_names
        )
        self.shapes = tuple(shape for reader in self._readers for shape in reader.shapes)
        self.has_own_code = any(reader.has_own_code for reader in self._readers)

    def structure(self):
        """Digest of the structures of all networks; see `NetworkReader.structure`."""
        return hashlib.sha256(b"".join(reader.structure() for reader in self._readers)).digest()

    def weights(self):
        """Digest of the weights of all networks; see `NetworkReader.weights`."""
        return hashlib.sha256(b"".join(reader.weights() for reader in self._readers)).digest()

    def prepare(self):
        """Prepare each network; see `NetworkReader.prepare`."""
        for reader in self._readers:
            reader.prepare()

    def show(self, images, receive):
        """Let images pass, a tuple with an ndarray for each network, one network after another."""
        first_layer = 0
        for reader, of_this_network in zip(self._readers, images, strict=True):
            reader.show(of_this_network, partial(_shift, receive, first_layer))
            first_layer += len(reader.shapes)

    def reduce(self, images, reducer):
        """Let images pass, and reduce the layers on the device; see `show`."""
        first_layer = 0
        for reader, of_this_network in zip(self._readers, images, strict=True):
            end = first_layer + len(reader.shapes)
            own = _PartOfReducer(
                reducer.plans[first_layer:end],
                reducer.arguments[first_layer:end],
                partial(_shift, reducer.take, first_layer),
            )
            reader.reduce(of_this_network, own)
            first_layer = end


class _PartOfReducer(NamedTuple):
    """A reducer of the layers of one network."""

    plans: tuple
    arguments: list
    take: Callable


def _shift(receive, first_layer, layer, outputs):
    receive(first_layer + layer, outputs)


def _prefixes(backbones):
    """Prefixes of the names of layers: the backbone's name, numbered where there are several."""
    names = []
    for backbone in backbones:
        own = Path(backbone.name).stem if backbone.name.endswith(".keras") else backbone.name
        name, number = own, 1
        while name in names:
            number += 1
            name = f"{own}-{number}"
        names.append(name)
    return [f"{name}/" for name in names]


def _own_layers(layers, prefix, prefixes):
    """The parameter `layers` for the network of a prefix: a tuple without the others' names."""
    if not isinstance(layers, tuple):
        return layers
    own = []
    for name in layers:
        begins_with = [known for known in prefixes if str(name).startswith(known)]
        longest = max(begins_with, key=len, default="")
        if longest in ("", prefix):
            own.append(str(name).removeprefix(longest))
    if layers and not own:
        raise ValueError(
            f"layers={list(layers)!r} names no layer of the backbone {prefix[:-1]!r}. Add names "
            f"that begin with {prefix!r}, or leave this backbone out."
        )
    return tuple(own)
