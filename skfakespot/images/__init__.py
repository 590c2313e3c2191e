"""What an element of X is, and how X is read in batches of pixels."""

from ._batches import Batch, iter_batches
from ._decode import load_image
from ._errors import ImageError, UnreadableImageWarning
from ._samples import Samples, as_samples

__all__ = [
    "Batch",
    "ImageError",
    "Samples",
    "UnreadableImageWarning",
    "as_samples",
    "iter_batches",
    "load_image",
]
