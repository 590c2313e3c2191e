# SPDX-License-Identifier: BSD-3-Clause
"""Time perturb beside albumentations: images of 256 x 256 pixels a second, for each kind.

Every pair does the same to the same images: the same JPEG quality, scale and interpolation, noise
of the same variance for each channel and pixel, and blur of the same sigma and kernel. perturb runs
with two threads, albumentations as it is called in a loop, with OpenCV's threads at its default.
Run ``pip install albumentations``, then ``python benchmarks/perturb.py [FILE.json]``; the ratios
hold within one run, on one machine. Pillow shrinks with antialiased filters, beside which
OpenCV's INTER_AREA stands here: its other filters have no antialiasing.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_sample_images

from skfakespot.augmentation import perturb

N_IMAGES = 64
N_ROUNDS = 7
N_THREADS = 2


def make_images():
    """Cut patches of 256 x 256 pixels out of scikit-learn's two photographs."""
    random = np.random.default_rng(0)
    photographs = load_sample_images().images
    images = []
    for number in range(N_IMAGES):
        photograph = photographs[number % 2]
        top, left = random.integers(0, np.array(photograph.shape[:2]) - 256)
        images.append(photograph[top : top + 256, left : left + 256])
    return np.stack(images)


def make_cases():
    """List name, kind, level, options, and albumentations' equivalent."""
    import albumentations as alb
    import cv2

    def downscale(interpolation):
        pair = {"downscale": cv2.INTER_AREA, "upscale": interpolation}
        return alb.Downscale(scale_range=(0.5, 0.5), interpolation_pair=pair, p=1)

    def blur(sigma, kernel_size):
        limits = {"blur_limit": (kernel_size, kernel_size), "sigma_limit": (sigma, sigma)}
        return alb.GaussianBlur(**limits, p=1)

    compression = alb.ImageCompression(quality_range=(50, 50), p=1)
    noise = alb.GaussNoise(std_range=(0.1, 0.1), per_channel=True, p=1)
    return [
        ("compression, quality 50", "compression", 50, {}, compression),
        ("resize 1/2, bicubic", "resize", 0.5, {}, downscale(cv2.INTER_CUBIC)),
        (
            "resize 1/2, bilinear",
            "resize",
            0.5,
            {"filter": "bilinear"},
            downscale(cv2.INTER_LINEAR),
        ),
        ("noise, variance .01", "noise", 0.01, {}, noise),
        ("blur, sigma 1, 3 x 3", "blur", 1.0, {}, blur(1.0, 3)),
        ("blur, sigma 3, full", "blur", 3.0, {"kernel_size": None}, blur(3.0, 25)),
    ]


def rate(function):
    """Return the most images a second of some rounds, of which the first does not count."""
    times = []
    for _ in range(N_ROUNDS + 1):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return N_IMAGES / min(times[1:])


def main():
    """Print a line for each kind, and write the figures to the file that is named."""
    images = make_images()
    print(f"{'images a second':24} {'1 thread':>9} {'2 threads':>9} {'albument.':>9} {'ratio':>6}")
    figures = {"cpus": os.cpu_count()}
    for name, kind, level, options, transform in make_cases():
        one, two = (
            rate(
                lambda n=n, kind=kind, level=level, options=options: perturb(
                    images, kind, level, random_state=0, n_jobs=n, **options
                )
            )
            for n in (1, N_THREADS)
        )
        theirs = rate(lambda t=transform: [t(image=image)["image"] for image in images])
        figures[name] = {"one_thread": one, "two_threads": two, "albumentations": theirs}
        print(f"{name:24} {one:9,.0f} {two:9,.0f} {theirs:9,.0f} {theirs / max(one, two):6.2f}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
