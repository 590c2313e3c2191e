# SPDX-License-Identifier: BSD-3-Clause
"""What each backbone costs per image, relative to the default one, in one process.

Run: python benchmarks/backbones.py
"""

import time

import numpy as np

from skfakespot import NeuronCoverageTransformer, clear_caches
from skfakespot.backbones import describe_backbones

N_IMAGES, N_ROUNDS = 32, 5


def main():
    """Time the counting of every backbone's neurons, in turn, and print the medians."""
    cards = describe_backbones()
    random = np.random.default_rng(0)
    images, coverages = {}, {}
    for card in cards:
        shape = (N_IMAGES, *card.input_size, 3)
        images[card.name] = random.integers(0, 256, shape, dtype=np.uint8)
        coverage = NeuronCoverageTransformer(card.name, weights="random", threshold=0.0)
        coverages[card.name] = coverage.fit(images[card.name])
        coverage.transform(images[card.name])
    seconds = {card.name: [] for card in cards}
    for _ in range(N_ROUNDS):
        for card in cards:
            clear_caches(networks=False)
            start = time.perf_counter()
            coverages[card.name].transform(images[card.name])
            seconds[card.name].append(time.perf_counter() - start)
    reference = np.median(seconds[cards[0].name])
    print(f"{'backbone':<18}{'layers':>7}{'neurons':>12}{'ms per image':>14}{'ratio':>7}")
    for card in cards:
        median = np.median(seconds[card.name])
        print(
            f"{card.name:<18}{card.n_layers:>7}{card.n_neurons:>12,}"
            f"{1000 * median / N_IMAGES:>14.1f}{median / reference:>7.1f}"
        )


if __name__ == "__main__":
    main()
