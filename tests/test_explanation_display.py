# SPDX-License-Identifier: BSD-3-Clause
"""`ExplanationDisplay`: what is drawn, and that all of it can be read."""

import dataclasses
import io
import itertools
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from networks import varied_images
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from skfakespot import NeuronCoverageTransformer
from skfakespot.faces import FaceCrop, MissingFace
from skfakespot.images import ImageError
from skfakespot.inspection import ExplanationDisplay

mpl.use("agg")
IMAGES = varied_images(12)
TEXTS = np.where(np.arange(12) % 2 == 1, "fake", "real")


@pytest.fixture(scope="module")
def detector(network):
    steps = NeuronCoverageTransformer(network), StandardScaler(), LogisticRegression()
    return make_pipeline(*steps).fit(IMAGES, TEXTS)


def explain(detector, image, **parameters):
    figure = Figure(layout="constrained")
    return ExplanationDisplay.from_estimator(detector, image, figure=figure, **parameters)


def check_places(display):
    """Check that a figure of 600 pixels is complete, and that nothing in it overlaps."""
    figure = display.figure_
    figure.savefig(io.BytesIO(), dpi=100)
    width, height = figure.get_size_inches()
    assert width * 100 == 600
    whole = figure.get_tightbbox()
    assert 0 <= whole.x0 < whole.x1 <= width
    assert 0 <= whole.y0 < whole.y1 <= height
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    boxes += [text.get_window_extent() for text in figure.texts]
    if len(display.axes_) == 3:
        labels = display.axes_[2].get_yticklabels()
        places = [label.get_window_extent() for label in labels]
        assert all(below.y1 < above.y0 for above, below in itertools.pairwise(places))
    for first, second in itertools.combinations(boxes, 2):
        assert not first.padded(-1).overlaps(second.padded(-1))


def test_the_picture_holds_photograph_evidence_and_layers(detector):
    display = explain(detector, IMAGES[0])
    photograph, heat, layers = display.axes_
    assert photograph.get_title() == "the image"
    assert np.array_equal(photograph.images[0].get_array(), IMAGES[0])
    assert heat.images[1].get_array().shape == (12, 10)
    names = [label.get_text() for label in layers.get_yticklabels()]
    widths = [bar.get_width() for bar in layers.patches]
    assert widths == sorted(widths, reverse=True)
    own = dict(zip(detector[0].layer_names_, display.evidence.contributions[0], strict=True))
    assert dict(zip(names, widths, strict=True)) == pytest.approx(own)
    (probability,) = detector.predict_proba(IMAGES[:1])[:, 0]  # "fake" comes before "real"
    assert display.probability == pytest.approx(probability, abs=1e-6)
    assert display.figure_.get_suptitle() == f"probability of fake: {probability:.2f}"


def test_no_text_is_cut_off_or_hidden(detector):
    calibration = (["real", "fake"] * 50, np.linspace(0, 1, 100))
    display = explain(detector, IMAGES[0], calibration=calibration)
    # As many layers, with names as long as possible.
    display.evidence.layer_names[:] = [f"network_{n}/stage_convolution_{n}$" for n in range(4)]
    check_places(display.plot(Figure(layout="constrained")))
    title = display.figure_.get_suptitle()
    assert re.search(r"\d of the 10 calibration images scored 0\.\d to .* are fake", title)


def test_twenty_layers_are_drawn(detector):
    evidence = explain(detector, IMAGES[0]).evidence
    evidence = dataclasses.replace(
        evidence,
        layer_names=[f"stage{n}_block{n}_convolution" for n in range(30)],
        contributions=np.linspace(-1, 2, 30)[None],
    )
    display = ExplanationDisplay(image=IMAGES[0], evidence=evidence, probability=1.0)
    check_places(display.plot(Figure(layout="constrained")))
    names = [label.get_text() for label in display.axes_[2].get_yticklabels()]
    assert names == evidence.layer_names[:19:-1] + evidence.layer_names[9::-1]


def test_the_calibration_bin_is_that_of_the_probability(detector):
    is_fake, scores = np.array([0, 1, 1, 1, 0]), np.array([0.05, 0.31, 0.39, 0.4, 1.0])
    counts = {0.3: (2, 2), 0.4: (1, 1), 0.0: (1, 0), 0.9: (1, 0), 0.5: (0, 0)}
    from skfakespot.inspection._calibration_bin import calibration_bin

    for low, (n_images, n_fake) in counts.items():
        own = calibration_bin(is_fake == 1, scores, low + 0.05)
        assert (own.low, own.n_images, own.n_fake) == (pytest.approx(low), n_images, n_fake)
    assert calibration_bin(is_fake == 1, scores, 1.0).n_images == 1
    with pytest.raises(ValueError, match="range from -1 to 1"):
        explain(detector, IMAGES[0], calibration=(["real", "fake"], [-1.0, 1.0]))


def test_the_face_is_outlined_and_enlarged(network):
    def crop(images):
        return [FaceCrop(image, x=204.5, y=105.5, side=12, angle=20) for image in images]

    photographs = [np.pad(image, ((100, 900), (200, 90), (0, 0))) for image in IMAGES]
    steps = FunctionTransformer(crop), NeuronCoverageTransformer(network), LogisticRegression()
    detector = make_pipeline(*steps).fit(photographs, TEXTS)
    display = explain(detector, photographs[0])
    photograph, heat, _ = display.axes_
    assert photograph.get_title() == "the face that was found"
    # 1012 pixels are drawn as 800.
    corners = np.array(photograph.lines[0].get_xydata())[:4] * 1012 / 800
    expected = FaceCrop(None, 204.5, 105.5, 12, 20).corners
    np.testing.assert_allclose(corners, expected, atol=0.5)
    shape = heat.images[1].get_array().shape
    assert shape == heat.images[0].get_array().shape
    assert max(shape) < 20


def test_detectors_without_probabilities_or_scaler(network):
    detector = make_pipeline(NeuronCoverageTransformer(network, output="channel"), SVC())
    detector.fit(IMAGES, TEXTS)
    display = explain(detector, Image.fromarray(IMAGES[0]), method="occlusion", grid_size=1)
    value = -detector.decision_function(IMAGES[:1])[0]
    assert display.figure_.get_suptitle() == f"decision value: {value:.2f} (above 0: fake)"
    assert len(display.axes_) == 2
    check_places(display)


def test_images_without_a_picture(detector):
    for image, message in (
        (np.full((5, 5), np.nan), "the pixels contain NaN"),
        (MissingFace(IMAGES[0]), "no face was found in it"),
        ("missing.jpg", "missing.jpg: no such file"),
    ):
        with pytest.raises(ImageError, match=message):
            explain(detector, image)


def test_matplotlib_is_named_if_it_is_missing(detector, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'skfakespot\[plot\]'"):
        ExplanationDisplay.from_estimator(detector, IMAGES[0])
