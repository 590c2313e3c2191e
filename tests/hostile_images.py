# SPDX-License-Identifier: BSD-3-Clause
"""Images made to take as much memory or time as they can: small files, each made in a moment."""

import io
import re
import struct
import zlib

from PIL import Image


def _encoded(image, image_format, **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def png_chunk(name, data):
    """One chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_file(width, height, *, colour=2, bits=8, extra=b"", bomb=True):
    """A PNG file of one colour; `extra` are chunks before the pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = 1 + (width * channels * bits + 7) // 8
    packer = zlib.compressobj(9)
    parts = []
    remaining = row * height if bomb else 0
    zeros = bytes(1 << 20)
    while remaining > 0:
        parts.append(packer.compress(zeros[: min(remaining, len(zeros))]))
        remaining -= len(zeros)
    parts.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    palette = png_chunk(b"PLTE", bytes(3)) if colour == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + palette
        + extra
        + png_chunk(b"IDAT", b"".join(parts))
        + png_chunk(b"IEND", b"")
    )


def png_of_texts(n_texts=64):
    """Texts of a mebibyte, compressed to a kilobyte each."""
    text = zlib.compress(bytes(1 << 20), 9)
    texts = b"".join(
        png_chunk(b"zTXt", b"key%d\0\0" % number + text)
        + png_chunk(b"iTXt", b"key%d\0\1\0\0\0" % number + text)
        for number in range(n_texts)
    )
    return png_file(8, 8, extra=texts)


def png_of_chunks(n_chunks):
    """Empty chunks, each of which the reader of headers looks at."""
    return png_file(8, 8, extra=png_chunk(b"prIv", b"") * n_chunks)


def exif_of_tags(n_tags, n_bytes):
    """EXIF data of many tags whose values all lie in the same place."""
    start = 8 + 2 + 12 * n_tags + 4
    entries = b"".join(
        struct.pack("<HHII", 1000 + number, 7, n_bytes, start) for number in range(n_tags)
    )
    return b"II*\0\x08\0\0\0" + struct.pack("<H", n_tags) + entries + bytes(4) + bytes(n_bytes)


def png_of_exif(n_tags=5000, n_bytes=1 << 20):
    return png_file(8, 8, extra=png_chunk(b"eXIf", exif_of_tags(n_tags, n_bytes)))


def webp_of_size(width, height):
    """A lossless WebP file of one colour, whose header claims another size."""
    content = bytearray(_encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True))
    content[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(content)


def webp_canvas(width, height):
    """A small picture on a canvas that is as large as a WebP file can say."""
    picture = _encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    frame = bytes(6) + struct.pack("<I", 15)[:3] * 2 + bytes(3) + b"\0" + picture
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    chunks += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    chunks += b"ANMF" + struct.pack("<I", len(frame)) + frame
    body = b"WEBP" + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_scans(n_scans, width=4096, height=4096):
    """A progressive JPEG file whose last scan is repeated."""
    image = Image.new("RGB", (width, height), "red")
    content = _encoded(image, "JPEG", progressive=True, quality=30)
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * n_scans + b"\xff\xd9"


def jpeg_of_empty_scans(n_scans, width, height, *, progressive=True):
    """Scans of one channel without any data."""
    content = bytearray(_encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=progressive))
    frame = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    if progressive:
        start = content.rindex(b"\xff\xda")
        scan = bytes(content[start : start + 10])
    else:
        start, scan = content.index(b"\xff\xda"), b"\xff\xda\0\x08\1\1\0\0\x3f\0"
    return bytes(content[:start]) + scan * n_scans + b"\xff\xd9"


def jpeg_of_size(width, height, *, progressive=False, mode="RGB"):
    """A small JPEG file whose header claims another size."""
    content = bytearray(
        _encoded(Image.new(mode, (64, 64)), "JPEG", progressive=progressive, subsampling=0)
    )
    frame = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def jpeg_of_segments(n_segments):
    """Empty comments before the pixels."""
    content = _encoded(Image.new("RGB", (16, 16)), "JPEG")
    return content[:2] + b"\xff\xfe\0\2" * n_segments + content[2:]


def gif_of_comments(n_comments):
    """Comments that Pillow joins one by one."""
    content = _encoded(Image.new("P", (8, 8)), "GIF")
    start = content.index(b"\x2c")
    return content[:start] + b"\x21\xfe\x01a\0" * n_comments + content[start:]


