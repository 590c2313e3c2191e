# SPDX-License-Identifier: BSD-3-Clause
"""Videos through detectors: score_videos, pipelines and VideoClassifier."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from videos import write_video

from skfakespot import NeuronCoverageTransformer, score_images
from skfakespot.images import as_samples
from skfakespot.video import VideoClassifier, expand_videos, score_videos

pytest.importorskip("av")
pytest.importorskip("pandas")


class Numbers(TransformerMixin, BaseEstimator):
    """The bits that the numbered pictures show, as shares of white; NaN for unreadable images."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        samples = as_samples(X)
        bits = np.full((len(samples), 12), np.nan)
        for pixels, rows in samples.batches(
            image_size=(64, 96), batch_size=8, on_error=lambda index, error: None
        ):
            bits[rows] = pixels[:, 30:50].reshape(len(rows), 20, 12, -1).mean(axis=(1, 3)) / 255
        return bits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "low.mp4", range(50))
    write_video(folder / "high.avi", range(4000, 4050))
    write_video(folder / "mixed.mp4", [*range(30), 4001, 4000, *range(18)])
    (folder / "empty.mp4").touch()
    return folder


@pytest.fixture(scope="module")
def detector(folder):
    """A detector for which pictures of high numbers are fake."""
    frames = expand_videos([folder / "low.mp4", folder / "high.avi"], ["real", "fake"], n=None)
    detector = make_pipeline(Numbers(), LogisticRegression(C=10))
    return detector.fit(frames.data, frames.target)


def test_a_row_for_each_video(folder, detector):
    paths = [folder / name for name in ("mixed.mp4", "empty.mp4", "high.avi", "low.mp4")]
    scores = score_videos(detector, iter(paths), n=50)
    assert scores["path"].tolist() == list(map(str, paths))
    assert scores["label"].tolist() == ["real", None, "fake", "real"]
    assert scores["n_frames"].tolist() == [50, 1, 50, 50]
    assert scores["n_scored"].tolist() == [50, 0, 50, 50]
    assert scores["error"][1] == "the file is empty (0 bytes)"
    assert scores["error"].isna().tolist() == [True, False, True, True]
    assert np.isnan([scores["probability"][1], scores["time"][1]]).all()
    assert scores["time"][0] in (30 / 25, 31 / 25)
    frames = expand_videos([paths[0]], n=50)
    of_frames = score_images(detector, frames.data)["probability"]
    assert scores["probability"][0] == pytest.approx(of_frames.mean())
    assert score_videos(detector, paths[:1], n=50, how="max")["label"].tolist() == ["fake"]
    highest = score_videos(detector, paths[:1], n=50, how="topk", k=2)
    assert highest["probability"][0] == pytest.approx(np.sort(of_frames)[-2:].mean())


def test_threshold_and_wrong_parameters(folder, detector):
    paths = [folder / "high.avi"]
    assert score_videos(detector, paths, threshold=1)["label"].tolist() == ["real"]
    with pytest.raises(ValueError, match="how='most'"):
        score_videos(detector, paths, how="most")
    with pytest.raises(TypeError, match="single path"):
        score_videos(detector, paths[0])
    with pytest.raises(ValueError, match="n=0"):
        score_videos(detector, paths, n=0)


def test_coverage_of_frames_and_a_classifier_of_videos(folder):
    paths = [str(folder / name) for name in ("low.mp4", "high.avi")]
    frames = expand_videos(paths, [0, 1], n=6)
    coverage = NeuronCoverageTransformer(weights="random")
    detector = VideoClassifier(make_pipeline(coverage, LogisticRegression()))
    detector.fit(frames.data, frames.target)
    probabilities = detector.predict_proba(frames.data, groups=frames.video)
    assert probabilities.shape == (2, 2)
    read = coverage.fit_transform(frames.data)
    np.testing.assert_array_equal(coverage.set_params(n_jobs=2).transform(frames.data), read)
    scores = score_videos(detector, paths, n=6)
    in_order = probabilities[np.argsort(np.argsort(paths)), 1]  # groups are sorted
    np.testing.assert_allclose(scores["probability"], in_order, atol=1e-6)
