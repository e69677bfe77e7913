"""What a thief carries off: everything that an installation leaves behind, but not its keys."""

import dataclasses
import os
import pathlib
import shutil
import sqlite3

from harness import process

NEVER_IN_A_BACKUP = ("keys", "lock", "control.sock")


@dataclasses.dataclass(frozen=True)
class Part:
    """`kind` is what sort of remains it comes from: database, log, journal and so on."""

    kind: str
    name: str
    data: bytes


@dataclasses.dataclass(frozen=True)
class Cell:
    """One stored value."""

    table: str
    column: str
    value: bytes


@dataclasses.dataclass
class Loot:
    parts: list = dataclasses.field(default_factory=list)
    cells: list = dataclasses.field(default_factory=list)

    def add(self, kind, name, data):
        self.parts.append(Part(kind, str(name), data))

    def add_tree(self, kind, folder, skipped=()):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.relative_to(folder).parts[0] not in skipped:
                # Files come and go while the server works.
                try:
                    self.add(kind, path.relative_to(folder), path.read_bytes())
                except FileNotFoundError:
                    continue

    def add_cells(self, cells):
        self.cells += cells

    def kinds(self):
        return {part.kind for part in self.parts}

    def size(self):
        return sum(len(part.data) for part in self.parts)


def as_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()


def sqlite_cells(path):
    """Every value of every table of a SQLite database."""
    with sqlite3.connect(path) as database:
        database.text_factory = bytes
        tables = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')
            columns = [description[0] for description in rows.description]
            for row in rows:
                for column, value in zip(columns, row):
                    if value is not None:
                        yield Cell(table, column, as_bytes(value))
    database.close()


def dump_cells(dump):
    """Every value of every table of a PostgreSQL dump in plain text."""
    table, columns = None, []
    for line in dump.splitlines():
        if line.startswith(b"COPY "):
            head, _, rest = line[len(b"COPY ") :].partition(b" (")
            table = head.decode().removeprefix("public.").strip('"')
            columns = [name.strip(' "') for name in rest.partition(b")")[0].decode().split(",")]
        elif line == b"\\.":
            table = None
        elif table is not None:
            for column, value in zip(columns, line.split(b"\t")):
                if value != b"\\N":
                    yield Cell(table, column, value.replace(b"\\\\", b"\\"))


def take_database_files(loot, data, folder):
    """bulkhead.db as it lies there, with the log that belongs to it."""
    taken = folder / "database"
    taken.mkdir()
    for path in sorted(data.glob("bulkhead.db*")):
        shutil.copy(path, taken / path.name)
        loot.add("database", path.name, (taken / path.name).read_bytes())


def take_backup(loot, server, folder, dump=None):
    """As the operator's guide makes one, while the server runs. Nobody backs up the keys to the same place."""
    backup = folder / "backup"
    backup.mkdir(mode=0o700)
    if dump is None:
        process.run("sqlite3", server.data / "bulkhead.db", f".backup {backup / 'bulkhead.db'}")
        loot.add_cells(sqlite_cells(backup / "bulkhead.db"))
    else:
        (backup / "bulkhead.sql").write_bytes(dump)
        loot.add_cells(dump_cells(dump))
    # A segment of the journal that is being sealed meanwhile makes cp miss a file: the guide says to run it again.
    copy = ("cp", "-a", server.data / "blobs", server.data / "journal", backup)
    process.wait_until(lambda: process.run(*copy, check=False).returncode == 0, "a copy of all files")
    loot.add_tree("backup", backup)


def take_process(loot, pid):
    """What the kernel tells anyone with access about a running program."""
    for path in pathlib.Path(f"/proc/{pid}").glob("task/*/comm"):
        loot.add("process", path, path.read_bytes())
    for name in ("cmdline", "environ", "maps", "status", "limits", "mountinfo"):
        loot.add("process", name, pathlib.Path(f"/proc/{pid}/{name}").read_bytes())
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            loot.add("process", link, os.fsencode(os.readlink(link)))
        except FileNotFoundError:
            continue


def steal(server, folder, dump=None):
    """Everything but the keyring, taken from a server at work. `dump` is pg_dump's, for a PostgreSQL database."""
    loot = Loot()
    if dump is None:
        take_database_files(loot, server.data, folder)
    else:
        loot.add("database", "bulkhead.sql", dump)
    loot.add_tree("data", server.data, skipped=NEVER_IN_A_BACKUP)
    take_process(loot, server.daemon.pid)
    loot.add("metrics", "/metrics", server.get("/metrics").content)
    loot.add("audit", "audit query", server.run("audit", "query", "--json").stdout.encode())
    take_backup(loot, server, folder, dump)
    loot.add("log", "standard error", server.log().encode())
    return loot