def gif_of_size(width, height):
    content = bytearray(_encoded(Image.new("P", (8, 8)), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def gif_of_frames(n_frames):
    frames = [Image.new("P", (8, 8), number) for number in range(3)]
    for frame in frames:
        frame.putpalette(bytes(range(30)))
    content = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    start = content.rindex(b"\x21\xf9")
    return content[:start] + content[start:-1] * n_frames + b";"


def tiff_file(tags, pixels=b""):
    """A TIFF file of the tags {number: (type, values)}, whose pixels lie at its byte 8."""
    sizes = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B"}
    directory = 8 + len(pixels) + len(pixels) % 2
    extra = directory + 2 + 12 * len(tags) + 4
    entries, values_after = b"", b""
    for number, (kind, values) in sorted(tags.items()):
        data = struct.pack(f"<{len(values)}{sizes[kind]}", *values)
        if len(data) > 4:
            place, values_after = struct.pack("<I", extra + len(values_after)), values_after + data
        else:
            place = data.ljust(4, b"\0")
        entries += struct.pack("<HHI", number, kind, len(values)) + place
    start = b"II*\0" + struct.pack("<I", directory) + pixels + bytes(len(pixels) % 2)
    return start + struct.pack("<H", len(tags)) + entries + bytes(4) + values_after


def tiff_of_tile(side, compression=8):
    """A picture of 64 x 64 pixels in one huge tile."""
    data = zlib.compress(bytes(1 << 16), 9)
    return tiff_file(
        {
            256: (4, [64]), 257: (4, [64]), 258: (3, [8, 8, 8]), 259: (3, [compression]),
            262: (3, [2]), 277: (3, [3]), 284: (3, [1]), 322: (4, [side]), 323: (4, [side]),
            324: (4, [8]), 325: (4, [len(data)]),
        },
        data,
    )  # fmt: skip


def tiff_of_tags(n_tags, n_bytes):
    """Tags whose values all lie in the same place."""
    return exif_of_tags(n_tags, n_bytes)


def tiff_of_numbers(n_numbers):
    """A tag of many numbers."""
    return tiff_file({256: (4, [8]), 257: (4, [8]), 273: (4, range(70_000, 70_000 + n_numbers))})


def tiff_deflated(width, height):
    image = Image.new("RGB", (width, height))
    return _encoded(image, "TIFF", compression="tiff_deflate")


def avif_of_size(width, height):
    return _encoded(Image.new("RGB", (width, height)), "AVIF", speed=10)


def ppm_of_size(width, height):
    return b"P4\n%d %d\n" % (width, height) + bytes((width + 7) // 8 * height)


def rgba_pictures(n_pictures=16, side=5000):
    """Pictures of four channels, 25 million pixels each, all the same file."""
    return [png_file(side, side, colour=6)] * n_pictures


PIXELS, MEMORY = "pixels, more than the", "about .* bytes of memory, more than the"
SCANS, PIECES = "or more scans of", "in too many small pieces"

# For each attack a function that makes the file, and why it is refused; None if it is harmless.
ATTACKS = {
    "WebP of 9,400 x 9,400": (lambda: webp_of_size(9400, 9400), PIXELS),
    "WebP of 7,000 x 7,000": (lambda: webp_of_size(7000, 7000), MEMORY),
    "WebP canvas of 8,000 x 8,000": (lambda: webp_canvas(8000, 8000), MEMORY),
    "progressive JPEG of 2,000 scans": (lambda: jpeg_of_scans(2000), SCANS),
    "JPEG of 2,000 separate scans": (
        lambda: jpeg_of_empty_scans(2000, 8000, 8000, progressive=False), SCANS,
    ),
    "progressive JPEG of 5,000 empty scans": (
        lambda: jpeg_of_empty_scans(5000, 9400, 9400), SCANS,
    ),
    "progressive JPEG of 99 empty scans": (lambda: jpeg_of_empty_scans(99, 8000, 8000), SCANS),
    "small progressive JPEG of 99 scans": (lambda: jpeg_of_scans(88, 3800, 3800), None),
    "JPEG header of 9,400 x 9,400": (lambda: jpeg_of_size(9400, 9400), PIXELS),
    "progressive JPEG header of 9,400 x 9,400": (
        lambda: jpeg_of_size(9400, 9400, progressive=True), PIXELS,
    ),
    "progressive JPEG header of 8,000 x 8,000": (
        lambda: jpeg_of_size(8000, 8000, progressive=True), MEMORY,
    ),
    "CMYK JPEG header of 8,000 x 8,000": (lambda: jpeg_of_size(8000, 8000, mode="CMYK"), MEMORY),
    "JPEG of 3,000,000 comments": (lambda: jpeg_of_segments(3_000_000), "20000 segments"),
    "PNG of 9,000 x 9,000, RGBA": (lambda: png_file(9000, 9000, colour=6), PIXELS),
    "PNG of 8,000 x 8,000, RGBA": (lambda: png_file(8000, 8000, colour=6), MEMORY),
    "PNG of 8,000 x 8,000, 16 bits": (lambda: png_file(8000, 8000, colour=0, bits=16), None),
    "PNG of 8,000 x 8,000, 1 bit": (lambda: png_file(8000, 8000, colour=0, bits=1), None),
    "PNG of 1 x 5,000,000": (lambda: png_file(1, 5_000_000, colour=0), MEMORY),
    "PNG of 20,000,000 x 1": (lambda: png_file(20_000_000, 1, colour=0), MEMORY),
    "PNG of 128 texts": (lambda: png_of_texts(), "Too much memory used in text chunks"),
    "PNG of 1,000,000 chunks": (lambda: png_of_chunks(1_000_000), PIECES),
    "PNG of 5,000 EXIF tags": (lambda: png_of_exif(), None),
    "GIF of 1,000,000 comments": (lambda: gif_of_comments(1_000_000), PIECES),
    "GIF of 9,000 x 9,000": (lambda: gif_of_size(9000, 9000), PIXELS),
    "GIF of 200,000 frames": (lambda: gif_of_frames(200_000), None),
    "TIFF with a tile of 16,000 x 16,000": (lambda: tiff_of_tile(16_000), MEMORY),
    "TIFF of 5,000 tags of a mebibyte": (lambda: tiff_of_tags(5000, 1 << 20), "tags hold \\d+ b"),
    "TIFF of 9,000,000 numbers": (lambda: tiff_of_numbers(9_000_000), "tags hold 900000. numbers"),
    "TIFF of 9,000 x 9,000": (lambda: tiff_deflated(9000, 9000), PIXELS),
    "AVIF of 9,000 x 9,000": (lambda: avif_of_size(9000, 9000), PIXELS),
    "AVIF of 4,500 x 4,500": (lambda: avif_of_size(4500, 4500), None),
    "PBM of 8,000 x 8,000": (lambda: ppm_of_size(8000, 8000), None),
}  # fmt: skip
# Those that take seconds to make or to read.
SLOW = {name for name in ATTACKS if re.search("RGBA|AVIF|9,000 x|9,000,000|16 bits|small", name)}
