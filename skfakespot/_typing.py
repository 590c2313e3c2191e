# SPDX-License-Identifier: BSD-3-Clause
"""Names for the types in public signatures. Only type checkers import this module."""

import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import joblib
import keras
import numpy as np
import pandas as pd
import PIL.Image
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from ._perturbations import Perturbation
from ._recipe import Recipe
from .backbones import Backbone
from .images import LazyImage

# Whatever has the methods of scikit-learn's estimators, or of its splitters.
Estimator: TypeAlias = Any
Splitter: TypeAlias = Any

FilePath: TypeAlias = str | os.PathLike[str]
Memory: TypeAlias = FilePath | joblib.Memory | None
RandomState: TypeAlias = int | np.random.RandomState | None

# One image, and X. pandas' and polars' Series and DataFrames are ArrayLike.
ImageLike: TypeAlias = (
    FilePath | bytes | io.BytesIO | PIL.Image.Image | ArrayLike | LazyImage | Recipe
)
Images: TypeAlias = ArrayLike | Sequence[ImageLike]
ImageSize: TypeAlias = tuple[int, int] | list[int]
OnError: TypeAlias = Literal["raise", "nan"]

Label: TypeAlias = int | float | bool | str
ClassWeight: TypeAlias = dict[Any, float] | Literal["balanced"] | None
Scoring: TypeAlias = str | Callable[[Any, Any, Any], float]

BackboneLike: TypeAlias = (
    str | Path | keras.Model | Backbone | Callable[..., keras.Model | Backbone]
)
Layers: TypeAlias = str | list[str] | re.Pattern[str] | Callable[[Any], bool]
Tap: TypeAlias = Literal["layer", "activation"]
Statistic: TypeAlias = Literal[
    "coverage", "mean", "std", "skewness", "kurtosis", "autocorrelation", "gram", "grid"
]
Threshold: TypeAlias = (
    Literal["mean", "per-map", "boundary", "strong"]
    | float
    | tuple[Literal["quantile"], float | Sequence[float] | NDArray[np.floating[Any]]]
    | tuple[Literal["top"], int]
)

Kind: TypeAlias = Literal["compression", "resize", "noise", "blur"]
Preset: TypeAlias = Literal["paper", "cnndetection", "deeperforensics"]
Levels: TypeAlias = Preset | Mapping[str, Sequence[float | Perturbation]]
UpsamplingStage: TypeAlias = Literal["zero-insertion", "nearest", "bilinear"]
SamplingStrategy: TypeAlias = (
    Literal["auto", "minority", "not minority", "not majority", "all"]
    | float
    | dict[Any, int]
    | Callable[[Any], dict[Any, int]]
    | None
)

Subset: TypeAlias = Literal["all", "train", "validation", "test"]
GroupBy: TypeAlias = Literal["identity", "target", "video"]

Aggregation: TypeAlias = Literal["mean", "median", "max", "logsumexp", "topk"]
NanPolicy: TypeAlias = Literal["omit", "propagate", "raise"]
VideoReader: TypeAlias = Literal["av", "opencv"]

RobustnessResults: TypeAlias = pd.DataFrame | Sequence[Mapping[str, Any]]
Panels: TypeAlias = Sequence[Axes] | NDArray[np.object_]
