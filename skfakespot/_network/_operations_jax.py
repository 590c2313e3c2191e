# SPDX-License-Identifier: BSD-3-Clause
"""Reductions on the device with JAX, which has no float64 and only arrays of fixed sizes."""

import threading

import numpy as np

from .._keras import import_keras
from ._exact_sums import SUM_BITS, sections

# Of a sum's bits, those in the first of three int32 numbers, and in each of the others.
_FIRST_BITS, _OTHER_BITS = 10, 11
_SHIFTS = np.array([2 * _OTHER_BITS, _OTHER_BITS, 0])
# Room for the neurons that are listed, as a share of all neurons; doubled until they fit.
_LEAST_ROOM = 1 / 16
# Listed values are copied to the host in so many sizes, each of which is compiled.
_N_SIZES = 32
_WORD = 32


class Operations:
    """What Keras' own operations lack; see `skfakespot._network._reduced_step`.

    `room` is the share of a layer's neurons that can be listed.
    """

    def __init__(self, room):
        self._room = room

    def count(self, mask, *, by_map):
        """Count where a mask (n_images, n_places, n_maps) is True: (n_images, n_maps or 1)."""
        if by_map:
            return mask.sum(axis=1, dtype="int32")
        return mask.sum(axis=(1, 2), dtype="int32")[:, None]

    def all_finite(self, values):
        """Whether all values (n_images, n_values) of each image are finite: (n_images, 1)."""
        import jax.numpy as jnp

        return jnp.isfinite(values).all(axis=1, keepdims=True)

    def add_exactly(self, values):
        """Add values (n_images, n_places, n_maps) over places; see `_exact_sums`.

        Returns (n_images, n_maps, 3 * n_sections + 1), int32: the sums of each section's three
        numbers, and the exponent.
        """
        import jax.numpy as jnp
        from jax.lax import bitcast_convert_type

        largest = jnp.abs(values).max(axis=1, keepdims=True)
        exponents = jnp.maximum(bitcast_convert_type(largest, jnp.int32) >> 23, 1) - 126
        scaled = (
            values * _power_of_two(-exponents // 2) * _power_of_two(-exponents - -exponents // 2)
        )
        sums = []
        for start, stop in sections(values.shape[1]):
            rest = scaled[:, start:stop]
            bits = 0
            for own_bits in (_FIRST_BITS, _OTHER_BITS, _OTHER_BITS):
                bits += own_bits
                number = jnp.round(rest * np.float32(2.0**bits))
                rest = rest - number * np.float32(2.0**-bits)
                sums.append(number.astype(jnp.int32).sum(axis=1))
        return jnp.stack([*sums, exponents[:, 0]], axis=2)

    def approximate(self, sums):
        """Turn sums of `add_exactly` into float32 (n_images, n_maps)."""
        import jax.numpy as jnp

        numbers, exponents = sums[:, :, :-1], sums[:, :, -1]
        units = np.tile(2.0 ** (_SHIFTS - SUM_BITS), numbers.shape[2] // 3).astype(np.float32)
        total = (numbers.astype(jnp.float32) * units).sum(axis=2)
        return total * _power_of_two(exponents // 2) * _power_of_two(exponents - exponents // 2)

    def decode(self, sums):
        """Turn the sums of `add_exactly`, as ndarray, into float64 (n_images, n_maps)."""
        numbers = sums[:, :, :-1].astype(np.int64).reshape(*sums.shape[:2], -1, 3)
        totals = (numbers << _SHIFTS).sum(axis=(2, 3)).astype(np.float64)
        return np.ldexp(totals, sums[:, :, -1] - SUM_BITS)

    def covariances(self, values):
        """Covariances (n_images, n_maps, n_maps) of centred maps (n_images, n_places, n_maps)."""
        import jax.numpy as jnp

        # GPUs would round the factors to 11 bits by default.
        products = jnp.matmul(values.swapaxes(1, 2), values, precision="highest")
        return products / values.shape[1]

    def list_inside(self, inside):
        """Return the values inside and their columns, or None, followed by unused room."""
        import jax.numpy as jnp

        n_images, n_neurons = inside.values.shape
        if n_images * n_neurons >= 2**31:
            raise MemoryError("JAX numbers the neurons of a batch with 31 bits")
        room = min(n_images * n_neurons, 64 + int(self._room * n_images * n_neurons))
        places = _places_of_true(inside.mask.reshape(-1), room)
        values = inside.values.reshape(-1)[places]
        if inside.n_maps is None:
            return values, None
        within_image = places % n_neurons
        firsts = jnp.asarray(inside.first_columns)[within_image // inside.n_maps]
        return values, firsts + within_image % inside.n_maps


def _power_of_two(exponents):
    """2 to integer powers from -126 to 127, float32, exactly."""
    import jax.numpy as jnp
    from jax.lax import bitcast_convert_type

    return bitcast_convert_type((exponents + 127) << 23, jnp.float32)


def _places_of_true(mask, room):
    """Where a 1-D mask is True, int32 (room,); further places have no meaning.

    32 neurons are packed into a word, so that the search for the place of each listed neuron runs
    over words, and then over the bits of one word.
    """
    import jax.numpy as jnp
    from jax.lax import cummax, population_count

    mask = jnp.pad(mask, (0, -len(mask) % _WORD)).reshape(-1, _WORD)
    shifts = jnp.arange(_WORD, dtype=jnp.uint32)
    words = (mask.astype(jnp.uint32) << shifts).sum(axis=1, dtype=jnp.uint32)
    n_bits = population_count(words).astype(jnp.int32)
    starts = jnp.cumsum(n_bits) - n_bits
    numbers = jnp.arange(len(words), dtype=jnp.int32)
    first = jnp.zeros(room, dtype=jnp.int32)
    first = first.at[jnp.where(n_bits > 0, starts, room)].max(numbers, mode="drop")
    word_of = cummax(first)
    rank = jnp.arange(room, dtype=jnp.int32) - starts[word_of]
    word, bit = words[word_of], jnp.zeros(room, dtype=jnp.int32)
    for half in (16, 8, 4, 2, 1):
        lower = population_count(word & jnp.uint32((1 << half) - 1)).astype(jnp.int32)
        is_upper = rank >= lower
        rank = jnp.where(is_upper, rank - lower, rank)
        word = jnp.where(is_upper, word >> half, word)
        bit = jnp.where(is_upper, bit + half, bit)
    return word_of * _WORD + bit


def _join(lists, lengths):
    """Write the listed values of all layers one after another, without the room between them."""
    import jax.numpy as jnp
    from jax.lax import dynamic_update_slice

    sizes = [len(values) for values in lists]
    joined, start = jnp.zeros(sum(sizes), dtype=lists[0].dtype), jnp.int32(0)
    for values, length in zip(lists, lengths, strict=True):
        # The next layer overwrites what this layer has not used.
        joined = dynamic_update_slice(joined, values, (start,))
        start += length
    return joined


def compile_reduced_step(model, reduce_taps, _input_shape, _n_arguments):
    """Compile the step; see `skfakespot._network._reduced_step`."""
    import jax
    import jax.numpy as jnp

    keras = import_keras()

    def traced(room, weights, batch, n_images, arguments):
        # Weights that are arguments may change, and are not compiled in as constants.
        mapping = zip(model.variables, weights, strict=True)
        with keras.StatelessScope(state_mapping=list(mapping)):
            is_image = jnp.arange(len(batch)) < n_images
            rows, lists = reduce_taps(Operations(room), batch, is_image, arguments)
        lists = {name: parts for name, parts in lists.items() if parts}
        if not lists:
            return rows, {}, jnp.zeros(0), jnp.zeros(0)
        lengths = rows["lengths"].sum(axis=0)
        rooms = np.array([len(values) for values in lists["values"]], dtype=np.int32)
        joined = {name: _join(parts, lengths) for name, parts in lists.items()}
        return rows, joined, rooms, lengths

    compiled = jax.jit(traced, static_argnums=0)
    largest, room, lock = 0, _LEAST_ROOM, threading.Lock()

    def step(batch, n_images, arguments):
        nonlocal largest, room
        weights = [variable.value for variable in model.variables]
        fits = False
        while not fits:
            # Two threads would compile the same step twice, and each number of images again.
            with lock:
                largest, own_room = max(largest, len(batch)), room
                missing = [(0, largest - len(batch)), *[(0, 0)] * (batch.ndim - 1)]
                rows, lists, rooms, lengths = compiled(
                    own_room, weights, np.pad(batch, missing), n_images, arguments
                )
            fullness = (np.asarray(lengths) / np.asarray(rooms)).max(initial=0)
            fits = fullness <= 1
            with lock:
                room = max(room, own_room * 2.0 ** np.ceil(np.log2(max(fullness, 1))))
        rows = {name: np.asarray(tensor) for name, tensor in rows.items()}
        total = int(np.sum(lengths))
        return rows, {name: _first(tensor, total) for name, tensor in lists.items()}

    return step


def _first(tensor, length):
    """The first values of a tensor as an ndarray; few more than these are copied to the host."""
    unit = max(1, -(-len(tensor) // _N_SIZES))
    return np.asarray(tensor[: -(-length // unit) * unit])
