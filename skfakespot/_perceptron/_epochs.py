# SPDX-License-Identifier: BSD-3-Clause
"""One epoch of training, for each of Keras' backends."""

from typing import NamedTuple

import numpy as np

from .._keras import import_keras

# Steps in one call of TensorFlow's compiled loop. A fixed number, so that the shapes are the same
# and nothing is compiled again for another number of samples; a small one, so that the samples
# of a call fit in memory.
_STEPS_PER_CALL = 16


class Batches(NamedTuple):
    """What the training steps of an epoch need, one row for each step.

    `indices` and `loss_weights` have shape (n_steps, batch_size): the samples of a batch, and the
    factor of each sample's loss in the loss of the batch. The last batch is filled up to the
    common size by samples of factor 0, which change neither its loss nor its gradient.
    `learning_rates` and `penalties`, the factors of the L2 penalty, have shape (n_steps,).
    """

    indices: np.ndarray
    loss_weights: np.ndarray
    learning_rates: np.ndarray
    penalties: np.ndarray


def compile_epoch(network, optimizer, *, penalised, jit_compile):
    """Return `load(X, y) -> data` and `run(data, batches) -> losses`."""
    keras = import_keras()
    batch_loss = _make_batch_loss(keras.ops, network.output_shape[-1])
    # Positions of the weights in the L2 penalty, which biases are not part of.
    in_penalty = [
        index
        for index, variable in enumerate(network.trainable_variables)
        if penalised and len(variable.shape) == 2
    ]
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _compile_tensorflow(network, optimizer, batch_loss, in_penalty, jit_compile)
    if backend == "jax":
        return _compile_jax(network, optimizer, batch_loss, in_penalty)
    if backend == "torch":
        return _prepare_torch(network, optimizer, batch_loss, in_penalty)
    raise ValueError(
        f"FakeSpotterClassifier cannot train with Keras' backend {backend!r}. Set the "
        "environment variable KERAS_BACKEND to tensorflow, jax or torch."
    )


def _make_batch_loss(ops, n_outputs):
    def batch_loss(logits, y, loss_weights, penalty, penalised_weights):
        if n_outputs == 1:
            target = ops.cast(y[:, None], "float32")
            losses = ops.binary_crossentropy(target, logits, from_logits=True)[:, 0]
        else:
            losses = ops.sparse_categorical_crossentropy(y, logits, from_logits=True)
        loss = ops.sum(loss_weights * losses)
        for weights in penalised_weights:
            loss = loss + penalty * ops.sum(ops.square(weights))
        return loss

    return batch_loss


def _compile_tensorflow(network, optimizer, batch_loss, in_penalty, jit_compile):
    import tensorflow as tf

    train = _make_tensorflow_steps(network, optimizer, batch_loss, in_penalty, jit_compile)

    def epoch(X, y, n_steps, indices, *per_step):
        def call(index):
            batch = indices[index]
            rows = [values[index] for values in per_step]
            return train(n_steps[index], tf.gather(X, batch), tf.gather(y, batch), *rows)

        n_calls = tf.shape(indices)[0]
        return _stack_results(call, n_calls, n_calls)

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
        n_batches = len(batches.indices)
        n_steps, *grouped = _group_by_call(batches)
        losses = compiled(*data, tf.constant(n_steps), *map(tf.constant, grouped))
        return losses.numpy().ravel()[:n_batches]

    return load, run


def _make_tensorflow_steps(network, optimizer, batch_loss, in_penalty, jit_compile):
    """Return a compiled function of up to `_STEPS_PER_CALL` steps, which returns their losses."""
    import tensorflow as tf

    variables = network.trainable_variables

    @tf.function(autograph=False, jit_compile=jit_compile)
    def train(n_steps, X, y, loss_weights, learning_rates, penalties):
        def step(index):
            with tf.GradientTape() as tape:
                logits = network(X[index], training=True)
                penalised_weights = [variables[position] for position in in_penalty]
                loss = batch_loss(
                    logits, y[index], loss_weights[index], penalties[index], penalised_weights
                )
            # Not optimizer.apply: TensorFlow never frees the graph of its all-reduce, nor the
            # weights in it (tensorflow/tensorflow#97697).
            for gradient, variable in zip(tape.gradient(loss, variables), variables, strict=True):
                optimizer.update_step(gradient, variable, learning_rates[index])
            optimizer.iterations.assign_add(1)
            return loss

        return _stack_results(step, n_steps, tf.shape(learning_rates)[0])

    return train


def _stack_results(function, n_calls, capacity):
    """Stack function(0), function(1), ..., called in this order; rows up to capacity are 0."""
    import tensorflow as tf

    results = tf.TensorArray(tf.float32, capacity)
    _, results = tf.while_loop(
        lambda index, _: index < n_calls,
        lambda index, results: (index + 1, results.write(index, function(index))),
        (0, results),
        parallel_iterations=1,
    )
    return results.stack()


def _group_by_call(batches):
    """Number of steps in each call, and the rows of `batches` grouped by call."""
    n_batches = len(batches.indices)
    n_calls = -(-n_batches // _STEPS_PER_CALL)
    n_steps = np.full(n_calls, _STEPS_PER_CALL, dtype=np.int32)
    n_steps[-1] = n_batches - _STEPS_PER_CALL * (n_calls - 1)
    unused = n_calls * _STEPS_PER_CALL - n_batches
    grouped = []
    for rows in batches:
        rows = np.concatenate([rows, np.zeros((unused, *rows.shape[1:]), rows.dtype)])
        grouped.append(rows.reshape(n_calls, _STEPS_PER_CALL, *rows.shape[1:]))
    return n_steps, *grouped


def _compile_jax(network, optimizer, batch_loss, in_penalty):
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

    def loss_of(weights, others, X, y, loss_weights, penalty):
        logits, others = network.stateless_call(weights, others, X, training=True)
        penalised_weights = [weights[position] for position in in_penalty]
        return batch_loss(logits, y, loss_weights, penalty, penalised_weights), others

    @jax.jit
    def step(state, X, y, loss_weights, learning_rate, penalty):
        weights, others, optimizer_state = state
        optimizer_state[rate_index] = learning_rate
        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            weights, others, X, y, loss_weights, penalty
        )
        weights, optimizer_state = optimizer.stateless_apply(optimizer_state, gradients, weights)
        return (weights, others, optimizer_state), loss

    def run(data, batches):
        X, y = data
        state = tuple([variable.value for variable in variables] for variables in states)
        losses = []
        for indices, *rest in zip(*batches, strict=True):
            state, loss = step(state, X[indices], y[indices], *rest)
            losses.append(loss)
        for variables, values in zip(states, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return np.asarray(losses)

    return _load_arrays, run


def _prepare_torch(network, optimizer, batch_loss, in_penalty):
    import torch

    ops = import_keras().ops
    variables = network.trainable_variables

    def run(data, batches):
        X, y = data
        losses = []
        for indices, loss_weights, learning_rate, penalty in zip(*batches, strict=True):
            optimizer.learning_rate.assign(learning_rate)
            network.zero_grad()
            logits = network(X[indices], training=True)
            loss = batch_loss(
                logits,
                ops.convert_to_tensor(y[indices]),
                ops.convert_to_tensor(loss_weights),
                float(penalty),
                [variables[position] for position in in_penalty],
            )
            loss.backward()
            with torch.no_grad():
                optimizer.apply([variable.value.grad for variable in variables], variables)
            losses.append(float(loss.detach()))
        return np.array(losses)

    return _load_arrays, run


def _load_arrays(X, y):
    return np.asarray(X, np.float32), np.asarray(y, np.int32)
