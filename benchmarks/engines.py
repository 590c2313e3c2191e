# SPDX-License-Identifier: BSD-3-Clause
"""Time both engines in units of the bare network in TensorFlow, in one interleaved run.

"Bare" is the forward pass alone, to the network's last output, on preprocessed batches that wait
in memory. Each action runs once a round, and a round begins with the bare pass of TensorFlow: what
slows the machine down meets all of them. The images are random, of differing brightness, and the
weights are random, so that nothing is downloaded.

Run: python benchmarks/engines.py --backbone dlib-resnet29
"""

import argparse
import platform
import statistics
import tempfile
import time
from datetime import date
from importlib.metadata import version

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate

from skfakespot import NeuronCoverageTransformer, clear_caches, make_fakespotter
from skfakespot.backbones import load_backbone

BATCH_SIZE = 32


def make_images(n_images, size):
    """Make images of differing brightness, uint8."""
    random = np.random.default_rng(0)
    brightness = random.integers(60, 256, (n_images, 1, 1, 1))
    coarse = random.random((n_images, size[0] // 8 + 1, size[1] // 8 + 1, 3))
    fine = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : size[0], : size[1]]
    return (fine * brightness).astype(np.uint8)


def bare_tensorflow(backbone, batches, *, with_xla):
    """Make the forward pass in a compiled TensorFlow function."""
    import tensorflow

    run = tensorflow.function(backbone.model, reduce_retracing=True, jit_compile=with_xla)
    batches = [tensorflow.constant(batch) for batch in batches]
    return lambda: [run(batch).numpy() for batch in batches]


def bare_openvino(backbone, batches, folder):
    """Make the forward pass in OpenVINO, with as many requests as processor cores."""
    import openvino
    import tensorflow

    traced = tensorflow.function(backbone.model).get_concrete_function(
        tensorflow.TensorSpec(batches[0].shape)
    )
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    graph = convert_variables_to_constants_v2(traced).graph
    tensorflow.io.write_graph(graph, folder, "bare.pb", as_text=False)
    n_cores = joblib.cpu_count()
    core = openvino.Core()
    options = {
        "NUM_STREAMS": n_cores,
        "INFERENCE_NUM_THREADS": n_cores,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    compiled = core.compile_model(core.read_model(f"{folder}/bare.pb"), "CPU", options)
    queue = openvino.AsyncInferQueue(compiled, n_cores)

    def run():
        for batch in batches:
            queue.start_async({0: batch}, share_inputs=True)
        queue.wait_all()

    return run


def methods_of(coverage, images, engine):
    """List the transformer's methods on an engine, as actions."""
    coverage = clone(coverage).set_params(engine=engine)
    fitted = clone(coverage).fit(images)

    def transform():
        clear_caches(networks=False)
        fitted.transform(images)

    def fit_transform():
        clear_caches(networks=False)
        clone(coverage).fit_transform(images)

    return {f"transform, {engine}": transform, f"fit_transform, {engine}": fit_transform}


def cross_validation(name, images, target, engine):
    """Make a cross-validation of five folds, and the same of features that are known."""
    detector = make_fakespotter(name, classifier=LogisticRegression(max_iter=500))
    detector.set_params(coverage__weights="random", coverage__engine=engine)
    features = clone(detector[0]).fit_transform(images)

    def evaluate():
        clear_caches(networks=False)
        with tempfile.TemporaryDirectory() as memory:
            own = clone(detector).set_params(coverage__memory=memory)
            cross_validate(own, images, target, scoring="roc_auc")

    def without_network():
        cross_validate(clone(detector[1:]), features, target, scoring="roc_auc")

    return evaluate, without_network


def take_rounds(actions, n_rounds):
    """Run all actions in turn; return for each its (seconds, seconds of the processor)."""
    taken = {name: [] for name in actions}
    for action in actions.values():
        action()
    for _ in range(n_rounds):
        for name, action in actions.items():
            start, processor = time.perf_counter(), time.process_time()
            action()
            taken[name].append((time.perf_counter() - start, time.process_time() - processor))
    return taken


def print_ratios(taken, n_images):
    """Print each action's time over that of the first, round by round and of the fastest."""
    reference = next(iter(taken.values()))
    bare = np.array(reference)
    title = "x bare: median (range), fastest, processor's time of the fastest"
    print(f"{'':<32}{title}")
    for name, values in taken.items():
        own = np.array(values)
        ratios = own[:, 0] / bare[:, 0]
        spread = f"({ratios.min():.2f} to {ratios.max():.2f})"
        fastest, processor = own.min(axis=0) / bare.min(axis=0)
        middle = statistics.median(ratios)
        print(f"{name:<32}{middle:>7.2f} {spread:<16}{fastest:>6.2f}{processor:>8.2f}", flush=True)
    print(f"{'images a second, fastest bare':<32}{n_images / bare[:, 0].min():>7.0f}")


def main():
    """Measure one backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="dlib-resnet29")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", default=["keras", "openvino"])
    parser.add_argument("--without", nargs="*", default=[], choices=["xla", "folds"])
    options = parser.parse_args()
    packages = ["keras", "tensorflow", "numpy"]
    packages += ["openvino"] if "openvino" in options.engines else []
    print(f"{date.today()}, {platform.platform()}, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    backbone = load_backbone(options.backbone, weights="random")
    images = make_images(options.images, backbone.input_size)
    target = np.arange(len(images)) % 2
    starts = range(0, len(images) - BATCH_SIZE + 1, BATCH_SIZE)
    batches = [backbone.preprocess(images[start : start + BATCH_SIZE]) for start in starts]
    images = images[: len(batches) * BATCH_SIZE]
    target = target[: len(images)]
    actions = {"bare, TensorFlow": bare_tensorflow(backbone, batches, with_xla=False)}
    if "xla" not in options.without:
        actions["bare, XLA"] = bare_tensorflow(backbone, batches, with_xla=True)
    with tempfile.TemporaryDirectory() as folder:
        if "openvino" in options.engines:
            actions["bare, OpenVINO"] = bare_openvino(backbone, batches, folder)
    coverage = NeuronCoverageTransformer(options.backbone, weights="random", batch_size=BATCH_SIZE)
    for engine in options.engines:
        actions |= methods_of(coverage, images, engine)
    if "folds" not in options.without:
        for engine in options.engines:
            name = f"5 folds, {engine}"
            folds = cross_validation(options.backbone, images, target, engine)
            actions[name], actions[f"{name}, without network"] = folds
    print(f"\n{options.backbone}, {len(images)} images")
    taken = take_rounds(actions, options.rounds)
    for engine in options.engines:
        rest = taken.pop(f"5 folds, {engine}, without network", None)
        if rest:
            both = zip(taken[f"5 folds, {engine}"], rest, strict=True)
            taken[f"5 folds, {engine}"] = [tuple(np.subtract(*pair)) for pair in both]
    print_ratios(taken, len(images))


if __name__ == "__main__":
    main()
