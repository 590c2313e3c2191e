"""One perturbation at one level, with its options."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from . import _arithmetic


class _Kind(NamedTuple):
    apply: Callable
    level: str
    low: float
    high: float
    low_included: bool
    options: dict  # name: (default, what is accepted in words, predicate)

    def span(self):
        return f"{self.level} {'from' if self.low_included else 'above'} {self.low} to {self.high}"


def _one_of(*values):
    return ", ".join(map(repr, values)), lambda value: any(value is v or value == v for v in values)


def _is_kernel_size(value):
    return value is None or (isinstance(value, Integral) and value >= 3 and value % 2 == 1)


_KINDS = {
    "compression": _Kind(
        lambda pixels, level, _seed, **options: _arithmetic.compress(pixels, level, **options),
        *("integers (JPEG quality)", 1, 100, True),
        {"subsampling": (None, *_one_of(None, "4:4:4", "4:2:2", "4:2:0"))},
    ),
    "resize": _Kind(
        lambda pixels, level, _seed, **options: _arithmetic.resize(pixels, level, **options),
        *("scale factors", 0, 1, False),
        {
            "filter": ("bicubic", *_one_of(*_arithmetic.FILTERS)),
            "restore_size": (True, *_one_of(True, False)),
        },
    ),
    "noise": _Kind(
        _arithmetic.add_noise,
        *("variances (of pixels from 0 to 1)", 0, 1, True),
        {"unit": ("variance", *_one_of("variance", "std"))},
    ),
    "blur": _Kind(
        lambda pixels, level, _seed, **options: _arithmetic.blur(pixels, level, **options),
        *("sigmas (in pixels)", 0, 100, True),
        {"kernel_size": (3, "odd integers from 3 and None", _is_kernel_size)},
    ),
}
_NOISE_IN_STD = _KINDS["noise"]._replace(
    level="standard deviations (of pixels from 0 to 255)", high=255
)
KINDS = tuple(_KINDS)


@dataclass(frozen=True, init=False, slots=True)
class Perturbation:
    """One of the paper's four attacks (section 4.3), at one level.

    Call it with an image's pixels and a seed to have them perturbed.

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
        - noise: ``unit="variance"``, or "std" for a level that is the standard deviation for
          pixels from 0 to 255;
        - blur: ``kernel_size=3`` (the paper's; it saturates from a sigma of about 2), another
          odd integer, or None for 4 sigma to either side.

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

    kind: str
    level: float
    options: tuple

    def __init__(self, kind, level, **options):
        if kind not in KINDS:
            raise ValueError(
                f"There is no perturbation {kind!r}{_similar(kind, KINDS)}; accepted are "
                f"{', '.join(KINDS)}."
            )
        rules = _KINDS[kind].options
        for name, value in options.items():
            if name not in rules:
                raise ValueError(
                    f"{kind} has no option {name!r}{_similar(name, rules)}; its options are "
                    f"{', '.join(rules)}."
                )
            _, accepted, is_accepted = rules[name]
            if not is_accepted(value):
                raise ValueError(f"{name}={value!r} of {kind}; accepted are {accepted}.")
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "level", _checked_level(kind, level, options))
        changed = ((name, options[name]) for name in sorted(options))
        object.__setattr__(
            self, "options", tuple(pair for pair in changed if pair[1] != rules[pair[0]][0])
        )

    def __call__(self, pixels, seed=0):
        """Perturb one image.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3) or (H, W), dtype uint8
            The image; it is not changed.
        seed : int, default=0
            Draws the noise; the other kinds draw nothing.

        Returns
        -------
        perturbed : ndarray, dtype uint8
            The perturbed image, of the same shape (unless ``restore_size=False``).
        """
        return _KINDS[self.kind].apply(pixels, self.level, seed, **self._all_options())

    @property
    def identity(self):
        """What tells the result of this perturbation from every other, apart from the image."""
        return f"{self!r} {_arithmetic.VERSION} NumPy {np.__version__}"

    def on_rows(self, rows, seeds):
        """Add noise to rows of numbers, on their own scale, not clipped.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
            What a network on vectors takes; it is not changed.
        seeds : ndarray of shape (n_samples,)
            Draw the noise of each row.

        Returns
        -------
        noisy : ndarray of shape (n_samples, n_features)
            Of the same dtype; integers are rounded.

        Raises
        ------
        ValueError
            If the kind is not "noise".
        """
        if self.kind != "noise":
            raise ValueError(
                f"X holds rows of numbers, and {self.kind} is for images; the only kind for rows "
                "is 'noise'."
            )
        deviation = _arithmetic.noise_deviation(self.level, self._all_options()["unit"])
        noise = [np.random.default_rng(seed).standard_normal(rows.shape[1]) for seed in seeds]
        noisy = rows + deviation * np.reshape(noise, rows.shape)
        return (np.rint(noisy) if rows.dtype.kind in "iu" else noisy).astype(rows.dtype)

    def _all_options(self):
        defaults = {name: rule[0] for name, rule in _KINDS[self.kind].options.items()}
        return {**defaults, **dict(self.options)}

    def __str__(self):
        options = ", ".join(f"{name}={value}" for name, value in self.options)
        return f"{self.kind} {self.level:g}" + (f" ({options})" if options else "")

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self.options)
        return f"Perturbation({self.kind!r}, {self.level!r}{options})"

    # Flat, so that what is pickled (and hashed by joblib) depends on the content alone, not on
    # which objects share a tuple.
    def __reduce__(self):
        flat = (part for option in self.options for part in option)
        return _rebuilt, (self.kind, self.level, *flat)


def _rebuilt(kind, level, *flat):
    return Perturbation(kind, level, **dict(zip(flat[::2], flat[1::2], strict=True)))


def _checked_level(kind, level, options):
    rule = _NOISE_IN_STD if options.get("unit") == "std" else _KINDS[kind]
    fits = isinstance(level, Real) and not isinstance(level, bool) and math.isfinite(level)
    fits = fits and (rule.low < level or (rule.low_included and level == rule.low))
    if not fits or level > rule.high or (kind == "compression" and level != int(level)):
        raise ValueError(f"level={level!r} of {kind}; accepted are {rule.span()}.")
    return int(level) if kind == "compression" else float(level)


def _similar(word, words):
    close = get_close_matches(str(word), words, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
