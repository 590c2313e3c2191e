# SPDX-License-Identifier: BSD-3-Clause
"""
================
Serve a detector
================

A server loads a detector once and scores the images of many requests. :doc:`/servers` shows a
complete server, ``server.py``, which needs nothing but Python's own library. This program tries it
out.
"""

# %%
# A detector in a file
# --------------------
# The program that trains is not the one that serves.

import io
import json
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
from PIL import Image

from skfakespot import clear_caches, fake_probability, make_fakespotter
from skfakespot.datasets import load_demo_faces

faces = load_demo_faces()
train, test = faces.groups < 50, faces.groups >= 80
detector = make_fakespotter(recipe="statistics")
detector.fit(faces.data[train], faces.target[train])
temporary = TemporaryDirectory()
file = Path(temporary.name) / "detector.joblib"
joblib.dump(detector, file)

# %%
# Warm up
# -------
# The first image makes the process build the network and compile it. ``make_server`` scores an
# image before it accepts a request, so that no client waits for this. (``clear_caches`` makes this
# process forget the network, as if it had just started.)

from threading import Thread

from server import Handler, make_server


def print_nothing(*arguments):
    """Print no line for a request."""


Handler.log_message = print_nothing
clear_caches()
start = time.perf_counter()
server = make_server(joblib.load(file), port=0)
print(f"ready after {time.perf_counter() - start:.1f} s")
thread = Thread(target=server.serve_forever)
thread.start()

# %%
# Threads
# -------
# All threads of the server share one detector. Here eight clients ask at the same time. The
# answers are the same as those of one thread.

from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import numpy as np


def png(pixels):
    """Return the bytes of a PNG file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="png")
    return content.getvalue()


def ask(content):
    """Send an image, and return the probability of fake and the seconds that it took."""
    start = time.perf_counter()
    url = f"http://127.0.0.1:{server.server_port}"
    with urllib.request.urlopen(url, data=content) as response:
        answer = json.load(response)
    return answer["fake_probability"], time.perf_counter() - start


contents = [png(pixels) for pixels in faces.data[test]]
with ThreadPoolExecutor(8) as clients:
    answers, seconds = np.transpose(list(clients.map(ask, contents)))
print(np.allclose(answers, fake_probability(detector, contents)))
print(f"{len(contents)} requests; the median took {1000 * np.median(seconds):.0f} ms")

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.hist(1000 * seconds, bins=20)
axes.set(xlabel="milliseconds of a request, with eight clients at a time", ylabel="requests")

# %%
server.shutdown()
thread.join()
server.server_close()

# %%
# Processes
# ---------
# A process that was forked after the network had run would wait for its threads without end, so
# skfakespot refuses to work there. Start processes by *spawn*. Each of them builds a network of
# its own, and imports this program, so a program must start them below ``if __name__ ==
# "__main__":``.

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        from_process = pool.submit(fake_probability, detector, contents[:4]).result()
    print(np.allclose(from_process, answers[:4]))
temporary.cleanup()
