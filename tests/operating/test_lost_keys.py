"""A keyring that is missing, another's, or in parts is noticed before anything is made with it."""

import json
import shutil

import pytest

from harness import process
from harness.registry import Registry

PASSWORD = "a password of good length"


@pytest.fixture
def used(launch):
    """A stopped server that people have used, and its user."""
    server = launch()
    server.alice = server.create_user("alice")
    server.run("token", "create", "alice", "ci", "--scope", "*:pull")
    server.stop()
    return server


def refused(server, *fragments, command=None):
    if command is None:
        said = server.refuses_to_start()
    else:
        ended = server.run(*command, stdin=PASSWORD + "\n", check=False)
        assert ended.returncode == 1, ended.stdout
        said = ended.stdout
    for fragment in fragments:
        assert fragment in said, said
    return said


def key_files(server):
    return {path.name: path.read_bytes() for path in (server.data / "keys").iterdir()}


def logs_in(server, user):
    return Registry(server, user).request_token("registry:catalog:*").status_code == 200


@pytest.mark.parametrize(
    ("purpose", "needed_by"),
    [("password-pepper", "passwords (1)"), ("token-hash", "access tokens (1)"), ("key-encryption", "data keys (1)"),
     ("token-signing", ""), ("log-signing", "")],
)  # fmt: skip
def test_one_lost_key_file_stops_everything(used, purpose, needed_by):
    lost = used.data / "keys" / f"{purpose}.keys"
    kept = lost.read_bytes()
    lost.unlink()
    before = key_files(used)
    for command in (None, ("user", "list"), ("keys", "list"), ("user", "password", "alice", "--password-stdin")):
        refused(used, str(used.data / "keys"), f"{purpose} version 1", needed_by, "--accept-new-keys", command=command)
    assert key_files(used) == before, "a new key was made all the same"
    lost.write_bytes(kept)
    lost.chmod(0o600)
    assert logs_in(used.start(), used.alice)


@pytest.mark.parametrize("present", [False, True], ids=["absent", "empty"])
def test_an_empty_directory_of_keys_stops_the_start(used, present):
    """An unmounted disk, or a typing error in the setting."""
    used.settings["keys"] = used.folder / "unmounted"
    if present:
        (used.folder / "unmounted").mkdir(mode=0o700)
    said = refused(used, str(used.folder / "unmounted"), "password-pepper version 1", "passwords (1)")
    assert len(said.splitlines()) <= 3
    assert list((used.folder / "unmounted").glob("*")) == []


def test_an_operators_command_without_the_configuration_makes_no_second_keyring(used):
    """The TOML file names the keys; a command that is given the data alone looks in the wrong place and says so."""
    shutil.move(used.data / "keys", used.folder / "elsewhere")
    used.settings["keys"] = used.folder / "elsewhere"
    del used.settings["keys"]
    refused(used, str(used.data / "keys"), command=("user", "password", "alice", "--password-stdin"))
    assert not (used.data / "keys").exists()
    used.settings["keys"] = used.folder / "elsewhere"
    assert logs_in(used.start(), used.alice)


@pytest.fixture
def foreign_keys(new_server):
    other = new_server()
    other.create_user("somebody", admin=True)
    return other.data / "keys"


def test_another_installations_keys_are_recognised(used, foreign_keys):
    own = used.folder / "own"
    shutil.move(used.data / "keys", own)
    shutil.copytree(foreign_keys, used.data / "keys")
    refused(used, str(used.data / "keys"), "password-pepper version 1", "passwords (1)", "another key")
    refused(used, "another key", command=("keys", "list"))
    shutil.rmtree(used.data / "keys")
    shutil.move(own, used.data / "keys")
    assert logs_in(used.start(), used.alice)


def test_one_file_of_another_keyring_is_recognised(used, foreign_keys):
    shutil.copy(foreign_keys / "token-hash.keys", used.data / "keys" / "token-hash.keys")
    said = refused(used, "token-hash version 1", "access tokens (1)")
    assert "password-pepper" not in said


def test_a_version_cut_out_of_a_file_is_missed(used):
    used.run("keys", "rotate", "password-pepper")
    path = used.data / "keys" / "password-pepper.keys"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[1])
    refused(used, "password-pepper version 1", "passwords (1)")
    path.write_text(lines[0])  # the older keyring of a backup
    refused(used, "password-pepper version 2")
    path.write_text("".join(lines))
    used.start()


def test_retired_versions_are_not_missed(used):
    used.run("keys", "rotate")
    used.run("keys", "retire", "token-signing", "1", "--force")
    used.run("keys", "retire", "password-pepper", "1", "--force")
    used.start().restart()


