"""What somebody at a terminal sees, and what a script gets."""

import json
import os
import pty
import subprocess

import pytest

from harness import process


def at_a_terminal(cli, *arguments, term="xterm"):
    """Output and exit status of a command whose standard error is a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [str(cli.server.binary), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
        env={"PATH": os.environ["PATH"], "HOME": str(cli.home), "TERM": term}, preexec_fn=process.die_with_parent,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # how a terminal says that nobody is there any more
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out, _ = running.communicate(timeout=60)
    return out.decode(), shown.decode(), running.returncode


@pytest.fixture
def image(old, rng):
    return old.push_image("acme/app", rng, "v1", size=50_000)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_shows_how_far_it_is_and_is_left_clean(cli, peer, image, term):
    out, shown, status = at_a_terminal(
        cli, "import", f"{peer.address}/acme/app", "--map", "acme=alice", "--source-plain-http", term=term
    )
    assert status == 0
    assert "\x1b" not in shown
    assert "0/1 repositories" in shown and "1/1 repositories" in shown
    assert shown.endswith("\r")
    assert max(len(line) for line in shown.split("\r")) <= 79
    assert out.startswith("acme/app -> alice/app: 1 tag copied")


def test_a_pipe_gets_lines_and_no_progress(cli, peer, image):
    done = cli.import_(f"{peer.address}/acme/app", "--map", "acme=alice")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("acme/app -> alice/app: 1 tag copied, 0 there already, ")
    assert lines[1].startswith("1 repository: 1 tag copied, 0 there already; 2 blobs copied, 0 mounted, ")
    assert len(lines) == 2


def test_a_script_gets_one_document(cli, peer, image):
    report = json.loads(cli.import_(f"{peer.address}/acme/app", "--map", "acme=alice", "--json").stdout)
    assert report["repositories"] == [
        {"from": "acme/app", "to": "alice/app", "tags_copied": 1, "tags_there": 0, "manifests_copied": 1, "blobs_copied": 2,
         "blobs_mounted": 0, "bytes": report["bytes"], "failures": []},
    ]  # fmt: skip
    assert report["failures"] == [] and report["setup"] == [] and report["dry_run"] is False


def test_output_that_nobody_reads_is_an_error_and_the_copy_ends_in_order(cli, peer, image, there):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [str(cli.server.binary), "import", f"{peer.address}/acme/app", "--map", "acme=alice", "--source-plain-http"],
        stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(cli.home)}, preexec_fn=process.die_with_parent,
    )
    os.close(writer)
    assert done.returncode == 1
    assert "cannot write the output" in done.stderr
    assert there.get_manifest("alice/app", "v1").status_code == 200
    assert all(each.get("revoked_at") for each in cli.json("token", "list", "alice"))
