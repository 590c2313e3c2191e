"""A network as the sequence of its layers' calls."""

from typing import Any, NamedTuple

import numpy as np

from .._keras import import_keras


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


def run(model, batch, visit, call=None):
    """Run a functional or sequential network, and enter the networks nested in it.

    ``visit(name, operation, inputs, output)`` is called after each call, in the order of the
    forward pass; inputs are tensors. ``call(operation, arguments, options)`` computes the output of
    a layer; None is for ``operation(*arguments, **options)``.
    """
    _run(_graph_of(model), [batch], visit, call or _call_plainly, "")


def _call_plainly(operation, arguments, options):
    return operation(*arguments, **options)


def _run(graph, inputs, visit, call, prefix):
    keras = import_keras()

    def called(operation):
        def visited_call(*arguments, **options):
            name = prefix + operation.name
            nested = _graph_of(operation) if isinstance(operation, keras.Model) else None
            if nested is not None:
                return _run(nested, keras.tree.flatten(arguments), visit, call, f"{name}/")
            output = call(operation, arguments, options)
            visit(name, operation, keras.tree.flatten((arguments, options)), output)
            return output

        return visited_call

    # Keras' own walk through the graph is the one way in that reads shared and nested layers and
    # leaves the user's network as it is; it is private, so it is used in this place alone.
    return graph._run_through_graph(inputs, operation_fn=called)


def _graph_of(model):
    """The functional network inside a model, or None for a model that is defined by code."""
    model = getattr(model, "_functional", None) or model
    return model if hasattr(model, "_run_through_graph") else None


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
