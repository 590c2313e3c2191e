# SPDX-License-Identifier: BSD-3-Clause
"""Reductions on the device with TensorFlow, whose float64 holds every sum exactly."""

from functools import cache

import numpy as np

from ._exact_sums import SUM_BITS, sections


class Operations:
    """What Keras' own operations lack; see `skfakespot._network._reduced_step`."""

    def count(self, mask, *, by_map):
        """Count where a mask (n_images, n_places, n_maps) is True: (n_images, n_maps or 1)."""
        import tensorflow

        # TensorFlow adds int32 on the host.
        ones = tensorflow.cast(mask, tensorflow.int64)
        counts = tensorflow.reduce_sum(ones, axis=1)
        counts = counts if by_map else tensorflow.reduce_sum(counts, axis=1, keepdims=True)
        return tensorflow.cast(counts, tensorflow.int32)

    def all_finite(self, values):
        """Whether all values (n_images, n_values) of each image are finite: (n_images, 1)."""
        import tensorflow

        return tensorflow.reduce_all(tensorflow.math.is_finite(values), axis=1, keepdims=True)

    def add_exactly(self, values):
        """Add values (n_images, n_places, n_maps) over places; see `_exact_sums`."""
        import tensorflow

        largest = tensorflow.reduce_max(tensorflow.abs(values), axis=1, keepdims=True)
        bits = tensorflow.cast(tensorflow.bitcast(largest, tensorflow.int32), tensorflow.int64)
        shift = tensorflow.bitwise
        exponents = tensorflow.maximum(shift.right_shift(bits, 23), 1) - 126 + (52 - SUM_BITS)
        # Adding and subtracting it rounds to a multiple of the last place kept.
        power = tensorflow.bitcast(shift.left_shift(exponents + 1023, 52), tensorflow.float64)
        magic = 1.5 * power
        total = 0
        for start, stop in sections(values.shape[1]):
            section = tensorflow.cast(values[:, start:stop], tensorflow.float64)
            total += tensorflow.reduce_sum((section + magic) - magic, axis=1)
        return total[:, :, None]

    def approximate(self, sums):
        """Turn sums of `add_exactly` into float32 (n_images, n_maps)."""
        import tensorflow

        return tensorflow.cast(sums[:, :, 0], tensorflow.float32)

    def decode(self, sums):
        """Turn the sums of `add_exactly`, as ndarray, into float64 (n_images, n_maps)."""
        return sums[:, :, 0]

    def covariances(self, values):
        """Covariances (n_images, n_maps, n_maps) of centred maps (n_images, n_places, n_maps)."""
        import tensorflow

        # GPUs would round factors in float32 to 11 bits by default.
        values = tensorflow.cast(values, tensorflow.float64)
        products = tensorflow.matmul(values, values, transpose_a=True) / values.shape[1]
        return tensorflow.cast(products, tensorflow.float32)

    def list_inside(self, inside):
        """Return the values inside and their columns, or None."""
        import tensorflow

        mask = tensorflow.reshape(inside.mask, [-1])
        places = tensorflow.where(mask)[:, 0]
        values = tensorflow.gather(tensorflow.reshape(inside.values, [-1]), places)
        if inside.n_maps is None:
            return values, None
        within_image = places % inside.values.shape[1]
        firsts = tensorflow.gather(inside.first_columns, within_image // inside.n_maps)
        maps = tensorflow.cast(within_image % inside.n_maps, tensorflow.int32)
        return values, firsts + maps


def compile_reduced_step(_model, reduce_taps, input_shape, n_arguments):
    """Compile the step; see `skfakespot._network._reduced_step`."""
    import tensorflow

    operations = Operations()

    @cache
    def compiled():
        def traced(batch, n_images, arguments):
            is_image = tensorflow.range(tensorflow.shape(batch)[0]) < n_images
            rows, lists = reduce_taps(operations, batch, is_image, arguments)
            joined = {
                name: tensorflow.concat(parts, axis=0) for name, parts in lists.items() if parts
            }
            return rows, joined

        return tensorflow.function(traced, autograph=False).get_concrete_function(
            tensorflow.TensorSpec((None, *input_shape)),
            tensorflow.TensorSpec((), tensorflow.int32),
            tensorflow.TensorSpec((n_arguments,)),
        )

    def step(batch, n_images, arguments):
        rows, lists = compiled()(
            tensorflow.constant(batch),
            tensorflow.constant(n_images, tensorflow.int32),
            tensorflow.constant(arguments),
        )
        return tuple(
            {name: np.asarray(tensor.numpy()) for name, tensor in group.items()}
            for group in (rows, lists)
        )

    return step
