# SPDX-License-Identifier: BSD-3-Clause
"""The program of docs/explaining.rst."""

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

FILE = Path(__file__).parents[1] / "docs" / "examples" / "explain_scores.py"


@pytest.mark.slow
def test_a_photograph_and_a_fake_are_explained(tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("explain_example", FILE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.main(tmp_path)
    of_photograph, of_fake = capsys.readouterr().out.split("\nfake: ", 1)
    assert "[0, 0, 0, 0, 0]" in of_photograph
    assert "[1, 1, 1, 1, 1]" in of_fake
    for name in ("photograph", "fake"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width == 600
