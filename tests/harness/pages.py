"""The tested commands of a page, carried out as a reader would.

A fenced block is executed when `<!-- test -->` stands on the line before it. The address 127.0.0.1:5000 in it stands for this
run's own, and the program's folder comes first in PATH. The data directory needs no substitution: commands run beside the
server's `data`, as a reader's do.
"""

import re
import subprocess

from harness import process

TESTED = re.compile(r"^<!-- test -->\n```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def reader_environment(server):
    environment = server.environment()
    environment["PATH"] = f"{server.binary.parent}:{environment['PATH']}"
    environment["HOME"] = str(server.folder)
    return environment


def carry_out(text, server, environment, replacements=None):
    """The output of each tested block, by its first line; a block that fails shows its output."""
    outputs = {}
    for block in TESTED.findall(text):
        script = block
        for written, meant in {"127.0.0.1:5000": server.address, **(replacements or {})}.items():
            script = script.replace(written, meant)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=server.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120 * server.patience,
            check=False,
            preexec_fn=process.die_with_parent,
        )
        assert done.returncode == 0, f"the page's block fails with {done.returncode}:\n{script}\n{done.stdout}"
        outputs[block.splitlines()[0]] = done.stdout
    return outputs
