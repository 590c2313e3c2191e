# SPDX-License-Identifier: BSD-3-Clause
"""The layers of a network by name, and which of them a choice of layers reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from .._network import tap_of, trace_layers
from .._sklearn_compat import validate_parameters
from ..backbones import list_backbones
from ..coverage import NeuronCoverageTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import BackboneLike, ImageSize, Layers, Tap


class LayerCard(NamedTuple):
    """A layer of a network, and how it is read.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Name of the layer, as `layers` of `NeuronCoverageTransformer` accepts it. The layers of a
        nested network begin with its name and a slash; the second call of a shared layer ends in
        ``#2``, and so on.
    kind : str
        Class of the layer, such as ``"Conv2D"``.
    shape : tuple of int
        Shape of the output that is read, for one image; the last number is that of feature maps.
    n_neurons, n_maps : int
        Number of scalars and of feature maps of this output.
    selected : bool
        Whether `layers` selects the layer.
    tap : str
        Name of the layer whose output is read: with ``tap="activation"`` it is the activation that
        follows, where there is one, otherwise the layer itself.

    Examples
    --------
    >>> from skfakespot.inspection import list_layers
    >>> card = list_layers()[0]
    >>> card.name, card.kind, card.shape, card.n_neurons
    ('stem_conv', 'Conv2D', (72, 72, 32), 165888)
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    n_neurons: int
    n_maps: int
    selected: bool
    tap: str


def list_layers(
    backbone: BackboneLike | Sequence[BackboneLike] = "dlib-resnet29",
    *,
    layers: Layers = "conv+dense",
    tap: Tap = "layer",
    image_size: ImageSize | Sequence[ImageSize | None] | None = None,
) -> list[LayerCard]:
    """List the layers of a network, and say which of them are read.

    Nothing is downloaded: names and shapes do not depend on the weights, so that a backbone by name
    is built with random ones.

    .. versionadded:: 0.1

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone, callable or list, default="dlib-resnet29"
        The network or networks; see `NeuronCoverageTransformer`. A callable with a parameter
        ``input_shape`` is given ``(*image_size, 3)``.
    layers : str, list of str, re.Pattern or callable, default="conv+dense"
        The choice of layers that is tried; see `NeuronCoverageTransformer`.
    tap : {"layer", "activation"}, default="layer"
        Where the layers are read; see `NeuronCoverageTransformer`.
    image_size : None, tuple of (height, width) or list, default=None
        Size of the images in pixels, which the shapes depend on; see `NeuronCoverageTransformer`.

    Returns
    -------
    cards : list of LayerCard
        All layers that can be read, in the order of the forward pass. Layers whose output is not
        one tensor are left out.

    Raises
    ------
    BackboneError
        A ValueError: the network cannot be built.
    ValueError
        If `layers` selects no layer or names an unknown one, or `image_size` does not fit.

    See Also
    --------
    NeuronCoverageTransformer : Reads the layers that are selected.

    Examples
    --------
    >>> from skfakespot.inspection import list_layers
    >>> cards = list_layers(layers="^stage1_block1", tap="activation")
    >>> selected = [card for card in cards if card.selected]
    >>> [(card.name, card.kind, card.shape) for card in selected[:2]]
    [('stage1_block1_conv1', 'Conv2D', (35, 35, 32)), ...]
    >>> selected[0].tap
    'stage1_block1_relu1'
    """
    return [card for network in _networks(backbone, layers, tap, image_size) for card in network]


def _networks(backbone, layers, tap, image_size):
    """Iterate over the networks; each is a list of the cards of its layers."""
    reading = NeuronCoverageTransformer(
        backbone, weights=_no_download(backbone), layers=layers, tap=tap, image_size=image_size
    )
    validate_parameters(reading)
    if image_size is not None and not isinstance(backbone, list | tuple):
        reading._sample_shape = (*image_size, 3)
    for prefix, spec in reading._network_spec().resolve().networks():
        calls, selected = trace_layers(spec)
        yield [
            _card(calls, position, tap, prefix, is_selected=position in selected)
            for position, call in enumerate(calls)
            if call.shape
        ]


def _no_download(backbone):
    """The parameter `weights` with which no weights of a backbone by name are needed."""
    if isinstance(backbone, list | tuple):
        return [_no_download(each) for each in backbone]
    return "random" if isinstance(backbone, str) and backbone in list_backbones() else None


def _card(calls, position, tap, prefix, *, is_selected):
    call, read = calls[position], calls[tap_of(calls, position, tap)]
    return LayerCard(
        name=prefix + call.name,
        kind=type(call.operation).__name__,
        shape=read.shape,
        n_neurons=math.prod(read.shape),
        n_maps=read.shape[-1],
        selected=is_selected,
        tap=prefix + read.name,
    )
