"""`bulkhead` as somebody's command line, with a home and a working directory of its own."""

import json
import os
import subprocess

from harness import process


class CommandLine:
    """`bulkhead` with a home of its own, away from the server's data."""

    def __init__(self, server, home):
        self.server = server
        self.home = home
        self.store = home / ".config" / "bulkhead" / "credentials.json"

    def run(self, *arguments, stdin="", check=True, program=None, home=None):
        env = {"PATH": os.environ["PATH"], "HOME": str(home or self.home)}
        env |= {k: v for k, v in self.server.environment().items() if k.endswith("SAN_OPTIONS")}
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
            env=env,
            cwd=self.home,
            preexec_fn=process.die_with_parent,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def log_in(self, user, *more):
        return self.run("login", self.server.url, "--name", user.name, "--password-stdin", *more, stdin=user.password + "\n")

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)
