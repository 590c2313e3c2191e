# SPDX-License-Identifier: BSD-3-Clause
"""The paper's Table 2, and results beside it, as the benchmarks print them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from skfakespot.metrics import fake_detection_report

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
METRICS = ["precision", "recall", "f1", "accuracy", "ap", "auc", "fpr", "fnr"]


@pytest.fixture
def table2(monkeypatch):
    """The module of the benchmarks that holds the table."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("paper_table2")


@pytest.mark.parametrize("method", ["FakeSpotter", "AutoGAN"])
def test_all_rows_of_table_2_are_of_hard_labels_with_exchanged_rates(table2, method):
    rows = table2.paper_table2(method)
    assert len(rows) == 8
    for name, row in rows.items():
        assert row["fpr"] == pytest.approx(1 - row["recall"], abs=0.0011)
        assert row["auc"] == pytest.approx((row["recall"] + 1 - row["fnr"]) / 2, abs=0.0011)
        # Half of the test images are fake but in these rows, as their precision tells too.
        others = {"FakeSpotter": {"StarGAN": 0.52, "DFDC": 0.527}, "AutoGAN": {"DFDC": 0.536}}
        prevalence = others[method].get(name, 0.5)
        hard = row["precision"] * row["recall"] + (1 - row["recall"]) * prevalence
        assert row["ap"] == pytest.approx(hard, abs=0.0015)


def test_table_2_has_the_averages_that_the_paper_prints(table2):
    """Over the still images, which are the first six, and over all."""
    printed = [0.930, 0.932, 0.931, 0.931, 0.903, 0.931, 0.068, 0.071]
    rows = [list(row.values()) for row in table2.paper_table2().values()]
    assert np.mean(rows[:6], axis=0) == pytest.approx(printed, abs=0.0011)
    printed = [0.906, 0.913, 0.909, 0.906, 0.880, 0.906, 0.087, 0.10]
    assert np.mean(rows, axis=0) == pytest.approx(printed, abs=0.0011)


def test_results_stand_above_the_papers_values(table2):
    y = np.repeat([0, 1], 30)
    scores = np.random.default_rng(0).normal(size=60) + y
    folds = [(y[i::2], scores[i::2]) for i in (0, 1)]
    table = table2.format_table2(
        {"DFDC": folds, "mine": (y, scores)}, threshold=0.3, method="AutoGAN"
    )
    header, *lines = table.splitlines()
    assert header.split() == ["fakes,", "convention", *METRICS]
    cells = {line[:34].rstrip(): [float(cell) for cell in line[34:].split()] for line in lines}
    assert list(cells) == [
        "DFDC, standard",
        "  ± standard deviation of 2",
        "DFDC, the paper's",
        "DFDC, Table 2 (AutoGAN)",
        "mine, standard",
        "mine, the paper's",
    ]
    reports = [fake_detection_report(*fold, threshold=0.3) for fold in folds]
    values = np.array([list(report.values()) for report in reports])
    assert cells["DFDC, standard"] == pytest.approx(values.mean(axis=0), abs=0.0006)
    assert lines[1].split()[5:] == [f"{value:.3f}" for value in values.std(axis=0, ddof=1)]
    assert cells["DFDC, Table 2 (AutoGAN)"] == list(table2.paper_table2("AutoGAN")["DFDC"].values())
    report = fake_detection_report(y, scores, threshold=0.3, convention="paper")
    assert cells["mine, the paper's"] == pytest.approx(list(report.values()), abs=0.0006)


def test_an_unknown_method_of_the_paper_is_refused(table2):
    with pytest.raises(ValueError, match="method='MesoNet'; accepted are 'FakeSpotter'"):
        table2.format_table2({}, method="MesoNet")


def test_the_cells_of_a_table(table2):
    table = table2.format_table2({"PGGAN": ([0, 0, 1, 1], [0.2, 0.6, 0.4, 0.9])})
    lines = [line.split()[-8:-3] for line in table.splitlines()]
    assert lines == [
        ["precision", "recall", "f1", "accuracy", "ap"],
        ["0.500", "0.500", "0.500", "0.500", "0.833"],
        ["0.500", "0.500", "0.500", "0.500", "0.500"],
        ["0.986", "0.987", "0.986", "0.986", "0.979"],
    ]
