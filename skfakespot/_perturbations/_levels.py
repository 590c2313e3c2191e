# SPDX-License-Identifier: BSD-3-Clause
"""Presets: the levels of published evaluations, by name; and perturbations made from them."""

from numbers import Real

from ._perturbation import KINDS, Perturbation, did_you_mean


def _steps(kind, *levels, **options):
    return tuple(Perturbation(kind, level, **options) for level in levels)


# From the mildest to the strongest. docs/robustness.rst gives the sources.
PRESETS: dict[str, dict[str, tuple[Perturbation, ...]]] = {
    "paper": {
        "compression": _steps("compression", 100, 75, 50, 25, 1),
        "resize": _steps("resize", 0.9, 0.7, 0.5, 0.3, 0.1),
        "noise": _steps("noise", 0.002, 0.004, 0.006, 0.008, 0.01),
        "blur": _steps("blur", 0.5, 1.0, 1.5, 2.0, 3.0),
    },
    "cnndetection": {
        "compression": _steps("compression", 100, 90, 80, 70, 60, 50, 40, 30),
        "blur": _steps("blur", 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, kernel_size=None),
    },
    "deeperforensics": {
        "resize": _steps("resize", 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, filter="bilinear"),
        "noise": _steps("noise", 0.001, 0.002, 0.005, 0.01, 0.05),
        "blur": tuple(Perturbation("blur", s / 6, kernel_size=s) for s in (7, 9, 13, 17, 21)),
    },
}


def as_perturbation(kind, level, **options):
    """Make a perturbation from a number, or from (preset, intensity), 1 being the mildest."""
    if not isinstance(level, tuple):
        return Perturbation(kind, level, **options)
    if len(level) != 2:
        raise ValueError(f"level={level!r}; accepted are numbers and (preset, intensity).")
    preset, intensity = level
    steps = perturbations_of([kind], preset)[kind]
    if isinstance(intensity, bool) or intensity not in range(1, len(steps) + 1):
        raise ValueError(
            f"level={level!r}; {preset!r} has the intensities 1 to {len(steps)} of {kind}."
        )
    step = steps[int(intensity) - 1]
    return Perturbation(kind, step.level, **{**dict(step.options), **options})


def perturbations_of(kinds, levels):
    """List the perturbations of each kind, in the order given; see `PerturbationAugmenter`."""
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(
                f"kinds={kinds!r}: there is no perturbation {kind!r}{did_you_mean(kind, KINDS)}; "
                f"accepted are {', '.join(KINDS)}."
            )
    if not kinds or len(set(kinds)) < len(kinds):
        raise ValueError(f"kinds={kinds!r}; accepted is each of {', '.join(KINDS)} at most once.")
    if isinstance(levels, str):
        if levels not in PRESETS:
            raise ValueError(
                f"levels={levels!r} is no preset{did_you_mean(levels, PRESETS)}; accepted are "
                f"{', '.join(PRESETS)}, or a dict of kind to levels."
            )
        levels, name = PRESETS[levels], f"The preset {levels!r}"
    else:
        name = "levels"
    missing = [kind for kind in kinds if not len(levels.get(kind, ()))]
    if missing:
        raise ValueError(
            f"{name} has no levels of {', '.join(missing)}, only of {', '.join(levels)}: name the "
            f"kinds that you want, such as kinds={tuple(k for k in kinds if k not in missing)}."
        )
    return {kind: tuple(_step(kind, level) for level in levels[kind]) for kind in kinds}


def _step(kind, level):
    if isinstance(level, Real):
        return Perturbation(kind, level)
    if isinstance(level, Perturbation) and level.kind == kind:
        return level
    raise ValueError(
        f"levels[{kind!r}] holds {level!r}; accepted are numbers and Perturbation({kind!r}, ...)."
    )