def test_new_keys_are_accepted_once_and_knowingly(used):
    shutil.rmtree(used.data / "keys")
    used.start("--accept-new-keys")
    assert "password-pepper" in used.log() and "passwords" in used.log()
    assert not logs_in(used, used.alice)
    used.run("user", "password", "alice", "--password-stdin", stdin=PASSWORD + "\n")
    assert logs_in(used, type(used.alice)("alice", PASSWORD))
    # They are the ones from here on, by numbers that the lost ones never had.
    listed = json.loads(used.run("keys", "list", "--json").stdout)["versions"]
    assert {each["version"] for each in listed if each["purpose"] == "password-pepper"} == {2}
    used.restart()
    assert logs_in(used, type(used.alice)("alice", PASSWORD))
    said = used.run("audit", "query", "--action", "keyring_accepted", "--json").stdout
    assert "password-pepper" in said


def test_what_is_lost_is_not_said_to_wait_for_a_rotation(used):
    """No step of a rotation brings it back: it has to be entered again."""
    used.start()
    used.run(
        "sso", "provider", "create", "branch", "--url", "ldaps://127.0.0.1:1", "--user-base", "dc=example",
        "--bind-dn", "cn=x,dc=example", "--secret-stdin", stdin="a secret of the directory",
    )  # fmt: skip
    used.stop()
    shutil.rmtree(used.data / "keys")
    used.start("--accept-new-keys")
    listed = used.run("keys", "list").stdout
    assert "--resume" not in listed and "1 values are sealed under keys that are lost" in listed
    assert json.loads(used.run("keys", "list", "--json").stdout)["left"] == {"data_keys": 0, "values": 0, "lost_values": 1}
    used.run("sso", "provider", "change", "branch", "--secret-stdin", stdin="the same secret, once more")
    assert "lost" not in used.run("keys", "list").stdout


def test_accepting_changes_nothing_where_nothing_is_lost(used):
    before = key_files(used)
    used.start("--accept-new-keys")
    assert logs_in(used, used.alice)
    assert key_files(used) == before
    assert used.run("audit", "query", "--action", "keyring_accepted").stdout == ""


def test_the_lost_keys_that_come_back_are_recognised_as_the_old_ones(used):
    shutil.copytree(used.data / "keys", used.folder / "old")
    shutil.rmtree(used.data / "keys")
    used.start("--accept-new-keys")
    used.stop()
    shutil.rmtree(used.data / "keys")
    shutil.copytree(used.folder / "old", used.data / "keys")
    refused(used, "password-pepper version 2")


def test_rotation_on_the_running_server_is_known_at_the_next_start(used):
    used.start()
    used.run("keys", "rotate")
    used.stop()
    for name in ("token-hash", "password-pepper"):
        path = used.data / "keys" / f"{name}.keys"
        path.write_text(path.read_text().splitlines(keepends=True)[0])
    refused(used, "token-hash version 2", "password-pepper version 2")


@pytest.mark.parametrize("running", [False, True], ids=["at the start", "while it runs"])
def test_a_retired_key_that_comes_back_is_not_believed(used, running):
    """After a theft: whoever restores an older keyring must not give the thief back what was taken away."""
    used.start()
    bearer = Registry(used, used.alice).token("registry:catalog:*")
    used.run("keys", "rotate")
    shutil.copytree(used.data / "keys", used.folder / "older")
    for purpose in ("token-signing", "token-hash", "password-pepper"):
        used.run("keys", "retire", purpose, "1", "--force")

    def believed():
        return used.get("/v2/", headers={"Authorization": f"Bearer {bearer}"}).status_code == 200

    assert not believed() and not logs_in(used, used.alice)
    if not running:
        used.stop()
    for path in (used.folder / "older").glob("*.keys"):
        # As a configuration management puts a file: under another name first.
        shutil.copy(path, used.data / "keys" / f"{path.name}.laid")
        (used.data / "keys" / f"{path.name}.laid").rename(used.data / "keys" / path.name)
    if not running:
        used.start()
    process.wait_until(lambda: used.log().count("is retired again") == 3, "the keys to be retired again")
    assert not believed() and not logs_in(used, used.alice)
    listed = json.loads(used.run("keys", "list", "--json").stdout)["versions"]
    assert {each["purpose"] for each in listed if each["version"] == 1} == {"key-encryption", "log-signing"}
    said = used.run("audit", "query", "--action", "key_retired", "--json").stdout
    assert said.count("returned") == 3
    used.restart()
    assert used.log().count("is retired again") == 3, "and then they are gone"
