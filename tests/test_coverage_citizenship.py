# SPDX-License-Identifier: BSD-3-Clause
"""NeuronCoverageTransformer among scikit-learn's tools: callbacks, containers, storage, links."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import rich
import skops.io
from networks import small_network
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    PerturbationAugmenter,
    make_fakespotter,
)
from skfakespot.backbones import BackboneError, load_backbone
from skfakespot.video import VideoClassifier

pytestmark = pytest.mark.usefixtures("no_profiles")

LAYERS = ["conv_1", "depthwise", "conv_2", "dense"]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 12, 10, 3), dtype=np.uint8)


class Recorder:
    """Notes the begin and end of every task."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.events.append(("end", context.task_name))
        self.seen = X, fitted_estimator


@pytest.fixture
def callback():
    return pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_callbacks_hear_of_each_pass_and_batch(callback, images, method):
    recorder = Recorder()
    coverage = NeuronCoverageTransformer(small_network(), batch_size=4).set_callbacks(recorder)
    getattr(coverage, method)(images)
    batch = [("begin", "batch"), ("end", "batch")]
    assert recorder.events == [
        "setup",
        ("begin", "fit"),
        ("begin", "thresholds"), *batch * 3, ("end", "thresholds"),
        ("end", "fit"),
        "teardown",
    ]  # fmt: skip
    seen, fitted = recorder.seen
    assert seen is images
    assert_array_equal(fitted.transform(images), coverage.transform(images))


def test_callbacks_hear_nothing_of_transform_and_of_what_is_known(callback, images):
    recorder = Recorder()
    coverage = NeuronCoverageTransformer(small_network()).fit(images)
    coverage.set_callbacks(recorder).transform(images)
    assert recorder.events == []
    coverage.fit(images)
    assert recorder.events == ["setup", ("begin", "fit"), ("end", "fit"), "teardown"]


def test_callbacks_are_taken_down_after_an_error(callback, network, tmp_path):
    recorder = Recorder()
    coverage = NeuronCoverageTransformer(network).set_callbacks(recorder)
    with pytest.raises(ValueError, match=r"no\.png"):
        coverage.fit([tmp_path / "no.png"])
    assert recorder.events[-1] == "teardown"


