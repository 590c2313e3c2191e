"""Backbones by name, and whatever else the ``backbone`` parameter may be."""

import inspect
import operator
import threading
from collections import OrderedDict
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from .._keras import import_keras, keep_global_random_state
from . import _dlib, _keras_vggface, _vggface
from ._backbone import Backbone, BackboneError

_BUILDERS = {_dlib.NAME: _dlib.build, **_vggface.BUILDERS}


def list_backbones():
    """Names of the backbones that `load_backbone` knows.

    Returns
    -------
    names : list of str
        The default backbone first.

    Examples
    --------
    >>> from skfakespot.backbones import list_backbones
    >>> list_backbones()
    ['dlib-resnet29', 'vggface-resnet50', 'vggface-vgg16', 'vggface-senet50']
    """
    return list(_BUILDERS)


class BackboneCard(NamedTuple):
    """What can be told of a backbone without building it.

    Parameters
    ----------
    name : str
        Name for `load_backbone`.
    input_size : tuple of int
        (height, width) of the images.
    n_layers, n_neurons : int
        Convolutional and dense layers without a classification top, and the scalars that they
        put out for one image.
    licence : str
        Licence of the pre-trained weights.
    weights : pathlib.Path or None
        The pre-trained weights on this machine; None where they are missing.
    """

    name: str
    input_size: tuple[int, int]
    n_layers: int
    n_neurons: int
    licence: str
    weights: Path | None


def describe_backbones():
    """Describe the backbones that `load_backbone` knows, without building or downloading them.

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
    return [
        BackboneCard(
            _dlib.NAME, _dlib.INPUT_SIZE, 30, 619_840, _dlib.LICENCE, _dlib.find_weights()
        ),
        *(
            BackboneCard(
                name,
                _keras_vggface.INPUT_SIZE,
                *_VGGFACE_FIGURES[name],
                _vggface.licence(name),
                _vggface.find_weights(name),
            )
            for name in _vggface.BUILDERS
        ),
    ]


_VGGFACE_FIGURES = {
    "vggface-resnet50": (53, 10_430_848),
    "vggface-vgg16": (13, 13_547_520),
    "vggface-senet50": (85, 10_446_896),
}


def load_backbone(name, *, weights=None, include_top=False, image_size=None):
    """Load a backbone.

    Parameters
    ----------
    name : str
        One of `list_backbones`.
    weights : None, str or path-like, default=None
        None for the pre-trained weights, ``"random"`` for the same random weights each time (the
        architecture alone, for tests), else the path of a file of weights in the network's own
        format.
    include_top : bool, default=False
        Whether the network ends with its classification layer, where it has one.
    image_size : None or tuple of (height, width), default=None
        Size of the images that the network is built for, in pixels; None for the one that it was
        trained on. The weights are the same for every size, but the classification layer fits
        only one.

    Returns
    -------
    backbone : Backbone
        A new one at each call.

    Raises
    ------
    BackboneError
        A ValueError: the name is unknown, the weights are missing, damaged or of another
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


def resolve_backbone(backbone, *, weights=None, sample_shape=None, image_size=None):
    """Turn a ``backbone`` parameter into a `Backbone`, built once per process.

    Parameters
    ----------
    backbone : str, path-like, keras.Model, Backbone or callable
        A name from `list_backbones`, the path of a ``.keras`` file, a model, or a callable that
        returns a model. A callable with a parameter ``input_shape`` is given `sample_shape`.
    weights : None, str or path-like, default=None
        See `load_backbone`; only for backbones by name.
    sample_shape : tuple of int, default=None
        Shape of one sample, (height, width, 3) or (n_features,), where it is known.
    image_size : None or tuple of (height, width), default=None
        See `load_backbone`; other backbones have a size of their own, or take images of any size.

    Returns
    -------
    backbone : Backbone
        Shared: the same parameters give the same object. The least recently used of more than 8
        is dropped.

    Raises
    ------
    BackboneError
        If there is no such backbone, or it is no usable network.
    """
    if isinstance(backbone, Backbone):
        return backbone
    if not (isinstance(backbone, str | Path) or callable(backbone)):
        raise BackboneError(
            f"backbone={backbone!r} is a {type(backbone).__name__}; accepted are a name "
            f"({', '.join(_BUILDERS)}), a keras.Model, the path of a .keras file, a Backbone and "
            "a callable that returns a keras.Model."
        )
    input_shape = sample_shape if _takes_input_shape(backbone) else None
    size = _as_size(image_size) if image_size is not None and _is_name(backbone) else None
    key = (backbone, weights, _file_version(backbone), _file_version(weights), input_shape, size)
    with _shared_lock:
        if key not in _shared:
            _shared[key] = _build(backbone, weights, input_shape, size)
        _shared.move_to_end(key)
        while len(_shared) > _N_SHARED:
            _shared.popitem(last=False)
        return _shared[key]


_N_SHARED = 8
_shared = OrderedDict()
_shared_lock = threading.Lock()


def _is_name(backbone):
    return isinstance(backbone, str) and Path(backbone).suffix != ".keras"


def _build(backbone, weights, input_shape, image_size):
    if _is_name(backbone):
        return load_backbone(backbone, weights=weights, image_size=image_size)
    if weights is not None:
        raise BackboneError(
            f"weights={weights!r} goes with a backbone by name; {backbone!r} brings its own."
        )
    if isinstance(backbone, str | Path):
        return _wrap(_load_keras_file(Path(backbone)), name=str(backbone))
    keras = import_keras()
    if isinstance(backbone, keras.Model):
        return _wrap(backbone, name=backbone.name)
    model = backbone() if input_shape is None else backbone(input_shape=input_shape)
    if isinstance(model, Backbone):
        return model
    if not isinstance(model, keras.Model):
        raise BackboneError(
            f"The callable {backbone!r} returned {type(model).__name__}; accepted are a "
            "keras.Model and a Backbone."
        )
    return _wrap(model, name=getattr(backbone, "__name__", model.name))


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
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackboneError(
            f"{path} cannot be loaded as a Keras model: {error} Accepted is a file that "
            "keras.Model.save(...) wrote, without Lambda layers."
        ) from error


def _wrap(model, *, name):
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
