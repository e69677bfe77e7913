"""A command at a terminal: a pseudo-terminal of a given size, whose questions are answered."""

import dataclasses
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from harness import process


@dataclasses.dataclass(frozen=True)
class Shown:
    returncode: int
    text: str  # all that the terminal showed, with its line ends as \n

    @property
    def lines(self):
        return self.text.splitlines()


def at_terminal(command, env, *, cwd=None, columns=80, answers=(), timeout=30):
    """Runs `command` with a terminal as all its standard streams. Of `answers`, each is what to wait for and what is typed
    then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [str(word) for word in command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        cwd=cwd,
        preexec_fn=process.die_with_parent,
    ) as child:
        os.close(theirs)
        try:
            text = _converse(ours, list(answers), time.monotonic() + timeout)
            return Shown(child.wait(timeout), text)
        finally:
            os.close(ours)
            child.kill()


def _converse(ours, answers, deadline):
    shown, asked = b"", 0
    while True:
        assert time.monotonic() < deadline, f"waited in vain; shown so far:\n{shown.decode(errors='replace')}"
        ready, _, _ = select.select([ours], [], [], 0.2)
        if not ready:
            continue
        try:
            piece = os.read(ours, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            piece = b""
        if not piece:
            assert not answers, f"never asked {answers[0][0]!r}:\n{shown.decode(errors='replace')}"
            return shown.decode(errors="replace").replace("\r\n", "\n")
        shown += piece
        if answers and answers[0][0].encode() in shown[asked:]:
            asked = len(shown)
            os.write(ours, answers.pop(0)[1].encode())
