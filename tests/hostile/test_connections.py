"""Whoever opens all connections that there may be makes room for others."""

import contextlib
import socket
import time

import requests

from harness import process
from harness.raw import Connection

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def opened_from(server, source, count):
    """Connections that have had their answer and say nothing more."""
    connections = []
    for _ in range(count):
        connection = socket.socket()
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(REQUEST)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connections.append(connection)
    return connections


def is_open(connection):
    connection.settimeout(0.01)
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_the_network_that_has_most_connections_gives_way(launch):
    server = launch({"http.connections": 60, "http.connections_per_address": 40})
    with contextlib.ExitStack() as stack:
        many = opened_from(server, "127.0.0.2", 40)
        some = opened_from(server, "127.0.0.3", 20)
        for connection in many + some:
            stack.callback(connection.close)
        for _ in range(20):
            assert requests.get(server.url + "/healthz", timeout=10).status_code == 200
        kept = [stack.enter_context(Connection(server)) for _ in range(5)]
        for connection in kept:
            connection.send(REQUEST)
            assert connection.read_response().status == 200
        process.wait_until(lambda: sum(map(is_open, many)) < 40, "one of the many to be closed", 10)
        assert all(map(is_open, some)), "others had fewer"
        # Those who have most push out nobody.
        for _ in range(30):
            with contextlib.suppress(OSError, AssertionError):
                many += opened_from(server, "127.0.0.2", 1)
        time.sleep(0.2)
        assert all(map(is_open, some))
        for connection in kept:
            connection.send(REQUEST)
            assert connection.read_response().status == 200
