"""Changes that are under way when the right to make them goes: what ends somebody's power has the last word."""

import threading

import pytest
import requests

from harness.management import Management, path
from hostile.conftest import Place


class Crowd:
    """The same request again and again over several connections, which is how a queue is made to wait in."""

    def __init__(self, server, credential, ask, connections=24):
        self.server, self.ask, self.answers, self._stop = server, ask, [], threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(credential, number)) for number in range(connections)]
        for thread in self._threads:
            thread.start()

    def _run(self, credential, number):
        with requests.Session() as session:
            session.headers["Authorization"] = credential
            for round_ in range(1_000_000):
                if self._stop.is_set():
                    return
                answer = self.ask(session, f"{number}-{round_}")
                if answer.status_code in (200, 201):
                    self.answers.append(answer.json())
                elif answer.status_code == 401:
                    return

    def wait_for(self, answers):
        while len(self.answers) < answers:
            self._stop.wait(0.01)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def place(launch):
    return Place(launch({"limits.access_tokens": 1_000_000, "log.level": "warning"}))


@pytest.mark.parametrize("end", ["password", "disable"])
def test_no_token_is_made_after_what_ends_them(place, end):
    server = place.server
    thief = Management(server, place.alice).session.headers["Authorization"]
    body = {"name": "x", "scopes": [], "management": "write"}
    crowd = Crowd(
        server, thief, lambda session, _: session.post(server.url + "/api/v1/users/alice/tokens", json=body, timeout=60)
    )
    crowd.wait_for(20)
    if end == "password":
        server.run("user", "password", "alice", "--password-stdin", stdin="quite another password\n")
    else:
        server.run("user", "disable", "alice")
    crowd.end()
    if end == "disable":
        server.run("user", "enable", "alice")
    alive = 0
    for made in crowd.answers[-100:]:
        client = Management(server)
        client.use(made["secret"])
        alive += client.get("/whoami").status_code == 200
    assert alive == 0, f"{alive} of {len(crowd.answers)} tokens outlive what ended them"


def test_no_administrator_is_made_by_one_who_is_none_any_more(place):
    server = place.server
    bad = server.create_user("bad", admin=True)
    for number in range(8):
        server.create_user(f"friend-{number}")
    thief = Management(server, bad).session.headers["Authorization"]

    def promote(session, name):
        url = server.url + f"/api/v1/users/friend-{int(name.partition('-')[0]) % 8}"
        role = "administrator" if int(name.partition("-")[2]) % 2 == 0 else "none"
        return session.patch(url, json={"system_role": role}, headers={"If-Match": "*"}, timeout=60)

    crowd = Crowd(server, thief, promote, 8)
    crowd.wait_for(20)
    assert place.root.change(path("users", "bad"), {"system_role": "none"}).status_code == 200
    crowd.end()
    lines = server.run("audit", "query", "--json", "--action", "account_role_changed").stdout.splitlines()
    demoted = next(number for number, line in enumerate(lines) if '"target":"bad"' in line and '"none"' in line)
    after = [line for line in lines[demoted + 1 :] if '"account":"bad"' in line]
    assert not after, f"{len(after)} changes of roles come after the last that was permitted: {after[0]}"
