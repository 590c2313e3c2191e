"""One epoch of training, on whichever backend Keras runs."""

from typing import NamedTuple

import numpy as np

from .._keras import import_keras

# Steps in one call of TensorFlow's compiled loop. Fixed, so that its shapes and compilations are
# the same for every number of samples; small, so that the call's samples fit in memory.
_STEPS_A_CALL = 16


class Batches(NamedTuple):
    """What the steps of an epoch need, one row a step.

    `scales` are the samples' shares in the batch's loss. The last batch is filled up to
    the common size by samples of share 0, which leaves its loss and gradient as they were.
    """

    order: np.ndarray
    scales: np.ndarray
    rates: np.ndarray
    penalties: np.ndarray


def compile_epoch(network, optimizer, *, penalised, jit_compile):
    """Return `load(X, y) -> data` and `run(data, batches) -> losses`."""
    keras = import_keras()
    batch_loss = _make_batch_loss(keras.ops, network.output_shape[-1])
    kernels = [
        index
        for index, variable in enumerate(network.trainable_variables)
        if penalised and len(variable.shape) == 2
    ]
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _compile_tensorflow(network, optimizer, batch_loss, kernels, jit_compile)
    if backend == "jax":
        return _compile_jax(network, optimizer, batch_loss, kernels)
    if backend == "torch":
        return _prepare_torch(network, optimizer, batch_loss, kernels)
    raise ValueError(
        f"FakeSpotterClassifier cannot train with Keras' backend {backend!r}. Set the "
        "environment variable KERAS_BACKEND to tensorflow, jax or torch."
    )


def _make_batch_loss(ops, n_outputs):
    """Loss of one batch from logits, class indices, shares and the penalised kernels."""

    def batch_loss(values, y, scales, penalty, kernels):
        if n_outputs == 1:
            target = ops.cast(y[:, None], "float32")
            losses = ops.binary_crossentropy(target, values, from_logits=True)[:, 0]
        else:
            losses = ops.sparse_categorical_crossentropy(y, values, from_logits=True)
        loss = ops.sum(scales * losses)
        for kernel in kernels:
            loss = loss + penalty * ops.sum(ops.square(kernel))
        return loss

    return batch_loss


def _compile_tensorflow(network, optimizer, batch_loss, kernels, jit_compile):
    import tensorflow as tf

    variables = network.trainable_variables

    def collect(n_steps, capacity, step):
        """Stack step(0), step(1), ... in order."""
        results = tf.TensorArray(tf.float32, capacity)
        _, results = tf.while_loop(
            lambda index, _: index < n_steps,
            lambda index, results: (index + 1, results.write(index, step(index))),
            (0, results),
            parallel_iterations=1,
        )
        return results.stack()

    @tf.function(autograph=False, jit_compile=jit_compile)
    def train(n_steps, X, y, scales, rates, penalties):
        def step(index):
            optimizer.learning_rate.assign(rates[index])
            with tf.GradientTape() as tape:
                values = network(X[index], training=True)
                penalised = [variables[kernel] for kernel in kernels]
                loss = batch_loss(values, y[index], scales[index], penalties[index], penalised)
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        return collect(n_steps, tf.shape(rates)[0], step)

    def epoch(X, y, n_steps, order, scales, rates, penalties):
        def call(index):
            chosen = order[index]
            return train(
                n_steps[index],
                tf.gather(X, chosen),
                tf.gather(y, chosen),
                scales[index],
                rates[index],
                penalties[index],
            )

        n_calls = tf.shape(order)[0]
        return collect(n_calls, n_calls, call)

    # A concrete function has one trace for every number of samples, and stays out of
    # TensorFlow's count of retraced functions, which warns.
    compiled = tf.function(epoch, autograph=False).get_concrete_function(
        tf.TensorSpec((None, network.input_shape[-1]), tf.float32),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None, None, None), tf.int32),
        tf.TensorSpec((None, None, None), tf.float32),
        tf.TensorSpec((None, None), tf.float32),
        tf.TensorSpec((None, None), tf.float32),
    )

    def load(X, y):
        return tf.constant(X, tf.float32), tf.constant(y, tf.int32)

    def run(data, batches):
        n_batches = len(batches.order)
        n_steps, *filled = _in_calls(batches)
        losses = compiled(*data, tf.constant(n_steps), *map(tf.constant, filled))
        return losses.numpy().ravel()[:n_batches]

    return load, run


def _in_calls(batches):
    """Number of steps of each call, and the batches' rows divided among the calls."""
    n_batches = len(batches.order)
    n_calls = -(-n_batches // _STEPS_A_CALL)
    n_steps = np.full(n_calls, _STEPS_A_CALL, dtype=np.int32)
    n_steps[-1] = n_batches - _STEPS_A_CALL * (n_calls - 1)
    unused = n_calls * _STEPS_A_CALL - n_batches
    filled = []
    for rows in batches:
        rows = np.concatenate([rows, np.zeros((unused, *rows.shape[1:]), rows.dtype)])
        filled.append(rows.reshape(n_calls, _STEPS_A_CALL, *rows.shape[1:]))
    return n_steps, *filled


def _compile_jax(network, optimizer, batch_loss, kernels):
    import jax

    states = (
        network.trainable_variables,
        network.non_trainable_variables,
        optimizer.variables,
    )
    rate_index = next(
        index
        for index, variable in enumerate(optimizer.variables)
        if variable is optimizer.learning_rate
    )

    def loss_of(weights, others, X, y, scales, penalty):
        values, others = network.stateless_call(weights, others, X, training=True)
        penalised = [weights[kernel] for kernel in kernels]
        return batch_loss(values, y, scales, penalty, penalised), others

    @jax.jit
    def step(state, X, y, scales, rate, penalty):
        weights, others, slots = state
        slots[rate_index] = rate
        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            weights, others, X, y, scales, penalty
        )
        weights, slots = optimizer.stateless_apply(slots, gradients, weights)
        return (weights, others, slots), loss

    def run(data, batches):
        X, y = data
        state = tuple([variable.value for variable in variables] for variables in states)
        losses = []
        for order, *rest in zip(*batches, strict=True):
            state, loss = step(state, X[order], y[order], *rest)
            losses.append(loss)
        for variables, values in zip(states, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return np.asarray(losses)

    return _load_arrays, run


def _prepare_torch(network, optimizer, batch_loss, kernels):
    import torch

    ops = import_keras().ops
    variables = network.trainable_variables

    def run(data, batches):
        X, y = data
        losses = []
        for order, scales, rate, penalty in zip(*batches, strict=True):
            optimizer.learning_rate.assign(rate)
            network.zero_grad()
            values = network(X[order], training=True)
            loss = batch_loss(
                values,
                ops.convert_to_tensor(y[order]),
                ops.convert_to_tensor(scales),
                float(penalty),
                [variables[kernel] for kernel in kernels],
            )
            loss.backward()
            with torch.no_grad():
                optimizer.apply([variable.value.grad for variable in variables], variables)
            losses.append(float(loss.detach()))
        return np.array(losses)

    return _load_arrays, run


def _load_arrays(X, y):
    return np.asarray(X, np.float32), np.asarray(y, np.int32)
