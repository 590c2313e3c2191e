# SPDX-License-Identifier: BSD-3-Clause
"""From video files to one score for each video, by the faces in their frames."""

import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sklearn
from photographs import read_face
from sklearn.model_selection import GroupKFold, cross_validate
from videos import write_video

from skfakespot import clear_caches, count_network_images, make_fakespotter
from skfakespot.faces import FaceCropper
from skfakespot.images import UnreadableImageWarning
from skfakespot.video import UnscoredGroupWarning, VideoClassifier, expand_videos, score_videos
from skfakespot.video._av_reader import AvReader

pytest.importorskip("av")

SIZE = (240, 320)
N_FRAMES = 12


def frame_with_face(faces, number, kind, at):
    picture = np.full((*SIZE, 3), 120, dtype=np.uint8)
    picture[at : at + 180, 2 * at : 2 * at + 180] = read_face(faces, number, 180, kind)
    return picture


def write_clip(path, faces, number, kind):
    """Write a face that moves, and in the middle third no face."""
    pictures = [frame_with_face(faces, number, kind, 4 * index) for index in range(N_FRAMES)]
    pictures[4:8] = [np.full((*SIZE, 3), 120, dtype=np.uint8)] * 4
    return str(write_video(path, pictures, options={"b": "4000000"}))


@pytest.fixture(scope="module")
def clips(faces, tmp_path_factory):
    """Paths of three real and three fake clips, and their labels."""
    folder = tmp_path_factory.mktemp("clips")
    kinds = ["real", "fake"] * 3
    paths = [
        write_clip(folder / f"{number}.mp4", faces, number, kind)
        for number, kind in enumerate(kinds)
    ]
    return paths, kinds


@pytest.fixture(scope="module")
def empty_clip(tmp_path_factory):
    """A clip without any face."""
    grey = [np.full((*SIZE, 3), 120, dtype=np.uint8)] * N_FRAMES
    return str(write_video(tmp_path_factory.mktemp("clips") / "empty.mp4", grey))


@pytest.fixture
def n_decoded(monkeypatch):
    counts, original = [], AvReader._frames_of

    def counting(reader, packet):
        frames = list(original(reader, packet))
        counts.append(len(frames))
        return frames

    monkeypatch.setattr(AvReader, "_frames_of", counting)
    clear_caches(networks=False)
    return counts


@pytest.fixture(scope="module")
def frames(clips, empty_clip):
    """Six frames of each clip, of which two have no face, and the clip without a face."""
    paths, y = clips
    return expand_videos([*paths, empty_clip], [*y, "real"], n=6)


@pytest.fixture
def classifier():
    return VideoClassifier(make_fakespotter(recipe="statistics", faces=True, on_error="nan"))


N_IN_ALL = 7 * N_FRAMES


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_one_pipeline_goes_from_files_to_a_score_for_each_video(classifier, frames, n_decoded):
    with count_network_images() as count:
        classifier.fit(frames.data, frames.target)
    assert count.n_images == 6 * 4
    assert sum(n_decoded) <= N_IN_ALL + 7
    n_decoded.clear()
    with pytest.warns(UnscoredGroupWarning, match="1 of 7 groups have no score.*empty"):
        probabilities = classifier.predict_proba(frames.data, groups=frames.video)
    assert probabilities.shape == (7, 2)
    assert np.isnan(probabilities).any(axis=1).tolist() == [False] * 6 + [True]
    with pytest.warns(UnscoredGroupWarning):
        labels = classifier.predict(frames.data, groups=frames.video)
    assert labels.tolist() == ["real", "fake"] * 3 + ["unknown"]
    assert sum(n_decoded) == 0


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
@pytest.mark.filterwarnings("ignore::skfakespot.video.UnscoredGroupWarning")
def test_a_cross_validation_by_video_decodes_each_frame_once(classifier, frames, n_decoded):
    with (
        sklearn.config_context(enable_metadata_routing=True),
        count_network_images() as count,
    ):
        classifier.set_score_request(groups=True)
        results = cross_validate(
            classifier,
            frames.data,
            frames.target,
            cv=GroupKFold(3),
            params={"groups": frames.video},
            error_score="raise",
        )
    assert len(results["test_score"]) == 3
    # In three folds without profiles it would be 3 * 24; few need the network a second time.
    assert count.n_images < 2 * 6 * 4
    assert sum(n_decoded) <= N_IN_ALL + 7


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_faces_are_kept_by_the_content_of_the_frames(frames, n_decoded, tmp_path):
    """In a folder, also for the same clip under another name."""
    cropper = FaceCropper(memory=tmp_path / "faces")
    crops = cropper.fit_transform(frames.data)
    clear_caches(networks=False)
    n_decoded.clear()
    copies = {path: shutil.copy(path, tmp_path) for path in set(frames.video)}
    same = [replace(frame, path=copies[frame.path]) for frame in frames.data]
    again = cropper.transform(same)
    assert sum(n_decoded) == 0
    for crop, other in zip(crops, again, strict=True):
        assert type(crop) is type(other)
        assert getattr(crop, "square", None) == getattr(other, "square", None)


@pytest.mark.parametrize("on_error", ["nan", "raise"])
def test_score_videos_decodes_each_frame_once(classifier, clips, empty_clip, n_decoded, on_error):
    paths, kinds = clips
    few = expand_videos(paths[:2], kinds[:2], n=3)
    detector = classifier.estimator.set_params(coverage__on_error="nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImageWarning)
        detector.fit(few.data, few.target)
    detector.set_params(coverage__on_error=on_error)
    clear_caches(networks=False)
    n_decoded.clear()
    scores = score_videos(detector, [*paths, empty_clip], n=6)
    assert scores["n_frames"].tolist() == [6] * 7
    assert scores["n_scored"].tolist() == [4] * 6 + [0]
    assert scores["label"].tolist() == [*kinds, None]
    assert scores["error"].tolist() == [None] * 6 + ["no face was found in it"]
    assert not any(4 / 25 <= time < 8 / 25 for time in scores["time"])
    # Opening a clip to see its times decodes its first frame.
    assert sum(n_decoded) <= N_IN_ALL + 2 * 7
