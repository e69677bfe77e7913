"""`bulkhead health` ends with 0 when the server of the same settings is ready, and says why where it is not."""

import socket
import time

import pytest

from harness import process


def health(server, *more, check=False):
    return server.run("health", "--listen", server.address, *more, data=False, check=check)


def test_a_server_that_is_ready_is_called_so(server):
    done = health(server)
    assert (done.returncode, done.stdout) == (0, "ready\n")


def test_it_asks_over_tls_without_knowing_the_authority(launch):
    done = health(launch({"tls.mode": "auto", "tls.names": "registry.example.com"}))
    assert (done.returncode, done.stdout) == (0, "ready\n")


def test_it_finds_a_server_that_listens_everywhere(server):
    port = server.address.rpartition(":")[2]
    assert server.run("health", "--listen", f"0.0.0.0:{port}", data=False).stdout == "ready\n"


def test_a_server_that_is_stopping_is_not_ready(launch):
    server = launch({"http.stop_delay": "30s"})
    server.signal()
    process.wait_until(lambda: health(server).returncode == 1, "the server to say that it stops")
    assert "answers 503: stopping" in health(server).stdout
    server.daemon.kill()
    server.daemon = None


def test_where_nothing_runs_it_says_so(new_server):
    done = health(new_server())
    assert done.returncode == 1
    assert "not ready: " in done.stdout and "is `bulkhead serve` running" in done.stdout


def test_it_gives_up_on_what_does_not_answer(new_server):
    server = new_server()
    with socket.create_server(("127.0.0.1", int(server.address.rpartition(":")[2]))):
        began = time.monotonic()
        done = health(server, "--within", "200")
        assert done.returncode == 1 and "does not answer" in done.stdout
        assert time.monotonic() - began < 5 * server.patience


@pytest.mark.parametrize("milliseconds", ["0", "-1", "600001"])
def test_a_deadline_that_is_none_is_refused(new_server, milliseconds):
    done = health(new_server(), f"--within={milliseconds}")
    assert done.returncode == 1 and "--within takes 1 to 600000 milliseconds" in done.stdout
