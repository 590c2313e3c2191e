import subprocess
import sys
from pathlib import Path

import skfakespot


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
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


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
