# SPDX-License-Identifier: BSD-3-Clause
"""Estimates of the memory that decoding an image takes."""

from ._conversion import is_stored_upright

# Bytes a pixel of Pillow's images; 4 in every other mode.
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
# Bytes a pixel that the decoders take beside these, as measured.
_DECODER = {"WEBP": 12, "AVIF": 12, "GIF": 4}
# No format exceeds this many bytes a pixel, and up to so many pixels no better estimate is needed.
_MOST, _SMALL = 32, 2**19


def decoding_bytes(opened, image_sizes):
    """Estimate the bytes that it takes to decode an `OpenedFile` and to stretch it to the sizes."""
    image = opened.image
    n_pixels = image.width * image.height
    total = len(opened.content) + _stretching_bytes(image, image_sizes)
    if n_pixels < _SMALL and image.format != "TIFF":
        return total + _MOST * n_pixels
    stored = _STORED.get(image.mode, 4)
    output = 7 if None in image_sizes else 4  # an array has 3 more beside the image
    converted = 0 if image.mode == "RGB" else stored + 4
    # EXIF data may follow the pixels, except in JPEG files.
    is_upright = image.format in ("JPEG", "MPO") and is_stored_upright(image)
    turned = 0 if is_upright else 2 * stored
    decoded = stored + _DECODER.get(image.format, 0)
    total += n_pixels * max(decoded, turned, converted, output)
    if opened.has_several_scans:
        total += _coefficient_bytes(image)
    if image.format == "TIFF":
        total += _block_bytes(image)
    return total


def _coefficient_bytes(image):
    """Bytes of the coefficients of a JPEG image, 16 bits each."""
    width, height = image.size
    largest = max(across for _, across, _, _ in image.layer) * max(
        down for _, _, down, _ in image.layer
    )
    share = sum(across * down for _, across, down, _ in image.layer) / largest
    return int(2 * share * width * height)


def _block_bytes(image):
    """Bytes of a tile or strip of a TIFF image, which may be larger than the image."""
    tags = image.tag_v2
    across = tags.get(322) or image.width
    down = tags.get(323) or min(tags.get(278, image.height), image.height)
    samples, bits = tags.get(277, 1), max(tags.get(258, (8,)))
    return int(across * down * max(4, samples * bits / 8))


def _stretching_bytes(image, image_sizes):
    """Bytes of the weights and of the image that is stretched in one direction only."""
    width, height = image.size
    # Pillow's weights are 8 bytes each; the bicubic filter has 4 for each pixel that is shrunk.
    weights = 32 * (width + height)
    widths = [size[1] for size in image_sizes if size is not None]
    return weights + 4 * height * max(widths, default=0) if widths else 0
