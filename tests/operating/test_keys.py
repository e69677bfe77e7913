"""The keyring: rotation under use, interrupted rotations, passphrases, what is kept out of sight."""

import json
import os
import threading
import time

import pytest

from harness import process
from harness.registry import Registry

ROTATED = {"password-pepper", "token-signing", "token-hash", "key-encryption"}


def listed(server):
    return json.loads(server.run("keys", "list", "--json").stdout)


def versions(server, purpose):
    return [each["version"] for each in listed(server)["versions"] if each["purpose"] == purpose]


def logs_in(server, user):
    return Registry(server, user).request_token("registry:catalog:*").status_code == 200


def raw_keys(server):
    """Every key of a plain directory, as its file has it."""
    return {line.split()[1] for path in (server.data / "keys").glob("*.keys") for line in path.read_text().splitlines()}


@pytest.fixture
def passphrase(folder):
    path = folder / "passphrase"
    path.write_text("a passphrase for these tests\n")
    path.chmod(0o600)
    return path


def test_rotation_under_use(launch):
    server = launch()
    alice = server.create_user("alice")
    held = Registry(server, alice)
    token = held.request_token("registry:catalog:*").json()["token"]
    server.run("keys", "rotate")
    for purpose in ROTATED:
        assert versions(server, purpose) == [1, 2]
    assert versions(server, "log-signing") == [1]
    catalog = held.get("/v2/_catalog", headers={"Authorization": f"Bearer {token}"}, authorized=False)
    assert catalog.status_code == 200, "a token of the old key no longer verifies"
    pepper = next(each for each in listed(server)["versions"] if each["purpose"] == "password-pepper")
    assert pepper["needed_by"] == [{"what": "passwords", "count": 1}]
    assert logs_in(server, alice)
    pepper = next(each for each in listed(server)["versions"] if each["purpose"] == "password-pepper")
    assert pepper["needed_by"] == [], "the log-in has not moved the password to the new pepper"
    server.restart()
    assert logs_in(server, alice)
    events = server.run("audit", "query", "--action", "key_rotated", "--json").stdout.splitlines()
    assert {json.loads(event)["target"] for event in events} == ROTATED


def test_a_stopped_installation_rotates_too(new_server):
    server = new_server()
    alice = server.create_user("alice")
    server.run("keys", "rotate", "token-signing")
    assert versions(server, "token-signing") == [1, 2]
    server.start()
    assert logs_in(server, alice)


def test_retiring_by_force_holds_from_the_next_request(launch):
    server = launch()
    held = Registry(server, server.create_user("alice"))
    token = held.request_token("registry:catalog:*").json()["token"]

    def status():
        return held.get("/v2/_catalog", headers={"Authorization": f"Bearer {token}"}, authorized=False).status_code

    assert status() == 200
    server.run("keys", "rotate", "token-signing")
    refused = server.run("keys", "retire", "token-signing", "1", check=False)
    assert refused.returncode == 1
    assert "--force" in refused.stdout
    server.run("keys", "retire", "token-signing", "1", "--force")
    assert status() == 401
    assert server.run("keys", "retire", "token-signing", "2", "--force", check=False).returncode == 1
    assert server.run("keys", "rotate", "nonsense", check=False).returncode == 1


def test_killed_while_rotating_again_and_again(new_server, rng):
    server = new_server()
    alice = server.create_user("alice")
    for _ in range(8):
        server.start()
        stop = threading.Event()

        def rotate():
            while not stop.is_set():
                server.run("keys", "rotate", "--json", check=False)

        rotating = threading.Thread(target=rotate)
        rotating.start()
        time.sleep(rng.uniform(0.05, 0.8))
        stop.set()
        server.crash()
        rotating.join()
    server.start()
    assert logs_in(server, alice)
    assert json.loads(server.run("keys", "rotate", "--resume", "--json").stdout)["unreadable"] == 0
    assert listed(server)["left"] == {"data_keys": 0, "values": 0, "lost_values": 0}
    for purpose in ROTATED:
        numbers = versions(server, purpose)
        assert numbers == sorted(set(numbers))
    assert not list((server.data / "keys").glob("*.new"))


