# SPDX-License-Identifier: BSD-3-Clause
"""The four perturbations as functions from uint8 pixels (H, W, 3) or (H, W) to uint8 pixels."""

import io
import threading

import numpy as np
from PIL import Image

# To be raised when results change, because profiles of perturbed images are kept on disk.
VERSION = 1
FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
# The full kernel of a blur has this many standard deviations to either side, as in SciPy.
_TRUNCATE = 4.0
# Rows are blurred in strips of at most this many float32 values, which keeps the buffers small.
_STRIP_SIZE = 2**20


def compress(pixels, quality, _seed, *, subsampling):
    """Encode as JPEG and decode again."""
    with io.BytesIO() as file:
        options = {} if subsampling is None else {"subsampling": subsampling}
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, **options)
        file.seek(0)
        return np.array(Image.open(file, formats=["JPEG"]))


def resize(pixels, scale, _seed, *, filter, restore_size):  # noqa: A002
    """Shrink by a factor and enlarge again."""
    image = Image.fromarray(pixels)
    size = tuple(max(1, round(length * scale)) for length in image.size)
    resample = Image.Resampling[filter.upper()]
    small = image.resize(size, resample)
    return np.array(small.resize(image.size, resample) if restore_size else small)


def add_noise(pixels, level, seed, *, unit):
    """Add Gaussian noise, which is the same for the same seed and shape."""
    random = np.random.default_rng(seed)
    (noisy,) = _buffers(1, pixels.size)
    random.standard_normal(dtype=np.float32, out=noisy)
    noisy *= np.float32(noise_deviation(level, unit) * (255 if unit == "variance" else 1))
    noisy += pixels.reshape(-1)
    np.rint(noisy, out=noisy)
    np.clip(noisy, 0, 255, out=noisy)
    return noisy.astype(np.uint8).reshape(pixels.shape)


def noise_deviation(level, unit):
    """Standard deviation of the noise, on the scale of the level."""
    return float(np.sqrt(level)) if unit == "variance" else float(level)


def blur(pixels, sigma, _seed, *, kernel_size):
    """Convolve with a Gaussian; the image is mirrored about its outermost pixels."""
    kernel = gaussian_kernel(sigma, kernel_size)
    radius = len(kernel) // 2
    if radius == 0 or kernel[radius] == 1:
        return pixels.copy()
    height, width = pixels.shape[:2]
    step = pixels.size // (height * width)  # between neighbours in a row
    margins = [(radius, radius), (radius, radius), (0, 0)][: pixels.ndim]
    padded = np.pad(pixels, margins, mode="reflect").reshape(height + 2 * radius, -1)
    row = padded.shape[1]
    blurred = np.empty(pixels.size, dtype=np.uint8).reshape(height, width * step)
    strip = min(height, max(1, _STRIP_SIZE // row))
    buffers = _buffers(3, (strip + 2 * radius) * row)
    for top in range(0, height, strip):
        rows = padded[top : top + strip + 2 * radius]
        lines = buffers[0][: rows.size]
        np.copyto(lines.reshape(rows.shape), rows)
        down = _convolved(lines, kernel, row, buffers[1], buffers[2])
        across = _convolved(down, kernel, step, buffers[0], buffers[2])
        np.rint(across, out=across)
        # Values that mix the end of a row with the next row lie in the margin, which is left out.
        full = buffers[0][: down.size].reshape(-1, row)
        np.copyto(blurred[top : top + strip], full[:, : width * step], casting="unsafe")
    return blurred.reshape(pixels.shape)


def gaussian_kernel(sigma, kernel_size):
    """Gaussian kernel with the sum 1; `kernel_size` None means 4 sigma to either side."""
    radius = int(_TRUNCATE * sigma + 0.5) if kernel_size is None else kernel_size // 2
    if sigma < 0.1:  # a neighbour would weigh e^-50 at most
        return np.eye(1, 2 * radius + 1, radius, dtype=np.float32)[0]
    places = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (places / sigma) ** 2)
    return (kernel / kernel.sum()).astype(np.float32)


def _convolved(values, kernel, step, out, pair):
    """Correlate a flat array with a symmetric kernel whose taps are `step` values apart."""
    radius = len(kernel) // 2
    size = len(values) - 2 * radius * step
    out, pair = out[:size], pair[:size]
    np.multiply(values[radius * step :][:size], kernel[radius], out=out)
    for tap in range(radius):
        np.add(values[tap * step :][:size], values[(2 * radius - tap) * step :][:size], out=pair)
        pair *= kernel[tap]
        out += pair
    return out


_of_this_thread = threading.local()


def _buffers(n_buffers, size):
    """Flat float32 arrays that each thread reuses: allocating them takes longer than the sums."""
    if size > 2 * _STRIP_SIZE:
        return [np.empty(size, dtype=np.float32) for _ in range(n_buffers)]
    buffers = getattr(_of_this_thread, "buffers", [])
    if len(buffers) < n_buffers or buffers[0].size < size:
        buffers = [np.empty(size, np.float32) for _ in range(max(n_buffers, 3))]
        _of_this_thread.buffers = buffers
    return [buffer[:size] for buffer in buffers[:n_buffers]]
