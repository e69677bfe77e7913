"""`bulkhead` as somebody's command line, with a home and a working directory of its own."""

import json
import os
import subprocess

from harness import process
from harness.terminal import at_terminal


class CommandLine:
    """`bulkhead` with a home of its own, away from the server's data."""

    def __init__(self, server, home):
        self.server = server
        self.home = home
        self.store = home / ".config" / "bulkhead" / "credentials.json"

    def environment(self, home=None, **variables):
        env = {"PATH": os.environ["PATH"], "HOME": str(home or self.home)}
        env |= {k: v for k, v in self.server.environment().items() if k.endswith("SAN_OPTIONS")}
        return env | variables

    def run(self, *arguments, stdin="", check=True, program=None, home=None, env=None):
        command = self.server.command(*arguments)
        if program:
            command[command.index(str(self.server.binary))] = str(program)
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60 * self.server.patience,
            check=False,
            env=self.environment(home, **(env or {})),
            cwd=self.home,
            preexec_fn=process.die_with_parent,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def at_terminal(self, *arguments, columns=80, answers=(), env=None):
        """The same at a terminal: what it shows, standard error included."""
        env = self.environment(**{"TERM": "xterm", "LC_ALL": "C.UTF-8", **(env or {})})
        timeout = 30 * self.server.patience
        command = self.server.command(*arguments)
        return at_terminal(command, env, cwd=self.home, columns=columns, answers=answers, timeout=timeout)

    def log_in(self, user, *more):
        return self.run("login", self.server.url, "--name", user.name, "--password-stdin", *more, stdin=user.password + "\n")

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)
