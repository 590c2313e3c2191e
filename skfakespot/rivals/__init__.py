"""The detectors that FakeSpotter is compared with."""

from typing import TYPE_CHECKING

from .._perturbations import Upsampling
from ._cooccurrence import CooccurrenceTransformer
from ._log_dct import LogDCTTransformer
from ._log_spectrum import LogSpectrumTransformer
from ._principal_components import PrincipalComponents
from ._radial_spectrum import RadialSpectrumTransformer
from ._registry import RivalCard, list_rivals, make_rival
from ._residual_cooccurrence import ResidualCooccurrenceTransformer
from ._saturation import SaturationTransformer

if TYPE_CHECKING:
    from ._upsampling_simulator import UpsamplingSimulator

__all__ = [
    "CooccurrenceTransformer",
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


def __getattr__(name):
    # Only this class needs imbalanced-learn, which takes long to import.
    if name == "UpsamplingSimulator":
        from ._upsampling_simulator import UpsamplingSimulator

        globals()[name] = UpsamplingSimulator
        return UpsamplingSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
