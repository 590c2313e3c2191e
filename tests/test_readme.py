# SPDX-License-Identifier: BSD-3-Clause

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.rst"


def python_blocks():
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", README.read_text())
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks]


@pytest.mark.slow
def test_the_first_example_runs(capsys):
    exec(python_blocks()[0], {})
    lines = capsys.readouterr().out.splitlines()
    statistics, paper = ([float(score) for score in line.strip("[]").split()] for line in lines)
    assert len(statistics) == len(paper) == 4
    assert min(statistics) > 0.95
    assert 0.6 < min(paper) < max(paper) < 0.95


def test_the_other_examples_are_python():
    for block in python_blocks():
        compile(block, "README.rst", "exec")
