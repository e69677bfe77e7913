"""The load: wrk for small answers, and clients of our own that cost less than the servers they measure."""

import concurrent.futures
import hashlib
import multiprocessing
import os
import re
import selectors
import statistics
import subprocess
import time

from harness import process, raw
from parts.peers import upload_path

CHUNK = 16 << 20


def wrk(url, headers, seconds):
    """Requests a second with one thread and 16 connections. Every answer must be a success."""
    command = ["wrk", "--threads", "1", "--connections", "16", "--duration", f"{seconds}s"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    output = process.run(*command, url).stdout
    assert "Non-2xx" not in output and "Socket errors" not in output, output
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))


def download(server, path, headers, times):
    """Bytes a second over one connection, `times` downloads one after the other."""
    buffer = bytearray(1 << 20)
    received = 0
    with raw.Connection(server, timeout=600) as connection:
        started = time.perf_counter()
        for _ in range(times):
            connection.send_head("GET", path, headers)
            response = connection.read_head()
            assert response.status == 200, response
            length = int(response.headers["content-length"])
            received += length
            connection.skip(length, buffer)
        return received / (time.perf_counter() - started)


class Content:
    """A file of random bytes whose first ones are changed for each push, so that no server has seen them before."""

    def __init__(self, path, size):
        self.path = path
        self.size = size
        piece = os.urandom(1 << 20)
        with path.open("wb") as file:
            for position in range(0, size, len(piece)):
                file.write(position.to_bytes(8, "big") + piece[8 : size - position])
        self._turn = 0

    def renew(self):
        """New bytes; their digest."""
        self._turn += 1
        with self.path.open("r+b") as file:
            file.write(self._turn.to_bytes(8, "big"))
            file.seek(0)
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def settle():
    """Lets what others have written reach the disk, so that nobody pays for it."""
    os.sync()
    time.sleep(0.5)


def push_file(target, repository, content, chunked):
    """Bytes a second from the first request to the acknowledgement."""
    digest = content.renew()
    headers = {**target.headers(repository), "Content-Type": "application/octet-stream"}
    settle()
    with target.connect() as connection, content.path.open("rb") as file:
        started = time.perf_counter()
        connection.send_head("POST", f"/v2/{repository}/blobs/uploads/", {**headers, "Content-Length": 0})
        location = upload_path(connection.read_response())
        sent = 0
        while chunked and sent < content.size:
            length = min(CHUNK, content.size - sent)
            bounds = {"Content-Range": f"{sent}-{sent + length - 1}", "Content-Length": length}
            connection.send_head("PATCH", location, {**headers, **bounds})
            connection.socket.sendfile(file, sent, length)
            location = upload_path(connection.read_response())
            sent += length
        query = f"{'&' if '?' in location else '?'}digest={digest}"
        connection.send_head("PUT", location + query, {**headers, "Content-Length": content.size - sent})
        if sent < content.size:
            connection.socket.sendfile(file, sent, content.size - sent)
        response = connection.read_response()
        took = time.perf_counter() - started
    assert response.status == 201, response
    return content.size / took


def copy_synced(content, folder):
    """Bytes a second of a copy of the same file on the same disk, synced."""
    copy = folder / "copy"
    content.renew()
    settle()
    started = time.perf_counter()
    subprocess.run(
        ["dd", f"if={content.path}", f"of={copy}", "bs=1M", "conv=fsync"], check=True, stderr=subprocess.DEVNULL
    )
    took = time.perf_counter() - started
    copy.unlink()
    return content.size / took


def openssl_digest(content):
    """Bytes a second of `openssl dgst -sha256`."""
    started = time.perf_counter()
    process.run("openssl", "dgst", "-sha256", content.path)
    return content.size / (time.perf_counter() - started)


def _small_pushes(target, repository, headers, blobs):
    """One client: pushes its blobs over one connection."""
    with target.connect() as connection:
        for digest, data in blobs:
            connection.send_head("POST", f"/v2/{repository}/blobs/uploads/", {**headers, "Content-Length": 0})
            location = upload_path(connection.read_response())
            query = f"{'&' if '?' in location else '?'}digest={digest}"
            connection.send_head("PUT", location + query, {**headers, "Content-Length": len(data)})
            connection.socket.sendall(data)
            assert connection.read_response().status == 201


def _client_process(target, repository, headers, clients, each, ready, go):
    base = os.urandom(1 << 20)
    work = []
    for _ in range(clients):
        blobs = []
        for _ in range(each):
            data = os.urandom(16) + base[16:]
            blobs.append((f"sha256:{hashlib.sha256(data).hexdigest()}", data))
        work.append(blobs)
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        ready.release()
        go.wait()
        for done in [pool.submit(_small_pushes, target, repository, headers, blobs) for blobs in work]:
            done.result()


def push_small(target, repository, clients, each):
    """Blobs of 1 MiB a second by `clients` at once, in four processes."""
    processes = 4
    headers = {**target.headers(repository), "Content-Type": "application/octet-stream"}
    context = multiprocessing.get_context("fork")
    ready, go = context.Semaphore(0), context.Event()
    workers = [
        context.Process(
            target=_client_process, args=(target, repository, headers, clients // processes, each, ready, go)
        )
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    settle()
    started = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - started
    assert all(worker.exitcode == 0 for worker in workers), "a client failed; its error is above"
    return clients * each / took


def peak_with_slow_readers(target, path, headers, readers, seconds):
    """The server's largest resident memory while `readers` take a few KiB a second each of one large blob."""
    selector = selectors.DefaultSelector()
    connections = []
    peak = target.memory()
    try:
        for _ in range(readers):
            connection = raw.Connection(target.server, timeout=60, receive_buffer=16384)
            connections.append(connection)
            connection.send_head("GET", path, headers)
        for connection in connections:
            assert connection.read_head().status == 200
            connection.socket.setblocking(False)
            selector.register(connection.socket, selectors.EVENT_READ)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for key, _ in selector.select(timeout=0):
                assert key.fileobj.recv(4096), "the server dropped a slow reader"
            peak = max(peak, target.memory())
            time.sleep(0.25)
    finally:
        selector.close()
        for connection in connections:
            connection.close()
    return peak


def peak_with_uploads(uploaders, uploads, each):
    """The server's largest resident memory while that many uploads of `each` bytes, spread over the uploaders' own
    namespaces, move at once."""
    piece = os.urandom(64 << 10)
    connections = []
    server = uploaders[0].server
    peak = server.memory()
    try:
        for number in range(uploads):
            uploader = uploaders[number % len(uploaders)]
            repository = f"{uploader.name}/uploads"
            headers = {**uploader.registry.authorization(repository), "Content-Type": "application/octet-stream"}
            connection = uploader.connect()
            connections.append(connection)
            connection.send_head("POST", f"/v2/{repository}/blobs/uploads/", {**headers, "Content-Length": 0})
            location = upload_path(connection.read_response())
            connection.send_head("PATCH", location, {**headers, "Content-Length": each})
        for _ in range(0, each, len(piece)):
            for connection in connections:
                connection.socket.sendall(piece)
            peak = max(peak, server.memory())
        for connection in connections:
            assert connection.read_response().status == 202
        return max(peak, server.memory())
    finally:
        for connection in connections:
            connection.close()


def interleaved(rounds, functions):
    """Calls each of a dictionary's functions once a round, in turns; the medians."""
    figures = {name: [] for name in functions}
    order = list(functions)
    for turn in range(rounds):
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            figures[name].append(functions[name]())
    return {name: statistics.median(values) for name, values in figures.items()}
