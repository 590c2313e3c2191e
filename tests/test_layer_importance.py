# SPDX-License-Identifier: BSD-3-Clause
"""The importance of layers: against plain NumPy, its cost, its input and its drawing."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from networks import small_network, varied_images
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skfakespot import NeuronCoverageTransformer, count_network_images, make_fakespotter
from skfakespot.images import UnreadableImageWarning
from skfakespot.inspection import LayerImportanceDisplay, layer_importance
from skfakespot.metrics import fake_detection_scorers
from skfakespot.preprocessing import BlockwiseStandardScaler
from skfakespot.robustness import robustness_curve

mpl.use("agg")

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]
STATISTICS = ("coverage", "mean", "std", "autocorrelation", "gram", "grid")
READINGS = {
    "layers": {},
    "quantiles": {"threshold": ("quantile", [0.25, 0.5])},
    "maps": {"output": "channel"},
    "quantiles of maps": {"output": "channel", "threshold": ("quantile", [0.25, 0.5])},
    "statistics": {
        "output": "channel",
        "statistics": STATISTICS,
        "grid_size": 2,
        "max_maps": 4,
    },
}


@pytest.fixture(scope="module")
def y():
    return np.arange(40) % 2


@pytest.fixture(scope="module")
def images(y):
    """Images of differing brightness; the fakes have stripes."""
    images = varied_images(40)
    images[y == 1, ::2] //= 2
    return images


def detector_on(network, **reading):
    return make_pipeline(
        NeuronCoverageTransformer(network, **reading),
        BlockwiseStandardScaler(copy=False),
        LogisticRegression(),
    )


@pytest.fixture(scope="module")
def detector(network, images, y):
    return detector_on(network).fit(images[:20], y[:20])


@pytest.mark.parametrize("reading", READINGS)
def test_importances_are_those_of_permuted_columns(reading, network, images, y):
    detector = detector_on(network, **READINGS[reading]).fit(images[:20], y[:20])
    result = layer_importance(detector, images[20:], y[20:], n_repeats=3, random_state=1)
    coverage, *rest = (step for _, step in detector.steps)
    features = coverage.transform(images[20:])
    layer_of = [name.partition(":")[0] for name in coverage.get_feature_names_out()]

    def score(values):
        for step in rest[:-1]:
            values = step.transform(values)
        return roc_auc_score(y[20:], rest[-1].decision_function(values))

    baseline, random = score(features.copy()), np.random.RandomState(1)
    permutations = [random.permutation(20) for _ in range(3)]
    expected = np.zeros((4, 3))
    for layer, name in enumerate(LAYERS):
        columns = [column for column, own in enumerate(layer_of) if own == name]
        assert result.n_features[layer] == len(columns)
        for repeat, permutation in enumerate(permutations):
            values = features.copy()
            values[:, columns] = values[permutation][:, columns]
            expected[layer, repeat] = baseline - score(values)
    assert result.layer_names.tolist() == LAYERS
    assert result.baseline_score == baseline
    assert_allclose(result.importances, expected, atol=1e-12)
    assert_allclose(result.importances_mean, expected.mean(axis=1), atol=1e-12)
    assert_allclose(result.importances_std, expected.std(axis=1), atol=1e-12)
    assert np.abs(expected).max() > 0.1


def test_a_layer_without_features_has_no_importance(network, images, y):
    detector = detector_on(network, output="channel", statistics=("gram",), max_maps=4)
    result = layer_importance(detector.fit(images, y), images, y, n_repeats=2)
    assert result.n_features.tolist() == [10, 10, 0, 0]
    assert not result.importances[2:].any()
    assert_array_equal(result.importances_low[2:], 0)


def test_only_the_layer_that_the_classifier_uses_is_important(detector, images, y):
    only = [*(step for _, step in detector.steps[:2]), LogisticRegression()]
    only[2].fit(only[1].transform(only[0].transform(images)), y)
    only[2].coef_ = np.array([[0.0, 0, -1, 0]])
    result = layer_importance(make_pipeline(*only), images, y, random_state=0)
    assert_array_equal(result.importances[[0, 1, 3]], 0)
    assert np.abs(result.importances[2]).min() > 0


@pytest.mark.usefixtures("no_profiles")
def test_each_image_passes_through_the_network_once(detector, images, y):
    with count_network_images() as count:
        layer_importance(detector, images[20:], y[20:], n_repeats=10)
    assert count.n_images == 20


def test_columns_of_united_networks_are_those_of_their_layers(network, images, y):
    other = small_network()
    detector = detector_on([network, other], output="channel", statistics=("mean", "gram"))
    result = layer_importance(detector.fit(images, y), images, y, n_repeats=1)
    prefixes = ["small_image_network/", "small_image_network-2/"]
    assert result.layer_names.tolist() == [p + layer for p in prefixes for layer in LAYERS]
    assert result.n_features.tolist() == [4 + 10, 4 + 10, 5 + 15, 7 + 28] * 2


def test_the_intervals_come_from_draws_of_images_or_whole_groups(detector, images, y):
    X, y = images[20:], y[20:]
    plain = layer_importance(detector, X, y, random_state=0, n_bootstraps=200)
    assert (plain.importances_low <= plain.importances_mean).all()
    assert (plain.importances_mean <= plain.importances_high).all()
    assert plain.importances_low.max() < plain.importances_high.max()
    one_group = layer_importance(detector, X, y, groups=np.zeros(20), random_state=0)
    # The only group is in each draw once, so that all draws are the images themselves.
    assert_allclose(one_group.importances_low, one_group.importances_mean, atol=1e-12)
    assert_allclose(one_group.importances_high, one_group.importances_mean, atol=1e-12)
    assert_array_equal(one_group.importances, plain.importances)
    none = layer_importance(detector, X, y, n_bootstraps=0)
    assert np.isnan([none.importances_low, none.importances_high]).all()


def test_the_fast_intervals_are_those_of_any_scorer(detector, images, y):
    parameters = {"n_repeats": 2, "n_bootstraps": 20, "random_state": 0}
    fast = layer_importance(detector, images, y, **parameters)
    slow = layer_importance(
        detector, images, y, scoring=fake_detection_scorers()["auc"], **parameters
    )
    for name in ("importances", "importances_low", "importances_high"):
        assert_allclose(slow[name], fast[name], atol=1e-12)


@pytest.mark.parametrize("scoring", ["roc_auc", "ap"])
def test_fake_is_the_positive_class_whatever_the_labels_are(scoring, detector, images, y):
    labels = np.array(["real", "fake"])[y]
    of_text = make_pipeline(*(step for _, step in detector.steps[:2]), LogisticRegression())
    of_text.steps[-1][1].fit(of_text[:-1].transform(images[:20]), labels[:20])
    scoring = fake_detection_scorers().get(scoring, scoring)
    expected, actual = (
        layer_importance(
            each, images, labels_of_each, scoring=scoring, n_bootstraps=0, random_state=0
        )
        for each, labels_of_each in ((detector, y), (of_text, labels))
    )
    assert actual.baseline_score == pytest.approx(expected.baseline_score)
    assert_allclose(actual.importances, expected.importances, atol=1e-12)


@pytest.fixture
def files(images, tmp_path):
    """Files of the images, of which the one at 3 cannot be read."""
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        Image.fromarray(pixels).save(path)
    paths[3].write_bytes(b"no image")
    return paths


def test_unreadable_images_are_left_out_and_counted(files, network, images, y):
    detector = make_fakespotter(network, on_error="nan", classifier=LogisticRegression())
    detector.fit(images, y)
    with pytest.warns(UnreadableImageWarning, match=r"3\.png"):
        result = layer_importance(detector, files, y, groups=np.arange(40), random_state=0)
    readable = np.arange(40) != 3
    expected = layer_importance(detector, images[readable], y[readable], random_state=0)
    assert (result.n_samples, result.n_missing) == (39, 1)
    assert_array_equal(result.importances, expected.importances)
    with (
        pytest.warns(UnreadableImageWarning),
        pytest.raises(ValueError, match=r"1 of the 2 images have features.*two classes"),
    ):
        layer_importance(detector, files[2:4], y[2:4])


def test_detectors_with_samplers_and_searches_are_read(network, images, y):
    augmented = make_fakespotter(network, augment=True, classifier=LogisticRegression())
    search = GridSearchCV(augmented, {"classify__C": [1.0]}, cv=2).fit(images, y)
    expected = layer_importance(search.best_estimator_, images, y, random_state=0)
    result = layer_importance(search, images, y, random_state=0)
    assert result.baseline_score == roc_auc_score(y, search.decision_function(images))
    assert_array_equal(result.importances, expected.importances)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_features_in_a_data_frame_keep_their_names(kind, detector, images, y):
    named = detector_on(detector[0].backbone).set_output(transform=kind).fit(images[:20], y[:20])
    expected = layer_importance(detector, images, y, random_state=0)
    actual = layer_importance(named, images, pd.Series(y), random_state=0)
    assert_allclose(actual.importances, expected.importances, atol=1e-12)


def test_threads_change_nothing(detector, images, y):
    alone, together = (
        layer_importance(detector, images, y, random_state=0, n_jobs=n_jobs) for n_jobs in (None, 2)
    )
    assert_array_equal(together.importances, alone.importances)
    assert_array_equal(together.importances_low, alone.importances_low)


@pytest.mark.slow
def test_faces_are_cut_out_before_the_layers_are_read(faces):
    paths = [*sorted((faces / "real").iterdir())[:8], *sorted((faces / "fake").iterdir())[:8]]
    y = np.repeat([0, 1], 8)
    detector = make_fakespotter(faces=True, on_error="nan", classifier=LogisticRegression())
    result = layer_importance(detector.fit(paths, y), paths, y, n_repeats=1)
    assert (len(result.layer_names), result.n_samples) == (30, 16)


def test_what_is_no_detector_is_refused(network, images, y):
    coverage = NeuronCoverageTransformer(network).fit(images)
    for estimator in (DummyClassifier(), coverage, make_pipeline(StandardScaler(), coverage)):
        with pytest.raises(ValueError, match="accepted is a fitted Pipeline"):
            layer_importance(estimator, images, y)
    with pytest.raises(NotFittedError):
        layer_importance(detector_on(network), images, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_repeats": 0}, "n_repeats == 0, must be >= 1"),
        ({"n_bootstraps": -1}, "n_bootstraps == -1"),
        ({"confidence_level": 1.0}, "confidence_level == 1"),
        ({"scoring": "no score"}, "scoring"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"groups": [0, 1]}, "inconsistent numbers of samples"),
    ],
)
@pytest.mark.usefixtures("no_profiles")
def test_bad_parameters_are_refused_before_the_network_runs(
    parameters, message, detector, images, y
):
    with count_network_images() as count, pytest.raises(ValueError, match=message):
        layer_importance(detector, images, **{"y": y, **parameters})
    assert count.n_images == 0


def test_other_scores_of_robustness_curves_are_the_same_scores(detector, images, y):
    results = robustness_curve(
        detector, images, y, "blur", {"blur": [1]}, scoring="accuracy", n_bootstraps=10
    )
    result = layer_importance(detector, images, y, scoring="accuracy", n_bootstraps=10)
    assert result.baseline_score == results.score[0]


def test_the_display_draws_a_named_bar_for_each_layer(detector, images, y):
    display = LayerImportanceDisplay.from_estimator(detector, images, y, random_state=0)
    result = layer_importance(detector, images, y, random_state=0)
    assert_array_equal([bar.get_width() for bar in display.bars_], result.importances_mean)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == LAYERS
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]  # the first layer at the top
    segments = np.array(display.ax_.collections[0].get_segments())
    assert_array_equal(segments[..., 0].T, [result.importances_low, result.importances_high])
    assert "AUC" in display.ax_.get_xlabel()
    ax = mpl.figure.Figure().subplots()
    again = LayerImportanceDisplay.from_importances(result, ax=ax, bar_kw={"color": "red"})
    assert again.ax_ is ax
    assert again.figure_ is ax.figure
    assert again.bars_[0].get_facecolor() == (1, 0, 0, 1)
    without = layer_importance(detector, images, y, n_bootstraps=0)
    assert not LayerImportanceDisplay.from_importances(without, ax=ax).ax_.collections[1:]
    mpl.pyplot.close("all")


def test_without_matplotlib_the_display_says_how_to_get_it(detector, images, y, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'skfakespot\[plot\]'"):
        LayerImportanceDisplay.from_estimator(detector, images, y)
