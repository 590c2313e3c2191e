# SPDX-License-Identifier: BSD-3-Clause
"""Image files with damaged headers, made from a seed, and a program that reads them for a while.

Run: python tests/fuzz_image_headers.py --seconds 60 --first-seed 0
"""

import argparse
import io
import time
import warnings

import numpy as np
from hostile_images import exif_of_tags, png_chunk
from measure_hostile_images import forget_peak, peak
from PIL import Image, features

from skfakespot.images import ImageError, load_image, read_header

MAX_MEGABYTES, MAX_SECONDS = 500, 5


def _encoded(image, image_format, **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def originals():
    """Small files of each format that is read, in the kinds that decoders treat differently."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((40, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [image.rotate(90)]}
    png = _encoded(image, "PNG", exif=exif)
    with_chunks = png[:33] + png_chunk(b"eXIf", exif_of_tags(5, 20)) + png[33:]
    made = [
        _encoded(image, "JPEG", exif=exif),
        _encoded(image, "JPEG", progressive=True),
        _encoded(image.convert("CMYK"), "JPEG"),
        _encoded(image, "MPO", **frames),
        png,
        with_chunks,
        _encoded(image.quantize(8), "PNG", transparency=b"\0\x80"),
        _encoded(image, "PNG", **frames),
        _encoded(image, "WEBP", exif=exif),
        _encoded(image, "WEBP", lossless=True),
        _encoded(image, "WEBP", **frames),
        _encoded(image, "GIF", **frames),
        _encoded(image, "TIFF", exif=exif),
        _encoded(image, "TIFF", compression="tiff_lzw"),
        _encoded(image, "TIFF", compression="jpeg"),
        _encoded(Image.new("I;16", (9, 9), 70), "TIFF", compression="tiff_deflate"),
        _encoded(image, "TIFF", big_tiff=True),
        _encoded(image, "BMP"),
        _encoded(image, "PPM"),
    ]
    if features.check("avif"):
        made.append(_encoded(image, "AVIF"))
    return made


ORIGINALS = originals()
# Numbers at which programs go wrong.
NUMBERS = [0, 1, 2, 127, 128, 254, 255, *(2**bits + offset for bits in (15, 16, 31, 32)
           for offset in (-1, 0))]  # fmt: skip


def damaged_file(seed):
    """One of the files, of which bytes and numbers are replaced and parts repeated or cut off."""
    random = np.random.default_rng(seed)
    content = bytearray(ORIGINALS[random.integers(len(ORIGINALS))])
    for _ in range(random.integers(1, 6)):
        # Most of what can go wrong lies in the header.
        end = 120 if random.random() < 0.8 else len(content)
        place, action = int(random.integers(min(end, len(content)))), random.integers(5)
        if action == 0:
            content[place] = random.integers(256)
        elif action == 1:
            content[place] ^= 1 << random.integers(8)
        elif action == 2:
            size, order = int(random.choice([2, 4])), random.choice(["little", "big"])
            number = int(random.choice(NUMBERS)) % 256**size
            content[place : place + size] = number.to_bytes(size, order)
        elif action == 3:
            part = content[place : place + int(random.integers(1, 64))]
            content[place:place] = part * int(random.integers(1, 50))
        elif random.random() < 0.3:
            del content[place:]
            content += b"\0"
    return bytes(content)


def read(content):
    """Read a file; anything but pixels or an ImageError is a failure."""
    for reader in (load_image, read_header):
        try:
            reader(content)
        except ImageError:
            continue


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    end, seed = time.monotonic() + options.seconds, options.first_seed
    read(damaged_file(seed))
    while time.monotonic() < end:
        content = damaged_file(seed)
        forget_peak()
        before, started = peak(), time.process_time()
        try:
            read(content)
        except Exception as error:
            raise SystemExit(f"seed {seed}: {error!r}") from error
        seconds, megabytes = time.process_time() - started, peak() - before
        if seconds > MAX_SECONDS or megabytes > MAX_MEGABYTES:
            raise SystemExit(f"seed {seed}: {seconds:.1f} s, {megabytes:.0f} MB")
        seed += 1
    print(f"{seed - options.first_seed} files, from seed {options.first_seed}: no failure")


if __name__ == "__main__":
    main()
