"""A command on a terminal of its own, talked to as a person would."""

import os
import pty
import select
import subprocess
import termios

from harness import process


class Conversation:
    """`bulkhead` as a CommandLine runs it, with a terminal for standard input, output and error."""

    def __init__(self, cli, *arguments):
        self.patience = 30 * cli.server.patience
        self.master, slave = pty.openpty()
        self.said = ""
        self.heard = 0
        self.process = subprocess.Popen(
            cli.server.command(*arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"PATH": os.environ["PATH"], "HOME": str(cli.home), "TERM": "dumb"},
            cwd=cli.home,
            preexec_fn=process.die_with_parent,
        )
        os.close(slave)

    def _read(self):
        """Something more that was said; False at its end."""
        ready, _, _ = select.select([self.master], [], [], self.patience)
        assert ready, f"nothing more came after:\n{self.said}"
        try:
            more = os.read(self.master, 65536)
        except OSError:  # nobody has the other end any more
            more = b""
        self.said += more.decode().replace("\r\n", "\n")
        return bool(more)

    def answer(self, question, line, hidden=True):
        """Waits until it asks that, further on than the last answer, and types the line; `hidden` as a password is."""
        while question not in self.said[self.heard :]:
            assert self._read(), f"it never asked {question!r}:\n{self.said}"
        self.heard = self.said.index(question, self.heard) + len(question)
        if hidden:
            # What is typed before the echo is off is thrown away.
            process.wait_until(lambda: not termios.tcgetattr(self.master)[3] & termios.ECHO, "the echo to be off")
        os.write(self.master, (line + "\n").encode())

    def end(self):
        """The exit status, and everything that was said."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(self.patience), self.said
