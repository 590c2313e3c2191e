# SPDX-License-Identifier: BSD-3-Clause
"""The code of a user, which `mypy --strict` checks; it never runs. See [tool.mypy]."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import skfakespot
from skfakespot import (
    FakeSpotterClassifier,
    NeuronCoverageTransformer,
    PerturbationAugmenter,
    SkipMissingClassifier,
    clear_caches,
    count_network_images,
    fake_probability,
    make_fakespotter,
    score_images,
    trusted_types,
)
from skfakespot.augmentation import KINDS, Perturbation, perturb
from skfakespot.backbones import Backbone, BackboneCard, describe_backbones, load_backbone
from skfakespot.comparison import DetectorComparison, compare_detectors, make_detectors
from skfakespot.datasets import FormatAudit, check_leakage, format_audit, load_face_folders
from skfakespot.faces import FaceCrop, FaceCropper, detect_faces
from skfakespot.images import ImageError, as_samples, load_image
from skfakespot.inspection import (
    EvidenceMaps,
    TrainingImageIndex,
    TrainingNeighbor,
    evidence_map,
    list_layers,
    nearest_training_images,
)
from skfakespot.metrics import equal_error_rate, fake_detection_report, fake_detection_scorers
from skfakespot.pipeline import AugmentedPipeline, DetectorPipeline
from skfakespot.rivals import FaceWarpingSampler, LogDCTTransformer, list_rivals, make_rival
from skfakespot.robustness import RobustnessCurveDisplay, mean_drop, robustness_curve
from skfakespot.scoring import ImageScore, iter_scores
from skfakespot.video import VideoClassifier, VideoFrame, aggregate_scores, score_videos

images = np.zeros((4, 8, 8, 3), dtype=np.uint8)
paths = [Path("real.jpg"), Path("fake.jpg")]
names = ["real.jpg", "fake.jpg"]


def train() -> None:
    detector = make_fakespotter(recipe="statistics", augment=True, random_state=0)
    assert_type(detector, DetectorPipeline | AugmentedPipeline)
    detector.fit(paths, ["real", "fake"]).predict_proba(images)
    assert_type(fake_probability(detector, paths), NDArray[np.floating[Any]])
    score_images(detector, Path("photos").rglob("*.jpg"), output=Path("scores.csv"))
    for score in iter_scores(detector, names):
        assert_type(score, ImageScore)
        assert_type(score.probability, float)
    make_fakespotter(recipe="papre")  # type: ignore[arg-type]


def count() -> None:
    coverage = NeuronCoverageTransformer(
        threshold=("quantile", [0.25, 0.75]), layers=["conv1"], image_size=(64, 64), memory=Path()
    )
    assert_type(coverage.fit(images), NeuronCoverageTransformer)
    assert_type(coverage.fit(paths, [0, 1]).transform(paths), NDArray[np.floating[Any]])
    assert_type(coverage.get_feature_names_out(), NDArray[np.object_])
    coverage.fit([images[0], images[1]]).merge(NeuronCoverageTransformer().fit(names))
    with count_network_images() as counted:
        assert_type(counted.n_images, int)
    NeuronCoverageTransformer(tap="layers")  # type: ignore[arg-type]
    NeuronCoverageTransformer("dlib-resnet29", None)  # type: ignore[call-arg]
    clear_caches(networks=False)
    assert_type(trusted_types(), list[str])


def classify() -> None:
    classifier = FakeSpotterClassifier((32, 16), n_iter_no_change=np.inf, class_weight="balanced")
    features = np.zeros((4, 2))
    assert_type(classifier.fit(features, [0, 1, 0, 1]), FakeSpotterClassifier)
    assert_type(classifier.predict_proba(features), NDArray[np.floating[Any]])
    classifier.fit(features)  # type: ignore[call-arg]
    skipping = SkipMissingClassifier(classifier).fit(features, [0, 1, 0, 1])
    assert_type(skipping, SkipMissingClassifier)
    assert_type(skipping.score(features, [0, 1, 0, 1]), float)


def augment() -> None:
    for kind in KINDS:
        perturb(images, kind, 0.5)
    perturb(paths, "blur", ("paper", 1))
    perturb(paths, "sepia", 1.0)  # type: ignore[arg-type]
    assert_type(Perturbation("blur", 2, kernel_size=None)(images[0]), NDArray[np.uint8])
    PerturbationAugmenter("noise", levels={"noise": [0.1]}, n_copies="all").fit_resample(
        images, [0]
    )
    FaceWarpingSampler([0.5], random_state=np.random.RandomState(0))


def read() -> None:
    assert_type(load_image(Path("a.png")), NDArray[np.uint8])
    assert_type(as_samples(paths).name(0), str)
    load_image(1.5j + 2, name=3)  # type: ignore[arg-type]
    try:
        load_image(b"")
    except ImageError as error:
        assert_type(error, ImageError)
    crop = FaceCrop("photo.jpg", x=1, y=2, side=3)
    assert_type(crop.corners, NDArray[np.float64])
    detect_faces(crop)
    assert_type(FaceCropper(crop=None, on_no_face="raise").fit([crop, crop]), FaceCropper)
    assert_type(VideoFrame(Path("clip.mp4"), 1.5).load(), NDArray[np.uint8])


def choose() -> None:
    backbone = load_backbone("dlib-resnet29", weights="random")
    assert_type(backbone, Backbone)
    NeuronCoverageTransformer([backbone, "vggface-vgg16"], weights=[None, "random"])
    assert_type(describe_backbones()[0], BackboneCard)
    assert_type(list_layers(backbone)[0].shape, tuple[int, ...])
    assert_type(skfakespot.backbones.list_backbones(), list[str])
    assert_type(skfakespot.__version__, str)
    skfakespot.make_fakespoter()  # type: ignore[attr-defined]
    make_rival(list_rivals()[0].name)
    assert_type(LogDCTTransformer().fit_transform(paths), Any)


def evaluate(faces: NDArray[np.object_]) -> None:
    detectors = make_detectors(["fakespotter-layer"], random_state=0)
    comparison = compare_detectors(detectors, faces, [0, 1], kinds=["blur"], zero_shot=None)
    assert_type(comparison, DetectorComparison)
    assert_type(fake_detection_report([0, 1], [0.1, 0.9], pos_label=1), dict[str, float])
    assert_type(equal_error_rate([0, 1], [0.1, 0.9]), float)
    fake_detection_scorers(max_fpr=0.05)["auc"](detectors["fakespotter-layer"], faces, [0, 1])
    results = robustness_curve(detectors["fakespotter-layer"], faces, [0, 1], "blur")
    assert_type(mean_drop(results), float)
    display = RobustnessCurveDisplay.from_results({"detector": results})
    assert_type(display.plot(), RobustnessCurveDisplay)
    data = load_face_folders("faces", groups="folder")
    check_leakage(data, paths, max_distance=None)
    assert_type(format_audit(paths, [0, 1]), FormatAudit)


def explain(detector: DetectorPipeline) -> None:
    evidence = evidence_map(detector, images, method="occlusion")
    assert_type(evidence, EvidenceMaps)
    assert_type(evidence.on_image(0), NDArray[np.float32])
    index = TrainingImageIndex.from_estimator(detector, images, [0, 1, 0, 1])
    assert_type(nearest_training_images(index, images), list[list[TrainingNeighbor]])


def watch(detector: DetectorPipeline) -> None:
    assert_type(
        aggregate_scores([0.1, 0.9], ["a", "b"], "topk"), tuple[NDArray[Any], NDArray[np.float64]]
    )
    video = VideoClassifier(detector, how="max", threshold=0.3)
    assert_type(video.fit(images, [0, 1, 0, 1]).predict(images), NDArray[Any])
    score_videos(detector, ["clip.mp4"], n=None, spacing=0.5)
