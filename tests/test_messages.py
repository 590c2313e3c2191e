# SPDX-License-Identifier: BSD-3-Clause
"""What reaches stderr and logging: progress, and nothing of TensorFlow's own."""

import logging
import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from skfakespot import NeuronCoverageTransformer

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 12, 10, 3), dtype=np.uint8)


def run(program, **options):
    """Run a program in a process that has not set the level of TensorFlow's messages."""
    environment = {key: value for key, value in os.environ.items() if "TF_CPP" not in key}
    environment |= options.pop("env", {})
    options = {"stderr": subprocess.PIPE, **options}
    start = options.pop("start", 'exec "$0" "$@"')
    command = ["sh", "-c", start, sys.executable, "-c", program]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, **options)
    assert done.returncode == 0, done.stderr
    return done


NETWORK = """
def network():
    import keras

    image = keras.Input((8, 8, 3))
    layer = keras.layers.Conv2D(4, 3, kernel_initializer="ones")
    return keras.Model(image, layer(image))
"""


FIT = """
import numpy as np
from skfakespot import NeuronCoverageTransformer
X = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
coverage = NeuronCoverageTransformer(network, batch_size=4, verbose=1)
"""


@pytest.mark.slow
def test_tensorflow_writes_nothing_here_and_in_workers(tmp_path):
    (tmp_path / "own_network.py").write_text(NETWORK)
    program = (
        "from own_network import network\n"
        + FIT
        + (
            "coverage.set_params(verbose=0).fit(X)\n"
            "NeuronCoverageTransformer(weights='random', image_size=(130, 130)).fit(X)\n"
            "NeuronCoverageTransformer(network, n_jobs=2, batch_size=4).fit(X[::-1] // 2)\n"
        )
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    assert run(program, env={"PYTHONPATH": path}).stderr == ""


@pytest.mark.slow
def test_many_networks_are_no_cause_for_a_warning_of_retracing():
    program = (
        "import numpy as np\n"
        "from skfakespot import FakeSpotterClassifier, NeuronCoverageTransformer\n"
        "def network(input_shape):\n"
        "    import keras\n"
        "    image = keras.Input(input_shape)\n"
        "    layer = keras.layers.Conv2D(4, 3, kernel_initializer='ones')\n"
        "    return keras.Model(image, layer(image))\n"
        "for size in range(8, 15):\n"
        "    X = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)\n"
        "    NeuronCoverageTransformer(network).fit(X)\n"
        "    X = np.random.default_rng(0).normal(size=(8, 3))\n"
        "    FakeSpotterClassifier((size,), max_iter=1).fit(X, [0, 1] * 4)\n"
    )
    assert run(program).stderr == ""


@pytest.mark.slow
def test_what_others_write_meanwhile_is_kept():
    program = (
        "import os, threading, time\n"
        "from skfakespot.backbones import load_backbone\n"
        "def write():\n"
        "    for number in range(60):\n"
        "        os.write(2, f'line {number}\\n'.encode())\n"
        "        time.sleep(0.01)\n"
        "thread = threading.Thread(target=write)\n"
        "thread.start()\n"
        "load_backbone('dlib-resnet29', weights='random')\n"
        "thread.join()\n"
    )
    assert run(program).stderr.splitlines() == [f"line {number}" for number in range(60)]


@pytest.mark.slow
def test_level_0_shows_what_tensorflow_writes():
    program = "from skfakespot.backbones import load_backbone\nload_backbone('dlib-resnet29')\n"
    assert "oneDNN" in run(program, env={"TF_CPP_MIN_LOG_LEVEL": "0"}).stderr


def test_a_process_without_stderr_works():
    program = NETWORK + FIT + "coverage.fit(X)\nprint('fit')"
    assert run(program, start='exec "$0" "$@" 2>&-').stdout == "fit\n"


def test_lines_are_printed_where_stderr_is_no_terminal_and_not_twice_with_logging():
    program = (
        NETWORK
        + FIT
        + (
            "coverage.fit(X)\n"
            "import logging\n"
            "logging.basicConfig(level=logging.INFO)\n"
            "coverage.fit(X[::-1] // 2)\n"
        )
    )
    done = run(program)
    lines = done.stderr.splitlines()
    for start, end, prefix in (*lines[:2], "[skfakespot] "), (*lines[2:], "INFO:skfakespot:"):
        assert start == f"{prefix}thresholds: 12 images"
        assert end.startswith(f"{prefix}thresholds: 12 images done in ")
    assert done.stdout == ""


def read_to_the_end(terminal):
    """Read what other processes write to a terminal until all of them have closed it."""
    text = b""
    with suppress(OSError):  # Linux reports the end as an error
        while block := os.read(terminal, 1000):
            text += block
    return text.decode()


def test_a_bar_is_drawn_on_a_terminal():
    terminal, stderr = pty.openpty()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_to_the_end, terminal)
        run(NETWORK + FIT + "coverage.fit(X)\n", stderr=stderr)
        os.close(stderr)
        text = reading.result()
    assert "12/12" in text
    assert "[skfakespot]" not in text


def test_lines_come_for_each_batch_only_if_batches_take_long(network, capsys, monkeypatch):
    coverage = NeuronCoverageTransformer(network, batch_size=4, verbose=1)
    assert len(printed_lines(coverage, IMAGES[:, ::-1], capsys)) == 2
    monkeypatch.setattr("skfakespot._progress._SECONDS_BETWEEN_LINES", 0)
    lines = printed_lines(coverage, IMAGES, capsys)
    assert [line.split(",")[0].removeprefix("[skfakespot] ") for line in lines[:-1]] == [
        "thresholds: 12 images",
        "thresholds: 4 of 12 images",
        "thresholds: 8 of 12 images",
    ]


def printed_lines(coverage, X, capsys):
    capsys.readouterr()
    coverage.fit(X)
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(("level", "is_printed"), [("INFO", False), ("WARNING", True)])
def test_records_are_made_also_without_verbose(network, caplog, capsys, level, is_printed):
    images = IMAGES + np.uint8(1 + is_printed)
    for verbose in (0, 1):
        images = images + np.uint8(2)
        caplog.clear()
        with caplog.at_level(level, logger="skfakespot"):
            coverage = NeuronCoverageTransformer(network, batch_size=4, verbose=verbose)
            lines = printed_lines(coverage, images, capsys)
        assert len(caplog.records) == (0 if level == "WARNING" else 2)
        assert len(lines) == (2 if is_printed and verbose else 0)
        assert {record.name for record in caplog.records} <= {"skfakespot"}


def test_a_single_batch_is_a_record_for_debugging_only(network, caplog):
    with caplog.at_level(logging.DEBUG, logger="skfakespot"):
        NeuronCoverageTransformer(network).fit(IMAGES + np.uint8(100))
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
