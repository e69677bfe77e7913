"""Whom a trusted proxy says to stand for, in all the ways in which proxies say it; asked of the server itself."""

import json

import pytest

from harness import process, raw

PEER = "127.0.0.1"


@pytest.fixture(scope="module")
def ask(request, work_folder):
    """The address that the server takes a request with these header lines to come from."""
    import pathlib
    import tempfile

    from harness.server import Server

    servers = {}

    def server_with(header):
        if header not in servers:
            settings = {"log.format": "json", "log.requests": "true", "trusted_proxies": "127.0.0.0/8,10.0.0.0/8,fd00::/8"}
            if header:
                settings["proxy_header"] = header
            folder = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
            servers[header] = Server(request.config.getoption("--bulkhead").resolve(), folder, settings).start()
        return servers[header]

    def address(lines, header=None):
        server = server_with(header)
        with raw.Connection(server) as connection:
            answer = connection.request("GET", "/v2/", lines)
        assert answer.status == 401

        def found():
            for line in server.log().splitlines():
                if line.startswith("{") and json.loads(line).get("request") == answer.headers["x-request-id"]:
                    return json.loads(line)["address"]
            return None

        return process.wait_until(found, "the request's line in the log")

    yield address
    for server in servers.values():
        server.close()


X = "X-Forwarded-For"
FORWARDED_FOR = [
    ([(X, "203.0.113.5")], "203.0.113.5"),
    # All lines are one list, of which the client may have written the beginning.
    ([(X, "10.9.9.9"), (X, "203.0.113.5")], "203.0.113.5"),
    ([(X, "198.51.100.1"), (X, "203.0.113.5")], "203.0.113.5"),
    ([(X, "198.51.100.1, 198.51.100.2"), ("x-forwarded-for", "203.0.113.5, 10.0.0.1")], "203.0.113.5"),
    ([(X, "203.0.113.5"), (X, "10.0.0.1"), (X, "10.0.0.2")], "203.0.113.5"),
    ([(X, "203.0.113.5"), (X, "")], "203.0.113.5"),
    ([(X, "203.0.113.5 , ,\t")], "203.0.113.5"),
    # Proxies all the way: the first of them.
    ([(X, "10.0.0.7, 10.0.0.1")], "10.0.0.7"),
    # With ports, and in brackets.
    ([(X, "203.0.113.5:51820")], "203.0.113.5"),
    ([(X, "[2001:db8::1]:443")], "2001:db8::1"),
    ([(X, "[2001:db8::1]")], "2001:db8::1"),
    ([(X, "2001:db8::1")], "2001:db8::1"),
    ([(X, "198.51.100.1, 203.0.113.5:1, 10.0.0.1:2, [fd00::1]:3")], "203.0.113.5"),
    # One address has one spelling, or limits and networks would know it as several.
    ([(X, "2001:DB8:0:0::0001")], "2001:db8::1"),
    ([(X, "::ffff:203.0.113.5")], "203.0.113.5"),
    ([(X, "[::ffff:203.0.113.5]:80")], "203.0.113.5"),
    ([(X, "203.0.113.5, ::ffff:10.0.0.1")], "203.0.113.5"),
    # What is no address ends the search at who wrote it.
    ([(X, "203.0.113.5, unknown")], PEER),
    ([(X, "203.0.113.5, unknown, 10.0.0.1")], "10.0.0.1"),
    ([(X, "203.0.113.5:"), (X, "10.0.0.1")], "10.0.0.1"),
    ([(X, "203.0.113.5:x")], PEER),
    ([(X, "203.0.113.5:65536")], PEER),
    ([(X, "203.0.113.005")], PEER),
    ([(X, "203.0.113")], PEER),
    ([(X, "[203.0.113.5]")], PEER),
    ([(X, "[2001:db8::1")], PEER),
    ([(X, "2001:db8::1]:80")], PEER),
    ([(X, "fe80::1%eth0")], PEER),
    ([(X, "localhost")], PEER),
    ([(X, '"203.0.113.5"')], PEER),
    ([(X, "")], PEER),
    ([], PEER),
    # The other header is the client's own.
    ([("Forwarded", "for=198.51.100.1"), (X, "203.0.113.5")], "203.0.113.5"),
    ([("Forwarded", "for=198.51.100.1")], PEER),
]


