# SPDX-License-Identifier: BSD-3-Clause
"""Which layers of a network are read, and where."""

import re
from difflib import get_close_matches

_CONVOLUTIONS = {
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
}
_DENSE = {"Dense", "EinsumDense"}
_KINDS = {"conv+dense": _CONVOLUTIONS | _DENSE, "conv": _CONVOLUTIONS, "dense": _DENSE}
# Layers, and the operations of keras.ops, which have names in another case.
_ACTIVATIONS = {
    "Activation",
    "CELU",
    "Celu",
    "ELU",
    "Elu",
    "GELU",
    "Gelu",
    "HardSigmoid",
    "HardSilu",
    "HardTanh",
    "LeakyReLU",
    "LeakyRelu",
    "LogSoftmax",
    "PReLU",
    "ReLU",
    "Relu",
    "Relu6",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
}


def select_calls(calls, layers, network):
    """Return the positions of the calls whose layers are read, ascending; at least one.

    For `layers` see `NeuronCoverageTransformer`. A ValueError, with the name of the network, says
    that no layer is selected, or that a name is unknown.
    """
    readable = [position for position, call in enumerate(calls) if call.shape]
    names = [calls[position].name for position in readable]
    if isinstance(layers, list | tuple):
        _check_names(names, layers, network)
        return [position for position in readable if _is_named(calls[position].name, layers)]
    if isinstance(layers, str) and layers in _KINDS:
        selected = [position for position in readable if _is_a(calls[position], _KINDS[layers])]
    elif isinstance(layers, str | re.Pattern):
        selected = [position for position in readable if re.search(layers, calls[position].name)]
    else:
        selected = [position for position in readable if layers(calls[position].operation)]
    if not selected:
        raise ValueError(
            f"layers={layers!r} selects none of the {len(names)} layers of the network "
            f"{network!r}, {_shortened(names)}. Accepted are 'conv+dense', 'conv', 'dense', a list "
            "of names, a regular expression or a callable."
        )
    return selected


def tap_of(calls, position, tap):
    """Return the position of the call at whose output a layer is read, its own or a later one."""
    return _following_activation(calls, position) if tap == "activation" else position


def _following_activation(calls, position):
    """Return the position of the activation that follows a layer, or the layer's own.

    Layers in between (normalisation, the sum of a residual block) are skipped, as long as each
    output has one consumer. A layer that has an activation of its own, or whose output reaches
    the next convolution or dense layer first, is read at its own output.
    """
    own = getattr(calls[position].operation, "activation", None)
    if own is not None and getattr(own, "__name__", "") != "linear":
        return position
    consumers = {}
    for consumer, call in enumerate(calls):
        for taken in set(call.inputs):
            consumers.setdefault(taken, []).append(consumer)
    reached = position
    while len(consumers.get(reached, [])) == 1:
        (reached,) = consumers[reached]
        if _is_a(calls[reached], _ACTIVATIONS):
            return reached
        if _is_a(calls[reached], _KINDS["conv+dense"]):
            break
    return position


def is_dense(operation):
    """Whether an operation is a dense layer."""
    return _is_of_kind(operation, _DENSE)


def _is_a(call, kinds):
    return _is_of_kind(call.operation, kinds)


def _is_of_kind(operation, kinds):
    return any(kind.__name__ in kinds for kind in type(operation).__mro__)


def _is_named(name, accepted):
    return name in accepted or name.partition("#")[0] in accepted


def _check_names(known, names, network):
    if not names:
        raise ValueError("layers is an empty list; name at least one layer.")
    for name in names:
        if not any(_is_named(candidate, [name]) for candidate in known):
            close = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {_shortened(known)}."
            raise ValueError(f"The network {network!r} has no layer {name!r}: {hint}")


def _shortened(names, most=8):
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
