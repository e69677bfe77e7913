#!/usr/bin/env python3
"""The systemd unit keeps its sandbox, agrees with the settings' defaults, and systemd accepts it.

usage: check_systemd.py ROOT
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIRED = """
Type=notify
User=bulkhead
StateDirectory=bulkhead
StateDirectoryMode=0700
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
""".split("\n")[1:-1]

# systemd's own rating of what the sandbox leaves open, in tenths: 0 is nothing, 100 everything.
MOST_EXPOSED = 15

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * SECONDS[unit]


def default_of(key, settings_page):
    section = settings_page.split(f"### `{key}`\n", 1)[1]
    return re.search(r'Default `"?([^`"]*)"?`', section).group(1)


def check_text(root, unit):
    lines = unit.splitlines()
    problems = [f"the unit has lost {line}" for line in REQUIRED if line not in lines]
    settings_page = (root / "docs/guide/settings.md").read_text()
    stop = next(seconds(line.partition("=")[2]) for line in lines if line.startswith("TimeoutStopSec="))
    longest = sum(seconds(default_of(key, settings_page)) for key in ("http.stop_delay", "http.stop_deadline"))
    if stop <= longest:
        problems.append(f"TimeoutStopSec ({stop} s) ends a stop that may take {longest} s by default")
    files = next(int(line.partition("=")[2]) for line in lines if line.startswith("LimitNOFILE="))
    connections = int(default_of("http.connections", settings_page))
    if files <= 2 * connections:
        problems.append(f"LimitNOFILE ({files}) is not enough for {connections} connections with a file each")
    return problems


def check_with_systemd(unit):
    """Verified with a command that exists, since the binary need not be installed here."""
    if not shutil.which("systemd-analyze"):
        print("note: no systemd-analyze here, so only the text was checked")
        return []
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bulkhead.service"
        path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.MULTILINE))
        for command in (["verify", "--man=no"], ["security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSED}"]):
            run = subprocess.run(["systemd-analyze", *command, path], capture_output=True, text=True, check=False)
            complaints = [line for line in (run.stdout + run.stderr).splitlines() if "bulkhead.service:" in line]
            if run.returncode != 0 or (command[0] == "verify" and complaints):
                problems.append(f"systemd-analyze {command[0]}: {run.stdout[-3000:]}{run.stderr[-1000:]}")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = Path(sys.argv[1])
    unit = (root / "packaging/systemd/bulkhead.service").read_text()
    problems = check_text(root, unit) + check_with_systemd(unit)
    for line in problems:
        print("error:", line)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
