# SPDX-License-Identifier: BSD-3-Clause
"""One layer's outputs for a batch, reduced to sums, counts and the values in a band."""

from itertools import pairwise

import numpy as np

# Values that are reduced together; with their masks they stay in the cache of a core.
_PIECE = 1 << 18
# Images of a batch. Importing the compiler takes longer than it saves on fewer.
_WORTH_COMPILING = 8


def neurons_of(outputs, neuron):
    """Return the neurons of each image, (n_images, n_neurons), float32.

    A neuron is every scalar of the outputs (n_images, ..., n_channels), or with
    ``neuron="channel"`` the spatial mean of each feature map.
    """
    if neuron == "channel" and outputs.ndim > 2:
        n_positions = outputs[0].size // outputs.shape[-1]
        totals = outputs.sum(axis=-2).astype(np.float64)
        totals = totals.reshape(len(outputs), -1, outputs.shape[-1]).sum(axis=1)
        return (totals / n_positions).astype(np.float32)
    return outputs.reshape(len(outputs), -1)


def sum_neurons(neurons):
    """Return the sum of each image's neurons, added in float64, whatever else is in the batch."""
    from ._neuron_kernels import add_values  # compiled at its first use

    return np.array([add_values(row) for row in _rows(neurons)])


def count_active(neurons, threshold, columns=1):
    """Count the neurons (n_images, n_neurons) above a float32 threshold, strictly.

    Neuron i adds to column i modulo `columns`; the threshold may be an array (columns,). Returns
    counts (n_images, columns), int64.
    """
    if columns == 1:
        return _count_in_one_column(neurons, threshold)
    counts = np.zeros((len(neurons), columns), dtype=np.int64)
    buffer = np.empty(_largest_block(neurons), dtype=bool)
    for images in groups(neurons):
        for block in _blocks(neurons[images], columns):
            limit = np.resize(threshold, block.shape[-1]) if np.ndim(threshold) else threshold
            mask = np.greater(block, limit, buffer[: block.size].reshape(block.shape))
            for image, row in enumerate(mask, images.start):
                counts[image] += count_in_columns(row, columns)
    return counts


def _count_in_one_column(neurons, threshold):
    limit = np.float32(np.squeeze(threshold))
    count = _count_above
    if len(neurons) >= _WORTH_COMPILING:
        from ._neuron_kernels import count_above as count
    counts = [[count(row, limit)] for row in _rows(neurons)]
    return np.array(counts, dtype=np.int64).reshape(len(neurons), 1)


def _count_above(values, threshold):
    return np.count_nonzero(values > threshold)


def sum_and_split(neurons, low, high, columns=1):
    """Add up the neurons, count those above a band, and list those inside it.

    The band is above `low`, up to and including `high`, float32. Returns for each image its sum,
    its counts above the band (columns), and two lists of arrays: the values inside the band, and
    their columns (uint16, or uint32 for many columns) if there is more than one.
    """
    split = _split if columns == 1 else _split_in_columns
    return sum_neurons(neurons), *split(neurons, low, high, columns)


def _split(neurons, low, high, _columns):
    """Split the neurons at a band, where they add to one column."""
    from ._neuron_kernels import copy_between, count_above_both

    above, inside = np.zeros((len(neurons), 1), dtype=np.int64), []
    for image, row in enumerate(_rows(neurons)):
        above_low, above[image] = count_above_both(row, low, high)
        n_inside = int(above_low - above[image, 0])
        values = np.empty(n_inside + 1, dtype=np.float32)
        if n_inside:
            copy_between(row, low, high, values)
        inside.append([values[:n_inside]])
    return above, inside, [[] for _ in inside]