@pytest.mark.parametrize(("lines", "address"), FORWARDED_FOR, ids=range(len(FORWARDED_FOR)))
def test_x_forwarded_for(ask, lines, address):
    assert ask(lines) == address


F = "Forwarded"
FORWARDED = [
    # RFC 7239 section 4.
    ([(F, "for=203.0.113.5")], "203.0.113.5"),
    ([(F, "For=203.0.113.5;proto=http;by=203.0.113.43")], "203.0.113.5"),
    ([(F, 'FOR="[2001:db8:cafe::17]:4711"')], "2001:db8:cafe::17"),
    ([(F, 'for="[2001:db8:cafe::17]"')], "2001:db8:cafe::17"),
    ([(F, 'for="203.0.113.5:47011"')], "203.0.113.5"),
    ([(F, 'for="203.0.113.5:_obfuscated"')], "203.0.113.5"),
    ([(F, "by=203.0.113.43; for=203.0.113.5 ;proto=https")], "203.0.113.5"),
    ([(F, "for=192.0.2.43, for=203.0.113.5"), (F, "for=10.0.0.1")], "203.0.113.5"),
    ([(F, "for=198.51.100.1"), (F, "for=203.0.113.5")], "203.0.113.5"),
    ([(F, "for=203.0.113.5, , for=10.0.0.1,")], "203.0.113.5"),
    # A comma or a semicolon in quotes is none.
    ([(F, 'for=203.0.113.5;host="a,for=198.51.100.1;for=198.51.100.2"')], "203.0.113.5"),
    ([(F, r'for=203.0.113.5;host="\",for=198.51.100.1"')], "203.0.113.5"),
    ([(F, r'for="203.0.113\.5"')], "203.0.113.5"),
    # What is no address ends the search.
    ([(F, "for=203.0.113.5, for=unknown")], PEER),
    ([(F, "for=203.0.113.5, for=_hidden, for=10.0.0.1")], "10.0.0.1"),
    ([(F, "for=203.0.113.5, proto=https")], PEER),
    ([(F, "for=203.0.113.5, for=198.51.100.1;for=198.51.100.2")], PEER),
    ([(F, "for=[2001:db8::1]")], PEER),
    ([(F, 'for="2001:db8::1"')], PEER),
    ([(F, 'for="203.0.113.5')], PEER),
    ([(F, 'for=203.0.113.5"')], PEER),
    ([(F, "for = 203.0.113.5")], PEER),
    ([(F, "203.0.113.5")], PEER),
    # A line that cannot be read to its end says nothing; nor does what stands before it.
    ([(F, "for=198.51.100.1"), (F, 'for=203.0.113.5;host="')], PEER),
    ([(X, "198.51.100.1"), (F, "for=203.0.113.5")], "203.0.113.5"),
    ([(X, "198.51.100.1")], PEER),
]


@pytest.mark.parametrize(("lines", "address"), FORWARDED, ids=range(len(FORWARDED)))
def test_forwarded(ask, lines, address):
    assert ask(lines, "forwarded") == address


def test_who_is_not_trusted_speaks_for_itself(launch):
    server = launch({"log.format": "json", "log.requests": "true", "trusted_proxies": "10.0.0.0/8"})
    with raw.Connection(server) as connection:
        answer = connection.request("GET", "/v2/", [(X, "203.0.113.5"), (F, "for=203.0.113.6")])
    process.wait_until(lambda: answer.headers["x-request-id"] in server.log(), "the request's line in the log")
    (line,) = [each for each in server.log().splitlines() if answer.headers["x-request-id"] in each]
    assert json.loads(line)["address"] == PEER


def test_a_forged_line_moves_no_limit(launch):
    """The limit on failed log-ins of a network is that of the address the proxy wrote."""
    server = launch({"trusted_proxies": "127.0.0.0/8", "auth.login_attempts_per_network": 5})
    with raw.Connection(server) as connection:
        statuses = []
        for number in range(8):
            lines = [(X, f"198.51.{number}.1"), (X, "203.0.113.5"), ("Authorization", "Basic eDp5")]
            statuses.append(connection.request("GET", "/token", lines).status)
    assert statuses[-1] == 429, statuses
