# SPDX-License-Identifier: BSD-3-Clause
"""A web server that says how probably an image is fake.

Run: python server.py detector.joblib
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import joblib
from PIL import Image

from skfakespot import fake_probability
from skfakespot.images import ImageError

LARGEST_BODY = 20 * 2**20


class Handler(BaseHTTPRequestHandler):
    """Answers a POST of an image file's bytes with JSON."""

    def do_POST(self):
        """Score the image in the body of the request."""
        length = int(self.headers.get("Content-Length", 0))
        if not 0 < length <= LARGEST_BODY:
            self.answer(413, error=f"send 1 to {LARGEST_BODY} bytes")
            return
        try:
            (probability,) = fake_probability(self.server.detector, [self.rfile.read(length)])
        except ImageError as error:
            self.answer(400, error=str(error))
        else:
            self.answer(200, fake_probability=float(probability))

    def answer(self, status, **content):
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_server(detector, port):
    """Make a server on 127.0.0.1 whose threads share a detector."""
    # The network is built and compiled now, and not at the first request.
    fake_probability(detector, [Image.new("RGB", (256, 256))])
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.detector = detector
    return server


if __name__ == "__main__":
    make_server(joblib.load(sys.argv[1]), 8000).serve_forever()
