# SPDX-License-Identifier: BSD-3-Clause
"""Several detectors on the same folds."""

import json
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skfakespot import count_network_images, make_fakespotter
from skfakespot.augmentation import PRESETS, perturb
from skfakespot.comparison import (
    ComparisonDisplay,
    compare_detectors,
    list_detectors,
    make_detectors,
)
from skfakespot.images import UnreadableImageWarning, as_samples, load_image
from skfakespot.rivals import FeatureMapTransformer, list_rivals

mpl.use("agg")
N_IMAGES = 36
LEVELS = {"blur": [0.5, 2], "compression": [30]}
N_PERTURBATIONS = 3


class Roughness(TransformerMixin, BaseEstimator):
    """Mean difference of neighbours in rows and in columns; learns nothing, and counts images."""

    n_described = 0

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        images = [load_image(element).astype(float) for element in as_samples(X)]
        type(self).n_described += len(images)
        return np.array(
            [[np.abs(np.diff(image, axis=axis)).mean() for axis in (0, 1)] for image in images]
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


class Recorder(ClassifierMixin, BaseEstimator):
    """Calls bright images fake; writes down what it is trained and tested on."""

    calls = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.calls.append(("fit", list(map(_brightness, X))))
        return self

    def predict_proba(self, X):
        brightness = np.array(list(map(_brightness, X)))
        self.calls.append(("predict_proba", brightness.tolist()))
        return np.column_stack([1 - brightness / 255, brightness / 255])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


class Broken(LogisticRegression):
    def fit(self, X, y):
        raise FloatingPointError("the third eye is closed")


def _brightness(image):
    return float(load_image(image).mean())


@pytest.fixture(scope="module")
def y():
    return np.arange(N_IMAGES) % 2


@pytest.fixture(scope="module")
def images(y):
    """Smooth images, and a fine pattern over the fakes; some of it is too weak to be seen."""
    random = np.random.default_rng(0)
    images = random.integers(60, 200, (N_IMAGES, 4, 4, 3)).astype(float)
    images = images.repeat(4, axis=1).repeat(4, axis=2)
    pattern = random.normal(scale=random.uniform(1, 6, (N_IMAGES, 1, 1, 1)), size=images.shape)
    return np.clip(images + pattern * y[:, None, None, None], 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def detectors():
    """One with decision values and one with probabilities."""
    return {
        "svm": make_pipeline(Roughness(), LinearSVC(C=0.01)),
        "logistic": make_pipeline(Roughness(), LogisticRegression()),
        "broken": make_pipeline(Roughness(), Broken()),
    }


@pytest.fixture(scope="module")
def comparison(detectors, images, y):
    return compare_detectors(
        detectors,
        images,
        y,
        cv=3,
        kinds=["blur", "compression"],
        levels=LEVELS,
        zero_shot={"weak": (images[1::2] // 2, np.ones(N_IMAGES // 2)), "same": (images, y)},
    )


def tpr_by_hand(y, scores, max_fpr):
    """The largest share of fakes above a threshold with so many reals at most."""
    shares = [0.0]
    for threshold in scores:
        called = scores >= threshold
        if called[y == 0].mean() <= max_fpr:
            shares.append(called[y == 1].mean())
    return max(shares)


@pytest.mark.parametrize("name", ["svm", "logistic"])
def test_the_measures_are_those_computed_by_hand(comparison, detectors, images, y, name):
    result = comparison.results[name]
    assert result.error is None
    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(images, y)
    for fold, (train, test) in enumerate(folds):
        detector = clone(detectors[name]).fit(images[train], y[train])

        def score(X, detector=detector):
            if name == "svm":
                return detector.decision_function(X)
            return detector.predict_proba(X)[:, 1]

        scores, labels = score(images[test]), detector.predict(images[test])
        auc = roc_auc_score(y[test], scores)
        expected = {
            "auc": auc,
            "tpr_at_1_percent_fpr": tpr_by_hand(y[test], scores, 0.01),
            "tpr_at_5_percent_fpr": tpr_by_hand(y[test], scores, 0.05),
            "paper_auc": roc_auc_score(y[test], labels),
            "paper_ap": average_precision_score(y[test], labels),
            "paper_precision": precision_score(y[test], labels),
            "paper_fpr": (labels[y[test] == 1] == 0).mean(),
            "paper_fnr": (labels[y[test] == 0] == 1).mean(),
            "n_missing": 0,
        }
        drops = {
            f"{kind} {level:g}": auc
            - roc_auc_score(y[test], score(perturb(images[test], kind, level, random_state=0)))
            for kind, levels in LEVELS.items()
            for level in levels
        }
        expected["drop"] = np.mean(list(drops.values()))
        for measure, value in expected.items():
            assert_allclose(result.of_folds[measure][fold], value, err_msg=measure)
        for perturbation, value in drops.items():
            assert_allclose(result.drops[perturbation][fold], value)
        # The fakes are compared with the real test images, unless they come with real ones.
        fakes, real = score(images[1::2] // 2), scores[y[test] == 0]
        truth = np.repeat([1, 0], [len(fakes), len(real)])
        weak = roc_auc_score(truth, np.concatenate([fakes, real]))
        assert_allclose(result.zero_shot["weak"]["auc"][fold], weak)
        assert_allclose(result.zero_shot["same"]["auc"][fold], roc_auc_score(y, score(images)))


def test_the_table_holds_means_and_standard_deviations(comparison):
    rows = {row["detector"]: row for row in comparison.to_records()}
    assert list(rows) == ["svm", "logistic", "broken"]
    of_folds = comparison.results["svm"].of_folds
    for name in ("auc", "tpr_at_5_percent_fpr", "drop", "paper_ap"):
        assert rows["svm"][name] == pytest.approx(np.mean(of_folds[name]))
        assert rows["svm"][f"{name}_std"] == pytest.approx(np.std(of_folds[name]))
    assert rows["svm"]["n_features"] == 2
    assert rows["svm"]["image_milliseconds"] > 0
    assert rows["svm"]["training_seconds"] > 0
    assert rows["svm"]["n_missing"] == 0
    frame = comparison.to_frame()
    assert frame.index.tolist() == list(rows)
    assert frame.loc["svm", "weak_auc"] == rows["svm"]["weak_auc"]


def test_an_error_costs_only_its_own_row(comparison):
    failed = comparison.results["broken"]
    assert failed.error == "FloatingPointError: the third eye is closed"
    row = comparison.to_records()[-1]
    assert np.isnan(row["auc"])
    assert np.isnan(row["weak_auc_std"])
    assert row["n_missing"] is None
    assert list(row) == list(comparison.to_records()[0])
    text = str(comparison)
    assert "broken failed: FloatingPointError: the third eye is closed" in text
    assert sum(line.startswith("svm ") for line in text.splitlines()) == 4


def test_the_text_holds_tables_of_restructured_text(comparison):
    lines = str(comparison).splitlines()
    assert lines[0] == "18 real and 18 fake images, 3 folds."
    (start,) = (number for number, line in enumerate(lines) if "TPR at 1 %" in line and number < 5)
    header, border = lines[start], lines[start + 1]
    assert set(border) == {"=", " "}
    assert lines[start - 1] == border
    # Each column begins below the beginning of its border.
    starts = [0, *(place + 1 for place, sign in enumerate(border) if sign == " ")]
    assert [header[place] for place in starts] == ["d", "A", "T", "T", "d", "f", "a", "t"]
    assert "mean over blur 0.5, blur 2, compression 30." in str(comparison)


def test_all_detectors_get_the_same_folds(images, y):
    Recorder.calls.clear()
    detectors = {"first": Recorder(), "second": Recorder()}
    results = compare_detectors(detectors, images, y, cv=3, kinds="blur", random_state=4).results
    assert all(result.error is None for result in results.values())
    half = len(Recorder.calls) // 2
    assert Recorder.calls[:half] == Recorder.calls[half:]
    fits = [values for call, values in Recorder.calls if call == "fit"]
    assert [len(values) for values in fits] == [24] * 6
    folds = StratifiedKFold(3, shuffle=True, random_state=4).split(images, y)
    assert fits[:3] == [list(map(_brightness, images[train])) for train, _ in folds]


def test_an_image_is_described_once_for_all_folds_and_once_for_each_perturbation(images, y):
    Roughness.n_described = 0
    detectors = {"logistic": make_pipeline(Roughness(), LogisticRegression())}
    result = compare_detectors(
        detectors, images, y, cv=3, kinds=list(LEVELS), levels=LEVELS
    ).results["logistic"]
    assert result.error is None
    # Further: twelve test images twice, to time them, and one at the start and one at the end.
    assert Roughness.n_described == N_IMAGES * (1 + N_PERTURBATIONS) + 2 * 12 + 2


def test_an_image_passes_through_the_network_once(network, images, y):
    fakespotter = make_fakespotter(network, classifier=LogisticRegression())
    paths = [Image.fromarray(image) for image in images]
    with count_network_images() as count:
        comparison = compare_detectors(
            {"network": fakespotter}, paths, y, cv=3, kinds="blur", levels={"blur": [1]}
        )
    result = comparison.results["network"]
    assert result.error is None
    assert result.n_features == 4
    # The timed images pass twice, because no profiles are kept of them, and the first once more.
    assert count.n_images == 2 * N_IMAGES + 2 * 12 + 1
    assert fakespotter["coverage"].memory is None
    assert not hasattr(fakespotter["classify"], "coef_")


def test_a_feature_map_of_a_frozen_network_is_read_once(network, images, y):
    layer = network.layers[1].name
    attention = make_pipeline(FeatureMapTransformer(network, layer=layer), LogisticRegression())
    with count_network_images() as count:
        comparison = compare_detectors({"attention": attention}, images, y, cv=3, kinds=())
    assert comparison.results["attention"].error is None
    assert count.n_images == N_IMAGES + 2 * 12 + 2


def test_perturbed_images_are_read_without_the_store(network, images, y, tmp_path):
    """A memory of one's own is used for the images themselves."""
    fakespotter = make_fakespotter(network, classifier=LogisticRegression(), memory=tmp_path)
    compare_detectors({"mine": fakespotter}, images, y, cv=2, kinds=())
    with count_network_images() as count:
        result = compare_detectors({"mine": fakespotter}, images, y, cv=2, kinds="blur").results
    assert result["mine"].error is None
    assert count.n_images == N_IMAGES + 2 * 18 + 1
    assert fakespotter["coverage"].memory == tmp_path


def test_text_labels_give_the_same_results(comparison, detectors, images, y):
    """Their order is another one: "fake" is the first class."""
    labels = np.array(["real", "fake"])[y]
    logistic = {"logistic": detectors["logistic"]}
    with_text = compare_detectors(
        logistic,
        images,
        labels,
        cv=3,
        kinds=list(LEVELS),
        levels=LEVELS,
        zero_shot={"weak": (images[1::2] // 2, ["fake"] * 18)},
    )
    before, after = (each.results["logistic"] for each in (comparison, with_text))
    assert after.error is None
    for name, values in before.of_folds.items():
        assert_allclose(after.of_folds[name], values, err_msg=name)
    assert_allclose(after.zero_shot["weak"]["auc"], before.zero_shot["weak"]["auc"])


def test_groups_are_kept_together(images, y):
    Recorder.calls.clear()
    groups = np.arange(N_IMAGES) // 4
    compare_detectors({"all": Recorder()}, images, y, groups=groups, cv=3, kinds=())
    brightness = [_brightness(image) for image in images]
    for call, values in Recorder.calls:
        if call == "fit":
            rows = [brightness.index(value) for value in values]
            assert len(np.unique(groups[rows])) * 4 == len(rows)


def test_a_splitter_and_a_series_of_paths(tmp_path, images, y, detectors):
    paths = [tmp_path / f"{number}.png" for number in range(N_IMAGES)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    paths = pd.Series(map(str, paths))
    groups = np.arange(N_IMAGES) // 2
    of_paths, of_arrays = (
        compare_detectors(
            {"svm": detectors["svm"]}, X, pd.Series(y), groups=groups, cv=GroupKFold(2)
        )
        for X in (paths, images)
    )
    assert of_paths.n_folds == 2
    assert [str(step) for step in of_paths.perturbations] == [
        str(PRESETS["paper"][kind][2]) for kind in ("compression", "resize", "noise", "blur")
    ]
    for name, values in of_paths.results["svm"].of_folds.items():
        assert_array_equal(values, of_arrays.results["svm"].of_folds[name])


def test_images_without_a_score_are_left_out_and_counted(network, mixed_photos):
    """Two of the pictures that can be read are fakes that look real."""
    y = np.arange(len(mixed_photos)) % 2
    detector = make_fakespotter(network, classifier=LogisticRegression(), on_error="nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImageWarning)
        comparison = compare_detectors({"nan": detector}, mixed_photos, y, cv=2, kinds="blur")
    result = comparison.results["nan"]
    assert result.error is None
    assert result.of_folds["n_missing"].sum() == 5
    assert "Test images without a score, left out: nan: 5." in str(comparison)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"detectors": {}}, TypeError, "accepted is a dict"),
        ({"detectors": [Recorder()]}, TypeError, "accepted is a dict"),
        ({"detectors": {"a": Recorder}}, TypeError, r"detectors\['a'\] is .*instances"),
        ({"detectors": {"a": Roughness()}}, TypeError, "decision_function or predict_proba"),
        ({"cv": 19}, ValueError, "19 folds of 18 real and 18 fake images"),
        ({"cv": 1}, ValueError, "1 folds"),
        ({"cv": "five"}, ValueError, "cv='five'"),
        ({"groups": np.arange(N_IMAGES) // 18}, ValueError, "5 folds of 2 real and 2 fake groups"),
        ({"y": [0] * N_IMAGES}, ValueError, "exactly two"),
        ({"kinds": "blar"}, ValueError, "did you mean 'blur'"),
        ({"kinds": "blur", "levels": "papr"}, ValueError, "did you mean 'paper'"),
        ({"zero_shot": {"a": ["a.png"]}}, ValueError, r"must be a pair \(X, y\)"),
        ({"zero_shot": {"a": (["a.png"], [0])}}, ValueError, "at least one image must be fake"),
        ({"zero_shot": {"a": (["a.png"], ["fake"])}}, ValueError, "must be 1 or 0"),
    ],
)
def test_what_is_not_accepted(images, y, changes, error, message):
    parameters = {"detectors": {"a": Recorder()}, "y": y, "kinds": ()} | changes
    Recorder.calls.clear()
    with pytest.raises(error, match=message):
        compare_detectors(X=images, **parameters)
    assert not Recorder.calls


def test_folds_need_both_classes(images):
    y = np.repeat([0, 1], N_IMAGES // 2)
    groups = np.arange(N_IMAGES) // 9
    with pytest.raises(ValueError, match="test images of fold 1 are all"):
        compare_detectors({"a": Recorder()}, images, y, groups=groups, cv=GroupKFold(4), kinds=())


def test_the_detectors_are_fakespotters_and_all_rivals():
    names = list_detectors()
    assert names[:3] == ["fakespotter-layer", "fakespotter-channel", "fakespotter-statistics"]
    assert names[3:] == [card.name for card in list_rivals()]
    detectors = make_detectors(random_state=1)
    assert list(detectors) == names
    assert detectors["fakespotter-channel"]["coverage"].output == "channel"
    assert "mean" in detectors["fakespotter-statistics"]["coverage"].statistics
    assert detectors["fakespotter-layer"]["classify"].random_state == 1
    with pytest.raises(ValueError, match=r"'log-dc' \(did you mean 'log-dct'\?\)"):
        make_detectors(["log-dc"])
    for wrong in ([], ["log-dct", "log-dct"]):
        with pytest.raises(ValueError, match="at least one name, and each at most once"):
            make_detectors(wrong)


def test_the_bars_are_in_order_and_within_the_figure(comparison):
    display = ComparisonDisplay.from_comparison(comparison, bar_kw={"color": "red"})
    aucs = {
        name: r.of_folds.get("auc", np.array(0)).mean() for name, r in comparison.results.items()
    }
    ordered = sorted(aucs, key=aucs.get, reverse=True)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ordered
    assert labels[-1] == "broken"
    ends = [bar.get_x() + bar.get_width() for bar in display.bars_]
    assert_allclose(ends, [aucs[name] for name in ordered[:-1]])
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts[-1] == "failed"
    assert texts[0].startswith(f"{aucs[ordered[0]]:.3f} ± ")
    display.figure_.set_dpi(100)
    display.figure_.canvas.draw()
    width, height = display.figure_.canvas.get_width_height()
    assert width == 800
    for text in display.ax_.texts:
        box = text.get_window_extent()
        assert box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height


def test_verbose_reports_each_detector(detectors, images, y, capsys):
    compare_detectors({"svm": detectors["svm"]}, images, y, cv=2, kinds="blur", verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[skfakespot] svm (1 of 1): 72 images"
    assert lines[-1].startswith("[skfakespot] svm (1 of 1): 72 images done in ")


def test_the_records_are_json(comparison):
    rows = comparison.to_records()
    assert json.loads(json.dumps(rows))[0]["detector"] == "svm"
