# SPDX-License-Identifier: BSD-3-Clause
"""Time, bytes and memory of reading networks on the device and the backend that Keras uses.

Every time is a ratio to the bare forward pass of the same images in the same process: the network
alone, compiled, on preprocessed batches that wait on the device. Each network and batch size runs
in a process of its own. TensorFlow is not needed where KERAS_BACKEND names another backend.

Run: KERAS_BACKEND=torch python benchmarks/device.py [--mobilenet FILE] [--faces DIR]
"""

import argparse
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.base import clone

from skfakespot import NeuronCoverageTransformer, clear_caches, count_network_images
from skfakespot._keras import import_keras
from skfakespot._network import NetworkReader

NETWORKS = {"dlib-resnet29": None, "vggface-resnet50": "random", "vggface2-mobilenet": None}


def synthetic_faces(n_images, size):
    """Smooth coloured images of differing brightness, uint8 (n_images, *size, 3)."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (n_images, 8, 8, 3), dtype=np.uint8)
    brightness = random.uniform(0.4, 1.0, n_images)
    height, width = size
    images = [
        np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
        for image in coarse
    ]
    noise = random.integers(0, 24, (n_images, height, width, 3))
    bright = np.stack(images) * brightness[:, None, None, None]
    return np.clip(bright + noise, 0, 255).astype(np.uint8)


class Device:
    """The device of Keras' backend: its name, its peak memory, and the network alone on it."""

    def __init__(self):
        self.backend = import_keras().backend.backend()
        self.is_gpu, self.name = self._find()

    def _find(self):
        if self.backend == "torch":
            import torch

            is_gpu = torch.cuda.is_available()
            return is_gpu, torch.cuda.get_device_name() if is_gpu else "CPU"
        if self.backend == "jax":
            import jax

            device = jax.devices()[0]
            return device.platform == "gpu", device.device_kind
        import tensorflow

        devices = tensorflow.config.list_physical_devices("GPU")
        return bool(devices), devices[0].name if devices else "CPU"

    def peak_bytes(self):
        """Peak memory of the GPU, or of the process where there is none."""
        if not self.is_gpu:
            return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if self.backend == "torch":
            import torch

            return torch.cuda.max_memory_allocated()
        if self.backend == "jax":
            import jax

            return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
        import tensorflow

        return tensorflow.config.experimental.get_memory_info("GPU:0")["peak"]

    def bare(self, model, batches):
        """Return a function that runs the network alone on preprocessed batches."""
        return {"torch": _bare_torch, "jax": _bare_jax, "tensorflow": _bare_tensorflow}[
            self.backend
        ](model, batches)


def _bare_torch(model, batches):
    import torch

    tensors = [import_keras().ops.convert_to_tensor(batch) for batch in batches]

    @torch.no_grad()
    def run():
        for tensor in tensors:
            model(tensor, training=False)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return run


def _bare_jax(model, batches):
    import jax

    tensors = [jax.device_put(batch) for batch in batches]

    @jax.jit
    def compiled(trainable, others, tensor):
        return model.stateless_call(trainable, others, tensor, training=False)[0]

    def run():
        trainable = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        for tensor in tensors:
            output = compiled(trainable, others, tensor)
        jax.block_until_ready(output)

    return run


def _bare_tensorflow(model, batches):
    import tensorflow

    tensors = [tensorflow.constant(batch) for batch in batches]
    compiled = tensorflow.function(model, reduce_retracing=True)

    def run():
        for tensor in tensors:
            compiled(tensor).numpy()

    return run


@contextmanager
def busy_times():
    """Collect the times, pairs (start, end), in which a batch is on its way through a network."""
    spans, lock, original = [], threading.Lock(), {}

    def timed(method):
        def call(*arguments):
            start = time.perf_counter()
            try:
                return method(*arguments)
            finally:
                with lock:
                    spans.append((start, time.perf_counter()))

        return call

    for name in ("show", "reduce"):
        original[name] = getattr(NetworkReader, name)
        setattr(NetworkReader, name, timed(original[name]))
    try:
        yield spans
    finally:
        for name, method in original.items():
            setattr(NetworkReader, name, method)


