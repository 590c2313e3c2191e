# SPDX-License-Identifier: BSD-3-Clause
"""Damaged videos and detectors that fail: the errors are the documented ones, and nothing hangs."""

import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from videos import write_video

from skfakespot import NeuronCoverageTransformer
from skfakespot.images import ImageError
from skfakespot.robustness import robustness_curve
from skfakespot.video import read_frames


@pytest.fixture(scope="module", params=["mp4", "mkv", "avi"])
def clip(request, tmp_path_factory):
    pytest.importorskip("av")
    return write_video(tmp_path_factory.mktemp("clips") / f"clip.{request.param}", range(50))


def mutated(data, seed):
    """Change bytes of a file, or cut it, or zero or repeat a part of it."""
    source = np.random.default_rng(seed)
    damaged = np.frombuffer(data, dtype=np.uint8).copy()
    places = source.integers(len(damaged), size=source.integers(1, 200))
    damaged[places] = source.integers(256, size=len(places))
    start, stop = sorted(source.integers(len(data), size=2))
    whole = damaged.tobytes()
    kinds = (
        whole,
        data[:stop],
        data[:start] + bytes(stop - start) + data[stop:],
        whole[:stop] + whole[start:],
    )
    return kinds[seed % len(kinds)]


@pytest.mark.parametrize("n_files", [60, pytest.param(1000, marks=pytest.mark.long)])
def test_a_damaged_video_has_frames_or_an_image_error(clip, tmp_path, n_files):
    data = clip.read_bytes()
    path, reasons = tmp_path / clip.name, []
    for seed in range(n_files):
        path.write_bytes(mutated(data, seed))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                frames = read_frames(path, n=4).frames
        except ImageError as error:
            reasons.append(str(error))
        else:
            assert 1 <= len(frames) <= 4, seed
            assert all(frame.dtype == np.uint8 and frame.shape[2] == 3 for frame in frames)
    assert all(str(path) in reason for reason in reasons)


@pytest.mark.parametrize("content", [b"", b"no image", bytes(1000)], ids=["empty", "text", "zeros"])
def test_a_broken_image_in_a_robustness_curve_is_named(photos, tmp_path, content):
    broken = tmp_path / "broken.png"
    broken.write_bytes(content)
    paths, y = [*photos[:5], broken], [0, 1, 0, 1, 0, 1]
    detector = make_pipeline(
        NeuronCoverageTransformer(weights="random", layers="dense"), DummyClassifier()
    ).fit(photos[:4], y[:4])
    with pytest.raises(ImageError, match=r"broken\.png"):
        robustness_curve(detector, paths, y, ["blur"], "paper")


def test_a_detector_whose_scores_are_nan_is_an_error_of_the_curve(photos):
    class Broken(DummyClassifier):
        def predict_proba(self, X):
            return super().predict_proba(X) * np.nan

    detector = Broken(strategy="prior").fit(np.zeros((2, 1)), [0, 1])
    with pytest.raises(ValueError, match="0 of the 4 unperturbed images have a score"):
        robustness_curve(detector, photos[:4], [0, 1, 0, 1], ["blur"], "paper")
