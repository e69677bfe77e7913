"""HTTP by hand, for what a well-behaved library would not send."""

import contextlib
import dataclasses
import json
import select
import socket
import ssl
import time


@dataclasses.dataclass
class Response:
    status: int
    headers: dict  # by lower-case name; the last of repeated ones
    body: bytes

    def codes(self):
        return [error["code"] for error in json.loads(self.body)["errors"]]


class Connection:
    def __init__(self, server, timeout=None, receive_buffer=None):
        self.host = server.address
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout or 20 * server.patience)
        self.socket.connect(("127.0.0.1", server.port))
        if server.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self._pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def send_head(self, method, target, headers=(), version="HTTP/1.1"):
        """A request's head with a Host header first; `headers` is a mapping, or pairs where names repeat."""
        pairs = headers.items() if isinstance(headers, dict) else headers
        lines = [f"{method} {target} {version}", f"Host: {self.host}", *(f"{k}: {v}" for k, v in pairs)]
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def request(self, method, target, headers=(), body=b""):
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        if body:
            pairs.append(("Content-Length", len(body)))
        self.send_head(method, target, pairs)
        self.send(body)
        return self.read_response(head=method == "HEAD")

    def send_until_answered(self, piece, times):
        """Sends `piece` again and again until the server answers, as it must within `times`; that answer."""
        for _ in range(times):
            readable, _, _ = select.select([self.socket], [], [], 0)
            if readable:
                return self.read_response()
            self.send(piece)
        raise AssertionError(f"{times * len(piece)} bytes were taken without an answer")

    def send_and_read(self, data):
        """Sends and reads at once, as clients do that have a thread for each: OpenSSL lets only one do both."""
        left, timeout = memoryview(data), self.socket.gettimeout()
        self.socket.setblocking(False)
        try:
            while not self._pending:
                readable, writable, _ = select.select([self.socket], [self.socket] if left else [], [], timeout)
                assert readable or writable, "neither an answer nor room for more"
                with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    self._fill()
                try:
                    left = left[self.socket.send(left[:65536]) :] if writable and not self._pending else left
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    continue
                except OSError:
                    left = left[:0]  # no more is taken; an answer may still be on its way
        finally:
            self.socket.settimeout(timeout)
        return self.read_response()

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"closed in the middle of an answer, after {self._pending[:200]!r}")
        self._pending += data

    def _take(self, length):
        while len(self._pending) < length:
            self._fill()
        taken, self._pending = self._pending[:length], self._pending[length:]
        return taken

    def skip(self, length, buffer):
        """Reads and drops that many bytes of a body, through `buffer`."""
        length -= len(self._take(min(length, len(self._pending))))
        while length:
            count = self.socket.recv_into(buffer, min(length, len(buffer)))
            if not count:
                raise ConnectionError("closed in the middle of an answer")
            length -= count

    def _take_line(self):
        while b"\r\n" not in self._pending:
            self._fill()
        line, _, self._pending = self._pending.partition(b"\r\n")
        return line

    def read_head(self):
        status_line = self._take_line().decode("latin-1")
        version, status, *_ = status_line.split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), status_line
        headers = {}
        while line := self._take_line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Response(int(status), headers, b"")

    def read_response(self, head=False):
        """The next final answer with its body; 1xx answers are passed over."""
        response = self.read_head()
        while response.status < 200:
            response = self.read_head()
        if head or response.status in (204, 304):
            return response
        if response.headers.get("transfer-encoding") == "chunked":
            response.body = self._read_chunks()
        else:
            response.body = self._take(int(response.headers.get("content-length", 0)))
        return response

    def _read_chunks(self):
        body = b""
        while size := int(self._take_line().split(b";")[0], 16):
            body += self._take(size)
            self._take_line()
        while self._take_line():
            pass
        return body

    def closed_by_peer(self, seconds=5):
        """True when the server closes within `seconds`; what it still sends is read and dropped."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(65536):
                    return True
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        return False
