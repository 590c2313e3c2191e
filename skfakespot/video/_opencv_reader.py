# SPDX-License-Identifier: BSD-3-Clause
"""Reading videos by OpenCV, for those who cannot take the GPL codecs of PyAV."""

import numpy as np

from .._cache import BoundedCache
from ..images import Header, ImageError
from ._pixels import check_size
from ._timeline import Timeline

# By the version of a file. Each takes 8 bytes a frame.
_timelines = BoundedCache(256)


def import_cv2():
    """Return the module of OpenCV; raise ImportError, with the line for pip, if there is none."""
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            "reader='opencv' needs OpenCV. Install it with: pip install opencv-python-headless"
        ) from error
    return cv2


class OpenCvReader:
    """An open video file whose frames can be read at any time; not safe in threads.

    OpenCV cannot go to a frame exactly, so every frame from the first one on is decoded.

    Parameters
    ----------
    path : str
        The file, which `skfakespot.video._files` has checked.
    version : hashable
        It changes if the file does.
    """

    def __init__(self, path, version):
        self._cv2, self.path = import_cv2(), path
        self._open()
        self.timeline = _timelines.get_or_make(version, self._read_timeline)
        self._open()

    @classmethod
    def decoder(cls):
        """Return what decodes, as text that changes if the pixels may change."""
        return f"OpenCV {import_cv2().__version__}"

    def header(self):
        """Return the facts of the file that OpenCV knows, as the `Header` of one of its frames."""
        cv2, get = self._cv2, self._capture.get
        code = int(get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
        width, height = (
            get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        return Header(code, "RGB", int(width), int(height))

    def frame_at(self, time):
        """Return the time and the pixels of the frame that is shown at a time.

        That is the last frame that begins at this time or before, or else the first one.
        """
        starts = self.timeline.starts
        index = max(0, int(np.searchsorted(starts, time, side="right")) - 1)
        if index < self._n_grabbed - 1:
            self._open()
        while self._n_grabbed <= index:
            if not self._capture.grab():
                raise ImageError(self.path, "a frame that was decoded before cannot be any more")
            self._n_grabbed += 1
        is_decoded, pixels = self._capture.retrieve()
        if not is_decoded:
            raise ImageError(self.path, f"OpenCV cannot decode the frame at {starts[index]:.3f} s")
        check_size(pixels.shape[1], pixels.shape[0], self.path)
        return float(starts[index]), np.ascontiguousarray(pixels[..., ::-1])

    def _open(self):
        self._capture = self._cv2.VideoCapture(self.path, self._cv2.CAP_FFMPEG)
        self._n_grabbed = 0
        if not self._capture.isOpened():
            raise ImageError(
                self.path,
                "the file is damaged or truncated, has no video, or is no video that OpenCV can "
                "read; download or copy it again",
            )

    def _read_timeline(self):
        """Decode all frames, because the number of them in the header may be wrong."""
        starts = []
        while self._capture.grab():
            start = self._capture.get(self._cv2.CAP_PROP_POS_MSEC) / 1000
            # Frames without a time would otherwise have the same one.
            starts.append(start if not starts or start > starts[-1] else starts[-1] + 1e-3)
        if not starts:
            raise ImageError(
                self.path,
                "no frame of the video can be decoded: the file is damaged, or truncated before "
                "its first frame; download or copy it again",
            )
        starts = np.array(starts) - starts[0]
        return Timeline.from_frames(starts, starts[:1], np.zeros(len(starts)))