def test_unreadable_images_are_no_obstacle_to_callbacks(callback, images, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path, image in zip(paths, images, strict=False):
        Image.fromarray(image).save(path)
    for path in paths[1:]:
        path.write_bytes(b"no image")
    recorder = Recorder()
    coverage = NeuronCoverageTransformer(small_network(), on_error="nan", batch_size=1)
    with pytest.warns(UserWarning, match="of the result is NaN"):
        coverage.set_callbacks(recorder).fit(paths)
    assert recorder.events.count(("begin", "batch")) == recorder.events.count(("end", "batch"))
    assert coverage.n_samples_seen_ == 1


@pytest.fixture
def wide_console():
    """Rich's console, which all bars of the process share."""
    rich.reconfigure(width=200)
    yield
    rich.reconfigure()


@pytest.mark.usefixtures("wide_console")
def test_a_progress_bar_follows_a_pipeline(callback, images, capsys):
    classifier = FakeSpotterClassifier((4,), max_iter=2)
    for detector in (
        make_pipeline(NeuronCoverageTransformer(small_network()), classifier),
        make_fakespotter(small_network(), classifier=classifier),
    ):
        detector.set_callbacks(callback.ProgressBar()).fit(images, np.arange(len(images)) % 2)
        assert "NeuronCoverageTransformer - fit" in capsys.readouterr().out


def test_callbacks_hear_of_each_fold_once_where_profiles_are_kept(callback, images, tmp_path):
    recorder = Recorder()
    coverage = NeuronCoverageTransformer(small_network(), memory=tmp_path, batch_size=1)
    detector = make_pipeline(coverage.set_callbacks(recorder), StandardScaler(), SVC())
    GridSearchCV(detector, {"svc__C": [1, 10]}, cv=2).fit(images, np.arange(len(images)) % 2)
    assert recorder.events.count(("begin", "fit")) == 2 * 2 + 1
    assert recorder.events.count(("begin", "batch")) == len(images)


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("output", ["layer", "channel"])
def test_set_output(network, images, container, output):
    pytest.importorskip(container)
    coverage = NeuronCoverageTransformer(network, output=output)
    counts = coverage.fit_transform(images)
    frame = clone(coverage).set_output(transform=container).fit_transform(images)
    assert type(frame).__module__.split(".")[0] == container
    assert list(frame.columns) == coverage.get_feature_names_out().tolist()
    assert_array_equal(frame.to_numpy(), counts)
    assert frame.to_numpy().dtype == counts.dtype


@pytest.mark.filterwarnings("ignore:.*:UserWarning:skops")
def test_skops_trusts_nothing_but_the_class(images):
    coverage = NeuronCoverageTransformer(weights="random", output="channel").fit(images)
    data = skops.io.dumps(coverage)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert untrusted == ["skfakespot.coverage.NeuronCoverageTransformer"]
    loaded = skops.io.loads(data, trusted=untrusted)
    assert_array_equal(loaded.transform(images), coverage.transform(images))


def test_html_links_to_the_reference(network):
    estimators = NeuronCoverageTransformer(network), FakeSpotterClassifier()
    others = PerturbationAugmenter(), VideoClassifier(SVC())
    detectors = make_fakespotter(), make_fakespotter(augment=True)
    modules = {
        "AugmentedPipeline": "skfakespot.pipeline",
        "DetectorPipeline": "skfakespot.pipeline",
        "VideoClassifier": "skfakespot.video",
    }
    for estimator in (*estimators, *others, *detectors):
        name = type(estimator).__name__
        module = modules.get(name, "skfakespot")
        assert f"/reference/generated/{module}.{name}.html" in estimator._repr_html_()


def test_html_of_a_subclass_of_a_user_links_nowhere(network):
    class Mine(NeuronCoverageTransformer):
        """Lives in another module."""

    assert "readthedocs" not in Mine(network)._repr_html_()


def test_partial_fit_in_any_parts_and_order_to_twelve_digits(network, images):
    whole = NeuronCoverageTransformer(network).fit(images).thresholds_
    random = np.random.default_rng(0)
    for batch_size in (1, 3, 32):
        parts = NeuronCoverageTransformer(network, batch_size=batch_size)
        shuffled = images[random.permutation(len(images))]
        for part in np.split(shuffled, np.sort(random.choice(np.arange(1, 9), 3, replace=False))):
            parts.partial_fit(part)
        assert_allclose(parts.thresholds_, whole, rtol=1e-12)


def test_the_scale_of_float_images_is_checked(network, images):
    coverage = NeuronCoverageTransformer(network).fit(images)
    for on_error, n_jobs in (("raise", None), ("nan", None), ("nan", 2)):
        coverage.set_params(on_error=on_error, n_jobs=n_jobs, batch_size=4)
        with pytest.raises(ValueError, match="multiply X by 255"):
            coverage.transform(images / 255)
    coverage.set_params(on_error="raise", n_jobs=None)
    for value, message in ((np.nan, "NaN"), (-3.0, "-3"), (256.0, "256")):
        spoilt = images.astype(float)
        spoilt[2, 3, 4, 1] = value
        with pytest.raises(ValueError, match=message):
            coverage.transform(spoilt)


@pytest.mark.parametrize("X", [[], np.empty((0, 12, 10, 3), np.uint8), pd.Series([], dtype=object)])
def test_zero_images_are_refused(network, images, X):
    coverage = NeuronCoverageTransformer(network)
    with pytest.raises(ValueError, match=r"(0|no) (sample|image)"):
        coverage.fit(X)


def test_mixed_types_and_what_is_no_image_are_named(network, images):
    coverage = NeuronCoverageTransformer(network).fit(images)
    with pytest.raises(TypeError, match=r"mixes types: X\[0\] is a path .* X\[1\] is a ndarray"):
        coverage.transform(["face.png", images[1]])
    with pytest.raises(TypeError, match="dict"):
        coverage.transform([{"path": "face.png"}])


def test_images_that_the_network_cannot_take_are_refused(images):
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(2, 5)(keras.layers.Conv2D(2, 5)(inputs))
    coverage = NeuronCoverageTransformer(keras.Model(inputs, outputs), image_size=(6, 6))
    with pytest.raises(ValueError, match=r"cannot take .*\(6, 6, 3\).* larger image_size"):
        coverage.fit(images)
    assert coverage.set_params(image_size=(9, 9)).fit_transform(images).shape == (9, 2)


def test_a_backbone_by_name_is_built_for_the_image_size(images):
    coverage = NeuronCoverageTransformer(weights="random", layers="conv", image_size=(120, 104))
    counts = coverage.fit_transform(images)
    assert coverage.backbone_.input_size == (120, 104)
    own = clone(coverage).set_params(image_size=None).fit(images)
    assert own.backbone_.input_size == (150, 150)
    assert coverage.n_neurons_.sum() < own.n_neurons_.sum()
    assert_array_equal(pickle.loads(pickle.dumps(coverage)).transform(images), counts)
    with pytest.raises(
        BackboneError, match=r"\(9, 9\), which may be too small.* larger image_size"
    ):
        clone(coverage).set_params(image_size=(9, 9)).fit(images)
    with pytest.raises(BackboneError, match=r"image_size=\(0, 3\); accepted are None and two"):
        clone(coverage).set_params(image_size=(0, 3)).fit(images)


def test_weights_are_the_same_for_every_image_size():
    own, large = (
        load_backbone("dlib-resnet29"),
        load_backbone("dlib-resnet29", image_size=(224, 181)),
    )
    assert large.input_shape == (224, 181, 3)
    for weights, others in zip(own.model.get_weights(), large.model.get_weights(), strict=True):
        assert_array_equal(weights, others)
    vggface = load_backbone("vggface-resnet50", weights="random", image_size=(230, 240))
    assert vggface.input_size == (230, 240)
    with pytest.raises(BackboneError, match="own image size only"):
        load_backbone("vggface-vgg16", weights="random", include_top=True, image_size=(96, 96))


def test_metadata_routing_asks_for_nothing(network, images):
    with config_context(enable_metadata_routing=True):
        coverage = NeuronCoverageTransformer(network)
        assert coverage.get_metadata_routing()._serialize() == {}
        assert coverage.fit_transform(images).shape == (9, 4)
