# SPDX-License-Identifier: BSD-3-Clause
"""Reading videos by PyAV, the Python interface of FFmpeg."""

from pathlib import Path

import numpy as np

from .._cache import BoundedCache
from ..images import Header, ImageError
from ._pixels import check_size, turn_upright
from ._timeline import Timeline

# By the version of a file. Each takes 8 bytes a frame.
_timelines = BoundedCache(256)


def import_av():
    """Return the module of PyAV; raise ImportError, with the line for pip, if there is none."""
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "Reading videos needs PyAV. Install it with: pip install 'skfakespot[video]'. If you "
            "cannot use its GPL codecs, install OpenCV (pip install opencv-python-headless) and "
            "pass reader='opencv' in Python."
        ) from error
    return av


class AvReader:
    """An open video file whose frames can be read at any time; not safe in threads.

    Parameters
    ----------
    path : str
        The file, which `skfakespot.video._files` has checked.
    version : hashable
        It changes if the file does.
    """

    def __init__(self, path, version):
        self._av, self.path = import_av(), path
        self._open()
        known = _timelines.get_or_make(version, self._read_timeline)
        self.timeline, self._start, self._is_counted, self._n_bytes = known
        self._can_seek = not self._is_counted
        self._decoded = None

    @classmethod
    def decoder(cls):
        """Return what decodes, as text that changes if the pixels may change."""
        av = import_av()
        return f"PyAV {av.__version__} {av.ffmpeg_version_info}"

    def header(self):
        """Return the facts of the file, as the `Header` of one of its frames."""
        codec = self._stream.codec_context
        return Header(
            format=f"{codec.codec.canonical_name} in {self._container.format.name}",
            mode=codec.pix_fmt or "unknown",
            width=codec.width,
            height=codec.height,
            n_bytes=round(self._n_bytes / len(self.timeline.starts)),
        )

    def frame_at(self, time):
        """Return the time and the pixels of the frame that is shown at a time.

        That is the last frame that begins at this time or before, or else the first one. It
        decodes from the frame that was read before, or from a key frame.
        """
        try:
            self._go_to(time)
        except self._av.FFmpegError as error:
            raise ImageError(self.path, _reason(error)) from error
        if self._shown is None:
            raise ImageError(
                self.path,
                "no frame of the video can be decoded: the file is damaged, or truncated before "
                "its first frame; download or copy it again",
            )
        start, frame = self._shown
        return start, self._pixels(frame)

    def _open(self):
        try:
            # Without the protocol, FFmpeg would take some paths for addresses.
            address = f"file:{Path(self.path).absolute()}"
            # PyAV < 19 fails where metadata is no UTF-8, unless it is told not to.
            is_strict = int(self._av.__version__.split(".")[0]) < 19
            options = {"metadata_errors": "replace"} if is_strict else {}
            self._container = self._av.open(address, **options)
        except self._av.FFmpegError as error:
            raise ImageError(self.path, _reason(error)) from error
        cover = self._av.stream.Disposition.attached_pic  # such as that of a song
        videos = self._container.streams.video
        streams = [stream for stream in videos if not stream.disposition & cover]
        if not streams:
            raise ImageError(
                self.path, "it has no video stream: it holds only sound, or it is truncated"
            )
        self._stream = streams[0]
        if self._stream.codec_context is None:
            raise ImageError(self.path, "PyAV has no decoder of its video; convert it to H.264")
        check_size(self._stream.codec_context.width, self._stream.codec_context.height, self.path)
        self._stream.thread_type = "AUTO"

    def _read_timeline(self):
        """Read the times of all frames, without decoding them.

        Also return the first of them in ticks, whether the times of the decoded frames follow
        from their number, because the file has none that tell the frames apart, and the size of
        the compressed frames.
        """
        ticks, is_key, durations, n_bytes = [], [], [], 0
        for packet in self._packets():
            tick = packet.dts if packet.pts is None else packet.pts
            is_shown = packet.size and not packet.is_discard and not packet.is_corrupt
            if is_shown and tick is not None:
                ticks.append(tick)
                is_key.append(packet.is_keyframe)
                durations.append(packet.duration or 0)
                n_bytes += packet.size
        if not ticks:
            raise ImageError(
                self.path,
                "the video has no frames: the file is damaged or truncated; download or copy it "
                "again",
            )
        start, base = min(ticks), self._stream.time_base
        is_ambiguous = len(set(ticks)) < len(ticks)
        if is_ambiguous:
            step = 1 / (self._stream.guessed_rate or 25) / base
            ticks = [start + round(index * step) for index in range(len(ticks))]
        starts = np.array([_seconds(tick - start, base) for tick in ticks])
        durations = np.array([_seconds(duration, base) for duration in durations])
        try:
            self._container.seek(0)
        except self._av.FFmpegError:  # a damaged index
            self._open()
        timeline = Timeline.from_frames(starts, starts[np.array(is_key)], durations)
        # AVI files have no times of presentation.
        is_counted = is_ambiguous or self._container.format.name == "avi"
        return timeline, start, is_counted, n_bytes

    def _packets(self):
        """Yield the packets from the current position until the end or a truncation."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                yield next(packets)
            except (StopIteration, self._av.FFmpegError):
                return

    def _decode(self):
        """Yield the frames that follow, each with its time; FFmpeg leaves out damaged ones."""
        for packet in self._packets():
            if packet.size:
                yield from self._frames_of(packet)
        yield from self._frames_of(None)

    def _frames_of(self, packet):
        try:
            frames = self._stream.codec_context.decode(packet)
        except self._av.FFmpegError:
            return
        for frame in frames:
            time = self._time_of(frame)
            if time is not None:
                yield time, frame

    def _time_of(self, frame):
        """Return the time of the next frame that was decoded; None if it is unknown."""
        if self._is_counted:
            index, self._n_decoded = self._n_decoded, self._n_decoded + 1
            starts = self.timeline.starts
            return float(starts[index]) if index < len(starts) else None
        tick = frame.dts if frame.pts is None else frame.pts
        return None if tick is None else _seconds(tick - self._start, self._stream.time_base)

    def _restart(self):
        self._n_decoded = 0
        self._decoded = self._decode()
        self._shown, self._next = None, next(self._decoded, None)

    def _go_to(self, time):
        """Decode until the frame that is shown at a time is `_shown`."""
        if self._decoded is None:
            self._restart()
        key_frame = self.timeline.key_frame_before(time)
        is_before = self._shown is not None and time < self._shown[0]
        if is_before or (self._can_seek and self._next is not None and key_frame > self._next[0]):
            self._seek(key_frame)
        while self._next is not None and (self._shown is None or self._next[0] <= time):
            self._shown, self._next = self._next, next(self._decoded, None)

    def _seek(self, key_frame):
        """Continue from a key frame; from the start of the file if the container cannot seek."""
        if self._can_seek:
            tick = self._start + round(key_frame / self._stream.time_base)
            try:
                self._container.seek(tick, stream=self._stream)
                self._restart()
            except self._av.FFmpegError:
                self._can_seek = False
            while self._next is not None and self._next[0] < key_frame:
                self._next = next(self._decoded, None)
            if self._next is not None and self._next[0] == key_frame:
                return
            self._can_seek = False
        self._open()
        self._restart()

    def _pixels(self, frame):
        check_size(frame.width, frame.height, self.path)
        pixels = frame.to_ndarray(format="rgb24")
        matrix = frame.side_data.get("DISPLAYMATRIX")
        return pixels if matrix is None else turn_upright(pixels, bytes(matrix))


def _seconds(ticks, time_base):
    # Python divides whole numbers exactly, up to the rounding of the result.
    return ticks * time_base.numerator / time_base.denominator


def _reason(error):
    return (
        f"the file is damaged or truncated, or no video that FFmpeg can read ({error.strerror}); "
        "download or copy it again"
    )
