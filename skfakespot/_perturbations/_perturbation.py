# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of perturbation with their levels and options, and one perturbation at one level."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._typing import Kind


class _Option(NamedTuple):
    default: object
    accepted: str
    accepts: Callable


class _Kind(NamedTuple):
    """A function of (pixels, level, seed), and the levels and options that it takes."""

    apply: Callable
    level_name: str
    low: float
    high: float
    options: dict[str, _Option]
    includes_low: bool = True

    @property
    def accepted_levels(self):
        start = "from" if self.includes_low else "above"
        return f"{self.level_name} {start} {self.low} to {self.high}"


def _one_of(*values, default):
    accepted = ", ".join(map(repr, values))
    return _Option(default, accepted, lambda value: any(value is v or value == v for v in values))


def _is_kernel_size(value):
    return value is None or (isinstance(value, Integral) and value >= 3 and value % 2 == 1)


_KINDS: dict[Kind, _Kind] = {
    "compression": _Kind(
        apply=_pixels.compress,
        level_name="integers (JPEG quality)",
        low=1,
        high=100,
        options={"subsampling": _one_of(None, "4:4:4", "4:2:2", "4:2:0", default=None)},
    ),
    "resize": _Kind(
        apply=_pixels.resize,
        level_name="scale factors",
        low=0,
        high=1,
        options={
            "filter": _one_of(*_pixels.FILTERS, default="bicubic"),
            "restore_size": _one_of(True, False, default=True),
        },
        includes_low=False,
    ),
    "noise": _Kind(
        apply=_pixels.add_noise,
        level_name="variances (of pixels from 0 to 1)",
        low=0,
        high=1,
        options={"unit": _one_of("variance", "std", default="variance")},
    ),
    "blur": _Kind(
        apply=_pixels.blur,
        level_name="sigmas (in pixels)",
        low=0,
        high=100,
        options={"kernel_size": _Option(3, "odd integers from 3 and None", _is_kernel_size)},
    ),
}
_NOISE_IN_STD = _KINDS["noise"]._replace(
    level_name="standard deviations (of pixels from 0 to 255)", high=255
)
KINDS: tuple[Kind, ...] = tuple(_KINDS)


