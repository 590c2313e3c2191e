# SPDX-License-Identifier: BSD-3-Clause
"""The nearest training images: against plain NumPy, and their input."""

import joblib
import numpy as np
import pytest
from networks import varied_images
from numpy.testing import assert_allclose
from PIL import Image
from sklearn.linear_model import LogisticRegression

from skfakespot import count_network_images, make_fakespotter
from skfakespot.images import UnreadableImageWarning
from skfakespot.inspection import TrainingImageIndex, TrainingNeighbor, nearest_training_images

LABELS = np.array(["real", "fake"] * 10)


@pytest.fixture(scope="module")
def images():
    return varied_images(30)


@pytest.fixture(scope="module")
def detector(network, images):
    detector = make_fakespotter(network, on_error="nan", classifier=LogisticRegression())
    return detector.fit(images[:20], LABELS)


@pytest.fixture(scope="module")
def index(detector, images):
    return TrainingImageIndex.from_estimator(detector, images[:20], LABELS)


@pytest.mark.usefixtures("no_profiles")
@pytest.mark.parametrize("recipe", ["paper", "statistics"])
def test_neighbors_are_those_of_plain_numpy(recipe, network, images):
    detector = make_fakespotter(network, recipe=recipe, classifier=LogisticRegression())
    detector.fit(images[:20], LABELS)
    with count_network_images() as count:
        index = TrainingImageIndex.from_estimator(detector, images[:20], LABELS)
    assert count.n_images == 0  # `fit` has kept what it has read
    known, asked = (detector[:-1].transform(part) for part in (images[:20], images[20:]))
    distances = np.sqrt(((asked[:, None] - known[None]) ** 2).mean(axis=2))
    for own, neighbors in zip(distances, nearest_training_images(index, images[20:]), strict=True):
        nearest = np.argsort(own)[:5]
        assert [neighbor.index for neighbor in neighbors] == nearest.tolist()
        assert [neighbor.label for neighbor in neighbors] == LABELS[nearest].tolist()
        assert_allclose([neighbor.distance for neighbor in neighbors], own[nearest], rtol=1e-5)
    assert index.features.dtype == np.float32
    assert index.features.nbytes == 20 * known.shape[1] * 4


def test_a_training_image_is_nearest_to_itself(index, images):
    for number, (first, *_) in enumerate(nearest_training_images(index, images[:20], n=1)):
        assert (first.index, first.name) == (number, f"image {number} of X")
        assert first.distance == pytest.approx(0, abs=1e-3)


def test_images_without_features_have_no_neighbors(detector, images, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(20)]
    for path, pixels in zip(paths, images, strict=False):
        Image.fromarray(pixels).save(path)
    paths[3].write_bytes(b"no image")
    with pytest.warns(UnreadableImageWarning, match=r"3\.png"):
        index = TrainingImageIndex.from_estimator(detector, paths, LABELS)
    assert (len(index), index.n_missing) == (19, 1)
    with pytest.warns(UnreadableImageWarning, match=r"3\.png"):
        found = nearest_training_images(index, paths[2:6], n=1)
    expected = [TrainingNeighbor(str(paths[n]), LABELS[n], 0.0, n) for n in (2, 4, 5)]
    assert found[1] == []
    for (neighbor,), known in zip([found[0], *found[2:]], expected, strict=True):
        assert neighbor._replace(distance=0.0) == known
    with pytest.warns(UnreadableImageWarning):
        assert nearest_training_images(index, [paths[3]]) == [[]]
    with (
        pytest.warns(UnreadableImageWarning),
        pytest.raises(ValueError, match="None of the training images has features"),
    ):
        TrainingImageIndex.from_estimator(detector, [paths[3]], ["real"])


def test_a_saved_index_finds_the_same_images_without_the_training_images(index, images, tmp_path):
    joblib.dump(index, tmp_path / "index.joblib")
    loaded = joblib.load(tmp_path / "index.joblib")
    with count_network_images() as count:
        found = nearest_training_images(loaded, images[20:23])
    assert count.n_images <= 3
    assert found == nearest_training_images(index, images[20:23])


@pytest.mark.parametrize("n", [0, 21])
def test_the_number_of_neighbors_is_checked(n, index, images):
    with pytest.raises(ValueError, match=f"n == {n}, must be"):
        nearest_training_images(index, images[:1], n=n)


def test_lengths_and_single_paths_are_checked(detector, index, images):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TrainingImageIndex.from_estimator(detector, images, LABELS)
    with pytest.raises(TypeError, match="wrap it in a list"):
        nearest_training_images(index, "face.jpg")
