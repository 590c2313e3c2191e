# SPDX-License-Identifier: BSD-3-Clause
"""README's figures on the development faces."""

import json
from pathlib import Path

import pytest

from skfakespot.cli import main

README = Path(__file__).parents[1] / "README.rst"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["statistics", "paper"])
def test_evaluate_prints_readmes_figures_but_for_rounding(faces, capsys, recipe):
    lines = [line for line in README.read_text().splitlines() if '{"standard"' in line]
    (printed,) = (result for result in map(json.loads, lines) if result["recipe"] == recipe)
    arguments = ["--real", str(faces / "real"), "--fake", str(faces / "fake"), "--json"]
    assert main(["evaluate", *arguments, "--recipe", recipe]) == 0
    result = json.loads(capsys.readouterr().out)
    for convention in ("standard", "paper"):
        # Other processors round the network's outputs differently, and the training amplifies it.
        assert result[convention] == pytest.approx(printed[convention], abs=0.02)
    assert result["format_audit"]["auc"] == pytest.approx(printed["format_audit"]["auc"], abs=0.01)
