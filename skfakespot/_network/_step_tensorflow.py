# SPDX-License-Identifier: BSD-3-Clause
"""The compiled step on TensorFlow: NumPy receives each tensor while the next layers run."""

import itertools
from functools import cache, partial

SMALLEST_BATCH = 2


def compile_step(_model, show_taps, input_shape):
    """Compile the step; see `skfakespot._network._step.compile_step`."""
    import tensorflow

    receivers, tickets = {}, itertools.count()

    def deliver(layer, ticket, output):
        receivers[int(ticket)](layer, output)
        return True

    def traced(batch, ticket):
        delivered = []

        def show(layer, output):
            # NumPy is given the tensor's own memory, without a copy.
            function = partial(deliver, layer)
            delivered.append(tensorflow.numpy_function(function, [ticket, output], tensorflow.bool))

        show_taps(batch, show)
        return tensorflow.stack(delivered)

    @cache
    def compiled():
        # A concrete function stays out of TensorFlow's count of retraced functions, which warns of
        # the fifth network. The free first axis fits batches of any size.
        return tensorflow.function(traced, autograph=False).get_concrete_function(
            tensorflow.TensorSpec((None, *input_shape)), tensorflow.TensorSpec((), tensorflow.int64)
        )

    def step(batch, receive):
        ticket = next(tickets)
        receivers[ticket] = receive
        try:
            number = tensorflow.constant(ticket, tensorflow.int64)
            compiled()(tensorflow.constant(batch), number).numpy()
        finally:
            del receivers[ticket]

    return step
