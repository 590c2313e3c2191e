"""One layer's outputs for a batch, reduced to sums, counts and the values in a band."""

import numpy as np

# Values that are looked at together; with their masks they stay in a core's own cache.
_PIECE = 1 << 18
# Values that are added up in float32, in pairs; the rest is float64.
_ADDENDS = 4096


def neurons_of(outputs, neuron):
    """The neurons of each image: every scalar, or the spatial mean of each feature map.

    Parameters
    ----------
    outputs : ndarray of shape (n_images, ..., n_channels), float32
        What a layer puts out.
    neuron : {"unit", "channel"}
        What a neuron is.

    Returns
    -------
    neurons : ndarray of shape (n_images, n_neurons), float32
    """
    if neuron == "channel" and outputs.ndim > 2:
        n_positions = outputs[0].size // outputs.shape[-1]
        totals = outputs.sum(axis=-2).astype(np.float64)
        totals = totals.reshape(len(outputs), -1, outputs.shape[-1]).sum(axis=1)
        return (totals / n_positions).astype(np.float32)
    return outputs.reshape(len(outputs), -1)


def sum_neurons(neurons):
    """Sum of each image's neurons, ndarray (n_images,), float64, whatever else is in the batch."""
    starts = np.arange(0, neurons.shape[1], _ADDENDS)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduceat(neurons, starts, axis=1).sum(axis=1, dtype=np.float64)
        if np.isfinite(sums).all():
            return sums
        return neurons.sum(axis=1, dtype=np.float64)


def count_active(neurons, threshold, columns=1):
    """Count the neurons above a threshold.

    Parameters
    ----------
    neurons : ndarray of shape (n_images, n_neurons), float32
        The neurons of each image.
    threshold : float32
        Compared strictly.
    columns : int, default=1
        Number of counts: neuron i adds to count i modulo this number.

    Returns
    -------
    counts : ndarray of shape (n_images, columns), int64
    """
    pieces = _pieces(neurons, columns)
    (mask,), _ = _masks(1, pieces)
    counts = np.empty((len(pieces), columns), dtype=np.int64)
    for number, piece in enumerate(pieces):
        np.greater(piece, threshold, mask)
        counts[number] = np.count_nonzero(mask) if columns == 1 else _count(mask, columns)
    return counts.reshape(len(neurons), -1, columns).sum(axis=1)


def split_at_band(neurons, low, high, columns=1):
    """Count the neurons above a band, and list those inside it.

    Parameters
    ----------
    neurons : ndarray of shape (n_images, n_neurons), float32
        The neurons of each image.
    low, high : float32
        The band: above `low`, up to and including `high`.
    columns : int, default=1
        See `count_active`.

    Returns
    -------
    above : ndarray of shape (n_images, columns), int64
        How many neurons are above the band.
    inside : list of n_images lists of ndarray, float32
        The neurons in the band, in pieces.
    inside_columns : list of n_images lists of ndarray, uint16
        The count that each of them belongs to.
    """
    pieces = _pieces(neurons, columns)
    (over, within), (over_words, within_words) = _masks(2, pieces)
    above = np.empty((len(pieces), columns), dtype=np.int64)
    inside, inside_columns = [], []
    for number, piece in enumerate(pieces):
        np.greater(piece, high, over)
        np.greater(piece, low, within)
        above[number] = np.count_nonzero(over) if columns == 1 else _count(over, columns)
        # Eight at a time: within becomes what is over one end only.
        np.bitwise_xor(over_words, within_words, within_words)
        places = np.flatnonzero(within)
        inside.append(piece.take(places))
        if columns > 1:
            inside_columns.append((places % columns).astype(np.uint16))
    n_each = len(pieces) // len(neurons)
    return (
        above.reshape(len(neurons), -1, columns).sum(axis=1),
        _grouped(inside, n_each),
        _grouped(inside_columns, n_each) if columns > 1 else [[] for _ in neurons],
    )


def _pieces(neurons, columns):
    """Cut each image's neurons into equal pieces, of whole positions, that fit the cache."""
    n_positions = neurons.shape[1] // columns
    at_least = -(-neurons.shape[1] // _PIECE)
    cuts = (cut for cut in range(at_least, 8 * at_least) if n_positions % cut == 0)
    return neurons.reshape(len(neurons) * next(cuts, 1), -1)


def _masks(n_masks, pieces):
    """Masks of a piece, and the words of eight bytes that they lie in."""
    words = np.zeros((n_masks, -(-pieces.shape[1] // 8)), dtype=np.uint64)
    return words.view(bool)[:, : pieces.shape[1]], words


def _grouped(pieces, n_each):
    return [pieces[start : start + n_each] for start in range(0, len(pieces), n_each)]


def _count(mask, columns):
    # Rows of a thousand bytes are added eight times as fast as rows of 32; 255 of them fit a byte.
    fold = max(1, 1024 // columns)
    n_rows = mask.size // columns
    head = n_rows // fold * fold * columns
    wide = mask[:head].reshape(-1, fold * columns).view(np.uint8)
    counts = np.zeros(fold * columns, dtype=np.int64)
    for start in range(0, len(wide), 255):
        counts += np.add.reduce(wide[start : start + 255], axis=0, dtype=np.uint8)
    rest = mask[head:].reshape(-1, columns)
    return counts.reshape(fold, columns).sum(axis=0) + np.count_nonzero(rest, axis=0)
