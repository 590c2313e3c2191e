# SPDX-License-Identifier: BSD-3-Clause
"""`Backbone`, `Preprocessing` and `BackboneCard`, and the errors of backbones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from .._regular_files import FileTooLargeError, UnreadableFileError
from ._pickling import model_from_arrays, model_to_arrays

if TYPE_CHECKING:
    import keras
    from numpy.typing import ArrayLike, NDArray


class BackboneError(ValueError):
    """A backbone cannot be built, because its name, weights or network cannot be used.

    .. versionadded:: 0.1

    Examples
    --------
    >>> from skfakespot.backbones import load_backbone
    >>> load_backbone("dlib-resnet")
    Traceback (most recent call last):
    ...
    skfakespot.backbones._backbone.BackboneError: ...
    """


class WeightsFormatError(ValueError):
    """A file does not hold the weights of this network."""


@contextmanager
def weights_errors(name, path, hint):
    """Turn what is raised while a file of weights is read into a `BackboneError` with a hint."""
    try:
        yield
    except FileTooLargeError as error:
        raise BackboneError(
            f"The weights of {name}, {error.path}, are of another network: {error}. {hint}"
        ) from error
    except UnreadableFileError as error:
        reason = str(error)[:1].upper() + str(error)[1:]
        raise BackboneError(f"The weights of {name}, {error.path}: {reason}. {hint}") from error
    except OSError as error:
        file, reason = error.filename or path, error.strerror or error
        raise BackboneError(f"The weights of {name}, {file}: {reason}. {hint}") from error
    except WeightsFormatError as error:
        raise BackboneError(
            f"The weights of {name}, {path}, are damaged or of another network: {error}. {hint}"
        ) from error


@dataclass(frozen=True)
class Preprocessing:
    """Subtract a mean from each colour channel, then multiply by a scale.

    .. versionadded:: 0.1

    Parameters
    ----------
    mean : tuple of 3 floats, default=(0.0, 0.0, 0.0)
        Subtracted from the channels, in the order given by `channels`; on the 0-255 scale.
    scale : float, default=1.0
        Factor by which the difference is multiplied.
    channels : {"RGB", "BGR"}, default="RGB"
        Order of the channels that the network takes. Batches are given as RGB.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.backbones import Preprocessing
    >>> red = np.array([[[[255, 0, 0]]]], dtype=np.uint8)
    >>> Preprocessing(mean=(1.0, 2.0, 3.0), channels="BGR")(red)
    array([[[[ -1.,  -2., 252.]]]], dtype=float32)
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    channels: Literal["RGB", "BGR"] = "RGB"

    def __call__(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Preprocess a batch.

        Parameters
        ----------
        images : ndarray of shape (n_images, height, width, 3), uint8
            RGB images.

        Returns
        -------
        batch : ndarray of shape (n_images, height, width, 3), float32
            Input of the network.
        """
        if self.channels == "BGR":
            images = images[..., ::-1]
        # Whole rows at a time, because NumPy broadcasts three numbers eight times as slowly.
        width = images.shape[2]
        batch = images.astype(np.float32, order="C").reshape(*images.shape[:2], 3 * width)
        batch -= np.tile(np.float32(self.mean), width)
        batch *= np.float32(self.scale)
        return batch.reshape(images.shape)


def as_float32(batch: ArrayLike) -> NDArray[np.float32]:
    """Convert a batch to float32, for networks whose own layers scale their input.

    Parameters
    ----------
    batch : ndarray
        Images, uint8, or vectors.

    Returns
    -------
    batch : ndarray, float32
        The same numbers.
    """
    return np.asarray(batch, dtype=np.float32)


class BackboneCard(NamedTuple):
    """Facts about a backbone that are known without building it.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Name for `load_backbone`.
    input_size : tuple of int
        (height, width) of the images.
    n_layers, n_neurons : int
        Number of convolutional and dense layers without a classification top, and of the scalars
        that they output for one image.
    licence : str
        Licence of the pre-trained weights.
    weights : pathlib.Path or None
        File of the pre-trained weights on this machine; None if it is missing.

    Examples
    --------
    >>> from skfakespot.backbones import describe_backbones
    >>> card = describe_backbones()[0]
    >>> card.name, card.input_size, card.licence
    ('dlib-resnet29', (150, 150), 'CC0-1.0')
    """

    name: str
    input_size: tuple[int, int]
    n_layers: int
    n_neurons: int
    licence: str
    weights: Path | None


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network whose neurons are read, with the preprocessing of its input.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Name of the backbone.
    model : keras.Model
        The network, with one input.
    preprocess : callable, default=as_float32
        Takes a batch, uint8 of shape (n_images, height, width, 3) in RGB, and returns a float32
        batch of the shape that `model` takes. By default the numbers are not changed, for a
        model whose own layers scale its input.
    licence : str, default="unknown"
        Licence of the weights.
    source : str, default="given by the user"
        Where the weights came from.
    layer_names : mapping of str to str, default={}
        The original name of a layer, under its name in `model`, where the two differ: Keras 3
        does not allow "/" in a name.

    Examples
    --------
    >>> from skfakespot.backbones import load_backbone
    >>> backbone = load_backbone("dlib-resnet29")
    >>> backbone.input_size, backbone.licence
    ((150, 150), 'CC0-1.0')
    """

    name: str
    model: keras.Model
    preprocess: Callable[[NDArray[Any]], NDArray[np.float32]] = as_float32
    licence: str = "unknown"
    source: str = "given by the user"
    layer_names: Mapping[str, str] = field(default_factory=dict)

    def __getstate__(self):
        return {**vars(self), "model": model_to_arrays(self.model)}

    def __setstate__(self, state):
        vars(self).update(state, model=model_from_arrays(state["model"]))

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of one sample: (height, width, 3), or (n_features,) for a network on vectors."""
        return tuple(self.model.input_shape[1:])

    @property
    def input_size(self) -> tuple[int | None, int | None] | None:
        """(height, width) of the images that the network takes, None for a network on vectors."""
        return self.input_shape[:2] if len(self.input_shape) == 3 else None
