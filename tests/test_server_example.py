# SPDX-License-Identifier: BSD-3-Clause
"""The web server of docs/servers.rst, as a client sees it."""

import importlib.util
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from networks import varied_images
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from skfakespot import fake_probability, make_fakespotter

FILE = Path(__file__).parents[1] / "docs" / "examples" / "server.py"


@pytest.fixture
def url(network):
    spec = importlib.util.spec_from_file_location("server_example", FILE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.Handler.log_message = lambda *arguments: None
    detector = make_fakespotter(network, classifier=LogisticRegression())
    detector.fit(list(varied_images(20)), np.arange(20) % 2)
    server = example.make_server(detector, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", detector
    server.shutdown()
    thread.join()
    server.server_close()


def post(url, body):
    with urllib.request.urlopen(url, data=body, timeout=30) as response:  # noqa: S310
        return json.load(response)


def test_images_are_scored_in_threads(url, picture_files):
    url, detector = url
    paths, _ = picture_files
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: post(url, path.read_bytes()), paths * 3))
    scores = [answer["fake_probability"] for answer in answers]
    assert_allclose(scores, np.tile(fake_probability(detector, paths), 3), rtol=1e-12)
    assert np.ptp(scores) > 0


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [(b"no image", 400, "not an image"), (b"", 413, "send 1 to"), (None, 400, "truncated")],
)
def test_other_bodies_are_answered_with_the_reason(url, picture_files, body, status, message):
    url, _ = url
    paths, _ = picture_files
    if body is None:
        body = paths[0].read_bytes()[:-100]
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(url, body)
    with caught.value as error:
        assert error.code == status
        assert message in json.load(error)["error"]
