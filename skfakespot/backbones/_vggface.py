# SPDX-License-Identifier: BSD-3-Clause
"""The VGG-Face networks of keras-vggface, with their pre-trained weights."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from ._backbone import Backbone, BackboneCard, BackboneError, Preprocessing, weights_errors
from ._download import DownloadError, RemoteFile, cache_folder, fetch
from ._keras_vggface import build_model, load_utils

_INPUT_SIZE = (224, 224)


class _Architecture(NamedTuple):
    name: str
    n_layers: int
    n_neurons: int
    preprocess: Preprocessing
    licence: str


_VERSION_1 = Preprocessing(mean=(93.5940, 104.7624, 129.1863), channels="BGR")
_VERSION_2 = Preprocessing(mean=(91.4953, 103.8827, 131.0912), channels="BGR")
_VGGFACE = "non-commercial research (VGG-Face)"
_VGGFACE2 = "non-commercial research (VGGFace2)"

_ARCHITECTURES = {
    "vggface-resnet50": _Architecture("resnet50", 53, 10_430_848, _VERSION_2, _VGGFACE2),
    "vggface-vgg16": _Architecture("vgg16", 13, 13_547_520, _VERSION_1, _VGGFACE),
    "vggface-senet50": _Architecture("senet50", 85, 10_446_896, _VERSION_2, _VGGFACE2),
}
# No checksums were published. The size of the other files is unknown too.
_SIZES = {"rcmalli_vggface_tf_notop_resnet50.h5": 94_694_792}
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def remote_weights(name, include_top=False):
    """Published file of the pre-trained weights of a backbone, a `RemoteFile`."""
    constant = f"{_ARCHITECTURES[name].name.upper()}_WEIGHTS_PATH{'' if include_top else '_NO_TOP'}"
    url = getattr(load_utils(), constant)
    file_name = url.rpartition("/")[-1]
    return RemoteFile(file_name, url, size=_SIZES.get(file_name), signature=_HDF5_SIGNATURE)


def find_weights(name, include_top=False):
    """Path of the pre-trained weights in the cache folder, or None where they are missing."""
    path = cache_folder() / remote_weights(name, include_top).name
    return path if path.is_file() else None


def describe(name):
    """Facts of a backbone; see `describe_backbones`."""
    _, n_layers, n_neurons, _, licence = _ARCHITECTURES[name]
    return BackboneCard(name, _INPUT_SIZE, n_layers, n_neurons, licence, find_weights(name))


def build(name, weights=None, include_top=False, image_size=_INPUT_SIZE):
    """Build a backbone with pre-trained (None), ``"random"`` or a file's weights."""
    architecture = _ARCHITECTURES[name]
    network = partial(build_model, architecture.name, include_top=include_top, size=image_size)
    if weights == "random":
        (model, layer_names), source = network(random=True), "random weights"
    else:
        if weights is None:
            path = _fetch_weights(name, include_top)
            hint = f"Delete {path}: it is downloaded again."
        else:
            path = Path(weights)
            published = f"the file that keras-vggface publishes for include_top={include_top}"
            hint = f"Accepted is {published}, or a .weights.h5 or .keras file of this network."
        (model, layer_names), source = network(random=False), str(path)
        # h5py is loaded only where a file is read.
        from ._weights import read_weights

        with weights_errors(name, path, hint):
            model.set_weights(read_weights(path, model, layer_names))
    return Backbone(
        name=name,
        model=model,
        preprocess=architecture.preprocess,
        licence=architecture.licence,
        source=source,
        layer_names=layer_names,
    )


BUILDERS = {name: partial(build, name) for name in _ARCHITECTURES}


def _fetch_weights(name, include_top):
    remote, folder = remote_weights(name, include_top), cache_folder()
    try:
        return fetch(remote, folder)
    except DownloadError as error:
        size = f" ({remote.size:,} bytes)" if remote.size else ""
        raise BackboneError(
            f"The weights of {name} are not on this machine and could not be downloaded: {error}. "
            f"The file is {remote.name}{size} from {remote.url}. Put a copy of it at "
            f'{folder / remote.name}, or give its place as weights="/path/to/{remote.name}", or '
            'take the backbone "dlib-resnet29", which needs no download.'
        ) from error
