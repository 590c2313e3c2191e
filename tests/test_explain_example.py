# SPDX-License-Identifier: BSD-3-Clause
"""The program of the gallery that explains scores."""

import runpy
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "docs" / "examples" / "plot_explain_scores.py"


@pytest.mark.slow
def test_a_photograph_and_a_fake_are_explained(capsys):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    runpy.run_path(str(FILE))
    plt.close("all")
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines()[-2:])
    neighbors = "labels of the nearest training images: "
    assert lines == {
        "photograph": f"{neighbors}[0, 0, 0, 0, 0]",
        "fake": f"{neighbors}[1, 1, 1, 1, 1]",
    }
