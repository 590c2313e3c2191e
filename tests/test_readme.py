import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.rst"


def python_blocks():
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", README.read_text())
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks]


def test_the_first_example_runs(capsys):
    exec(python_blocks()[0], {})
    scores = [float(score) for score in capsys.readouterr().out.strip("[]\n").split()]
    assert len(scores) == 4
    assert all(0.9 < score <= 1 for score in scores)


def test_the_other_examples_are_python():
    for block in python_blocks():
        compile(block, "README.rst", "exec")
