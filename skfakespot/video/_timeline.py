# SPDX-License-Identifier: BSD-3-Clause
"""The times of the frames of a video, and the choice of some of them."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

# Tolerance, in seconds, so that rounding does not choose the frame before the right one.
_ROUNDING = 1e-6


class Timeline(NamedTuple):
    """When the frames of a video are shown, in seconds since its first frame.

    `starts` are the times of the frames, ascending and distinct, `key_frames` those of the frames
    at which decoding can begin, and `end` is when the last frame ends.
    """

    starts: np.ndarray
    key_frames: np.ndarray
    end: float

    @classmethod
    def from_frames(cls, starts, key_frames, durations):
        """Make the timeline of frames in any order; a duration may be 0 if it is unknown."""
        starts, key_frames = np.asarray(starts, dtype=float), np.unique(key_frames)
        last = np.argmax(starts)
        end = starts[last] + durations[last]
        starts = np.unique(starts)
        if end <= starts[-1]:
            end = starts[-1] + (np.median(np.diff(starts)) if len(starts) > 1 else 0.0)
        return cls(starts, key_frames, float(end))

    def key_frame_before(self, time):
        """Time of the last frame until `time` at which decoding can begin."""
        index = np.searchsorted(self.key_frames, time + _ROUNDING, side="right") - 1
        return float(self.key_frames[index]) if index >= 0 else float(self.starts[0])

    def choose(self, n, spacing):
        """Return the times of frames; see `read_frames`."""
        if spacing == "even":
            if n is None:
                return self.starts
            wanted = self.starts[0] + (2 * np.arange(n) + 1) * (self.end - self.starts[0]) / (2 * n)
        else:
            wanted = np.arange(self.starts[0], self.end, spacing)[:n]
        index = np.searchsorted(self.starts, wanted + _ROUNDING, side="right") - 1
        return self.starts[np.unique(index)]


def check_choice_of_frames(n, spacing):
    """Raise ValueError if the parameters of `Timeline.choose` are not accepted."""
    if n is not None and (not isinstance(n, Integral) or isinstance(n, bool) or n < 1):
        raise ValueError(f"n={n!r}; accepted are integers from 1, or None for no limit.")
    is_number = isinstance(spacing, Real) and not isinstance(spacing, bool)
    is_seconds = is_number and 0 < spacing < float("inf")
    if not is_seconds and not (isinstance(spacing, str) and spacing == "even"):
        raise ValueError(
            f"spacing={spacing!r}; accepted are 'even', or a number of seconds above 0."
        )
