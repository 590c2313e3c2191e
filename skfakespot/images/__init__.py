"""The images in X: their types, their content, and reading them in batches of pixels."""

from .._perturbations import PerturbedImage
from ._batches import Batch
from ._content import DECODER_VERSION
from ._decode import load_image
from ._errors import ImageError, UnreadableImageWarning
from ._headers import Header, read_header
from ._samples import as_samples
from ._unreadable import find_unreadable

__all__ = [
    "DECODER_VERSION",
    "Batch",
    "Header",
    "ImageError",
    "PerturbedImage",
    "UnreadableImageWarning",
    "as_samples",
    "find_unreadable",
    "load_image",
    "read_header",
]
