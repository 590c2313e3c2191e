"""From video files to one score for each video, by the faces in their frames."""

import numpy as np
import pytest
import sklearn
from photographs import read_face
from sklearn.model_selection import GroupKFold, cross_validate
from videos import write_video

from skfakespot import clear_caches, count_network_images, make_fakespotter
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


def detector():
    return make_fakespotter(recipe="statistics", faces=True, on_error="nan")


@pytest.mark.filterwarnings("ignore::skfakespot.images.UnreadableImageWarning")
def test_a(clips, empty_clip, n_decoded):
    paths, y = clips
    frames = expand_videos([*paths, empty_clip], [*y, "real"], n=6)
    print("expand", sum(n_decoded))
    n_decoded.clear()
    c = VideoClassifier(detector())
    with count_network_images() as count:
        c.fit(frames.data, frames.target)
    print("fit", sum(n_decoded), count.n_images)
    n_decoded.clear()
    with pytest.warns(UnscoredGroupWarning):
        print(c.predict_proba(frames.data, groups=frames.video))
    print("predict", sum(n_decoded))
    n_decoded.clear()
    with pytest.warns(UnscoredGroupWarning):
        print(c.predict(frames.data, groups=frames.video))
    print("predict", sum(n_decoded))
    n_decoded.clear()
    clear_caches(networks=False)
    with sklearn.config_context(enable_metadata_routing=True):
        cl = VideoClassifier(detector()).set_score_request(groups=True)
        with pytest.warns(UnscoredGroupWarning):
            r = cross_validate(
                cl,
                frames.data,
                frames.target,
                cv=GroupKFold(3),
                params={"groups": frames.video},
                error_score="raise",
            )
    print(r, sum(n_decoded))
    n_decoded.clear()
    clear_caches(networks=False)
    n_decoded.clear()
    print(score_videos(c.estimator_, [*paths, empty_clip], n=6).to_string())
    print("score", sum(n_decoded))
    n_decoded.clear()
