"""A machine, or a container, that gives less than the server would like: threads, open files."""

import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
import time

import pytest

from harness import process
from harness.registry import Registry


@pytest.fixture
def nobodys():
    """A user of nobody else's, and a folder of theirs: limits on processes count a user's, and not root's."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become a user with no other processes")
    uid = 1_000_000 + os.getpid()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bh-", dir="/var/tmp"))
    os.chown(folder, uid, uid)
    yield uid, folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("threads", [4, 30, 60])
def test_too_few_threads_end_the_start_with_a_reason(new_server, nobodys, threads):
    server = new_server()
    uid, folder = nobodys
    command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "prlimit", f"--nproc={threads}",
               *server.command("serve", "--data", folder / "data", "--listen", server.address)]  # fmt: skip
    daemon = process.Daemon(command, folder / "log", server.environment())
    assert daemon.wait(20) == 1
    assert "thread" in daemon.log() and "TasksMax" in daemon.log()


def test_a_start_that_waits_hears_sigterm(new_server, folder):
    """Here for a database that does not answer: nobody waits for what it waits for."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as mute:
        mute.bind(str(folder / ".s.PGSQL.5432"))
        mute.listen()
        server = new_server({"database": f"postgres:///bulkhead?host={folder}"})
        daemon = process.Daemon(server.command("serve", "--data", server.data, "--listen", server.address),
                                server.folder / "waits.log", server.environment())  # fmt: skip
        connected, _ = mute.accept()
        begun = time.monotonic()
        daemon.process.terminate()
        daemon.wait(20)
        assert time.monotonic() - begun < 5
        connected.close()


def test_a_log_that_nobody_reads_does_not_keep_the_server_from_ending(new_server):
    server = new_server({"log.requests": "true", "http.stop_deadline": "1s"})
    reads, writes = os.pipe()
    server.start()
    server.create_user("alice")
    server.stop()
    child = os.fork()
    if child == 0:
        os.dup2(writes, 2)
        os.execve(server.binary, server.command("serve", "--data", server.data, "--listen", server.address), server.environment())
    try:
        def blocked():
            try:
                for _ in range(50):
                    server.get("/v2/")
            except OSError:
                return True
            return False

        server.patience_between_looks = 0.1
        process.wait_until(lambda: _answers(server), "the server to answer")
        server.get = lambda path: __import__("requests").get(server.url + path, timeout=1)
        process.wait_until(blocked, "the log to be full")
        os.kill(child, 15)
        process.wait_until(lambda: os.waitpid(child, os.WNOHANG)[0] == child, "the server to end", 15)
        child = 0
    finally:
        if child:
            os.kill(child, 9)
            os.waitpid(child, 0)
        os.close(reads)
        os.close(writes)


def _answers(server):
    with contextlib.suppress(OSError):
        return server.get("/healthz").status_code == 200
    return False


# -- open files


def with_files(server, files):
    """The server has so many; whoever calls it has more."""
    plain = server.command
    server.command = lambda *arguments: ["prlimit", f"--nofile={files}:{files}", *plain(*arguments)]
    server.start()
    server.command = plain
    return server


def test_idle_connections_leave_the_last_files_to_work_and_to_the_operator(new_server, rng):
    server = with_files(new_server(), 160)
    assert "open files" in server.log() and "LimitNOFILE" in server.log()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "latest")
    with contextlib.ExitStack() as crowd:
        for _ in range(200):
            with contextlib.suppress(OSError):
                idle = crowd.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=2))
                idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "alice" in server.run("user", "list").stdout
        assert registry.get_manifest("alice/app", "latest").content == manifest.data
        registry.push_image("alice/app", rng, "another", size=100_000)
    assert server.log().count("cannot accept a connection") <= 1