@dataclass(frozen=True, init=False, slots=True)
class Perturbation:
    """One of the paper's four attacks (section 4.3), at one level.

    Call it with the pixels of an image and a seed to perturb them.

    .. versionadded:: 0.1

    Parameters
    ----------
    kind : {"compression", "resize", "noise", "blur"}
        What is done.
    level : float
        How strongly:

        - compression: JPEG quality, an integer from 1 to 100 (the mildest);
        - resize: scale factor, above 0 and up to 1, by which the image is shrunk before it is
          enlarged to its size again;
        - noise: variance of the additive Gaussian noise, for pixels from 0 to 1, in [0, 1];
        - blur: standard deviation (sigma) of the Gaussian kernel in pixels, in [0, 100].
    **options
        - compression: ``subsampling=None`` of the chroma, Pillow's default (4:2:0), or "4:4:4",
          "4:2:2", "4:2:0";
        - resize: ``filter="bicubic"``, or "nearest", "box", "bilinear", "hamming", "lanczos"
          (Pillow's, antialiased); ``restore_size=True``, or False to keep the image small;
        - noise: ``unit="variance"``, or "std" if the level is the standard deviation for
          pixels from 0 to 255;
        - blur: ``kernel_size=3`` (the paper's, whose effect hardly grows beyond a sigma of 2),
          another odd integer, or None for 4 sigma to either side.

    Attributes
    ----------
    kind, level : str, int or float
        As given.
    options : tuple of (str, object)
        The options that differ from their default, sorted by name.

    Raises
    ------
    ValueError
        If a kind, level or option is not accepted.

    Examples
    --------
    >>> import numpy as np
    >>> from skfakespot.augmentation import Perturbation
    >>> softened = Perturbation("blur", 2.0, kernel_size=None)
    >>> print(softened)
    blur 2 (kernel_size=None)
    >>> stripes = np.tile(np.array([[0], [90]], dtype="uint8"), (4, 3))
    >>> softened(stripes)[3]
    array([45, 45, 45], dtype=uint8)
    """

    kind: Kind
    level: float
    options: tuple[tuple[str, object], ...]

    def __init__(self, kind: Kind, level: float, **options: Any) -> None:
        if kind not in KINDS:
            raise ValueError(
                f"There is no perturbation {kind!r}{did_you_mean(kind, KINDS)}; accepted are "
                f"{', '.join(KINDS)}."
            )
        known = _KINDS[kind].options
        for name, value in options.items():
            if name not in known:
                raise ValueError(
                    f"{kind} has no option {name!r}{did_you_mean(name, known)}; its options are "
                    f"{', '.join(known)}."
                )
            if not known[name].accepts(value):
                accepted = known[name].accepted
                raise ValueError(f"{name}={value!r} of {kind}; accepted are {accepted}.")
        changed = sorted(
            (name, value) for name, value in options.items() if value != known[name].default
        )
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "level", _checked_level(kind, level, options))
        object.__setattr__(self, "options", tuple(changed))

    def __call__(self, pixels: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
        """Perturb one image.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3) or (H, W), dtype uint8
            The image; it is not changed.
        seed : int, default=0
            Seed of the noise; the other kinds do not use it.

        Returns
        -------
        perturbed : ndarray, dtype uint8
            The perturbed image, of the same shape (unless ``restore_size=False``).
        """
        return _KINDS[self.kind].apply(pixels, self.level, seed, **self._all_options())

    @property
    def identity(self) -> str:
        """Text that is the same for two perturbations only if their results are."""
        return f"{self!r} {_pixels.VERSION} NumPy {np.__version__}"

    def on_rows(self, rows: NDArray[Any], seeds: NDArray[Any]) -> NDArray[Any]:
        """Add noise to rows of numbers, on the scale of the numbers and without clipping.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
            Input of a network on vectors; it is not changed.
        seeds : ndarray of shape (n_samples,)
            Seed of the noise of each row.

        Returns
        -------
        noisy : ndarray of shape (n_samples, n_features)
            The rows with noise, of the same dtype; integers are rounded.

        Raises
        ------
        ValueError
            If the kind is not "noise".

        Examples
        --------
        >>> import numpy as np
        >>> from skfakespot.augmentation import Perturbation
        >>> rows = np.zeros((2, 3))
        >>> noisy = Perturbation("noise", 0.01).on_rows(rows, seeds=np.array([1, 1]))
        >>> noisy.shape, bool((noisy[0] == noisy[1]).all())
        ((2, 3), True)
        """
        if self.kind != "noise":
            raise ValueError(
                f"X holds rows of numbers, and {self.kind} is for images; the only kind for rows "
                "is 'noise'."
            )
        deviation = _pixels.noise_deviation(self.level, self._all_options()["unit"])
        noise = [np.random.default_rng(seed).standard_normal(rows.shape[1]) for seed in seeds]
        noisy = rows + deviation * np.reshape(noise, rows.shape)
        return (np.rint(noisy) if rows.dtype.kind in "iu" else noisy).astype(rows.dtype)

    def _all_options(self):
        known = _KINDS[self.kind].options
        return {name: option.default for name, option in known.items()} | dict(self.options)

    def __str__(self):
        options = ", ".join(f"{name}={value}" for name, value in self.options)
        return f"{self.kind} {self.level:g}" + (f" ({options})" if options else "")

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self.options)
        return f"Perturbation({self.kind!r}, {self.level!r}{options})"

    # joblib hashes the pickle. Without nested tuples it depends on the content alone, not on which
    # perturbations share a tuple.
    def __reduce__(self):
        flat = (part for option in self.options for part in option)
        return _rebuilt, (self.kind, self.level, *flat)


def _rebuilt(kind, level, *flat):
    return Perturbation(kind, level, **dict(zip(flat[::2], flat[1::2], strict=True)))


def _checked_level(kind, level, options):
    rule = _NOISE_IN_STD if options.get("unit") == "std" else _KINDS[kind]
    is_number = isinstance(level, Real) and not isinstance(level, bool) and math.isfinite(level)
    is_in_range = is_number and rule.low <= level <= rule.high
    if (
        not is_in_range
        or (level == rule.low and not rule.includes_low)
        or (kind == "compression" and level != int(level))
    ):
        raise ValueError(f"level={level!r} of {kind}; accepted are {rule.accepted_levels}.")
    return int(level) if kind == "compression" else float(level)


def did_you_mean(word, words):
    """Suggest the most similar word, for an error message; empty if none is similar."""
    close = get_close_matches(str(word), words, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
