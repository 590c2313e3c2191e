# SPDX-License-Identifier: BSD-3-Clause
"""From a file, a PIL image or an array to uint8 RGB pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pictures import encoded, picture, read
from PIL import Image, ImageOps

from skfakespot.augmentation import Perturbation, perturb
from skfakespot.images import ImageError, PerturbedImage, load_image


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats(tmp_path, image_format):
    path = tmp_path / "no-extension"
    path.write_bytes(encoded(Image.fromarray(picture()), image_format))
    assert_array_equal(load_image(path), picture())
    assert_array_equal(load_image(str(path)), picture())
    assert_array_equal(load_image(path.read_bytes()), picture())


def colour_modes():
    """Images of two colours in each mode, and the RGB that they stand for."""
    red, blue = (200, 10, 30), (5, 90, 250)
    both = [red, blue]

    def image(mode, *pixels):
        made = Image.new(mode, (2, 1))
        made.putdata(pixels) if not hasattr(made, "set_flattened_data") else (
            made.set_flattened_data(pixels)
        )
        return made

    palette = image("P", 3, 1)
    palette.putpalette([0, 0, 0, *blue, 9, 9, 9, *red])
    transparent = palette.copy()
    transparent.info["transparency"] = bytes([0, 128, 255, 77])
    grey_with_transparency = image("L", 7, 250)
    grey_with_transparency.info["transparency"] = 7
    rgb_with_transparency = image("RGB", red, blue)
    rgb_with_transparency.info["transparency"] = red
    return {
        "RGB": (image("RGB", red, blue), both, "PNG"),
        "RGB tRNS": (rgb_with_transparency, both, "PNG"),
        "RGBA": (image("RGBA", (*red, 0), (*blue, 128)), both, "PNG"),
        "P": (palette, both, "PNG"),
        "P transparency": (transparent, both, "PNG"),
        "P GIF": (palette, both, "GIF"),
        "L": (image("L", 7, 250), [(7,) * 3, (250,) * 3], "PNG"),
        "L tRNS": (grey_with_transparency, [(7,) * 3, (250,) * 3], "PNG"),
        "LA": (image("LA", (7, 0), (250, 9)), [(7,) * 3, (250,) * 3], "PNG"),
        "1": (image("1", 0, 255), [(0,) * 3, (255,) * 3], "PNG"),
        "CMYK": (
            image("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)), [(255, 0, 0), (0, 0, 255)], "TIFF"
        ),
        "I;16 PNG": (image("I;16", 257 * 100, 65535), [(100,) * 3, (255,) * 3], "PNG"),
        "I;16 TIFF": (image("I;16", 257 * 100, 65535), [(100,) * 3, (255,) * 3], "TIFF"),
        "I;16 PGM": (image("I;16", 257 * 100, 65535), [(100,) * 3, (255,) * 3], "PPM"),
        "I;16 rounds": (image("I;16", 128, 129), [(0,) * 3, (1,) * 3], "PNG"),
    }  # fmt: skip


@pytest.mark.parametrize("mode", colour_modes())
def test_colour_modes_become_rgb(tmp_path, mode):
    image, expected, image_format = colour_modes()[mode]
    path = tmp_path / "face"
    path.write_bytes(encoded(image, image_format))
    assert_array_equal(load_image(path), [expected])
    info = dict(image.info)
    assert_array_equal(load_image(image), [expected])
    assert image.info == info


@pytest.mark.parametrize("mode", ["PA", "La", "RGBa", "RGBX", "YCbCr", "HSV", "LAB"])
def test_uncommon_modes_become_rgb(mode):
    assert load_image(Image.new(mode, (3, 2))).shape == (2, 3, 3)


def test_cmyk_jpeg(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "red.jpg")
    assert np.abs(load_image(tmp_path / "red.jpg") - np.array([255.0, 0, 0])).max() < 5


@pytest.mark.parametrize("mode", ["I", "F"])
def test_images_without_scale_are_refused(tmp_path, mode):
    path = tmp_path / "face.tif"
    Image.new(mode, (4, 4)).save(path)
    for source in (path, Image.new(mode, (4, 4))):
        with pytest.raises(ImageError, match=f"mode '{mode}'.*no agreed scale"):
            load_image(source)


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_frame_of_animations(tmp_path, image_format):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / "face"
    options = {"lossless": True} if image_format == "WEBP" else {}
    path.write_bytes(
        encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    )
    assert_array_equal(load_image(path)[0, 0], [255, 0, 0])


INVERSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", INVERSE)
@pytest.mark.parametrize(
    "options",
    [
        {"format": "PNG"},
        {"format": "TIFF"},
        {"format": "TIFF", "compression": "tiff_lzw"},
        {"format": "WEBP", "lossless": True},
        {"format": "JPEG", "quality": 100, "subsampling": 0},
    ],
    ids=lambda options: options.get("compression", options["format"]),
)
def test_exif_orientation(tmp_path, orientation, options):
    upright = Image.fromarray(picture(height=9, width=6)).resize((48, 72))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "face"
    upright.transpose(INVERSE[orientation]).save(path, exif=exif, **options)
    pixels = load_image(path)
    tolerance = 12 if options["format"] == "JPEG" else 0
    assert np.abs(pixels - np.asarray(upright, dtype=float)).max() <= tolerance
    with Image.open(path) as image:
        assert_array_equal(pixels, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    with Image.open(path) as image:
        assert_array_equal(load_image(image), pixels)


def test_grey_16_bit_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    values = (np.arange(6, dtype=np.uint16) * 257).reshape(2, 3)
    Image.fromarray(values).save(tmp_path / "face.png", exif=exif)
    assert_array_equal(load_image(tmp_path / "face.png")[..., 0], np.rot90(values // 257, -1))


def test_images_are_stretched_to_the_size(tmp_path):
    pixels = picture(height=40, width=30)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    expected = np.asarray(Image.fromarray(pixels).resize((10, 12), Image.Resampling.BICUBIC))
    sources = [tmp_path / "face.png"], [Image.fromarray(pixels)], [pixels], pixels[np.newaxis]
    for X in sources:
        data = read(X).data
        assert data.flags.c_contiguous
        assert_array_equal(data[0], expected)
    # A checkerboard becomes grey where the filter is antialiased.
    checkerboard = np.indices((64, 64)).sum(axis=0) % 2 * 255
    assert np.abs(read(checkerboard[np.newaxis], (8, 8)).data[0, 1:-1, 1:-1] - 127.5).max() < 3


def test_images_of_differing_sizes():
    X = [picture(0, 12, 10), picture(1, 30, 20), picture(2, 5, 40)[..., 0]]
    assert read(X).data.shape == (3, 12, 10, 3)


def test_floats_are_rounded():
    X = np.array([0.4, 0.6, 99.5, 254.7]).reshape(1, 2, 2)
    assert_array_equal(read(X, None).data[0, ..., 0], [[0, 1], [100, 255]])


@pytest.mark.parametrize(("X", "message"), [
    (np.full((1, 2, 2), np.nan), "image 0 of X: the pixels contain NaN"),
    (np.full((1, 2, 2), -np.inf), "contain infinity; accepted are finite values from 0 to 255"),
    (np.array([[[-1.0, 1.0]]]), r"range from -1 to 1; .* 0 to 255. .*\(X \+ 1\) \* 127.5"),
    (np.array([[[-0.5, 255.5]]]), r"range from -0.5 to 255.5; .*np.clip\(X, 0, 255\)"),
    (np.array([[[-103.5, 130.0]]]), "Undo any preprocessing"),
    (np.array([[[-0.02, 1.01]]]), "Undo any preprocessing"),
    (np.array([[[-3, 130]]]), "range from -3 to 130"),
    (np.array([[[0, 65535]]], dtype=np.uint16), "divide them by 257"),
])  # fmt: skip
@pytest.mark.parametrize("as_container", [np.asarray, list])
def test_pixels_off_the_scale(X, message, as_container):
    with pytest.raises(ImageError, match=message):
        read(as_container(X), image_size=X.shape[1:])


@pytest.mark.parametrize("as_container", [np.asarray, list])
@pytest.mark.parametrize("image_size", [(2, 2), (3, 3)])
@pytest.mark.parametrize("on_error", [None, print])
def test_a_scale_from_0_to_1_is_refused(as_container, image_size, on_error):
    X = as_container(np.linspace(0, 1, 6 * 4, dtype=np.float32).reshape(6, 2, 2))
    with pytest.raises(ValueError, match=r"0 to 255, .*multiply X by 255.*np.rint\(X\)") as raised:
        read(X, image_size, batch_size=2, on_error=on_error)
    assert not isinstance(raised.value, ImageError)


def test_a_scale_from_0_to_1_is_refused_where_it_is_perturbed_or_read_alone():
    image = np.linspace(0, 1, 64).reshape(8, 8)
    perturbed = PerturbedImage(image, Perturbation("noise", 0.1), 0)
    for source in (image, perturbed):
        with pytest.raises(ValueError, match="multiply X by 255"):
            load_image(source)
    with pytest.raises(ValueError, match="multiply X by 255"):
        read([perturbed], (8, 8))
    for X in ([image], image[np.newaxis]):
        with pytest.raises(ValueError, match="multiply X by 255"):
            read(perturb(X, "blur", 1.0), (8, 8))


def test_float_pixels_of_0_and_1_are_warned_of_once():
    X = np.eye(2).repeat(3, axis=0).reshape(3, 2, 2)
    with pytest.warns(UserWarning, match="multiply X by 255: the scale is 0 to 255") as caught:
        read(X, (2, 2), batch_size=1)
    assert len(caught) == 1


BRIGHT, DARK = np.full((2, 2), 200.0), np.full((2, 2), 0.3)


@pytest.mark.parametrize("X", [
    np.zeros((3, 2, 2)),
    np.ones((3, 2, 2), int),
    np.eye(2)[None] * 2,
    [BRIGHT, DARK, BRIGHT],
    np.stack([BRIGHT, DARK, BRIGHT]),
    perturb(np.stack([BRIGHT, DARK, BRIGHT]), "blur", 1.0),
])  # fmt: skip
@pytest.mark.parametrize("image_size", [(2, 2), (3, 3)])
def test_a_scale_is_not_complained_of_without_reason(X, image_size):
    read(X, image_size)


@pytest.mark.parametrize(("source", "error", "message"), [
    (np.zeros((4, 4, 1)), ImageError, r"image: .*\(4, 4, 1\).*image\[\.\.\., 0\]"),
    (np.zeros((4, 4, 4)), ImageError, r"drop the alpha channel with image\[\.\.\., :3\]"),
    (np.zeros((2, 4, 4, 3)), ImageError, r"\(2, 4, 4, 3\) is not an image"),
    (np.zeros((0, 4, 3)), ImageError, "no pixels"),
    (np.zeros((4, 4), dtype=bool), ImageError, "boolean pixels"),
    (np.zeros((4, 4), dtype=complex), ImageError, "Complex data not supported"),
    (np.zeros((4, 4), dtype=object), ImageError, "dtype object"),
    (3, TypeError, "image is of type int"),
])  # fmt: skip
def test_load_image_refuses(source, error, message):
    with pytest.raises(error, match=message):
        load_image(source)
