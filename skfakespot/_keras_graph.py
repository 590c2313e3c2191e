# SPDX-License-Identifier: BSD-3-Clause
"""A walk through the layers of a Keras network, in the order of the forward pass."""

from ._keras import import_keras


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
