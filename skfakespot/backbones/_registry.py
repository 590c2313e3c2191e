# SPDX-License-Identifier: BSD-3-Clause
"""Backbones by name, and from every other value of the ``backbone`` parameter."""

from __future__ import annotations

import inspect
import operator
import sys
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from .._cache import BoundedCache
from .._keras import import_keras, keep_global_random_state
from . import _dlib, _mobilenet, _vggface
from ._backbone import Backbone, BackboneError

if TYPE_CHECKING:
    from .._typing import BackboneLike, FilePath, ImageSize
    from ._backbone import BackboneCard

_BUILDERS = {_dlib.NAME: _dlib.build, _mobilenet.NAME: _mobilenet.build, **_vggface.BUILDERS}
_resolved = BoundedCache(8, is_network=True)


def list_backbones() -> list[str]:
    """List the names of the backbones that `load_backbone` knows.

    .. versionadded:: 0.1

    Returns
    -------
    names : list of str
        The default backbone first.

    Examples
    --------
    >>> from skfakespot.backbones import list_backbones
    >>> list_backbones()
    ['dlib-resnet29', 'vggface2-mobilenet', 'vggface-resnet50', 'vggface-vgg16', 'vggface-senet50']
    """
    return list(_BUILDERS)


def describe_backbones() -> list[BackboneCard]:
    """Describe the backbones that `load_backbone` knows, without building or downloading them.

    .. versionadded:: 0.1

    Returns
    -------
    cards : list of BackboneCard
        In the order of `list_backbones`.

    Examples
    --------
    >>> from skfakespot.backbones import describe_backbones
    >>> card = describe_backbones()[0]
    >>> card.name, card.n_layers, card.n_neurons
    ('dlib-resnet29', 30, 619840)
    """
    networks = map(_vggface.describe, _vggface.BUILDERS)
    return [_dlib.describe(), _mobilenet.describe(), *networks]


def load_backbone(
    name: str,
    *,
    weights: FilePath | None = None,
    include_top: bool = False,
    image_size: ImageSize | None = None,
) -> Backbone:
    """Load a backbone.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        One of `list_backbones`.
    weights : None, str or path-like, default=None
        None for the pre-trained weights; ``"random"`` for random weights that are the same at
        each call (for tests); or the path of a file of weights in the network's own format.
    include_top : bool, default=False
        Whether the network ends with its classification layer, if it has one. That of
        ``"vggface2-mobilenet"`` outputs 101 numbers: the probabilities of the ages 0 to 99 years,
        and the probability that the face is male.
    image_size : None or tuple of (height, width), default=None
        Size in pixels of the images that the network is built for; None for the size that it was
        trained on. The weights are the same for every size, but the classification layer takes
        images of one size only.

    Returns
    -------
    backbone : Backbone
        A new network at each call.

    Raises
    ------
    BackboneError
        A ValueError, if the name is unknown, the weights are missing, damaged or of another
        network, or the images are too small for the network's layers.

    Examples
    --------
    >>> from skfakespot.backbones import load_backbone
    >>> backbone = load_backbone("dlib-resnet29", weights="random")
    >>> backbone.model.count_params()
    5621696
    """
    if name not in _BUILDERS:
        close = get_close_matches(str(name), _BUILDERS, n=1, cutoff=0.4)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise BackboneError(
            f"There is no backbone {name!r}.{hint} Accepted are {', '.join(_BUILDERS)}, a "
            "keras.Model, the path of a .keras file and a callable that returns a keras.Model."
        )
    if image_size is None:
        return _BUILDERS[name](weights, include_top)
    if include_top:
        raise BackboneError(
            f"The classification layer of {name} fits the network's own image size only: use "
            "image_size=None, or include_top=False."
        )
    try:
        return _BUILDERS[name](weights, include_top, _as_size(image_size))
    except BackboneError:
        raise
    except ValueError as error:
        raise BackboneError(
            f"{name} cannot be built for images of (height, width) {image_size}, which may be too "
            f"small for its layers: set a larger image_size. Keras says: {error}"
        ) from error


def _as_size(image_size):
    try:
        height, width = (operator.index(side) for side in image_size)
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise BackboneError(
            f"image_size={image_size!r}; accepted are None and two whole numbers of pixels "
            "(height, width)."
        )
    return height, width


