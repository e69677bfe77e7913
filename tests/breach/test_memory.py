"""What is in the server's memory stays there: no core file, nothing for other processes, no key for a debugger."""

import os
import pathlib
import pwd
import resource
import shutil
import signal
import subprocess

import pytest

from breach.vault import Vault
from harness import process
from harness.registry import Registry


@pytest.fixture
def unlimited_cores():
    """As for a service whose manager allows core files."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    except ValueError:
        pytest.skip("core files cannot be allowed here")
    if before[1] == 0:
        pytest.skip("core files are forbidden here")
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def used(server, rng):
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "latest")
    registry.get_manifest("alice/app", "latest")
    return registry


def core_files():
    """Where the kernel puts them, unless it hands them to a program."""
    return set(pathlib.Path.cwd().glob("core*")) | set(pathlib.Path("/var/tmp").glob("core*"))


def test_a_crash_leaves_no_core_file(unlimited_cores, launch, rng):
    server = launch()
    used(server, rng)
    limits = pathlib.Path(f"/proc/{server.daemon.pid}/limits").read_text()
    [line] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"], line
    before = core_files()
    daemon, server.daemon = server.daemon, None
    daemon.signal(signal.SIGQUIT)
    assert daemon.wait(30) == -signal.SIGQUIT
    assert core_files() == before


def test_processes_of_the_same_user_cannot_read_it(new_server, request):
    """Not dumpable: the kernel gives /proc/PID of such a process to root (proc(5)), and refuses ptrace."""
    server = new_server()
    if os.geteuid() == 0:
        # Root may read anything; so this one runs as somebody else, from where that user can read.
        user = pwd.getpwnam("nobody")
        folder = pathlib.Path(request.getfixturevalue("work_folder"))
        for each in (folder, server.folder):
            os.chown(each, user.pw_uid, user.pw_gid)
        binary = shutil.copy(server.binary, server.folder / "bulkhead")
        server.binary = pathlib.Path(binary)
        plain = server.command
        server.command = lambda *arguments: [
            "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *plain(*arguments),
        ]  # fmt: skip
    server.start()
    assert os.stat(f"/proc/{server.daemon.pid}/environ").st_uid == 0
    assert os.stat(f"/proc/{server.daemon.pid}/mem").st_uid == 0


def test_a_debugger_saves_no_key(launch, rng, folder, result_line):
    """Even root's: keys are in memory that is left out of dumps, and nothing else keeps a copy of them."""
    server = launch()
    if not shutil.which("gcore"):
        pytest.skip("there is no gcore: install Debian's package gdb")
    registry = used(server, rng)
    vault = Vault()
    vault.add_keyring(server.data / "keys")
    number = len(vault.secrets)
    # What a dump holds of anything is found by the same search: the address of an upload under way is no secret.
    upload = registry.start_upload("alice/app")
    vault.add("canary", "an upload", upload.path.rpartition("/")[2].partition("?")[0])
    done = subprocess.run(
        ["gcore", "-o", folder / "core", str(server.daemon.pid)], capture_output=True, text=True, check=False,
        timeout=120, preexec_fn=process.die_with_parent,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"no debugger may look into the server: {done.stderr.strip().splitlines()[-1]}")
    [core] = folder.glob("core.*")
    data = core.read_bytes()
    core.unlink()
    found = {secret.name for secret in vault.found_in(data)}
    assert found == {"an upload"}
    result_line(f"{number} keys, none in the {len(data) >> 20} MiB that a debugger saves")
