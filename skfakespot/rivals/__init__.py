# SPDX-License-Identifier: BSD-3-Clause
"""The detectors that FakeSpotter is compared with."""

from importlib import import_module
from typing import TYPE_CHECKING

from .._perturbations import Upsampling
from ._attention_pooling import AttentionPoolingClassifier
from ._cooccurrence import CooccurrenceTransformer
from ._face_warping import FaceWarping
from ._feature_map import FeatureMapTransformer
from ._keras_classifier import KerasImageClassifier
from ._log_dct import LogDCTTransformer
from ._log_spectrum import LogSpectrumTransformer
from ._principal_components import PrincipalComponents
from ._radial_spectrum import RadialSpectrumTransformer
from ._registry import RivalCard, list_rivals, make_rival
from ._residual_cooccurrence import ResidualCooccurrenceTransformer
from ._saturation import SaturationTransformer

if TYPE_CHECKING:
    from ._face_warping_sampler import FaceWarpingSampler
    from ._upsampling_simulator import UpsamplingSimulator

__all__ = [
    "AttentionPoolingClassifier",
    "CooccurrenceTransformer",
    "FaceWarping",
    "FaceWarpingSampler",
    "FeatureMapTransformer",
    "KerasImageClassifier",
    "LogDCTTransformer",
    "LogSpectrumTransformer",
    "PrincipalComponents",
    "RadialSpectrumTransformer",
    "ResidualCooccurrenceTransformer",
    "RivalCard",
    "SaturationTransformer",
    "Upsampling",
    "UpsamplingSimulator",
    "list_rivals",
    "make_rival",
]


# These need imbalanced-learn, which takes long to import.
_MODULES = {
    "FaceWarpingSampler": "._face_warping_sampler",
    "UpsamplingSimulator": "._upsampling_simulator",
}


if not TYPE_CHECKING:  # with it, type checkers would accept every name

    def __getattr__(name):
        if name in _MODULES:
            globals()[name] = value = getattr(import_module(_MODULES[name], __name__), name)
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