def resolve_backbone(
    backbone: BackboneLike,
    *,
    weights: FilePath | None = None,
    sample_shape: tuple[int, ...] | None = None,
    image_size: ImageSize | None = None,
) -> Backbone:
    """Turn a ``backbone`` parameter into a `Backbone`, built once per process.

    .. versionadded:: 0.1

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone or callable
        A name from `list_backbones`, the path of a ``.keras`` file, a model, or a callable that
        returns a model. A callable with a parameter ``input_shape`` is given `sample_shape`.
    weights : object, default=None
        See `load_backbone`; only for backbones by name.
    sample_shape : tuple of int, default=None
        Shape of one sample, (height, width, 3) or (n_features,), if it is known.
    image_size : object, default=None
        See `load_backbone`; only for backbones by name.

    Returns
    -------
    backbone : Backbone
        The same object for the same parameters, while it is among the 8 most recently used.

    Raises
    ------
    BackboneError
        A ValueError: the backbone cannot be built.

    Examples
    --------
    >>> import keras
    >>> from skfakespot.backbones import resolve_backbone
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> resolve_backbone(network).input_shape
    (2,)
    """
    if isinstance(backbone, Backbone):
        return backbone
    backbone = Path(backbone) if isinstance(backbone, PathLike) else backbone
    weights = Path(weights) if isinstance(weights, PathLike) else weights
    if not (isinstance(backbone, str | Path) or callable(backbone)):
        raise BackboneError(
            f"backbone={backbone!r} is a {type(backbone).__name__}; accepted are a name "
            f"({', '.join(_BUILDERS)}), a keras.Model, the path of a .keras file, a Backbone and "
            "a callable that returns a keras.Model."
        )
    input_shape = sample_shape if _takes_input_shape(backbone) else None
    size = _as_size(image_size) if image_size is not None and _is_name(backbone) else None
    key = (backbone, weights, _file_version(backbone), _file_version(weights), input_shape, size)
    try:
        return _resolved.get_or_make(key, lambda: _build(backbone, weights, input_shape, size))
    except RecursionError as error:
        raise BackboneError(
            f"Keras needs more than Python's recursion limit, {sys.getrecursionlimit()}, to build "
            f"{backbone!r}. Raise it with sys.setrecursionlimit before a network of so many layers "
            "is built."
        ) from error


def _is_name(backbone):
    return isinstance(backbone, str) and Path(backbone).suffix != ".keras"


def _build(backbone, weights, input_shape, image_size):
    if _is_name(backbone):
        return load_backbone(backbone, weights=weights, image_size=image_size)
    if weights is not None:
        raise BackboneError(
            f"weights={weights!r} is for a backbone by name only; {backbone!r} has its own weights."
        )
    if isinstance(backbone, str | Path):
        return _as_backbone(_load_keras_file(Path(backbone)), name=str(backbone))
    keras = import_keras()
    if isinstance(backbone, keras.Model):
        return _as_backbone(backbone, name=backbone.name)
    model = _call(backbone, input_shape)
    if isinstance(model, Backbone):
        return model
    if not isinstance(model, keras.Model):
        raise BackboneError(
            f"The callable {backbone!r} returned {type(model).__name__}; accepted are a "
            "keras.Model and a Backbone."
        )
    return _as_backbone(model, name=getattr(backbone, "__name__", model.name))


def _call(function, input_shape):
    if input_shape is not None:
        return function(input_shape=input_shape)
    if _takes_input_shape(function):
        parameter = inspect.signature(function).parameters["input_shape"]
        if parameter.default is parameter.empty:
            raise BackboneError(
                f"The callable {function!r} needs the shape of the samples, input_shape, and these "
                "have no common one. Give input_shape a default, or give the network that the "
                "callable builds."
            )
    return function()


def _takes_input_shape(backbone):
    if isinstance(backbone, str | Path | import_keras().Model) or not callable(backbone):
        return False
    return "input_shape" in inspect.signature(backbone).parameters


def _file_version(path):
    """Size and time of a file, so that a file that was replaced is read again."""
    if not isinstance(path, str | Path) or not Path(path).is_file():
        return None
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns


def _load_keras_file(path):
    keras = import_keras()
    try:
        with keep_global_random_state():
            # zipfile and h5py are loaded only where a file is read.
            from ._keras_archive import check_keras_archive

            check_keras_archive(path)
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except RecursionError:
        raise
    # It is not documented which errors Keras raises for damaged files.
    except Exception as error:
        raise BackboneError(
            f"{path} cannot be loaded as a Keras model: {str(error).rstrip('.')}. Accepted is a "
            ".keras file that keras.Model.save(...) wrote, without Lambda layers. If you trust the "
            "file, load it by keras.saving.load_model(...), and give the model as backbone."
        ) from error


def _as_backbone(model, *, name):
    try:
        inputs, outputs = model.inputs, model.outputs
    except AttributeError as error:
        raise BackboneError(
            f"The layers of the network {name!r} cannot be read. Accepted are functional models, "
            "and Sequential models that begin with keras.Input(...)."
        ) from error
    n_inputs, n_outputs = len(inputs), len(outputs)
    if (n_inputs, n_outputs) != (1, 1):
        raise BackboneError(
            f"The network {name!r} has {n_inputs} inputs and {n_outputs} outputs; accepted are "
            "networks with one of each."
        )
    backbone = Backbone(name=name, model=model)
    shape = backbone.input_shape
    if len(shape) not in (1, 3) or shape[-1] is None or (len(shape) == 3 and shape[-1] != 3):
        raise BackboneError(
            f"The network {name!r} takes samples of shape {shape}; accepted are (height, width, 3) "
            "and (n_features,)."
        )
    return backbone
