# SPDX-License-Identifier: BSD-3-Clause
"""How often the intervals of fake_detection_report hold the true value, in a simulation.

Scores are normal with variance 1, fakes' being higher on average; those of one video or identity
share a part of their variance. The true values are those of 500,000 real and as many fake scores.

With --audit, the same for the interval of format_audit. Images have a width that is higher for
fakes on average, and a height that is not; the true value is the mean AUC of all repetitions.

Run: python benchmarks/interval_coverage.py [--audit] [--repetitions 300] [--level 0.95]
"""

import argparse
import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from skfakespot.datasets import SuspectDataWarning, format_audit
from skfakespot.metrics import fake_detection_report


class Design(NamedTuple):
    """Who is tested: groups of each class with frames each, or groups that have both classes."""

    name: str
    auc: float
    n_groups: int
    n_frames: int = 1
    shared: float = 0.0
    both_classes: bool = False
    groups_given: bool = True

    def draw(self, random):
        """Labels, scores and groups of one test set."""
        n_groups = self.n_groups if self.both_classes else 2 * self.n_groups
        n_frames = 2 * self.n_frames if self.both_classes else self.n_frames
        groups = np.repeat(np.arange(n_groups), n_frames)
        y = np.arange(len(groups)) % 2 if self.both_classes else (groups >= self.n_groups) * 1
        common, own = random.normal(size=n_groups)[groups], random.normal(size=len(groups))
        noise = np.sqrt(self.shared) * common + np.sqrt(1 - self.shared) * own
        return y, noise + np.sqrt(2) * norm.ppf(self.auc) * (y - 0.5), groups


DESIGNS = (
    Design("1000 + 1000 images", 0.75, 1000),
    Design("100 + 100 images", 0.75, 100),
    Design("100 + 100 images", 0.95, 100),
    Design("30 + 30 images", 0.75, 30),
    Design("30 + 30 images", 0.95, 30),
    Design("100 + 100 videos of 5 frames", 0.75, 100, 5, 0.5),
    Design("50 + 50 videos of 10 frames", 0.95, 50, 10, 0.5),
    Design("20 + 20 videos of 10 frames", 0.75, 20, 10, 0.5),
    Design("10 + 10 videos of 10 frames", 0.75, 10, 10, 0.5),
    Design("100 identities, 3 + 3 images each", 0.75, 100, 3, 0.5, True),
    Design("20 identities, 5 + 5 images each", 0.75, 20, 5, 0.5, True),
    Design("20 + 20 videos, groups not given", 0.75, 20, 10, 0.5, groups_given=False),
)
AUDIT_DESIGNS = (
    Design("100 + 100 images", 0.5, 100),
    Design("100 + 100 images", 0.75, 100),
    Design("100 + 100 images", 0.95, 100),
    Design("25 + 25 images", 0.5, 25),
    Design("25 + 25 images", 0.75, 25),
    Design("25 + 25 images", 0.95, 25),
    Design("10 + 10 images", 0.5, 10),
    Design("20 + 20 videos of 10 frames", 0.5, 20, 10, 0.5),
    Design("20 + 20 videos of 10 frames", 0.75, 20, 10, 0.5),
)
METRICS = ("auc", "ap", "precision", "recall", "f1", "accuracy", "fpr", "fnr")


@cache
def true_values(auc):
    """The metrics of very many images."""
    y, scores, _ = Design("all images", auc, 500_000).draw(np.random.default_rng(0))
    return fake_detection_report(y, scores, threshold=0.0)


def coverage(design, repetitions, random, *, level=0.95, n_bootstraps=500):
    """Share of the repetitions in which the interval of each metric holds the true value."""
    truth = true_values(design.auc)
    hits = dict.fromkeys(truth, 0)
    for _ in range(repetitions):
        y, scores, groups = design.draw(random)
        report = fake_detection_report(
            y,
            scores,
            threshold=0.0,
            confidence_level=level,
            groups=groups if design.groups_given else None,
            n_bootstraps=n_bootstraps,
            random_state=random.integers(2**31),
        )
        for name, value in truth.items():
            hits[name] += report[f"{name}_low"] <= value <= report[f"{name}_high"]
    return {name: n / repetitions for name, n in hits.items()}


def audit_coverage(design, repetitions, random):
    """Mean AUC of the audits, and the share of the audits whose interval holds it."""
    audits = []
    for _ in range(repetitions):
        y, scores, groups = design.draw(random)
        widths = np.rint(1000 + 100 * scores).astype(int)
        heights = random.integers(900, 1100, len(y))
        images = [
            np.broadcast_to(np.uint8(0), shape) for shape in zip(heights, widths, strict=True)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SuspectDataWarning)
            audits.append(format_audit(images, y, groups=groups))
    truth = np.mean([audit.auc for audit in audits])
    return truth, np.mean([audit.auc_low <= truth <= audit.auc_high for audit in audits])


def print_audits(repetitions, random):
    """Print a row for each design of an audit."""
    print(f"{repetitions} audits, intervals of 95 %: coverage, %")
    print(f"{'images':<34}{'AUC of width':>14}{'AUC of audit':>14}{'auc':>8}")
    for design in AUDIT_DESIGNS:
        auc, share = audit_coverage(design, repetitions, random)
        print(f"{design.name:<34}{design.auc:>14}{auc:>14.3f}{100 * share:>8.1f}", flush=True)


def main(argv=None):
    """Print a row for each design."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audit", action="store_true", help="the interval of format_audit")
    parser.add_argument("--repetitions", type=int, default=300)
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    random = np.random.default_rng(options.seed)
    if options.audit:
        print_audits(options.repetitions, random)
        return
    print(f"{options.repetitions} repetitions, intervals of {100 * options.level:g} %: coverage, %")
    print(f"{'test set':<34}{'AUC':>5}" + "".join(f"{name:>10}" for name in METRICS))
    for design in DESIGNS:
        shares = coverage(design, options.repetitions, random, level=options.level)
        cells = "".join(f"{100 * shares[name]:>10.1f}" for name in METRICS)
        print(f"{design.name:<34}{design.auc:>5}{cells}", flush=True)


if __name__ == "__main__":
    main()
