# SPDX-License-Identifier: BSD-3-Clause
"""Reading frames of video files, which are written by PyAV in the tests."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from pictures import read
from PIL import Image
from videos import HEIGHT, WIDTH, number_of, write_sound, write_video

from skfakespot import clear_caches
from skfakespot.images import ImageError, PerturbedImage, as_samples, load_image
from skfakespot.video import VideoFrame, expand_videos, read_frames
from skfakespot.video._av_reader import AvReader

pytest.importorskip("av")


def numbers_of(video):
    return [number_of(frame) for frame in video.frames]


@pytest.fixture
def clip(tmp_path):
    """A video of 100 numbered frames, 25 a second."""
    return write_video(tmp_path / "clip.mp4", range(100))


@pytest.fixture
def n_decoded(monkeypatch):
    """The list of the numbers of frames that each call of the decoder returns."""
    counts, original = [], AvReader._frames_of

    def counting(reader, packet):
        frames = list(original(reader, packet))
        counts.append(len(frames))
        return frames

    monkeypatch.setattr(AvReader, "_frames_of", counting)
    return counts


@pytest.fixture(params=["av", "opencv"])
def reader(request):
    if request.param == "opencv":
        pytest.importorskip("cv2")
    return request.param


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "mpeg4"),
        ("mov", "mpeg4"),
        ("mkv", "mpeg4"),
        ("avi", "mpeg4"),
        ("avi", "libx264"),
        ("mpg", "mpeg2video"),
        ("ts", "mpeg2video"),
        ("wmv", "wmv2"),
        ("flv", "flv"),
    ],
)
@pytest.mark.parametrize("n_b_frames", ["0", "2"])
def test_all_frames_are_read_in_order_with_exact_times(tmp_path, suffix, codec, n_b_frames):
    import av

    if codec not in av.codecs_available:
        pytest.skip("PyAV was built without this codec")
    if codec in ("wmv2", "flv") and n_b_frames != "0":
        pytest.skip("this codec has no B-frames")
    options = {"bf": n_b_frames}
    path = write_video(tmp_path / f"clip.{suffix}", range(100), codec=codec, options=options)
    video = read_frames(path, n=None)
    assert numbers_of(video) == list(range(100))
    exact = 0 if suffix in ("mp4", "mov", "avi", "mpg", "ts") else 1e-3
    np.testing.assert_allclose(video.times, np.arange(100) / 25, rtol=1e-15, atol=exact)
    assert (video.n_frames, video.duration, video.fps) == (100, 4.0, 25.0)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "mpg"])
def test_frames_in_any_order_are_those_of_a_whole_decoding(tmp_path, suffix):
    codec = "mpeg2video" if suffix in ("ts", "mpg") else "mpeg4"
    options = {"bf": "2", "g": "7"}
    path = write_video(tmp_path / f"clip.{suffix}", range(100), codec=codec, options=options)
    whole = read_frames(path, n=None)
    order = np.random.default_rng(0).permutation(100)
    for row in order[:30]:
        pixels = load_image(VideoFrame(path, whole.times[row]))
        np.testing.assert_array_equal(pixels, whole.frames[row])


@pytest.mark.parametrize("gop", ["1", "2", "3", "250"])
def test_seeking_does_not_change_frames(tmp_path, gop):
    path = write_video(tmp_path / "clip.mp4", range(60), options={"bf": "2", "g": gop})
    whole = read_frames(path, n=None)
    few = read_frames(path, n=4)
    assert numbers_of(few) == [7, 22, 37, 52]
    for time, frame in zip(few.times, few.frames, strict=True):
        np.testing.assert_array_equal(frame, whole.frames[round(time * 25)])


def test_frames_are_the_middles_of_equal_stretches(clip, reader):
    video = read_frames(clip, n=5, reader=reader)
    assert numbers_of(video) == [10, 30, 50, 70, 90]
    np.testing.assert_allclose(video.times, [0.4, 1.2, 2.0, 2.8, 3.6])
    assert (video.n_frames, round(video.duration, 9)) == (100, 4.0)
    assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in video.frames)
    assert all(frame.dtype == np.uint8 and frame.flags.c_contiguous for frame in video.frames)


def test_one_frame_every_so_many_seconds(clip, reader):
    video = read_frames(clip, n=None, spacing=0.6, reader=reader)
    assert numbers_of(video) == [0, 15, 30, 45, 60, 75, 90]
    assert numbers_of(read_frames(clip, n=2, spacing=0.6, reader=reader)) == [0, 15]


def test_a_short_video_has_each_frame_once(tmp_path, reader):
    path = write_video(tmp_path / "short.mp4", range(3))
    assert numbers_of(read_frames(path, n=32, reader=reader)) == [0, 1, 2]
    path = write_video(tmp_path / "one.mp4", [7])
    video = read_frames(path, reader=reader)
    assert numbers_of(video) == [7]
    assert video.times.tolist() == [0]


def test_a_variable_frame_rate_is_read_by_its_times(tmp_path, reader):
    times = [0, 40, 50, 2000, 2100, 5000, 5010, 9000]
    path = write_video(tmp_path / "variable.mp4", range(8), times=times)
    video = read_frames(path, n=None, reader=reader)
    assert numbers_of(video) == list(range(8))
    np.testing.assert_allclose(video.times, np.array(times) / 1000, rtol=1e-12)
    # The middles of five parts are at .9, 2.7, 4.5, 6.3 and 8.1 seconds.
    assert numbers_of(read_frames(path, n=5, reader=reader)) == [2, 4, 6]


@pytest.mark.parametrize(
    ("rotation", "shape", "corner"),
    [
        ({"degrees": 90}, (WIDTH, HEIGHT), (-1, 0)),
        ({"degrees": 180}, (HEIGHT, WIDTH), (-1, -1)),
        ({"degrees": 270}, (WIDTH, HEIGHT), (0, -1)),
        ({"degrees": 0, "hflip": True}, (HEIGHT, WIDTH), (0, -1)),
        ({"degrees": 90, "hflip": True}, (WIDTH, HEIGHT), (-1, -1)),
    ],
)
def test_frames_are_turned_upright(tmp_path, rotation, shape, corner):
    path = write_video(tmp_path / "turned.mp4", range(2), rotation=rotation)
    frame = read_frames(path, n=1).frames[0]
    assert frame.shape == (*shape, 3)
    red, green, _ = frame[corner].astype(int)
    assert red - green > 200


def test_opencv_turns_frames_upright_too(tmp_path):
    pytest.importorskip("cv2")
    path = write_video(tmp_path / "turned.mp4", range(2), rotation={"degrees": 90})
    by_av, by_opencv = (read_frames(path, 1, reader=name).frames[0] for name in ("av", "opencv"))
    assert by_av.shape == by_opencv.shape
    assert np.abs(by_av.astype(int) - by_opencv).mean() < 3


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix"),
    [("png", "rgba", "mov"), ("ffv1", "yuv420p10le", "mkv"), ("mjpeg", "yuvj420p", "avi")],
)
def test_alpha_high_bit_depth_and_full_range(tmp_path, codec, pixel_format, suffix):
    path = tmp_path / f"clip.{suffix}"
    video = read_frames(write_video(path, range(4), codec=codec, pixel_format=pixel_format))
    assert numbers_of(video) == [0, 1, 2, 3]
    np.testing.assert_allclose(video.frames[3][60, 50], [128] * 3, atol=4)


def truncated(path, share, **kwargs):
    content = write_video(path, range(100), **kwargs).read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_a_truncated_file_gives_the_frames_that_exist(tmp_path, suffix, reader):
    codec = "mpeg2video" if suffix == "ts" else "mpeg4"
    movflags = {"movflags": "faststart"} if suffix == "mp4" else {}
    path = truncated(tmp_path / f"cut.{suffix}", 0.6, codec=codec, container_options=movflags)
    numbers = numbers_of(read_frames(path, n=None, reader=reader))
    assert 10 < len(numbers) < 90
    assert numbers == list(range(len(numbers)))
    assert number_of(load_image(VideoFrame(path, 1000, reader))) == numbers[-1]
    few = numbers_of(read_frames(path, n=5, reader=reader))
    assert len(few) == 5
    assert few == sorted(few)


def test_files_without_frames_are_errors_with_name_and_reason(tmp_path, reader):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\nhttp://example.org/clip.ts\n")
    (tmp_path / "junk.mp4").write_bytes(b"\0\0\0\x1cftypisom" + bytes(range(256)) * 9)
    os.mkfifo(tmp_path / "pipe.mp4")
    truncated(tmp_path / "cut.mp4", 0.6)  # its index is at the end
    write_sound(tmp_path / "sound.mp4")
    for name, reason in {
        "empty.mp4": "empty",
        "playlist.mp4": "not a video of a format",
        "junk.mp4": "damaged",
        "pipe.mp4": "not a regular file",
        "cut.mp4": "truncated",
        "sound.mp4": "no video",
        "missing.mp4": "no such file",
        "": "folder",
    }.items():
        path = tmp_path / name
        with pytest.raises(ImageError, match=reason) as caught:
            read_frames(path, reader=reader)
        assert str(caught.value).startswith(f"{path}: ")


def test_a_video_of_too_many_pixels_is_refused(clip, monkeypatch, reader):
    monkeypatch.setenv("SKFAKESPOT_MAX_IMAGE_PIXELS", "100")
    with pytest.raises(ImageError, match="96 x 64 pixels, more than the 100"):
        read_frames(clip, reader=reader)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"n": 0}, "n=0; accepted are integers from 1"),
        ({"n": 2.5}, "n=2.5"),
        ({"spacing": "odd"}, "spacing='odd'; accepted are 'even'"),
        ({"spacing": 0}, "spacing=0"),
        ({"spacing": float("nan")}, "spacing=nan"),
        ({"reader": "decord"}, "reader='decord'; accepted are 'av' and 'opencv'"),
    ],
)
def test_wrong_parameters(clip, kwargs, message):
    for function in (read_frames, lambda path, **kwargs: expand_videos([path], **kwargs)):
        with pytest.raises(ValueError, match=message):
            function(clip, **kwargs)


def test_odd_names_of_files(tmp_path):
    for name in ("concat:a|b.mp4", "%03d é.mp4", os.fsdecode(b"\xff.mp4")):
        path = write_video(tmp_path / "plain.mp4", [5]).rename(tmp_path / name)
        assert numbers_of(read_frames(path)) == [5]


def test_metadata_that_is_no_utf8_does_no_harm(tmp_path):
    path = write_video(tmp_path / "clip.mkv", [5, 6])
    content = path.read_bytes()
    assert b"Lavf" in content
    path.write_bytes(content.replace(b"Lavf", b"\xff\xfe\xff\xfe"))
    assert numbers_of(read_frames(path)) == [5, 6]


@pytest.mark.parametrize(("module", "command"), [("av", "video"), ("cv2", "opencv-python")])
def test_the_error_of_a_missing_library_has_the_line_for_pip(tmp_path, module, command):
    reader = {"av": "av", "cv2": "opencv"}[module]
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from skfakespot.video import read_frames\n"
        f"try: read_frames('clip.mp4', reader={reader!r})\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install" in run.stdout, run.stderr
    assert command in run.stdout


def test_expand_videos_repeats_labels_and_groups(tmp_path, clip):
    other = write_video(tmp_path / "other.avi", range(200, 220))
    photograph = tmp_path / "photograph.png"
    Image.new("RGB", (8, 8)).save(photograph)
    X = [clip, photograph, other]
    frames = expand_videos(X, ["fake", "real", "real"], [3, 4, 3], n=2)
    assert frames.target.tolist() == ["fake", "fake", "real", "real", "real"]
    assert frames.groups.tolist() == [3, 3, 4, 3, 3]
    assert frames.video.tolist() == [str(X[row]) for row in (0, 0, 1, 2, 2)]
    np.testing.assert_array_equal(frames.times, [1, 3, np.nan, 0.2, 0.6])
    assert frames.data[2] == str(photograph)
    numbers = [number_of(load_image(frames.data[row])) for row in (0, 1, 3, 4)]
    assert numbers == [25, 75, 205, 215]
    assert expand_videos([clip], n=1).groups.tolist() == [str(clip)]
    assert "target" not in expand_videos([clip], n=1)


def test_expand_videos_checks_X(clip):
    with pytest.raises(TypeError, match="a single path"):
        expand_videos(clip)
    with pytest.raises(TypeError, match=r"X\[1\] is of type int"):
        expand_videos([clip, 3])
    with pytest.raises(ValueError, match="inconsistent"):
        expand_videos([clip], [0, 1])


def test_expand_videos_decodes_nothing(clip, n_decoded):
    expand_videos([clip])
    assert n_decoded == []


def test_frames_read_one_by_one_decode_the_video_once(clip, n_decoded):
    frames = expand_videos([clip], n=32)
    n_decoded.clear()
    numbers = [number_of(load_image(frame)) for frame in frames.data]
    assert numbers == numbers_of(read_frames(clip, n=32))
    assert sum(n_decoded) <= 2 * 100 + 5  # the second time by read_frames


def test_a_frame_is_decoded_once_and_may_be_changed(clip, n_decoded):
    frame = VideoFrame(clip, 1.0)
    pixels = load_image(frame)
    n_decoded.clear()
    expected = pixels.copy()
    for _ in range(2):
        pixels[:] = 0
        pixels = load_image(frame)
        np.testing.assert_array_equal(pixels, expected)
    assert sum(n_decoded) == 0


@pytest.mark.parametrize("n_threads", [1, 2, 8])
def test_threads_that_read_X_decode_each_video_about_once(tmp_path, n_decoded, n_threads):
    paths = [
        write_video(tmp_path / f"{name}.mp4", range(100 * name, 100 * name + 100))
        for name in range(3)
    ]
    frames = expand_videos(paths, n=32)
    clear_caches()
    n_decoded.clear()
    batch = read(frames.data, (HEIGHT, WIDTH), batch_size=16, n_threads=n_threads)
    numbers = [number_of(pixels) for pixels in batch.data]
    expected = np.concatenate([100 * name + np.round(frames.times[:32] * 25) for name in range(3)])
    assert numbers == expected.tolist()
    assert sum(n_decoded) <= 1.5 * 300


def test_a_video_that_cannot_be_read_is_one_image_that_cannot_be_read(tmp_path, clip):
    (tmp_path / "empty.mp4").touch()
    frames = expand_videos([tmp_path / "empty.mp4", clip], n=2)
    assert frames.video.tolist() == [str(tmp_path / "empty.mp4"), str(clip), str(clip)]
    errors = []
    samples = as_samples(frames.data)
    batches = samples.batches(
        image_size=(8, 8), batch_size=4, on_error=lambda *error: errors.append(error)
    )
    assert [batch.indices.tolist() for batch in batches] == [[1, 2]]
    assert [(index, error.reason[:9]) for index, error in errors] == [(0, "the file ")]


def test_frames_are_small_immutable_and_equal_by_path_and_time(clip):
    frame, same = VideoFrame(clip, 1.0), VideoFrame(str(clip), 1, together=(0.0, 1.0))
    assert frame == same
    assert hash(frame) == hash(same)
    assert pickle.loads(pickle.dumps(same)) == frame
    assert pickle.loads(pickle.dumps(same)).together == (0.0, 1.0)
    with pytest.raises(AttributeError):
        frame.time = 2.0
    with pytest.raises(ValueError, match=r"time=-1\.0"):
        VideoFrame(clip, -1)
    assert joblib.hash(frame) == joblib.hash(VideoFrame(clip, 1.0))


def test_digests_depend_on_content_and_time(tmp_path, clip):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    other = write_video(tmp_path / "other.mp4", range(50))
    X = [VideoFrame(clip, 1.0), VideoFrame(copy, 1.0), VideoFrame(clip, 2), VideoFrame(other, 1.0)]
    digests = as_samples(X).digests()
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert as_samples([VideoFrame(tmp_path / "missing.mp4", 1.0)]).digests() == [None]


def test_a_file_that_changes_is_read_again(tmp_path):
    path = write_video(tmp_path / "clip.mp4", range(50))
    assert number_of(load_image(VideoFrame(path, 1.0))) == 25
    write_video(path, range(500, 560))
    assert number_of(load_image(VideoFrame(path, 1.0))) == 525


@pytest.mark.slow
def test_frames_can_be_perturbed_and_sent_to_processes(clip):
    def brighter(pixels, seed):
        return np.minimum(pixels.astype(int) + seed, 255).astype(np.uint8)

    frame = VideoFrame(clip, 0.4)
    np.testing.assert_array_equal(
        load_image(PerturbedImage(frame, brighter, 9)), brighter(load_image(frame), 9)
    )
    frames = expand_videos([clip], n=8).data
    in_workers = joblib.Parallel(2)(joblib.delayed(load_image)(each) for each in frames)
    for each, pixels in zip(frames, in_workers, strict=True):
        np.testing.assert_array_equal(pixels, load_image(each))


def test_threads_may_read_one_video_in_any_order(clip):
    order = np.random.default_rng(1).permutation(100)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda row: number_of(VideoFrame(clip, row / 25).load()), order))
    assert numbers == order.tolist()


def test_a_path_of_a_video_in_X_is_an_error_that_names_expand_videos(clip):
    with pytest.raises(ImageError, match=r"it is a video; skfakespot\.video\.expand_videos"):
        load_image(clip)
