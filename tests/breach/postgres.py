"""A PostgreSQL server of the test's own."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from harness import process


def binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    assert found, "these tests need Debian's package postgresql"
    return found[-1].parent


class Postgres:
    """Listens on a socket in a folder of its own only. Run by root it runs as another user, because it refuses to be
    root; so the folder is not below those of the tests, which are closed to others."""

    def __init__(self):
        self.folder = folder = pathlib.Path(tempfile.mkdtemp(prefix="bh-pg-", dir="/var/tmp"))
        self._user = None
        if os.geteuid() == 0:
            self._user = pwd.getpwnam("postgres")
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self._run(
            binaries() / "initdb", "--pgdata", folder / "data", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self._server = subprocess.Popen(
            [
                binaries() / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=",
                "-c", "fsync=off", "-c", "dynamic_shared_memory_type=mmap",
            ],
            stdin=subprocess.DEVNULL,
            stdout=(folder / "log").open("wb"),
            stderr=subprocess.STDOUT,
            cwd="/",
            preexec_fn=self._become_user,
        )  # fmt: skip
        process.wait_until(self._ready, "PostgreSQL to be ready")
        self._run("psql", "-h", folder, "-U", "postgres", "-c", "CREATE DATABASE bulkhead")
        self.url = self.url_of("bulkhead")

    def _become_user(self):
        if self._user is not None:
            os.setgroups([])
            os.setgid(self._user.pw_gid)
            os.setuid(self._user.pw_uid)
        process.die_with_parent()

    def _run(self, *command):
        done = subprocess.run(
            [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, cwd="/", timeout=120,
            check=False, preexec_fn=self._become_user,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}:\n{done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout

    def _ready(self):
        assert self._server.poll() is None, (self.folder / "log").read_text()
        ready = subprocess.run(
            ["pg_isready", "-q", "-h", self.folder], stdin=subprocess.DEVNULL, check=False, timeout=30
        )
        return ready.returncode == 0

    def dump(self, database="bulkhead"):
        return self._run("pg_dump", "-h", self.folder, "-U", "postgres", database)

    def create(self, database):
        """Another database of this server; its URL."""
        self.ask(f"CREATE DATABASE {database}")
        return self.url_of(database)

    def url_of(self, database):
        return f"postgres:///{database}?host={self.folder}&user=postgres"

    def ask(self, sql, database="postgres"):
        """The rows as psql prints them."""
        return self._run("psql", "-h", self.folder, "-U", "postgres", "-d", database, "-tAqc", sql).decode().strip()

    def _processes(self):
        children = subprocess.run(
            ["pgrep", "-P", str(self._server.pid)], capture_output=True, text=True, check=False, timeout=30
        )
        return [self._server.pid, *map(int, children.stdout.split())]

    @contextlib.contextmanager
    def frozen(self):
        """Accepts and does not answer, as one whose disk hangs: the kernel goes on acknowledging for it."""
        stopped = self._processes()
        for process_id in stopped:
            os.kill(process_id, signal.SIGSTOP)
        try:
            yield
        finally:
            for process_id in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGCONT)

    def log(self):
        return (self.folder / "log").read_bytes()

    def close(self):
        self._server.send_signal(3)  # SIGQUIT: at once; nothing is kept
        self._server.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
