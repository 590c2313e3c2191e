"""The detectors that FakeSpotter is compared with."""

from .._perturbations import Upsampling
from ._cooccurrence import CooccurrenceTransformer
from ._log_dct import LogDCTTransformer
from ._log_spectrum import LogSpectrumTransformer
from ._radial_spectrum import RadialSpectrumTransformer
from ._residual_cooccurrence import ResidualCooccurrenceTransformer
from ._saturation import SaturationTransformer

__all__ = [
    "CooccurrenceTransformer",
    "LogDCTTransformer",
    "LogSpectrumTransformer",
    "RadialSpectrumTransformer",
    "ResidualCooccurrenceTransformer",
    "SaturationTransformer",
    "Upsampling",
]
