"""Which layers of a network are read."""

import re
from difflib import get_close_matches

from .._keras import import_keras

_CONVOLUTIONS = (
    *("Conv1D", "Conv2D", "Conv3D"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
)
_DENSE = ("Dense", "EinsumDense")
_KINDS = {"conv+dense": _CONVOLUTIONS + _DENSE, "conv": _CONVOLUTIONS, "dense": _DENSE}


def select_layers(model, layers):
    """Select layers of a model, in the order of the forward pass.

    Parameters
    ----------
    model : keras.Model
        The network.
    layers : {"conv+dense", "conv", "dense"}, str, re.Pattern, list of str or callable
        Kinds of layers; any other string is a regular expression that is searched in the names;
        a list names the layers; a callable takes a layer and returns whether it is read.

    Returns
    -------
    selected : list of keras.layers.Layer
        At least one layer.

    Raises
    ------
    ValueError
        If no layer is selected or a name is unknown.
    """
    candidates = _readable_layers(model)
    if callable(layers):
        selected = [layer for layer in candidates if layers(layer)]
    elif isinstance(layers, str) and layers in _KINDS:
        kinds = tuple(getattr(import_keras().layers, kind) for kind in _KINDS[layers])
        selected = [layer for layer in candidates if isinstance(layer, kinds)]
    elif isinstance(layers, str | re.Pattern):
        pattern = re.compile(layers)
        selected = [layer for layer in candidates if pattern.search(layer.name)]
    else:
        return _layers_by_name(candidates, layers)
    if not selected:
        raise ValueError(
            f"layers={layers!r} selects none of the {len(candidates)} layers of {model.name!r}. "
            f"Its layers are {_shortened([layer.name for layer in candidates])}. Accepted are "
            "'conv+dense', 'conv', 'dense', a list of names, a regular expression or a callable."
        )
    return selected


def _readable_layers(model):
    input_layer = import_keras().layers.InputLayer
    return [layer for layer in model.layers if not isinstance(layer, input_layer)]


def _layers_by_name(candidates, names):
    names = list(names)
    known = [layer.name for layer in candidates]
    for name in names:
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {_shortened(known)}."
            raise ValueError(f"The network has no layer {name!r}: {hint}")
    if not names:
        raise ValueError("layers is an empty list; name at least one layer.")
    return [layer for layer in candidates if layer.name in names]


def _shortened(names, most=8):
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
