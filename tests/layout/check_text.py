#!/usr/bin/env python3
"""Check what a compiler does not see: promises left open, files grown too long, links that lead nowhere.

- No note to oneself is left in a file.
- No file of src/ is longer than 500 lines.
- Every relative link of a Markdown page leads to a file, and every #fragment to a heading.
- Every page of docs/ that a source names exists, and every source that a page names by its path.
- No unordered container hashes what may come from outside without a key (base/keyed_hash.h); numbers of our own may.
- No coroutine is a lambda with captures: the captures die with the lambda, the coroutine lives on.
- No conditional stands among what is passed to something awaited: GCC 12 destroys its temporary twice.

usage: check_text.py ROOT
"""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

from reporting import run

LONGEST = 500
NOTES = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
SKIPPED_FOLDERS = {".git", "build", "data", ".venv", "__pycache__", ".pytest_cache", "corpus"}
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
DOCUMENT = re.compile(r"\bdocs/[A-Za-z0-9_./-]+\.(?:md|svg|json)\b")
SOURCE = re.compile(r"`((?:src/)?(?:[a-z_]+/)+[a-z0-9_]+\.(?:h|cc|sql|py|cmake))`")
UNKEYED = re.compile(r"\bstd::unordered_\w+<(?!std::int64_t\b)(?:(?!Hash)[^;])*[;{]|\bstd::hash<(?!Key>)")
AWAITED_CONDITIONAL = re.compile(r"\bco_await\b[^;{}?]*\([^;{}?]*\?[^;{}]*:[^;{}]*;")
COMMENT = re.compile(r"//[^\n]*")
CAPTURING_COROUTINE = re.compile(
    r"\[[^\[\]]+\]\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(?:mutable\s*)?(?:noexcept\s*)?->\s*(?:\w+::)*(?:awaitable|Task)<")


def files_of(root):
    """What is, or would be, committed; everything when this is not a git checkout."""
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, check=False) if (root / ".git").exists() else None
    if listing and listing.returncode == 0:
        names = [Path(name) for name in listing.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*")]
    return sorted(name for name in set(names)
                  if not SKIPPED_FOLDERS & set(name.parts[:-1]) and (root / name).is_file())


def anchors_of(text):
    """The fragments that a renderer makes of the headings."""
    seen, anchors = {}, set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


def check_links(root, name, text, problems):
    prose = CODE.sub("", FENCE.sub("", text))
    for target in LINK.findall(prose) + REFERENCE.findall(prose):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        page, _, fragment = unquote(target).partition("#")
        path = (root / name).parent / page if page else root / name
        if not path.exists():
            problems.append(f"{name}: the link to {target} leads nowhere")
        elif fragment and path.suffix == ".md" and fragment not in anchors_of(path.read_text()):
            problems.append(f"{name}: {target} names a heading that is not there")


def check_sources(root, name, text, problems):
    for source in sorted(set(SOURCE.findall(text))):
        if not any((place / source).exists() for place in (root, root / "src", (root / name).parent)):
            problems.append(f"{name}: names {source}, which does not exist")


def check(root):
    problems = []
    for name in files_of(root):
        try:
            text = (root / name).read_text()
        except UnicodeDecodeError:
            continue  # an image, a golden file
        is_source = name.parts[0] == "src"
        for number, line in enumerate(text.splitlines(), 1):
            if NOTES.search(line):
                problems.append(f"{name}:{number}: {NOTES.search(line).group()}: do it, or open an issue")
        if is_source and "tests" not in name.parts and UNKEYED.search(text):
            line = text[: UNKEYED.search(text).start()].count("\n") + 1
            problems.append(f"{name}:{line}: this hash has no key; strangers could choose what it meets with")
        if is_source and text.count("\n") > LONGEST:
            problems.append(f"{name}: {text.count(chr(10))} lines; past {LONGEST} a file is two")
        if name.suffix == ".md":
            check_links(root, name, text, problems)
            check_sources(root, name, text, problems)
        if is_source and name.suffix in {".h", ".cc", ".sql"}:
            for document in sorted(set(DOCUMENT.findall(text))):
                if not (root / document).exists():
                    problems.append(f"{name}: names {document}, which does not exist")
        if is_source and name.suffix in {".h", ".cc"}:
            for found in CAPTURING_COROUTINE.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{name}:{line}: a coroutine lambda with captures; pass parameters instead")
            for found in AWAITED_CONDITIONAL.finditer(COMMENT.sub("", text)):
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{name}:{line}: a conditional among what is passed to something awaited; name it before")
    return problems


if __name__ == "__main__":
    run(__doc__, check)
