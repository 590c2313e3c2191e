# SPDX-License-Identifier: BSD-3-Clause
"""The profile of an image: enough to count its active neurons for any threshold in a band."""

from dataclasses import dataclass

import numpy as np

_HEADER = np.dtype("<i8")


@dataclass(frozen=True, slots=True, eq=False)
class ActivationProfile:
    """What must be known of an image's neurons to count those above thresholds in a band.

    Parameters
    ----------
    sums : ndarray of shape (n_layers,), float64
        Sum of each layer's neurons.
    low, high : ndarray of shape (n_layers,), float32
        The band of each layer: above `low`, up to and including `high`.
    above : ndarray of shape (n_features,), int32
        How many neurons lie above the band.
    values : ndarray of shape (n_values,), float32
        The neurons in the bands, layer by layer.
    lengths : ndarray of shape (n_layers,), int32
        How many of the values belong to each layer.
    features : ndarray of shape (n_values,), uint16 or uint32
        The feature map of each value, from 0 in each layer. Empty with one feature a layer.
    """

    sums: np.ndarray
    low: np.ndarray
    high: np.ndarray
    above: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    features: np.ndarray

    @property
    def nbytes(self):
        """Memory that the arrays take."""
        return sum(getattr(self, name).nbytes for name in self.__slots__)

    def covers(self, thresholds):
        """Whether the thresholds (float32) lie in the bands."""
        return bool(((self.low <= thresholds) & (thresholds <= self.high)).all())

    def counts(self, thresholds, first_features):
        """Count the neurons above thresholds (n_layers,) in the bands: (n_features,), int64."""
        active = self.values > np.repeat(thresholds, self.lengths)
        return self.above + self._count(active, first_features)

    def trimmed(self, low, high, first_features):
        """Return a profile of narrower bands, or this one if it would hardly be smaller."""
        low, high = np.maximum(self.low, low), np.minimum(self.high, high)
        over = self.values > np.repeat(high, self.lengths)
        kept = self.values > np.repeat(low, self.lengths)
        kept &= ~over
        if 2 * np.count_nonzero(kept) > len(kept):
            return self
        return ActivationProfile(
            self.sums,
            low,
            high,
            (self.above + self._count(over, first_features)).astype(np.int32),
            self.values[kept],
            _sums_of_segments(kept, self.lengths).astype(np.int32),
            self.features[kept] if len(self.features) else self.features,
        )

    def _count(self, chosen, first_features):
        if not len(self.features):
            counts = np.zeros(len(self.above), dtype=np.int64)
            counts[first_features] = _sums_of_segments(chosen, self.lengths)
            return counts
        features = np.repeat(first_features, self.lengths)[chosen] + self.features[chosen]
        return np.bincount(features, minlength=len(self.above))

    def to_bytes(self):
        """Pack the arrays, little-endian."""
        sizes = [len(self.sums), len(self.above), len(self.values), len(self.features)]
        header = np.array([*sizes, self.features.itemsize], dtype=_HEADER)
        dtypes = (*_DTYPES, self.features.dtype.newbyteorder("<"))
        arrays = zip((getattr(self, name) for name in self.__slots__), dtypes, strict=True)
        packed = [array.astype(dtype, copy=False).tobytes() for array, dtype in arrays]
        return b"".join([header.tobytes(), *packed])

    @classmethod
    def from_bytes(cls, data):
        """Unpack what `to_bytes` packed; raise ValueError for anything else."""
        header = np.frombuffer(data, _HEADER, 5).tolist()
        n_layers, n_features, n_values, n_listed, itemsize = header
        sizes = (n_layers, n_layers, n_layers, n_features, n_values, n_layers, n_listed)
        if itemsize not in (2, 4) or min(sizes) < 0 or max(sizes) > len(data):
            raise ValueError("these bytes are no profile")
        arrays, start = [], 5 * _HEADER.itemsize
        for size, dtype in zip(sizes, (*_DTYPES, np.dtype(f"<u{itemsize}")), strict=True):
            arrays.append(np.frombuffer(data, dtype, size, start))
            start += arrays[-1].nbytes
        if start != len(data):
            raise ValueError(f"{len(data) - start} bytes follow the profile")
        return cls(*arrays)

    @staticmethod
    def max_bytes(layout):
        """Number of bytes that `to_bytes` may give in a `FeatureLayout`."""
        n_bytes = 5 * _HEADER.itemsize + 20 * layout.n_layers + 4 * layout.n_features
        return n_bytes + 8 * int(layout.n_neurons.sum())

    def checked(self, layout):
        """Return the profile; raise ValueError if it does not fit a `FeatureLayout`."""
        lengths, above, n_listed = self.lengths, self.above, len(self.features)
        if (len(lengths), len(above)) != (layout.n_layers, layout.n_features):
            raise ValueError("the profile has other numbers of layers and features")
        fits = (lengths >= 0) & (lengths <= layout.n_neurons) & np.isfinite(self.sums)
        if not fits.all() or lengths.sum() != len(self.values):
            raise ValueError("the profile has other numbers of neurons in its layers")
        if n_listed != (0 if layout.output == "layer" else len(self.values)):
            raise ValueError("the profile has other feature maps")
        if n_listed and (self.features >= np.repeat(layout.columns, lengths)).any():
            raise ValueError("the profile has a feature map that its layer does not have")
        in_bands = self._count(np.ones(len(self.values), dtype=bool), layout.first_features)
        if (above < 0).any() or (above + in_bands > layout.feature_sizes).any():
            raise ValueError("the profile counts more neurons than there are")
        return self


_DTYPES = tuple(map(np.dtype, ("<f8", "<f4", "<f4", "<i4", "<f4", "<i4")))


def _sums_of_segments(chosen, lengths):
    places = np.flatnonzero(chosen)
    return np.diff(np.searchsorted(places, np.cumsum(lengths)), prepend=0)
