# SPDX-License-Identifier: BSD-3-Clause
"""A network as the sequence of its layers' calls."""

from typing import Any, NamedTuple

import numpy as np

from .._keras import import_keras
from .._keras_graph import run


class Call(NamedTuple):
    """One call of a layer in the forward pass.

    Attributes
    ----------
    name : str
        The layer's name, after the names of the networks around it, with slashes. The second call
        of a shared layer ends in ``#2``, and so on.
    operation : keras.layers.Layer or keras.Operation
        What is called.
    inputs : tuple of int
        Positions of the calls whose outputs it takes.
    shape : tuple of int
        Shape of the output for one sample; empty if the output is not one tensor.
    arguments : tuple of str
        All arguments in order: which output of which call, the network's input, or a constant.
    """

    name: str
    operation: Any
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    arguments: tuple[str, ...]


def trace(model, batch):
    """List the calls of a network's layers, in the order of the forward pass."""
    keras = import_keras()
    ops = keras.ops
    calls, origin_of, n_calls, alive = [], {}, {}, []

    def visit(name, operation, inputs, output):
        n_calls[name] = n_calls.get(name, 0) + 1
        if n_calls[name] > 1:
            name = f"{name}#{n_calls[name]}"
        origins = [origin_of[id(value)] for value in inputs if id(value) in origin_of]
        arguments = [
            "output {1} of call {0}".format(*origin_of[id(value)])
            if id(value) in origin_of
            else "input"
            if ops.is_tensor(value)
            else _as_text(value)
            for value in inputs
        ]
        shape = tuple(ops.shape(output)[1:]) if ops.is_tensor(output) else ()
        for number, tensor in enumerate(keras.tree.flatten(output)):
            origin_of[id(tensor)] = len(calls), number
        # A tensor that is freed could leave its id to another one.
        alive.append(output)
        taken = tuple(position for position, _ in origins)
        calls.append(Call(name, operation, taken, shape, tuple(arguments)))

    run(model, ops.convert_to_tensor(batch), visit)
    return calls


def _as_text(constant):
    return f"{constant.tolist() if isinstance(constant, np.ndarray) else constant!r}"
