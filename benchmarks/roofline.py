# SPDX-License-Identifier: BSD-3-Clause
"""Compare what the reductions cost with what they cost at least: one look at each output.

The least is the time in which the machine's cores, all at once, read so many bytes from memory. The
reductions are those of `transform` (counts) and `fit_transform` (sums, counts and the values in a
band), on random outputs of the layers' shapes. Nothing is computed by a network.

Run: python benchmarks/roofline.py
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np

from skfakespot import NeuronCoverageTransformer
from skfakespot._counting import FeatureLayout
from skfakespot._counting._bands import FixedBand
from skfakespot._counting._neuron_kernels import count_above
from skfakespot._counting._reducers import CountReduction, ProfileReduction

# As many as are counted by compiled loops.
N_IMAGES = 8


def fastest(pool, action, arguments, repeats):
    """Call an action in one thread for each argument; return the seconds of the fastest round.

    These are seconds of the processor, of the thread that took most, so that other work on the
    machine matters less.
    """

    def timed(argument):
        start = time.thread_time()
        action(argument)
        return time.thread_time() - start

    rounds = [max(pool.map(timed, arguments)) for _ in range(repeats + 1)]
    return min(rounds[1:])


def measure_bandwidth(pool, n_threads, repeats):
    """Measure how many bytes a second all cores read, of arrays that no cache holds."""
    arrays = [np.ones(2**26, dtype=np.float32) for _ in range(n_threads)]
    taken = fastest(pool, lambda array: count_above(array, np.float32(0)), arrays, repeats)
    return sum(array.nbytes for array in arrays) / taken


def measure_reductions(pool, n_threads, name, repeats):
    """Return the bytes of an image's outputs, and the seconds an image of both reductions."""
    size = (150, 150) if name.startswith("dlib") else (224, 224)
    coverage = NeuronCoverageTransformer(name, weights="random", engine="keras")
    spec = coverage.fit(np.zeros((1, *size, 3), dtype=np.uint8))._network_spec()
    reader = spec.open()
    layout = FeatureLayout(reader.layer_names, reader.shapes, "unit", "layer", network=name)
    random = np.random.default_rng(0)
    outputs = [
        [random.normal(size=(N_IMAGES, *shape)).astype(np.float32) for shape in reader.shapes]
        for _ in range(n_threads)
    ]
    thresholds = np.zeros(layout.n_layers)
    # Four per cent of the outputs lie in the band.
    band = FixedBand(thresholds, np.full(layout.n_layers, 0.05))
    seconds = {}
    for label, reduction in (
        ("transform", CountReduction(layout, thresholds)),
        ("fit_transform", ProfileReduction(layout, band)),
    ):

        def reduce_all(layers, reduction=reduction):
            reducer = reduction.make_reducer(N_IMAGES)
            for layer, values in enumerate(layers):
                reducer(layer, values)
            reducer.results()

        taken = fastest(pool, reduce_all, outputs, repeats)
        seconds[label] = taken / (N_IMAGES * n_threads)
    return 4 * int(layout.n_neurons.sum()), seconds


def main():
    """Measure the machine, then the reductions for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", nargs="+", default=["dlib-resnet29", "vggface-resnet50"])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    n_threads = joblib.cpu_count()
    with ThreadPoolExecutor(n_threads) as pool:
        bandwidth = measure_bandwidth(pool, n_threads, options.repeats)
        print(f"{n_threads} cores read {bandwidth / 1e9:.1f} GB a second")
        print(f"{'':<20}{'MB an image':>12}{'at least':>10}{'transform':>11}{'fit_transform':>15}")
        for name in options.backbones:
            n_bytes, seconds = measure_reductions(pool, n_threads, name, options.repeats)
            times = [n_bytes / bandwidth, seconds["transform"], seconds["fit_transform"]]
            least, counts, profiles = (f"{1e3 * value:.2f} ms" for value in times)
            print(f"{name:<20}{n_bytes / 1e6:>12.1f}{least:>10}{counts:>11}{profiles:>15}")


if __name__ == "__main__":
    main()
