"""Trying credentials against the running server, many a second."""

import base64
import json
import re
import threading
import time

from harness import raw

BATCH = 25
SENDABLE = re.compile(rb"[\x21-\x7e]{1,4000}")
COOKIES = ("session", "bulkhead", "__Host-session", "__Host-bulkhead", "token")


def requests_in_a_row(server, heads):
    """The statuses of requests without bodies, pipelined over as few connections as the server allows."""
    statuses = []
    connection = None
    try:
        while len(statuses) < len(heads):
            connection = connection or raw.Connection(server)
            batch = heads[len(statuses) : len(statuses) + BATCH]
            try:
                for target, headers in batch:
                    connection.send_head("GET", target, headers)
                for _ in batch:
                    statuses.append(connection.read_response().status)
            except ConnectionError:
                # Closed after an answer: go on behind that one. A request that gets none is not tried for ever.
                connection.close()
                connection = None
                if batch and batch[0] == heads[min(len(statuses), len(heads) - 1)]:
                    statuses.append(0)
    finally:
        if connection:
            connection.close()
    return statuses


def bearers_let_in(server, candidates, targets):
    """Those that the server takes as a bearer token, or as a cookie."""
    usable = [text for text in candidates if SENDABLE.fullmatch(text)]
    found = set()
    for target in targets:
        heads = [
            (
                target,
                {
                    "Authorization": f"Bearer {text.decode()}",
                    "Cookie": "; ".join(f"{name}={text.decode()}" for name in COOKIES),
                },
            )
            for text in usable
        ]
        for text, status in zip(usable, requests_in_a_row(server, heads)):
            if status and status not in (400, 401, 403, 431):
                found.add(text)
    return found


def sets_up(server, token):
    """Whether the setup token makes another administrator."""
    body = {"token": token.decode(), "name": "second-admin", "password": "a second administrator's"}
    with raw.Connection(server) as connection:
        response = connection.request(
            "POST", "/api/v1/setup", {"Content-Type": "application/json"}, json.dumps(body).encode()
        )
    return response.status < 300


def basic(name, password):
    return "Basic " + base64.b64encode(name.encode() + b":" + password).decode()


def logs_in(server, name, password):
    with raw.Connection(server) as connection:
        return _logs_in(connection, name, password)


def _logs_in(connection, name, password):
    target = "/token?service=bulkhead&scope=registry:catalog:*"
    response = connection.request("GET", target, {"Authorization": basic(name, password)})
    assert response.status in (200, 400, 401, 403), f"{response.status}: nothing was tried: {response.body[:300]}"
    return response.status == 200


def passwords_let_in(server, pairs, seconds, threads=4):
    """Which (account, password) pairs log in; and how many were tried before the time was up."""
    waiting, found, tried = iter(pairs), [], [0]
    lock = threading.Lock()
    deadline = time.monotonic() + seconds
    problems = []

    def work():
        try:
            with raw.Connection(server) as connection:
                while time.monotonic() < deadline:
                    with lock:
                        pair = next(waiting, None)
                        if pair is None:
                            return
                        tried[0] += 1
                    if _logs_in(connection, *pair):
                        with lock:
                            found.append(pair)
        except Exception as problem:  # raised again below
            problems.append(problem)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if problems:
        raise problems[0]
    return found, tried[0]
