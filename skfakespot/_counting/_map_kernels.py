# SPDX-License-Identifier: BSD-3-Clause
"""Compiled loops over the feature maps of a layer.

NumPy would write each power of a map to memory and read it back, which takes three times as long.
A line of a map holds all maps of the layer side by side, so that each loop runs over thousands of
values, and a step to the right is a shift of the line.
"""

from functools import partial

import numpy as np

from .._compiled_loops import compile_loop

# Values of a line that are added together; with those of the lines above they stay in the cache.
_CHUNK = 1024

_compile = partial(compile_loop, fastmath={"contract"})


@_compile
def describe(maps, lags, sums, moments, autocorrelation):
    """Write the moments and the autocorrelation of each image's maps.

    `maps` is (n_images, height, width, n_maps), float32, C-contiguous; `lags` (n_lags, 2), int64,
    are steps down, at least 0, and to the right. `sums` (n_images,), float64, become those of all
    maps of an image. `moments` (n_images, 4, n_maps) become mean, standard deviation, skewness and
    kurtosis; `autocorrelation` is (n_images, n_lags, n_maps).
    """
    n_images, height, width, n_maps = maps.shape
    lines = maps.reshape(n_images, height, width * n_maps)
    sheet = np.empty((height, width * n_maps), np.float32)
    for image in range(n_images):
        sums[image] = _describe_image(
            lines[image], n_maps, lags, sheet, moments[image], autocorrelation[image]
        )


@_compile
def _describe_image(lines, n_maps, lags, sheet, moments, autocorrelation):
    height, length = lines.shape
    n_places = height * length // n_maps
    totals = np.zeros(length, np.float64)
    for line in range(height):
        _add(lines[line], totals)
    means = _fold(totals, n_maps) / n_places
    # Two float32 numbers hold the mean precisely, also where the map hardly differs from it.
    coarse = means.astype(np.float32)
    fine = (means - coarse).astype(np.float32)
    squares = np.zeros(length, np.float32)
    _center(lines, _repeat(coarse, length), _repeat(fine, length), sheet, squares)
    std = np.sqrt(_fold(squares, n_maps) / n_places)
    scale = np.zeros(n_maps, np.float32)
    for number in range(n_maps):
        if std[number] > 0:
            scale[number] = 1 / std[number]
    cubes, fourths = np.zeros(length, np.float32), np.zeros(length, np.float32)
    _standardize(sheet, _repeat(scale, length), cubes, fourths)
    moments[0], moments[1] = means, std
    moments[2] = _fold(cubes, n_maps) / n_places
    moments[3] = _fold(fourths, n_maps) / n_places
    _correlate(sheet, n_maps, lags, autocorrelation)
    return totals.sum()


@_compile
def _correlate(sheet, n_maps, lags, autocorrelation):
    height, length = sheet.shape
    products = np.zeros((len(lags), length), np.float32)
    for start in range(0, length, _CHUNK):
        for line in range(height):
            for lag in range(len(lags)):
                down, right = lags[lag, 0], lags[lag, 1] * n_maps
                end = min(start + _CHUNK, length - abs(right))
                if line >= down and end > start:
                    here, there = max(right, 0), max(-right, 0)
                    _add_products(
                        sheet[line, here + start : here + end],
                        sheet[line - down, there + start : there + end],
                        products[lag, start:end],
                    )
    for lag in range(len(lags)):
        n_pairs = (height - lags[lag, 0]) * (length // n_maps - abs(lags[lag, 1]))
        autocorrelation[lag] = _fold(products[lag], n_maps) / max(n_pairs, 1)


@_compile
def _center(lines, coarse, fine, sheet, squares):
    for line in range(len(lines)):
        _center_line(lines[line], coarse, fine, sheet[line], squares)


@_compile
def _center_line(values, coarse, fine, centered, squares):
    for place in range(len(centered)):
        value = (values[place] - coarse[place]) - fine[place]
        centered[place] = value
        squares[place] += value * value


@_compile
def _standardize(sheet, scale, cubes, fourths):
    length = len(scale)
    for start in range(0, length, _CHUNK):
        end = min(start + _CHUNK, length)
        for line in range(len(sheet)):
            _standardize_chunk(
                sheet[line, start:end], scale[start:end], cubes[start:end], fourths[start:end]
            )


@_compile
def _standardize_chunk(values, scale, cubes, fourths):
    for place in range(len(values)):
        value = values[place] * scale[place]
        values[place] = value
        square = value * value
        cubes[place] += square * value
        fourths[place] += square * square


@_compile
def _add(values, totals):
    for place in range(len(totals)):
        totals[place] += values[place]


@_compile
def _add_products(first, second, totals):
    for place in range(len(totals)):
        totals[place] += first[place] * second[place]


@_compile
def _fold(line, n_maps):
    """Add the places of a line: from (width * n_maps,) to (n_maps,), float64."""
    totals = np.zeros(n_maps, np.float64)
    for start in range(0, len(line), n_maps):
        _add(line[start : start + n_maps], totals)
    return totals


@_compile
def _repeat(values, length):
    """Repeat values (n_maps,) for each place of a line."""
    line = np.empty(length, values.dtype)
    for start in range(0, length, len(values)):
        line[start : start + len(values)] = values
    return line