def waiting_share(action):
    """Share of an action's time in which no batch was on its way through the network."""
    with busy_times() as spans:
        start = time.perf_counter()
        action()
        total = time.perf_counter() - start
    busy, reached = 0.0, start
    for begin, end in sorted(spans):
        busy += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return 1 - busy / total


def seconds(action):
    """Time one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(options):
    """Print the figures of one network and one batch size."""
    device = Device()
    weights = (
        options.mobilenet if options.child == "vggface2-mobilenet" else NETWORKS[options.child]
    )
    coverage = NeuronCoverageTransformer(
        options.child, weights=weights, batch_size=options.batch, reductions=options.reductions
    )
    n_images = max(options.images, options.batch)
    size = (8, 8)
    backbone = clone(coverage).fit(synthetic_faces(2, size)).backbone_
    size = backbone.input_size
    images = synthetic_faces(n_images, size)
    starts = range(0, n_images, options.batch)
    bare = device.bare(
        backbone.model,
        [backbone.preprocess(images[start : start + options.batch]) for start in starts],
    )
    fitted = clone(coverage).fit(images)

    def afresh(method, estimator, X):
        def action():
            clear_caches(networks=False)
            getattr(clone(estimator) if method != "transform" else estimator, method)(X)

        return action

    actions = {
        "transform": afresh("transform", fitted, images),
        "fit_transform": afresh("fit_transform", coverage, images),
    }
    activations = 4 * int(fitted.n_neurons_.sum()) * n_images
    print(f"\n{options.child}, batches of {options.batch}, {n_images} images of {size}")
    for name, action in actions.items():
        action(), bare()  # compiled
        with count_network_images() as count:
            clear_caches(networks=False)
            action()
        ratios = []
        for _ in range(options.repeats):
            before = seconds(bare)
            taken = seconds(action)
            ratios.append(taken / ((before + seconds(bare)) / 2))
        print(
            f"  {name}: {statistics.median(ratios):.2f} x bare ({min(ratios):.2f} to "
            f"{max(ratios):.2f}), {count.n_bytes / n_images:,.0f} bytes an image, "
            f"{100 * count.n_bytes / activations:.2f} % of the activations",
            flush=True,
        )
    print(f"  bare forward pass: {n_images / seconds(bare):.0f} images a second")
    _measure_files(options, fitted, images)
    kind = "GPU" if device.is_gpu else "process"
    print(f"  peak memory of the {kind}: {device.peak_bytes() / 2**20:,.0f} MiB", flush=True)


def _measure_files(options, fitted, images):
    with tempfile.TemporaryDirectory() as folder:
        if options.faces:
            paths = sorted(path for path in Path(options.faces).rglob("*.jp*g"))[: len(images)]
        else:
            paths = [Path(folder, f"{number:06}.jpg") for number in range(len(images))]
            for path, image in zip(paths, images, strict=True):
                Image.fromarray(image).resize((256, 256)).save(path, quality=75)

        def transform():
            clear_caches(networks=False)
            fitted.transform(paths)

        transform()
        print(f"  files: the device waits {100 * waiting_share(transform):.0f} % of the time")


def main():
    """Measure each network with each batch size, in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mobilenet", help="faceres.json of vggface2-mobilenet; left out without")
    parser.add_argument("--faces", help="folder of JPEG files; synthetic ones by default")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 128, 512])
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--reductions", default="auto", choices=["auto", "host", "device"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options)
        return
    device = Device()
    packages = {"keras", "numpy", device.backend}
    print(f"{platform.platform()}, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in sorted(packages)))
    print(f"Keras' backend {device.backend} on {device.name}", flush=True)
    if not device.is_gpu:
        print(
            "No GPU was found: these are figures of the CPU, and say nothing of a GPU.", flush=True
        )
    for network in options.networks:
        if network == "vggface2-mobilenet" and not options.mobilenet:
            print(f"\n{network}: left out, because --mobilenet was not given")
            continue
        for batch in options.batches:
            command = [sys.executable, *sys.argv, "--child", network, "--batch", str(batch)]
            result = subprocess.run(command, check=False)  # noqa: S603
            if result.returncode != 0:
                print(f"\n{network}, batches of {batch}: failed, see above", flush=True)


if __name__ == "__main__":
    main()
