# SPDX-License-Identifier: BSD-3-Clause
"""Measure how far results depend on the batch and on the processor.

Each setting of oneDNN's largest instruction set runs in a process of its own, so that one machine
stands for older ones. Run: python benchmarks/exactness.py [--real DIR --fake DIR] [--images N]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SETTINGS = ("DEFAULT", "AVX2", "AVX", "SSE41")
BATCH_SIZES = (1, 2, 7, 16, 31)
NETWORKS = ("dlib-resnet29", "dense")


def dense_network():
    """Two dense layers on a pooled convolution: 2048 -> 512 -> 64."""
    import keras

    initializers = [keras.initializers.GlorotUniform(seed) for seed in range(3)]
    x = inputs = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Conv2D(128, 8, 8, kernel_initializer=initializers[0])(x)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D(2)(x))
    x = keras.layers.Dense(512, "relu", kernel_initializer=initializers[1])(x)
    return keras.Model(inputs, keras.layers.Dense(64, kernel_initializer=initializers[2])(x))


def bare_outputs(model, names):
    """Compile the network with its layers' outputs, and nothing of this package."""
    import keras
    import tensorflow

    taps = keras.Model(model.inputs[0], [model.get_layer(name).output for name in names])
    compiled = tensorflow.function(taps, reduce_retracing=True)
    return lambda batch: [output.numpy() for output in compiled(tensorflow.constant(batch))]


def our_outputs(step, n_layers):
    """Outputs of the layers as the package's compiled step shows them."""

    def outputs(batch):
        shown = [None] * n_layers
        step(batch, lambda layer, output: shown.__setitem__(layer, output.copy()))
        return shown

    return outputs


def count_differing(outputs, batch):
    """How many of 32 images differ in any bit by their place, and in smaller batches."""
    whole = outputs(batch)
    if not _same(whole, outputs(batch)).all():
        return "not repeatable"
    by_place = np.ones(len(batch), dtype=bool)
    for shift in (1, 5, 13, 29):
        rows = np.roll(np.arange(len(batch)), shift)
        by_place[rows] &= _same(outputs(batch[rows]), [layer[rows] for layer in whole])
    by_size = []
    for size in BATCH_SIZES:
        same = _same(outputs(batch[:size]), [layer[:size] for layer in whole])
        by_size.append(f"{np.count_nonzero(~same)}/{size}")
    return f"place {np.count_nonzero(~by_place)}/32, batches of {BATCH_SIZES}: {' '.join(by_size)}"


def _same(first, second):
    pairs = zip(first, second, strict=True)
    return np.all([(a == b).reshape(len(a), -1).all(axis=1) for a, b in pairs], axis=0)


def cost_of_dense_alone(model, taps, shape, batch):
    """Median time of a step in which dense layers take images alone, over that of a plain one."""
    from skfakespot._network import _step

    def silent(_layer, _output):
        return None

    alone = _step.compile_step(model, taps, shape)
    most, _step._MOST_DENSE_WEIGHTS = _step._MOST_DENSE_WEIGHTS, 0
    plain = _step.compile_step(model, taps, shape)
    plain(batch, silent)
    _step._MOST_DENSE_WEIGHTS = most
    ratios = []
    for _ in range(41):
        times = []
        for step in (plain, alone, alone, plain):
            start = time.perf_counter()
            step(batch, silent)
            times.append(time.perf_counter() - start)
        ratios.append((times[1] + times[2]) / (times[0] + times[3]))
    return np.median(ratios)


def measure(name, paths, file):
    """Print what one network does under this process' setting; save thresholds and counts."""
    from skfakespot import NeuronCoverageTransformer
    from skfakespot._network._step import compile_step
    from skfakespot.images import as_samples

    coverage = NeuronCoverageTransformer(dense_network() if name == "dense" else name)
    counts = coverage.fit_transform(paths)
    backbone, names = coverage.backbone_, coverage.layer_names_
    model, size = backbone.model, backbone.input_size
    shape = (*size, 3)
    batches = as_samples(paths).batches(image_size=size, batch_size=32)
    batches = [backbone.preprocess(batch.data) for batch in batches]
    taps = tuple([layer.name for layer in model.layers[1:]].index(name) for name in names)
    ours = our_outputs(compile_step(model, taps, shape), len(names))
    print(f"  {name}, Keras alone: {count_differing(bare_outputs(model, names), batches[0])}")
    print(f"  {name}, our step:    {count_differing(ours, batches[0])}")
    print(f"  {name}, time of a step: {cost_of_dense_alone(model, taps, shape, batches[0]):.3f} x")
    near = total = 0
    for outputs in map(ours, batches):
        for layer, threshold in zip(outputs, coverage.thresholds_, strict=True):
            ulp = np.spacing(np.float32(abs(threshold)))
            near += np.count_nonzero(np.abs(layer.astype(np.float64) - threshold) <= 4 * ulp)
            total += layer.size
    print(f"  {name}, within 4 ulp of the threshold: {1e6 * near / total:.2f} per million")
    np.savez(file, thresholds=coverage.thresholds_, counts=counts)


def compare(name, folder):
    """Print how far the thresholds and counts of each setting are from those of the first."""
    first = np.load(folder / f"{name} {SETTINGS[0]}.npz")
    for setting in SETTINGS[1:]:
        other = np.load(folder / f"{name} {setting}.npz")
        scale = np.abs(first["thresholds"])
        distance = (np.abs(other["thresholds"] - first["thresholds"]) / scale).max()
        apart = np.abs(other["counts"] - first["counts"])
        print(
            f"{name}, {setting} against {SETTINGS[0]}: thresholds {distance:.1e} relative at most, "
            f"{np.count_nonzero(apart)} of {apart.size} counts differ, by {apart.max():.0f} at most"
        )


def main():
    """Measure every setting, then compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real")
    parser.add_argument("--fake")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--child", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    from skfakespot.datasets import load_demo_faces, load_face_folders

    folders = options.real and options.fake
    faces = (
        load_face_folders(real=options.real, fake=options.fake) if folders else load_demo_faces()
    )
    order = np.random.default_rng(0).permutation(len(faces.data))[: options.images]
    paths = [faces.data[index] for index in order]
    if options.child:
        for name in NETWORKS:
            measure(name, paths, options.child.replace("NETWORK", name))
        return
    with tempfile.TemporaryDirectory() as folder:
        for setting in SETTINGS:
            print(f"ONEDNN_MAX_CPU_ISA={setting}", flush=True)
            file = str(Path(folder, f"NETWORK {setting}.npz"))
            environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": setting}
            command = [sys.executable, *sys.argv, "--child", file]
            subprocess.run(command, env=environment, check=True)  # noqa: S603
        for name in NETWORKS:
            compare(name, Path(folder))


if __name__ == "__main__":
    main()