def test_two_rotations_at_once(launch):
    server = launch()
    alice = server.create_user("alice")
    threads = [threading.Thread(target=server.run, args=("keys", "rotate")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for purpose in ROTATED:
        assert versions(server, purpose) == [1, 2, 3, 4, 5]
    assert listed(server)["left"] == {"data_keys": 0, "values": 0, "lost_values": 0}
    assert logs_in(server, alice)


def test_a_running_server_takes_in_changed_files(launch, new_server):
    server = launch()
    alice = server.create_user("alice")
    path = server.data / "keys" / "token-signing.keys"
    path.with_suffix(".next").write_text(path.read_text() + f"2 {'ab' * 32} 2026-01-31T08:15:00.000000Z\n")
    path.with_suffix(".next").chmod(0o600)
    path.with_suffix(".next").rename(path)
    process.wait_until(lambda: versions(server, "token-signing") == [1, 2], "the new version", 10)
    assert logs_in(server, alice)


def test_passphrase(new_server, passphrase):
    server = new_server()
    alice = server.create_user("alice")
    plain = raw_keys(server)
    server.start()
    server.run("keys", "passphrase", passphrase)
    stored = b"".join(path.read_bytes() for path in (server.data / "keys").iterdir())
    assert not [key for key in plain if key.encode() in stored]
    server.run("keys", "rotate", "key-encryption")
    server.stop()

    shut = server.run("keys", "list", check=False)
    assert shut.returncode == 1
    assert "keys_passphrase_file" in shut.stdout
    wrong = passphrase.with_name("wrong")
    wrong.write_text("another passphrase\n")
    wrong.chmod(0o600)
    server.settings["keys_passphrase_file"] = wrong
    assert "passphrase is not the one" in server.run("keys", "list", check=False).stdout
    wrong.chmod(0o644)
    assert "chmod" in server.run("keys", "list", check=False).stdout

    server.settings["keys_passphrase_file"] = passphrase
    server.start()
    assert logs_in(server, alice)
    assert listed(server)["sealed"] is True
    server.run("keys", "unprotect")
    server.stop()
    del server.settings["keys_passphrase_file"]
    server.start()
    assert logs_in(server, alice)


def test_a_start_that_seals_the_keys_says_so_and_leaves_evidence(new_server, passphrase):
    server = new_server()
    server.create_user("alice")
    server.settings["keys_passphrase_file"] = passphrase

    def sealings():
        lines = server.run("audit", "query", "--action", "keyring_protection_changed", "--json").stdout.splitlines()
        return [json.loads(line)["detail"] for line in lines]

    server.start()
    assert "are sealed now" in server.log()
    assert sealings() == ["passphrase"]
    server.run("keys", "unprotect")
    server.restart()
    assert sealings() == ["passphrase", "none", "passphrase"]
    server.restart()
    assert sealings() == ["passphrase", "none", "passphrase"], "nothing was to be sealed"


def test_a_lost_keyring_leaves_everything_but_what_it_guarded(new_server):
    server = new_server()
    alice = server.create_user("alice")
    server.start()
    server.stop()
    for path in (server.data / "keys").iterdir():
        path.unlink()
    server.start("--accept-new-keys")
    assert "does not open all data keys" in server.log()
    assert not logs_in(server, alice)
    server.run("user", "password", "alice", "--password-stdin", stdin=alice.password + "\n")
    assert logs_in(server, alice)


def test_no_key_in_sight(launch, passphrase):
    server = launch({"keys_passphrase_file": passphrase})
    server.run("keys", "rotate")
    server.run("keys", "unprotect")
    keys = raw_keys(server)
    assert len(keys) >= 9
    with open(f"/proc/{server.daemon.pid}/environ", "rb") as file:
        seen = file.read()
    with open(f"/proc/{server.daemon.pid}/cmdline", "rb") as file:
        seen += file.read()
    seen += server.log().encode() + server.get("/metrics").content
    seen += server.run("audit", "query", "--json").stdout.encode()
    seen += server.run("keys", "list", "--json").stdout.encode()
    seen += b"".join(path.read_bytes() for path in server.data.glob("bulkhead.db*"))
    for secret in [*keys, "a passphrase for these tests"]:
        assert secret.encode() not in seen
        if secret in keys:
            assert bytes.fromhex(secret) not in seen


def test_no_core_and_no_look_into_memory(launch):
    server = launch()
    with open(f"/proc/{server.daemon.pid}/limits", encoding="ascii") as limits:
        core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    # A process that is not dumpable has its /proc entries owned by root.
    assert os.stat(f"/proc/{server.daemon.pid}/environ").st_uid == 0


def test_what_a_core_file_would_hold_has_no_key(launch, folder):
    """The mappings that the kernel would write, read the way a debugger does: keys are in none of them."""
    if os.geteuid() != 0:
        pytest.skip("reading another process's memory needs root")
    server = launch()
    alice = server.create_user("alice")
    server.run("keys", "rotate")
    assert logs_in(server, alice)
    wanted = {bytes.fromhex(key) for key in raw_keys(server)}
    current = {path.read_text().splitlines()[-1].split()[1] for path in (server.data / "keys").glob("*.keys")}
    excluded, dumped = memory(server.daemon.pid)
    assert {bytes.fromhex(key) for key in current} <= {key for key in wanted if key in excluded}, "they are somewhere"
    leaked = [key.hex() for key in wanted if key in dumped]
    assert leaked == []


def memory(pid):
    """The bytes in writable private mappings: those excluded from core files, and the others."""
    excluded, dumped = [], []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        region = None
        for line in maps:
            first = line.split()[0]
            if "-" in first and not first.endswith(":"):
                begin, end = (int(part, 16) for part in first.split("-"))
                region = (begin, end, line.split()[1], line)
            elif first == "VmFlags:" and region is not None:
                begin, end, mode, text = region
                if "r" not in mode or "p" not in mode or "[v" in text or "/" in text:
                    continue
                mem.seek(begin)
                (excluded if "dd" in line.split() else dumped).append(mem.read(end - begin))
    return b"".join(excluded), b"".join(dumped)
