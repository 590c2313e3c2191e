# SPDX-License-Identifier: BSD-3-Clause

import hashlib
import os
import pty
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import servers

from skfakespot.backbones._download import DownloadError, RemoteFile, cache_folder, fetch

CONTENT = b"\x89HDF" + np.random.default_rng(0).bytes(300_000)
FETCH = """
import sys
from pathlib import Path
from skfakespot.backbones._download import RemoteFile, fetch
print("ready", flush=True)
fetch(RemoteFile("weights.h5", sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return servers.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def trust(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(authority):
    with servers.serve(authority.tls("127.0.0.1")) as server:
        server.answers["/whole"] = servers.whole(CONTENT)
        yield server


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "weights"


@pytest.fixture
def remote(server):
    digest = hashlib.sha256(CONTENT).hexdigest()
    url = f"{server.url}/whole"
    return RemoteFile("weights.h5", url, len(CONTENT), digest, signature=b"\x89HDF")


def at(remote, path):
    return replace(remote, url=remote.url.replace("/whole", path))


def files(folder):
    return {path.name for path in folder.iterdir()} - {"weights.h5.lock"}


def assert_fails(remote, folder, reason, **options):
    with pytest.raises(DownloadError, match=reason):
        fetch(remote, folder, **options)
    assert files(folder) == set()


def start_fetch(url, folder, **options):
    return subprocess.Popen([sys.executable, "-c", FETCH, url, str(folder)], **options)


def test_a_file_is_fetched_once(remote, server, folder):
    path = fetch(remote, folder)
    assert path == folder / "weights.h5"
    assert path.read_bytes() == CONTENT
    assert fetch(remote, folder) == path
    assert len(server.requests) == 1
    assert files(folder) == {"weights.h5"}


def test_a_copy_put_into_the_folder_is_taken(remote, server, folder):
    folder.mkdir(parents=True)
    (folder / "weights.h5").write_bytes(b"a copy")
    assert fetch(remote, folder).read_bytes() == b"a copy"
    assert server.requests == []


def test_redirects_to_https_are_followed(remote, server, folder):
    server.answers["/elsewhere"] = servers.redirect(remote.url)
    assert fetch(at(remote, "/elsewhere"), folder).read_bytes() == CONTENT


@pytest.mark.parametrize("redirected", [False, True])
@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_nothing_but_https_is_opened(remote, server, folder, tmp_path, scheme, redirected):
    with servers.serve() as plain:
        plain.answers["/whole"] = servers.whole(CONTENT)
        (tmp_path / "whole").write_bytes(CONTENT)
        urls = {
            "http": plain.url,
            "ftp": plain.url.replace("http", "ftp"),
            "file": f"file://{tmp_path}",
        }
        url = f"{urls[scheme]}/whole"
        server.answers["/elsewhere"] = servers.redirect(url)
        if redirected:
            assert_fails(at(remote, "/elsewhere"), folder, "is not on HTTPS|not allowed")
        else:
            assert_fails(replace(remote, url=url), folder, "is not on HTTPS")
        assert plain.requests == []


def test_a_server_without_a_trusted_certificate_is_refused(folder, remote, tmp_path):
    with servers.serve(servers.Authority(tmp_path).tls("127.0.0.1")) as stranger:
        stranger.answers["/whole"] = servers.whole(CONTENT)
        assert_fails(
            replace(remote, url=f"{stranger.url}/whole"), folder, "CERTIFICATE_VERIFY_FAILED"
        )
        assert stranger.requests == []


def test_a_certificate_of_another_host_is_refused(folder, remote, authority):
    with servers.serve(authority.tls("example.org")) as other:
        assert_fails(replace(remote, url=f"{other.url}/whole"), folder, "CERTIFICATE_VERIFY_FAILED")


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_an_answer_without_the_file_is_named(remote, server, folder, status):
    server.answers["/none"] = servers.refuse(status)
    assert_fails(at(remote, "/none"), folder, str(status))
    assert len(server.requests) == 1


def test_no_server_at_all(remote, folder):
    with servers.serve() as gone:
        url = gone.url.replace("http", "https")
    assert_fails(replace(remote, url=url), folder, "refused")


def test_a_slow_server_is_waited_for(remote, server, folder):
    server.answers["/slow"] = servers.slow(CONTENT, seconds=1.5)
    assert fetch(at(remote, "/slow"), folder, timeout=1).read_bytes() == CONTENT


def test_a_server_that_falls_silent_is_given_up(remote, server, folder):
    release = threading.Event()
    server.answers["/silent"] = servers.hang(CONTENT, threading.Event(), release)
    try:
        assert_fails(at(remote, "/silent"), folder, "cut", timeout=1)
    finally:
        release.set()


def test_a_cut_connection_is_taken_up_where_it_ended(remote, server, folder):
    server.answers["/cut"] = servers.cut(CONTENT, [100_000, 50_000, 200_000], version='"1"')
    assert fetch(at(remote, "/cut"), folder).read_bytes() == CONTENT
    ranges = [wanted for _, wanted in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]


@pytest.mark.parametrize("version", [None, 'W/"1"'])
def test_a_cut_connection_is_begun_anew_where_the_file_may_be_another(
    remote, server, folder, version
):
    server.answers["/cut"] = servers.cut(CONTENT, [100_000, 400_000], version=version)
    assert fetch(at(remote, "/cut"), folder).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, None]


def test_a_file_that_changed_meanwhile_is_begun_anew(server, remote, folder):
    older = bytes(len(CONTENT))
    answers = [servers.cut(older, [100_000], '"1"'), servers.cut(CONTENT, [400_000], '"2"')]
    server.answers["/changed"] = lambda handler: answers.pop(0)(handler)
    assert fetch(at(remote, "/changed"), folder).read_bytes() == CONTENT


def test_a_connection_that_is_always_cut_is_given_up(remote, server, folder):
    server.answers["/cut"] = servers.cut(CONTENT, [1000] * 10, version='"1"')
    assert_fails(at(remote, "/cut"), folder, "cut 5 times, last at 5000 of 300004 bytes")


def test_a_server_with_a_file_of_another_length_is_refused(remote, server, folder):
    server.answers["/short"] = servers.whole(CONTENT[:-1])
    assert_fails(at(remote, "/short"), folder, "offers 300003 bytes instead of 300004")


def test_a_server_that_declares_too_much_is_refused(remote, server, folder):
    def answer(handler):
        handler.begin(len(CONTENT))
        handler.wfile.write(CONTENT[:-1])

    server.answers["/declares"] = answer
    assert_fails(at(remote, "/declares"), folder, "last at 300003 of 300004")


def test_a_server_that_declares_no_length_is_refused(remote, server, folder):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT)

    server.answers["/endless"] = answer
    assert_fails(at(remote, "/endless"), folder, "does not declare the size")


def test_another_content_of_the_same_length_is_refused(remote, server, folder):
    server.answers["/other"] = servers.whole(CONTENT[:-1] + b"?")
    assert_fails(at(remote, "/other"), folder, "sha256")


def test_a_page_instead_of_the_file_is_refused(remote, server, folder):
    server.answers["/page"] = servers.whole(b"<html>Please log in</html>")
    unknown = replace(at(remote, "/page"), size=None, sha256=None)
    assert_fails(unknown, folder, "something else than this type of file")


def test_a_folder_that_cannot_be_made_is_named(remote, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="file"):
        fetch(remote, tmp_path / "file" / "weights")


def test_parallel_threads_download_once(remote, server, folder):
    server.answers["/slow"] = servers.slow(CONTENT, seconds=0.3)
    with ThreadPoolExecutor(4) as threads:
        paths = list(threads.map(lambda _: fetch(at(remote, "/slow"), folder), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert len(server.requests) == 1


def test_parallel_processes_download_once(server, folder):
    ready = threading.Event()

    def answer(handler):
        ready.wait(60)
        servers.whole(CONTENT)(handler)

    server.answers["/gate"] = answer
    processes = [
        start_fetch(f"{server.url}/gate", folder, stdout=subprocess.PIPE) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    ready.set()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert (folder / "weights.h5").read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert files(folder) == {"weights.h5"}


@pytest.fixture
def interrupted(server, folder):
    """A process that has half of the file, and a server that keeps it waiting."""
    sent, release = threading.Event(), threading.Event()
    server.answers["/hang"] = servers.hang(CONTENT, sent, release)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = start_fetch(f"{server.url}/hang", folder, **silent)
    assert sent.wait(60)
    yield process
    release.set()


def test_an_interrupted_download_leaves_nothing(interrupted, folder):
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait() != 0
    assert files(folder) == set()


def test_a_killed_download_blocks_nobody_and_leaves_nothing_under_the_name(
    interrupted, remote, folder
):
    interrupted.kill()
    interrupted.wait()
    assert not (folder / "weights.h5").exists()
    assert fetch(remote, folder).read_bytes() == CONTENT
    assert files(folder) == {"weights.h5"}


def test_a_progress_bar_is_drawn_on_a_terminal_only(server, tmp_path):
    terminal, stderr = pty.openpty()
    process = start_fetch(f"{server.url}/whole", tmp_path / "1", stderr=stderr)
    assert process.wait() == 0
    os.close(stderr)
    assert b"Downloading weights.h5" in os.read(terminal, 65536)
    os.close(terminal)
    pipe = start_fetch(f"{server.url}/whole", tmp_path / "2", stderr=subprocess.PIPE)
    assert pipe.communicate() == (None, b"")


def test_the_cache_folder_is_the_users_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("SKFAKESPOT_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    default = cache_folder()
    assert "skfakespot" in default.parts
    assert not default.exists()
    monkeypatch.setenv("SKFAKESPOT_HOME", "~/faces")
    assert cache_folder() == tmp_path / "faces" / "weights"
    monkeypatch.setenv("SKFAKESPOT_HOME", "")
    assert cache_folder() == default
    assert isinstance(default, Path)
