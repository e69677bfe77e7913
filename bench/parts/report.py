"""The table, and the page it goes to."""

import os
import platform
import re

from harness.process import run
from parts import chart

NOTES = "## Where the time goes"


def _figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def _verdict(result):
    if result.target is None:
        return ""
    return "yes" if result.reached else "**no**"


def rows(results):
    for result in results:
        if result.other_name:
            yield (
                result.name,
                f"{_figure(result.ours)} {result.unit}",
                f"{result.other_name}: {_figure(result.other)}",
                f"{result.ratio:.2f}x",
                "" if result.target is None else f"≥ {result.target:g}x",
                _verdict(result),
            )
        else:
            yield (
                result.name,
                f"{_figure(result.ours)} {result.unit}",
                "",
                "",
                f"≤ {result.target:g} {result.unit}",
                _verdict(result),
            )


HEADER = ("measure", "Bulkhead", "beside it", "ratio", "target", "reached")


def table(results):
    """In Markdown, aligned so that it reads well in a terminal too."""
    cells = [HEADER, *rows(results)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def _version(package):
    return run("dpkg-query", "-W", "-f", "${Version}", package, check=False).stdout.strip()


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.+)", file.read())
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) >> 20
    return (
        f"{os.cpu_count()} cores of {model.group(1) if model else platform.processor()}, {memory} GiB of memory, "
        f"Linux {platform.release()}; docker-registry {_version('docker-registry')}, nginx {_version('nginx-light')}, "
        f"wrk {_version('wrk')}, all from Debian"
    )


def write(results, sizes, folder):
    """docs/performance.md and .svg. What people wrote in the page from its notes on is kept."""
    folder.mkdir(exist_ok=True)
    page = folder / "performance.md"
    notes = f"{NOTES}\n"
    if page.exists() and NOTES in page.read_text():
        notes = NOTES + page.read_text().partition(NOTES)[2]
    page.write_text(
        f"""# Performance

Written by `bench/run`, which starts this registry, Debian's docker-registry and nginx with the same bytes as static
files, each from an empty folder, on one machine, in one run. Bulkhead has authentication, the journal and syncing on, as
it ships; docker-registry runs without authentication and does not sync. Figures are medians of {sizes.rounds}
interleaved rounds.

{table(results)}

![Each figure in relation to its target](performance.svg)

Measured on {machine()}.

To repeat it: `scripts/build && bench/run`, about ten minutes. `bench/run --quick` shows that it works,
`bench/run manifests` measures one thing.

How: manifests with wrk, one thread and 16 connections. Blobs and pushes with the clients in `bench/parts/load.py`, the
same for every server, over one connection (`sendfile` out, 1 MiB reads in), each push of bytes that the server has not
seen, after `sync`. Small pushes from 16 connections in four processes. A synced copy is `dd bs=1M conv=fsync`. Memory
is `VmRSS`, at its peak.

{notes.rstrip()}
"""
    )
    (folder / "performance.svg").write_text(chart.render(results))
