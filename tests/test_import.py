# SPDX-License-Identifier: BSD-3-Clause

import ast
import json
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skfakespot
from skfakespot.cli import main

HEAVY = {"numpy", "PIL", "scipy", "sklearn", "imblearn", "numba", "keras", "tensorflow"}
OPTIONAL = {"matplotlib", "pandas", "polars"}


def run(program, after=""):
    """Names of the modules that a program has imported, in order, before what comes after.

    And what it has printed.
    """
    program += f"\nimport json, sys; modules = json.dumps(list(sys.modules))\n{after}\n"
    program += "print(modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (modules,) = done.stderr.splitlines()
    return dict.fromkeys(json.loads(modules)).keys(), done.stdout


def modules_of(program):
    """Names of the modules that a program has imported."""
    return run(program)[0]


def test_the_package_itself_imports_nothing_but_the_standard_library():
    assert not modules_of("import skfakespot") & (HEAVY | OPTIONAL)


def test_each_name_is_imported_at_its_first_use():
    assert "sklearn" in modules_of("from skfakespot import FakeSpotterClassifier")
    assert set(skfakespot.__all__) <= set(dir(skfakespot))
    program = "import skfakespot\nfor name in dir(skfakespot): getattr(skfakespot, name)"
    assert "skfakespot.video" in modules_of(program)
    for name in skfakespot.__all__:
        value = getattr(skfakespot, name)
        assert pickle.loads(pickle.dumps(value)) is value
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = skfakespot.no_such_name


def test_data_sets_know_of_videos_but_videos_not_of_data_sets():
    assert "skfakespot.video" in modules_of("import skfakespot.datasets")
    assert "skfakespot.datasets" not in modules_of("import skfakespot.video")


def test_static_tools_see_the_names_that_are_imported_at_first_use():
    tree = ast.parse(Path(skfakespot.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    modules = {alias.name for node in block.body if node.module is None for alias in node.names}
    assert modules == set(dir(skfakespot)) - {"__version__", *skfakespot.__all__}
    seen = {alias.name: node.module for node in block.body if node.module for alias in node.names}
    assert sorted(seen) == sorted(skfakespot.__all__)
    for name, module in seen.items():
        own = getattr(import_module(f"skfakespot.{module}"), name)
        assert getattr(skfakespot, name) is own


def test_the_help_imports_no_library_that_is_slow():
    program = (
        "from skfakespot.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as done: assert done.code == 0\n"
    )
    assert not modules_of(program) & (HEAVY - {"numpy", "PIL"} | OPTIONAL)


@pytest.fixture(scope="module")
def detectors(tmp_path_factory):
    """A folder with a detector of each recipe and a picture."""
    folder = tmp_path_factory.mktemp("detectors")
    random = np.random.default_rng(0)
    for label in ("real", "fake"):
        (folder / label).mkdir()
        for number in range(4):
            pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    faces = ["--real", str(folder / "real"), "--fake", str(folder / "fake")]
    for recipe in ("paper", "statistics"):
        for file_format in ("skops", "joblib"):
            file = ["--output", str(folder / f"{recipe}.{file_format}")]
            assert main(["train", *faces, "--recipe", recipe, *file, "--format", file_format]) == 0
    return folder


MANY = {"sklearn.linear_model", "sklearn.model_selection", "sklearn.svm"}


@pytest.mark.parametrize(
    ("detector", "needed"),
    [
        ("paper.joblib", set()),
        pytest.param("paper.skops", MANY, marks=pytest.mark.slow),  # skops imports them itself
        # scikit-learn's own mixin of linear classifiers is in a module that imports the others.
        pytest.param("statistics.joblib", {"numba", *MANY}, marks=pytest.mark.slow),
        ("statistics.skops", {"numba", *MANY}),
    ],
)
def test_prediction_imports_no_more_than_it_needs(detectors, detector, needed, capsys):
    images = [str(detectors / label / "0.png") for label in ("real", "fake")]
    arguments = ["predict", "--trust", str(detectors / detector), *images, "--json"]
    program = (
        f"import sys; sys.argv = {['skfakespot', *arguments]}\n"
        "from skfakespot.cli import run_program\n"
        "assert run_program() == 0\n"
    )
    # What is left out can still be imported.
    modules, scores = run(program, after="import matplotlib, pandas")
    unneeded = {"imblearn", "numba", "dask", "pytest", *OPTIONAL}
    unneeded |= {f"sklearn.{name}" for name in ("linear_model", "model_selection", "svm")}
    unneeded |= {f"skfakespot.{name}" for name in ("pipeline._make", "augmentation", "datasets")}
    unneeded |= {f"skfakespot.{name}" for name in ("metrics", "robustness", "video")}
    assert modules & unneeded <= needed
    # skops looks for names in all imported modules, of which TensorFlow has thousands.
    if detector.endswith(".skops"):
        assert list(modules).index("skops.io") < list(modules).index("tensorflow")
    capsys.readouterr()
    assert main(arguments) == 0
    assert scores == capsys.readouterr().out


def test_import_loads_neither_keras_nor_tensorflow_and_touches_no_network():
    program = (
        "import socket, sys\n"
        "def refuse(*arguments): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import skfakespot, skfakespot.backbones, skfakespot.datasets, skfakespot.metrics\n"
        "import skfakespot.cli, skfakespot.images, skfakespot.faces\n"
        "loaded = {'keras', 'tensorflow', 'torch', 'jax', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    run(program)


def test_fit_touches_no_network():
    program = (
        "import socket\n"
        "def refuse(*arguments): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import numpy as np\n"
        "from skfakespot import make_fakespotter\n"
        "X = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), dtype=np.uint8)\n"
        "detector = make_fakespotter(random_state=0).set_params(classify__max_iter=2)\n"
        "print(detector.fit(X, [0, 1] * 4).predict_proba(X).shape)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "(8, 2)\n"


def test_the_images_room_stands_alone():
    code = (
        "import sys, types; package = types.ModuleType('skfakespot'); "
        f"package.__path__ = [{str(Path(skfakespot.__file__).parent)!r}]; "
        "sys.modules['skfakespot'] = package; import skfakespot.images; "
        "print({'keras', 'tensorflow', 'sklearn', 'pandas', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
