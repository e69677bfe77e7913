"""What is in the data directory does not fit together: a database without its contents, contents without their database."""

import re
import shutil
import subprocess

import pytest

from harness import process
from harness.data_directory import files_below, refused
from harness.registry import Registry


@pytest.mark.parametrize("remains", ["blobs", "journal", "keys"])
def test_a_lost_database_stops_the_start(launch, rng, remains):
    server = launch()
    Registry(server, server.create_user("alice")).push_image("alice/app", rng, "latest")
    server.stop()
    for path in server.data.glob("bulkhead.db*"):
        path.unlink()
    for name in {"blobs", "journal", "keys"} - {remains}:
        shutil.rmtree(server.data / name)
    before = files_below(server.data)
    for said in (server.refuses_to_start(), refused(server, "repo", "list"),
                 refused(server, "user", "create", "x", "--admin", "--password-stdin")):  # fmt: skip
        assert "bulkhead.db" in said and remains in said and "backup" in said
        # The likeliest cause, and the one that moving anything away would make worse.
        assert "PostgreSQL" in said and "--config or --database" in said
        assert "bhsetup_" not in said
    assert files_below(server.data) == before


def test_an_emptied_database_stops_the_start(launch, rng):
    """A copy without its -wal file: the file is there, and nothing is in it."""
    server = launch()
    Registry(server, server.create_user("alice")).push_image("alice/app", rng, "latest")
    server.stop()
    for path in server.data.glob("bulkhead.db*"):
        path.unlink()
    (server.data / "bulkhead.db").touch(mode=0o600)
    said = server.refuses_to_start()
    assert "bulkhead.db" in said and "blobs" in said


@pytest.mark.parametrize("left", ["nothing", "an empty directory", "empty directories", "a new disk"])
@pytest.mark.parametrize("lost", ["blobs", "journal"])
def test_contents_that_are_missing_beside_the_database_stop_the_start(launch, rng, lost, left):
    """A disk that is not mounted: what is pushed would go where the mount point is, and be gone once it is mounted."""
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "latest")
    server.stop()
    place = server.data / lost
    shutil.move(place, server.folder / "unmounted")
    if left != "nothing":
        place.mkdir(mode=0o700)
    if left == "empty directories":
        (place / "sha256").mkdir(mode=0o700)
    if left == "a new disk":
        (place / "lost+found").mkdir(mode=0o700)
    before = files_below(server.data)
    for said in (server.refuses_to_start(), refused(server, "repo", "list")):
        assert str(place) in said and "mount" in said and "backup" in said
    assert files_below(server.data) == before
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(server.folder / "unmounted", place)
    server.start()
    assert registry.get_manifest("alice/app", "latest").content == manifest.data


@pytest.mark.parametrize("lost", ["blobs", "journal"])
def test_whoever_has_lost_contents_for_good_goes_on_knowingly(launch, rng, lost):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "latest")
    server.stop()
    shutil.rmtree(server.data / lost)
    command = re.search(r"`(mkdir .*)`", server.refuses_to_start())[1]
    subprocess.run(command, shell=True, check=True, timeout=30, umask=0o077)
    server.start()
    assert "alice/app" in server.run("repo", "list").stdout
    registry.push_image("alice/app", rng, "again")
    server.restart()


def test_an_installation_begins_on_new_disks(new_server):
    server = new_server()
    server.data.mkdir(mode=0o700)
    for mounted in ("blobs", "journal", "keys"):
        (server.data / mounted / "lost+found").mkdir(mode=0o700, parents=True)
        (server.data / mounted).chmod(0o700)
    server.start()
    server.create_user("alice")
    server.restart()


def test_a_first_start_that_was_killed_goes_on(new_server):
    """Whatever a kill leaves of a first start is no obstacle to the next."""
    for moment in range(12):
        server = new_server()
        daemon = process.Daemon(server.command("serve", "--data", server.data, "--listen", server.address),
                                server.folder / "killed.log", server.environment())  # fmt: skip
        try:
            daemon.process.wait(0.004 * (moment + 1))
        except subprocess.TimeoutExpired:
            daemon.kill()
        server.start().stop()


def test_a_segment_of_the_journal_that_is_missing_is_told(launch, rng):
    server = launch({"audit.segment_bytes": 64 << 10})
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "latest")
    journal = server.data / "journal"

    def numbers():
        return sorted({path.name.partition(".")[0] for path in journal.glob("*.seg*")})

    while len(numbers()) < 3:
        for _ in range(50):
            assert registry.get_manifest("alice/app", "latest").status_code == 200
    server.stop()
    missing = numbers()[1]
    for path in journal.glob(f"{missing}.seg*"):
        path.unlink()
    for data_of in (server, server.start()):
        said = data_of.run("audit", "query", "--action", "manifest_pulled").stdout
        assert "evidence is missing here" in said and str(int(missing)) in said