def _split_in_columns(neurons, low, high, columns):
    """Split the neurons at a band, where neuron i adds to column i modulo `columns`."""
    n_images = len(neurons)
    column_type = np.uint16 if columns <= 1 << 16 else np.uint32
    above = np.zeros((n_images, columns), dtype=np.int64)
    inside, inside_columns = ([[] for _ in range(n_images)] for _ in range(2))
    words = np.empty((2, -(-_largest_block(neurons) // 8)), dtype=np.uint64)
    for images in groups(neurons):
        for block in _blocks(neurons[images], columns):
            over, within = (row.view(bool)[: block.size].reshape(block.shape) for row in words)
            np.greater(block, high, over)
            np.greater(block, low, within)
            # Eight bytes at a time: what is above `low` but not above `high` is within.
            np.bitwise_xor(*words, words[1])
            places = np.flatnonzero(within)
            values = block.take(places)
            ends = np.searchsorted(places, np.arange(1, len(block) + 1) * block.shape[1]).tolist()
            places %= columns
            for row, (start, end) in enumerate(pairwise([0, *ends])):
                image = images.start + row
                above[image] += count_in_columns(over[row], columns)
                inside[image].append(values[start:end])
                inside_columns[image].append(places[start:end].astype(column_type))
    return above, inside, inside_columns


def split_cells(cells, low, high, n_maps):
    """Split the neurons of each cell of the maps at a band; see `sum_and_split`.

    Takes a list of arrays (n_images, n_neurons_of_cell). Cell i has the columns from i * `n_maps`.
    """
    n_images = len(cells[0])
    column_type = np.uint16 if len(cells) * n_maps <= 1 << 16 else np.uint32
    above = []
    inside, inside_columns = ([[] for _ in range(n_images)] for _ in range(2))
    split = _split if n_maps == 1 else _split_in_columns
    for number, cell in enumerate(cells):
        own, values, columns = split(cell, low, high, n_maps)
        above.append(own)
        for image in range(n_images):
            inside[image] += values[image]
            first = column_type(number * n_maps)
            # With one map, the neurons of a cell have no columns.
            listed = columns[image] or [np.zeros(len(own), int) for own in values[image]]
            inside_columns[image] += [own.astype(column_type) + first for own in listed]
    return np.concatenate(above, axis=1), inside, inside_columns


def _rows(neurons):
    """The neurons of each image, which compiled loops read as they lie in memory."""
    return np.ascontiguousarray(neurons, dtype=np.float32)


def groups(neurons):
    """Slices of as many images as fit the cache of a core, at least one."""
    together = max(1, _PIECE // neurons.shape[1])
    starts = range(0, len(neurons), together)
    return [slice(start, min(start + together, len(neurons))) for start in starts]


def _blocks(images, columns):
    """The images or, if one does not fit the cache, equal pieces of it that end with a position."""
    n_positions = images.shape[1] // columns
    at_least = -(-images.shape[1] // _PIECE)
    cuts = (cut for cut in range(at_least, 8 * at_least) if n_positions % cut == 0)
    n_pieces = next(cuts, 1)
    return [images] if n_pieces == 1 else images.reshape(n_pieces, 1, -1)


def _largest_block(neurons):
    return max(neurons.shape[1], min(_PIECE, neurons.size))


def count_in_columns(mask, columns):
    """Count where a mask is True: item i adds to column i modulo `columns`."""
    if columns == 1:
        return np.count_nonzero(mask)
    # NumPy adds rows of 1,024 bytes eight times as fast as rows of 32. A byte holds sums to 255.
    fold = max(1, 1024 // columns)
    n_rows = mask.size // columns
    head = n_rows // fold * fold * columns
    wide = mask[:head].reshape(-1, fold * columns).view(np.uint8)
    counts = np.zeros(fold * columns, dtype=np.int64)
    for start in range(0, len(wide), 255):
        counts += np.add.reduce(wide[start : start + 255], axis=0, dtype=np.uint8)
    rest = mask[head:].reshape(-1, columns)
    return counts.reshape(fold, columns).sum(axis=0) + np.count_nonzero(rest, axis=0)
