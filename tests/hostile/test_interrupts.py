# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C while joblib's workers run the network: the call ends soon, and so do all processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="the system has no groups")

WORK = """
import os, sys, time
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])


def network():
    from networks import exact_network
    from skfakespot.backbones import Backbone

    def preprocess(batch):
        (folder / f"{os.getpid()}").touch()
        time.sleep(0.3)
        return batch.astype(np.float32)

    return Backbone("slow", exact_network(), preprocess)


if __name__ == "__main__":
    from networks import varied_images
    from skfakespot import NeuronCoverageTransformer

    try:
        NeuronCoverageTransformer(network, batch_size=2, n_jobs=2).fit(varied_images(400))
    except KeyboardInterrupt:
        print("interrupted at", time.monotonic())
"""


def wait_for(condition, seconds):
    """Wait until a condition holds, at most so many seconds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def members(group):
    """Processes of a group that have not ended, from Linux' list."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of_group = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has ended
            continue
        if int(of_group) == group and state not in "ZX":
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux' list of processes")
@pytest.mark.parametrize(
    "whole_group",
    [
        pytest.param(True, id="terminal", marks=pytest.mark.slow),
        pytest.param(False, id="kill", marks=pytest.mark.long),
    ],
)
def test_ctrl_c_ends_the_call_and_all_workers(tmp_path, whole_group):
    """A terminal sends SIGINT to the whole group of processes, `kill -INT` to one."""
    (tmp_path / "work.py").write_text(textwrap.dedent(WORK))
    (tmp_path / "seen").mkdir()
    folders = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
    with subprocess.Popen(
        [sys.executable, tmp_path / "work.py", tmp_path / "seen"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "TF_CPP_MIN_LOG_LEVEL": "3"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            own = str(process.pid)

            def both_work():
                seen = {file.name for file in (tmp_path / "seen").iterdir()} - {own}
                return len(seen) >= 2 or process.poll() is not None

            wait_for(both_work, 240)
            assert process.poll() is None
            start = time.monotonic()
            (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
            # The interpreter needs a while to end where TensorFlow is loaded.
            wait_for(lambda: not members(process.pid), 60)
            left = members(process.pid)
        finally:
            if members(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
        text = process.stdout.read()
    assert left == []
    assert text.startswith("interrupted at")
    assert float(text.split()[-1]) - start < 5
