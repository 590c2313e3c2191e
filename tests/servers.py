# SPDX-License-Identifier: BSD-3-Clause
"""Real servers on 127.0.0.1, over TLS with a certificate made for the test."""

import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme


class Handler(BaseHTTPRequestHandler):
    """Answers a path with the function that the server keeps for it, and notes the request."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        self.server.answers[self.path](self)

    def do_CONNECT(self):
        """Be a proxy that is every host on the other side of it."""
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.inner_tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.handle_one_request()
        for stream in (self.wfile, self.rfile, self.connection):
            stream.close()
        self.close_connection = True

    def log_message(self, *arguments):
        pass

    def begin(self, length, **headers):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that go away are part of the tests."""


@contextmanager
def serve(tls=None, inner_tls=None):
    """Run a server, whose `answers` maps paths to functions of the handler."""
    server = Server(("127.0.0.1", 0), Handler)
    server.answers, server.requests, server.inner_tls = {}, [], inner_tls
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Authority:
    """A certificate authority of the test's own, and TLS for the hosts that it vouches for."""

    def __init__(self, folder):
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def tls(self, host):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        return context


def whole(content, **headers):
    def answer(handler):
        handler.begin(len(content), **headers)
        handler.wfile.write(content)

    return answer


def slow(content, seconds):
    """The content in twenty pieces."""

    def answer(handler):
        handler.begin(len(content))
        size = len(content) // 20 + 1
        for start in range(0, len(content), size):
            handler.wfile.write(content[start : start + size])
            time.sleep(seconds / 20)

    return answer


def redirect(url):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def refuse(status):
    return lambda handler: handler.send_error(status)


def cut(content, pieces, version=None):
    """Send no more than a piece of the content for each request; go on where the client asks."""

    def answer(handler):
        wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        start = 0
        if wanted and version and condition == version:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        if version:
            handler.send_header("ETag", version)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start : start + pieces.pop(0)])

    return answer


def hang(content, sent, release):
    """Send half of the content, say so, and wait."""

    def answer(handler):
        handler.begin(len(content))
        handler.wfile.write(content[: len(content) // 2])
        sent.set()
        release.wait(60)

    return answer
