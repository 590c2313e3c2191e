# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from photographs import photograph, read_face
from PIL import Image

from skfakespot._crops import crop_image
from skfakespot.backbones._dlib_stream import find_installed
from skfakespot.faces import detect_faces
from skfakespot.faces._alignment import map_aligned_crop


def scale_and_shift(scale, x=0.0, y=0.0):
    return np.array([[scale, 0, x], [0, scale, y]])


@pytest.fixture(scope="module")
def dlib_shapes():
    """``dlib_shapes(pixels, boxes)``: the faces' landmarks as objects of dlib."""
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    predictor = dlib.shape_predictor(str(find_installed("shape_predictor_5_face_landmarks.dat")))

    def find(pixels, boxes):
        return [predictor(pixels, dlib.rectangle(*map(int, box - (0, 0, 1, 1)))) for box in boxes]

    return dlib, find


@pytest.mark.parametrize(("size", "padding"), [(150, 0.25), (224, 0.0), (64, 1.0)])
def test_the_maps_are_those_of_dlib(faces, dlib_shapes, size, padding):
    dlib, find = dlib_shapes
    pixels = photograph(faces, 4, size=(400, 500), n_faces=6, sides=(90, 250))
    shapes = find(pixels, detect_faces(pixels).boxes)
    assert len(shapes) >= 3
    landmarks = np.array([[(point.x, point.y) for point in shape.parts()] for shape in shapes])
    for crop_map, shape in zip(map_aligned_crop(landmarks, size, padding), shapes, strict=True):
        details = dlib.get_face_chip_details(shape, size, padding)
        box = details.rect
        corners = np.array([(box.left(), box.top()), (box.right(), box.bottom())])
        middle = crop_map @ ((size - 1) / 2, (size - 1) / 2, 1)
        assert_allclose(middle, corners.mean(axis=0), atol=1e-6)
        scale = np.hypot(*crop_map[:, 0])
        assert_allclose(scale * size, corners[1] - corners[0] + 1, rtol=1e-6)
        assert_allclose(np.arctan2(crop_map[1, 0], crop_map[0, 0]), details.angle, atol=1e-9)


def test_the_crops_are_like_those_of_dlib(faces, dlib_shapes):
    dlib, find = dlib_shapes
    for number in range(4):
        pixels = np.asarray(read_face(faces, number).rotate(10 * number))
        (shape,) = find(pixels, detect_faces(pixels).boxes)
        landmarks = np.array([(point.x, point.y) for point in shape.parts()])
        crop = crop_image(pixels, map_aligned_crop(landmarks, 150), (150, 150)).astype(float)
        theirs = dlib.get_face_chip(pixels, shape, 150, 0.25).astype(float)
        assert np.abs(crop - theirs).mean() < 4
        # It fits worse if it is moved by a pixel.
        for axis in (0, 1):
            for step in (-1, 1):
                moved = np.roll(crop, step, axis)
                assert np.abs(crop - theirs).mean() < np.abs(moved - theirs).mean()


def test_a_turned_face_becomes_upright(faces):
    upright = read_face(faces, 1)
    crops = []
    for angle in (0, 25):
        pixels = np.asarray(upright.rotate(angle, Image.Resampling.BICUBIC))
        crop_map = map_aligned_crop(detect_faces(pixels).landmarks[0], 96, padding=0.0)
        crops.append(crop_image(pixels, crop_map, (96, 96)).ravel())
    assert np.corrcoef(crops)[0, 1] > 0.9


def test_the_identity_copies_the_image():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    assert_array_equal(crop_image(pixels, scale_and_shift(1), (40, 40)), pixels)
    assert_array_equal(crop_image(pixels, scale_and_shift(1, 5, 7), (20, 20)), pixels[7:27, 5:25])


@pytest.mark.parametrize("factor", [2, 5])
def test_a_coarser_crop_is_the_mean_of_pixels(factor):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    size = 40 // factor
    crop = crop_image(pixels, scale_and_shift(factor, *[(factor - 1) / 2] * 2), (size, size))
    means = pixels.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))
    assert_allclose(crop, means, atol=1)


def test_outside_the_image_a_crop_is_black():
    pixels = np.full((20, 20, 3), 200, dtype=np.uint8)
    crop = crop_image(pixels, scale_and_shift(1, -10, -10), (40, 40))
    assert (crop[10:30, 10:30] == 200).all()
    crop[10:30, 10:30] = 0
    assert not crop.any()


def test_maps_of_several_faces_are_those_of_each():
    landmarks = np.random.default_rng(0).normal(100, 20, (4, 5, 2))
    maps = map_aligned_crop(landmarks, 150)
    assert maps.shape == (4, 2, 3)
    for crop_map, points in zip(maps, landmarks, strict=True):
        assert_allclose(crop_map, map_aligned_crop(points, 150))
