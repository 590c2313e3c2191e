# SPDX-License-Identifier: BSD-3-Clause
"""Audits and leakage checks of frames of video files."""

import numpy as np
import pytest
from face_sets import touch
from videos import HEIGHT, WIDTH, write_video

from skfakespot.datasets import SuspectDataWarning, check_leakage, format_audit
from skfakespot.faces import FaceCrop
from skfakespot.images import ImageError, LazyImage, PerturbedImage, read_header
from skfakespot.video import VideoFrame, expand_videos
from skfakespot.video._av_reader import AvReader

pytest.importorskip("av")

# Pictures that look different.
STRIPES = (0b101010101010, 0b000000111111, 0b111000111000, 0b110011001100)


class Grey(LazyImage):
    """An image that only has the methods that it must have."""

    name = "grey"

    def load(self):
        return np.full((4, 6, 3), 127, dtype=np.uint8)

    def digest(self):
        return b"127, 4 x 6 pixels"[:16]


@pytest.fixture
def no_decoding(monkeypatch):
    monkeypatch.setattr(AvReader, "_frames_of", None)


def write_two_classes(root, codecs, n_videos=8):
    """Write real and fake videos of different lengths and content; return their frames."""
    random = np.random.default_rng(0)
    paths = []
    for label, codec in zip(("real", "fake"), codecs, strict=True):
        for index in range(n_videos):
            numbers = random.integers(0, 4096, random.integers(6, 12))
            paths.append(write_video(root / f"{label}{index}.mkv", numbers, codec=codec))
    return expand_videos(paths, np.repeat([0, 1], n_videos), n=3)


def test_the_header_of_a_frame_is_that_of_its_video(tmp_path, no_decoding):
    path = write_video(tmp_path / "clip.mp4", range(20))
    frame = VideoFrame(path, 0.2)
    header = read_header(frame)
    assert header[:4] == ("mpeg4 in mov,mp4,m4a,3gp,3g2,mj2", "yuv420p", WIDTH, HEIGHT)
    assert 0 < header.n_bytes < path.stat().st_size / 20
    assert header[5:] == (None, None)
    assert read_header(FaceCrop(frame, 5, 5, 4)) == read_header(VideoFrame(path, 0.4)) == header
    turned = write_video(tmp_path / "turned.mp4", range(20), rotation={"degrees": 90})
    assert read_header(VideoFrame(turned, 0)) == header


def test_the_header_of_other_lazy_images_has_their_dimensions():
    assert read_header(Grey()) == (None, "RGB", 6, 4, None, None, None)
    audit = format_audit([Grey() for _ in range(20)], np.tile([0, 1], 10))
    assert (audit.auc, audit.suspect) == (0.5, False)


def test_opencv_knows_codec_and_dimensions(tmp_path):
    pytest.importorskip("cv2")
    path = write_video(tmp_path / "clip.avi", range(5))
    assert read_header(VideoFrame(path, 0, "opencv")) == (
        "FMP4",
        "RGB",
        WIDTH,
        HEIGHT,
        *3 * (None,),
    )


def test_videos_that_codecs_tell_apart_are_suspect(tmp_path, no_decoding):
    frames = write_two_classes(tmp_path, ("mpeg4", "mpeg2video"))
    with pytest.warns(SuspectDataWarning, match="suspect"):
        audit = format_audit(frames.data, frames.target)
    assert audit.auc == 1
    assert audit.facts["format"] == 1
    assert (audit.n_real, audit.n_fake) == (24, 24)
    assert {"mode", "width", "height"} <= set(audit.constant_facts)


def test_frames_of_a_video_are_one_group_of_an_audit(tmp_path):
    """Each video has a size of its own, so that frames of it in both sides would be a cue."""
    frames = write_two_classes(tmp_path, ("mpeg4", "mpeg4"), n_videos=6)
    with pytest.warns(SuspectDataWarning):
        format_audit(frames.data, frames.target, groups=range(len(frames.data)))
    audit = format_audit(frames.data, frames.target)
    assert not audit.suspect
    assert audit == format_audit(frames.data, frames.target, groups=frames.video)
    crops = [FaceCrop(frame, 20, 20, 10) for frame in frames.data]
    assert format_audit(crops, frames.target) == audit


def test_checks_name_a_video_that_cannot_be_read(tmp_path):
    touch(tmp_path, *(f"{number}.mp4" for number in range(4)))
    frames = expand_videos([tmp_path / f"{number}.mp4" for number in range(4)], [0, 0, 1, 1])
    with pytest.raises(ImageError, match=r"0\.mp4: it is not a video"):
        format_audit(frames.data, frames.target)
    with pytest.raises(ImageError, match=r"2\.mp4: it is not a video"):
        check_leakage(frames.data[:2], frames.data[2:])


def test_a_video_on_both_sides_is_found_whatever_its_frames(tmp_path, no_decoding):
    clip = write_video(tmp_path / "clip.mp4", range(30))
    other = write_video(tmp_path / "other.mp4", range(50, 80))
    (tmp_path / "copy.mp4").write_bytes(clip.read_bytes())
    train = expand_videos([other, clip], n=3).data
    test = expand_videos([tmp_path / "copy.mp4"], n=2).data
    report = check_leakage(train, test)
    assert [pair[:2] for pair in report.same_content] == [(3, 0), (3, 1)]
    assert report.same_content[0].train_name == f"{clip} at 0.200 s"
    assert report.same_content[0].test_name == f"{tmp_path / 'copy.mp4'} at 0.280 s"
    crops = [FaceCrop(frame, 20, 20, 10) for frame in test]
    assert check_leakage(train, crops).leaked.tolist() == [0, 1]
    assert not check_leakage(train[:3], test, max_distance=None).found


def test_changed_copies_of_an_image_are_its_content(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    test = [PerturbedImage(pictures[1], lambda pixels, _seed: 255 - pixels, 0)]
    assert check_leakage(list(pictures), test, max_distance=None).leaked.tolist() == [0]


def test_frames_of_a_video_that_was_encoded_again_are_near_duplicates(tmp_path):
    paths = [
        write_video(tmp_path / f"{index}.mp4", [number] * 5) for index, number in enumerate(STRIPES)
    ]
    again = write_video(
        tmp_path / "again.avi", [STRIPES[2]] * 5, codec="mjpeg", pixel_format="yuvj420p"
    )
    train = expand_videos(paths[:3], n=1).data
    report = check_leakage(train, expand_videos([paths[3], again], n=1).data)
    assert report.same_content == []
    assert [pair[:2] for pair in report.near_duplicates] == [(2, 1)]
