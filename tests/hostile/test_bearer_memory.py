"""What is remembered of bearer tokens is bounded by bytes, whatever scopes they have."""

import concurrent.futures
import pathlib
import threading

import requests

from harness.registry import Registry
from hostile.conftest import Place, measured

TOKENS, SCOPES = 1600, 250
MIB = 1 << 20


def resident(server):
    text = pathlib.Path(f"/proc/{server.daemon.process.pid}/status").read_text()
    return next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("VmRSS"))


def test_tokens_of_many_scopes_take_a_bounded_room(launch):
    place = Place(launch({"limits.cached_facts": TOKENS}))
    url, mallory = place.server.url, place.mallory
    scopes = [("scope", f"repository:mallory/{'x' * 20}{number}:pull,push") for number in range(SCOPES)]
    threads = threading.local()
    Registry(place.server, mallory).token("repository:mallory/x:pull")

    def use(_):
        if not hasattr(threads, "session"):
            threads.session = requests.Session()
        answer = threads.session.get(
            url + "/token", params=scopes, auth=(mallory.name, mallory.password), timeout=60
        )
        assert answer.status_code == 200, answer.text
        header = {"Authorization": f"Bearer {answer.json()['token']}"}
        assert threads.session.get(url + "/v2/", headers=header, timeout=60).status_code == 200

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(100)))  # what serving them takes by itself
        before = resident(place.server)
        list(pool.map(use, range(TOKENS)))
    grown = resident(place.server) - before
    measured(f"{TOKENS} tokens of {SCOPES} scopes: {grown / MIB:.1f} MiB more")
    assert grown < 2 * MIB
