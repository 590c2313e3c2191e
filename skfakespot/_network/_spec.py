# SPDX-License-Identifier: BSD-3-Clause
"""A network and how it is read, as one value."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from .._cache import BoundedCache
from ..backbones import model_from_arrays, model_to_arrays, resolve_backbone
from ._device import device_scope
from ._engine import choose_engine
from ._reader import NetworkReader

_readers = BoundedCache(8, is_network=True, collect_after=4)


@dataclass(frozen=True)
class NetworkSpec:
    """A network and how it is read. It can be pickled, compared and used as a key.

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone or callable
        See `skfakespot.backbones.resolve_backbone`.
    weights : None, str or path-like, default=None
        See `skfakespot.backbones.resolve_backbone`.
    layers : str, tuple of str, re.Pattern or callable, default="conv+dense"
        See `select_calls`.
    tap : {"layer", "activation"}, default="layer"
        Read a layer at its own output, or at that of the activation that follows.
    sample_shape : tuple of int, default=None
        Shape of one sample of X, where all have the same.
    image_size : tuple of (height, width), default=None
        Size that images are brought to; None for the network's own.
    device : None or str, default=None
        See `device_scope`.
    engine : {"auto", "keras", "openvino"}, default="keras"
        See `choose_engine`.
    reductions : {"auto", "host", "device"}, default="auto"
        See `skfakespot._network._device.reduces_on_device`.
    may_change : bool, default=True
        Whether code outside of the package holds the network and may change its weights.
    """

    backbone: Any
    weights: str | PathLike | None = None
    layers: str | tuple[str, ...] | re.Pattern | Callable = "conv+dense"
    tap: str = "layer"
    sample_shape: tuple[int, ...] | None = None
    image_size: tuple[int, int] | None = None
    device: str | None = None
    engine: str = "keras"
    reductions: str = "auto"
    may_change: bool = True

    def with_engine(self):
        """Replace the engine "auto" by what runs the network here; see `choose_engine`."""
        engine = choose_engine(self.engine, self.backbone, self.device, self.reductions)
        return replace(self, engine=engine)

    def resolve(self):
        """Build the network, or find it among those that this process has built.

        In the result, `backbone` is a `Backbone`, and the image size and the engine are known.
        Raises BackboneError if the network cannot be built, ValueError if `image_size`, `device` or
        `engine` does not fit, ImportError if the engine is not installed.
        """
        with device_scope(self.device):
            backbone = resolve_backbone(
                self.backbone,
                weights=self.weights,
                sample_shape=self.sample_shape,
                image_size=self.image_size,
            )
        return replace(
            self,
            backbone=backbone,
            weights=None,
            sample_shape=None,
            image_size=_image_size(backbone, self.image_size),
            engine=self.with_engine().engine,
            may_change=self.may_change and not isinstance(self.backbone, str | PathLike),
        )

    def open(self):
        """Return the reader of the network, compiled once per process while it is in use."""
        spec = self.resolve()
        return _readers.get_or_make(spec, lambda: NetworkReader(spec))

    @property
    def backbones(self):
        """List of the networks, which is one."""
        return [self.backbone]

    def networks(self):
        """List the prefix of the names of layers, which is empty, and this spec."""
        return [("", self)]

    @property
    def input_shape(self):
        """Shape of one sample that the network is given, where `resolve` has found it."""
        if self.image_size is None:
            return self.backbone.input_shape
        return (*self.image_size, 3)

    def __getstate__(self):
        return {**vars(self), "backbone": model_to_arrays(self.backbone)}

    def __setstate__(self, state):
        vars(self).update(state, backbone=model_from_arrays(state["backbone"]))


def _image_size(backbone, image_size):
    """(height, width) of the images that the network is given, None for vectors."""
    own = backbone.input_size
    if own is None:
        return None
    if image_size is None:
        if None in own:
            raise ValueError(
                f"The backbone {backbone.name!r} takes images of any size: set image_size="
                "(height, width)."
            )
        return own
    fits = [side in (None, given) for side, given in zip(own, image_size, strict=False)]
    if len(image_size) != 2 or not all(fits):
        raise ValueError(
            f"image_size={image_size!r} does not fit the backbone {backbone.name!r}, which takes "
            f"images of (height, width) {own}."
        )
    return image_size
