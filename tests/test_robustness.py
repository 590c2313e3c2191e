# SPDX-License-Identifier: BSD-3-Clause
"""Robustness curves, their display and the command."""

import json
import subprocess
import sys

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer, roc_auc_score

from skfakespot import make_fakespotter
from skfakespot.augmentation import Perturbation, perturb
from skfakespot.cli import main
from skfakespot.images import as_samples, load_image
from skfakespot.metrics import fake_detection_report
from skfakespot.robustness import RobustnessCurveDisplay, mean_drop, robustness_curve

mpl.use("agg")


class Roughness(ClassifierMixin, BaseEstimator):
    """Calls an image fake the more its neighbouring pixels differ; counts what it is asked."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_calls_ = 0
        return self

    def decision_function(self, X):
        self.n_calls_ += 1
        images = [load_image(element).astype(float) for element in as_samples(X)]
        return np.array([np.abs(np.diff(image, axis=1)).mean() for image in images])

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 13).astype(int)]


@pytest.fixture(scope="module")
def y():
    return np.arange(40) % 2


@pytest.fixture(scope="module")
def images(y):
    """Smooth images, and a fine pattern over the fakes."""
    random = np.random.default_rng(0)
    images = random.integers(60, 200, (40, 4, 4, 3)).astype(float)
    images = images.repeat(8, axis=1).repeat(8, axis=2)
    pattern = random.normal(scale=random.uniform(2, 8, (40, 1, 1, 1)), size=images.shape)
    return np.clip(images + pattern * y[:, None, None, None], 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def detector(images, y):
    return Roughness().fit(images, y)


LEVELS = {"blur": [0.5, 2], "noise": [0.001, 0.01, 0.1]}


@pytest.fixture(scope="module")
def results(detector, images, y):
    return robustness_curve(detector, images, y, ["noise", "blur"], LEVELS, random_state=0)


def test_the_scores_are_those_of_the_perturbed_images(results, detector, images, y):
    assert results.kind.tolist() == ["clean", *["noise"] * 3, *["blur"] * 2]
    assert_array_equal(results.level, [np.nan, 0.001, 0.01, 0.1, 0.5, 2])
    clean, *perturbed = results.to_dict("records")
    assert clean["score"] == roc_auc_score(y, detector.decision_function(images))
    assert clean["fall"] == clean["fall_low"] == clean["fall_high"] == 0
    for row in perturbed:
        assert row["scoring"], row["n_samples"] == ("roc_auc", 40)
        assert row["fall"] == clean["score"] - row["score"]
        assert row["perturbation"] == f"{row['kind']} {row['level']:g}"
        if row["kind"] == "blur":
            X = perturb(images, "blur", row["level"])
            assert row["score"] == roc_auc_score(y, detector.decision_function(X))
    assert perturbed[2]["score"] < perturbed[0]["score"]


def test_intervals_hold_the_scores_and_widen_with_confidence(results, detector, images, y):
    assert (results.score_low <= results.score).all()
    assert (results.score <= results.score_high).all()
    perturbed = results[results.kind == "noise"]
    assert (perturbed.fall_low <= perturbed.fall_high).all()
    wider = robustness_curve(
        detector, images, y, "noise", LEVELS, random_state=0, confidence_level=0.999
    )
    assert (wider.score_high - wider.score_low)[3] > (results.score_high - results.score_low)[3]


def area(estimator, X, y):
    """The area under the ROC curve, as a callable of which the package knows nothing."""
    if hasattr(estimator, "decision_function"):
        return roc_auc_score(y, estimator.decision_function(X))
    return roc_auc_score(y, estimator.predict_proba(X)[:, 1])


def test_intervals_are_those_of_the_scorer(detector, images, y):
    """Of coarse scores too, of which many are tied."""

    class Coarse(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(2)

        def fit(self, X, y):
            return self

        def predict_proba(self, X):
            fake = np.round(detector.decision_function(X) / 20, 1)
            return np.column_stack([1 - fake, fake])

    for estimator in (detector, Coarse()):
        by_name, by_scorer, by_callable = (
            robustness_curve(
                estimator, images, y, "noise", LEVELS, scoring=s, random_state=0, n_bootstraps=60
            ).drop(columns="scoring")
            for s in ("roc_auc", get_scorer("roc_auc"), area)
        )
        pd.testing.assert_frame_equal(by_name, by_scorer)
        # Both have the same draws, but only of a known AUC is the interval one of log-odds.
        intervals = ["score_low", "score_high"]
        pd.testing.assert_frame_equal(
            by_name.drop(columns=intervals), by_callable.drop(columns=intervals)
        )
        assert not by_name[intervals].equals(by_callable[intervals])


@pytest.mark.parametrize("grouped", [False, True], ids=["images", "groups"])
def test_the_interval_of_an_auc_is_that_of_the_report(detector, images, y, grouped):
    groups = np.arange(40) // 5 if grouped else None
    results = robustness_curve(
        detector, images, y, "noise", LEVELS, groups=groups, n_bootstraps=4000, random_state=0
    )
    report = fake_detection_report(
        y,
        detector.decision_function(images),
        confidence_level=0.95,
        groups=groups,
        n_bootstraps=4000,
        random_state=1,
    )
    found = results.score_low[0], results.score_high[0]
    assert found == pytest.approx((report["auc_low"], report["auc_high"]), abs=0.01)


def test_the_interval_covers_as_often_as_it_says():
    """Against the score of many images: about 90 of 100 intervals hold it."""
    random = np.random.default_rng(0)
    truth = 0.7602  # of scores from N(0, 1) and N(1, 1)

    class Scores(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(2)

        def fit(self, X, y):
            return self

        def decision_function(self, X):
            return X.mean(axis=(1, 2, 3))

    y = np.repeat([0, 1], 50)
    n_covered = 0
    for _ in range(100):
        scores = random.normal(size=100) + y
        X = np.rint(128 + 20 * scores).astype(np.uint8)[:, None, None, None].repeat(3, axis=3)
        row = robustness_curve(
            Scores(), X, y, "blur", {"blur": [0]}, n_bootstraps=100, confidence_level=0.9
        ).iloc[1]
        n_covered += row.score_low <= truth <= row.score_high
    assert 78 <= n_covered <= 98


def test_the_estimator_sees_each_level_once(images, y):
    for scoring in ("roc_auc", "accuracy", "average_precision"):
        detector = Roughness().fit(images, y)
        robustness_curve(detector, images, y, "blur", LEVELS, scoring=scoring, n_bootstraps=20)
        assert detector.n_calls_ == 3


def test_a_clean_response_is_not_asked_for_again(images, y, detector):
    response = detector.decision_function(images)
    counted = Roughness().fit(images, y)
    results, expected = (
        robustness_curve(estimator, images, y, "blur", LEVELS, clean_response=given, random_state=0)
        for estimator, given in ((counted, response), (detector, None))
    )
    assert counted.n_calls_ == 2
    pd.testing.assert_frame_equal(results, expected)


def test_seeds_threads_and_kinds_of_x_change_nothing(results, detector, images, y, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(40)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    for X, n_jobs in ((images, 2), (paths, None), (pd.Series(paths), None)):
        again = robustness_curve(
            detector, X, y, ["noise", "blur"], LEVELS, random_state=0, n_jobs=n_jobs
        )
        pd.testing.assert_frame_equal(again, results)


def test_scorers_and_labels(detector, images, y):
    def share_called_fake(estimator, X, _):
        return np.mean(estimator.predict(X) == 1)

    results = robustness_curve(
        detector, images, y, "noise", LEVELS, scoring=share_called_fake, n_bootstraps=0
    )
    assert results.scoring.unique().tolist() == ["share_called_fake"]
    assert results.score_low.isna().all()
    assert results.score.iloc[3] == 1.0
    named = np.array(["areal", "fake"])[y]
    by_name = robustness_curve(
        Roughness().fit(images, named), images, named, "blur", LEVELS, random_state=0
    )
    by_number = robustness_curve(detector, images, y, "blur", LEVELS, random_state=0)
    assert_allclose(by_name.score, by_number.score)


class Careful(Roughness):
    """Gives no score to smooth images, and labels them -1."""

    smooth = 4.0

    def decision_function(self, X):
        scores = super().decision_function(X)
        return np.where(scores < self.smooth, np.nan, scores)

    def predict(self, X):
        scores = self.decision_function(X)
        return np.where(np.isnan(scores), -1, self.classes_[(scores > 13).astype(int)])


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", area])
@pytest.mark.parametrize("groups", [None, np.arange(40) // 4], ids=["images", "groups"])
def test_images_without_a_score_are_left_out_and_counted(detector, images, y, scoring, groups):
    careful = Careful().fit(images, y)
    shared = {"scoring": scoring, "random_state": 0, "n_bootstraps": 10, "levels": LEVELS}
    results = robustness_curve(careful, images, y, ["blur", "noise"], groups=groups, **shared)
    assert results.n_missing[2] > results.n_missing[1] > results.n_missing[0] > 0
    # With noise, all images are rough, but some have no score without it.
    assert results.n_missing[5] == results.n_missing[0]
    is_clean = detector.decision_function(images) >= Careful.smooth
    for number, level in enumerate(results.level[:3]):
        X = perturb(images, "blur", level) if number else images
        kept = is_clean & (detector.decision_function(X) >= Careful.smooth)
        row = results.loc[number].drop("n_missing")
        assert row.n_samples == kept.sum() == 40 - results.n_missing[number]
        # The row is that of a curve of these images alone.
        given = None if groups is None else groups[kept]
        alone = robustness_curve(detector, images[kept], y[kept], "blur", groups=given, **shared)
        pd.testing.assert_series_equal(alone.loc[number, row.index], row)


def test_a_level_at_which_a_class_has_no_score_is_nan(detector, images, y, tmp_path):
    careful = Careful().fit(images, y)
    careful.smooth = detector.decision_function(perturb(images, "blur", 2))[y == 0].max() + 1e-9
    given = {"clean_response": careful.decision_function(images), "random_state": 0}
    results = robustness_curve(careful, images, y, "blur", {"blur": [2, 0]}, **given)
    values = results.columns[3:9]  # score, drop and their intervals
    assert results.loc[1, values].isna().all()
    assert results.loc[2, values].tolist() == results.loc[0, values].tolist()
    assert np.isnan(mean_drop(results))
    RobustnessCurveDisplay.from_results({"careful": results}).figure_.savefig(tmp_path / "a.png")
    careful.smooth = np.inf
    with pytest.raises(ValueError, match="0 of the 40 unperturbed images have a score"):
        robustness_curve(careful, images, y, "blur", LEVELS)


def test_groups_are_drawn_as_a_whole(detector, images, y):
    """Of two groups, one with all labels wrong, many draws hold one alone."""
    groups = np.arange(40) // 20
    wrong = np.where(groups == 0, y, 1 - y)
    arguments = {"groups": groups, "random_state": 0}
    halves = [
        roc_auc_score(wrong[half], detector.decision_function(images[half]))
        for half in (groups == 0, groups == 1)
    ]
    results = robustness_curve(detector, images, wrong, "noise", LEVELS, scoring=area, **arguments)
    assert_allclose([results.score_low[0], results.score_high[0]], sorted(halves))
    results = robustness_curve(
        detector,
        images,
        wrong,
        "noise",
        LEVELS,
        **arguments,
        n_bootstraps=10_000,
        confidence_level=0.5,
    )
    # A quarter of the draws is the one half twice, a quarter the other; the upper quartile of
    # Student's t of one degree of freedom is 1.
    score = results.score[0]
    error = np.sqrt(2 * np.mean((np.array([*halves, score, score]) - score) ** 2))
    reach = error / (score * (1 - score))
    found = logit([results.score_low[0], results.score_high[0]]) - logit(score)
    assert found == pytest.approx([-reach, reach], rel=0.03)
    one_class_each = robustness_curve(
        detector, images[:2], [0, 1], "noise", LEVELS, groups=[0, 1], n_bootstraps=20
    )
    assert one_class_each.score_low.notna().all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kinds": ["blur", "crop"]}, "no perturbation 'crop'"),
        ({"levels": {"noise": [1]}}, "levels has no levels of blur"),
        ({"confidence_level": 1}, "confidence_level=1"),
        ({"scoring": "auc"}, "scoring"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
    ],
)
def test_what_is_refused(detector, images, y, parameters, message):
    parameters = {"kinds": "blur", "levels": LEVELS, **parameters}
    with pytest.raises(ValueError, match=message):
        robustness_curve(detector, images, y, **parameters)


def test_without_pandas_the_results_are_records(results):
    program = (
        "import sys\n"
        "class NoPandas:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'pandas': raise ImportError(name)\n"
        "sys.meta_path.insert(0, NoPandas())\n"
        "import numpy as np\n"
        "from sklearn.dummy import DummyClassifier\n"
        "from skfakespot.robustness import mean_drop, robustness_curve\n"
        "X, y = np.zeros((4, 8, 8, 3), dtype=np.uint8), [0, 0, 1, 1]\n"
        "detector = DummyClassifier().fit(X, y)\n"
        "results = robustness_curve(detector, X, y, 'blur', {'blur': [1]})\n"
        "print(sorted(results[1]), mean_drop(results))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == f"{sorted(results.columns)} 0.0\n", run.stderr


def test_mean_drop(results):
    drops = results.fall[1:]
    assert mean_drop(results) == pytest.approx(drops.mean())
    assert mean_drop(results.to_dict("records"), relative=True) == pytest.approx(
        drops.mean() / results.score[0]
    )


def test_the_display_has_a_panel_for_each_kind_and_a_line_for_each_result(results):
    noise_only = results[results.kind != "blur"]
    display = RobustnessCurveDisplay.from_results({"first": results, "second": noise_only})
    noise, blur = display.axes_
    assert [panel.get_xlabel() for panel in (noise, blur)] == [
        "noise: variance",
        "blur: sigma (pixels)",
    ]
    assert noise.get_ylabel() == "AUC"
    assert [len(lines) for lines in display.lines_.values()] == [2, 1]
    assert_array_equal(display.lines_["first"][1].get_xdata(), [0.5, 2])
    assert_array_equal(display.lines_["first"][1].get_ydata(), results.score[4:])
    assert display.figure_ is noise.figure


def test_the_display_of_an_estimator_on_given_axes(detector, images, y):
    figure = mpl.figure.Figure()
    display = RobustnessCurveDisplay.from_estimator(
        detector, images, y, name="rough", axes=figure.subplots(1, 2), line_kw={"color": "red"},
        kinds=["resize", "noise"], n_bootstraps=5,
    )  # fmt: skip
    assert display.figure_ is figure
    assert display.axes_[0].xaxis.get_inverted()  # the stronger perturbation is on the right
    assert not display.axes_[1].xaxis.get_inverted()
    assert display.lines_["rough"][0].get_color() == "red"
    with pytest.raises(ValueError, match="axes holds 1 panels; 2 are needed"):
        RobustnessCurveDisplay.from_results(display.results, axes=figure.axes[:1])


def test_options_of_a_level_are_told(detector, images, y):
    levels = {"noise": [Perturbation("noise", 20, unit="std")]}
    results = robustness_curve(detector, images, y, "noise", levels, n_bootstraps=2)
    assert results.perturbation[1] == "noise 20 (unit=std)"
    display = RobustnessCurveDisplay.from_results({"rough": results})
    assert display.axes_[0].get_xlabel() == "noise: standard deviation (0 to 255)"


@pytest.fixture(scope="module")
def folders(images, y, tmp_path_factory):
    root = tmp_path_factory.mktemp("faces")
    for label, name in enumerate(("real", "fake")):
        (root / name).mkdir()
        for number, image in enumerate(images[y == label]):
            Image.fromarray(image).save(root / name / f"{number:02}.png")
    return ["--real", str(root / "real"), "--fake", str(root / "fake")]


def test_the_command_trains_tests_and_draws(folders, tmp_path, capsys):
    picture = tmp_path / "curve.png"
    command = ["robustness", *folders, "--kinds", "blur", "--output", str(picture), "--augment"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Trained on 30 images, tested on 10 others, seed 0")
    assert [line.split("  ")[0] for line in lines[4:10]] == [
        "clean",
        "blur 0.5",
        "blur 1",
        "blur 1.5",
        "blur 2",
        "blur 3",
    ]
    assert any("less than 3.77%" in line for line in lines)
    with Image.open(picture) as image:
        assert image.size == (612, 384)


def test_the_command_on_a_saved_detector_as_json(folders, images, y, tmp_path, capsys):
    detector = make_fakespotter(augment=True, random_state=0)
    detector.set_params(classify__max_iter=3).fit(images[:20], y[:20])
    joblib.dump(detector, tmp_path / "detector.joblib")
    command = [
        "robustness",
        *folders,
        "--detector",
        str(tmp_path / "detector.joblib"),
        "--json",
        "--levels",
        "cnndetection",
        "--kinds",
        "blur",
        "--output",
        str(tmp_path / "c.png"),
    ]
    assert main(command) == 2
    assert "add --trust" in capsys.readouterr().err
    command.append("--trust")
    assert main(command) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["level"] for row in report["results"]] == [None, 0.5, 1, 1.5, 2, 2.5, 3]
    assert report["results"][1]["n_samples"] == 40
    falls = [row["fall"] for row in report["results"][1:]]
    assert report["fall"] == pytest.approx(np.mean(falls))
    file = str(tmp_path / "detector.joblib")
    assert main(["predict", file, f"{folders[1]}/00.png", "--trust"]) == 0
    assert main([*command, "--augment"]) == 2
    assert "does not go with --detector" in capsys.readouterr().err
