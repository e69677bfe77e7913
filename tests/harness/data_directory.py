"""A data directory looked at from outside, and commands that refuse to work on it."""

import pathlib

PASSWORD = "a password of good length"


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*"))


def refused(server, *command):
    ended = server.run(*command, stdin=PASSWORD + "\n", check=False)
    assert ended.returncode == 1, ended.stdout
    return ended.stdout
