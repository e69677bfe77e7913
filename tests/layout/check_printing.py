#!/usr/bin/env python3
"""Check that text from outside reaches people through the one function that makes it safe (src/base/shown.h).

- Standard output and standard error are written in src/base/say.cc and by the log alone: say() and its kin make every
  text safe, fmt::print and std::cout do not.
- What say_exactly() and tell_exactly() print as it is, is named here with the reason.
- A log's message is a text of the program; what comes from outside is a field, which the log makes safe.
- A page is made of Html, which is a text of the program or what html() made of others; nobody else makes one of a
  string, and no page is written past it.
- Characters are judged by shows() and shown(): nobody else keeps a list of those that hide or reorder.

usage: check_printing.py ROOT
"""

import re
import sys
from pathlib import Path

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
WRITES = re.compile(
    r"\b(?:fmt::print|fmt::println|std::cout|std::cerr|std::clog|(?:std::|::)?(?:printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs"
    r"|putchar|perror|fwrite)\s*\(|STDOUT_FILENO|STDERR_FILENO|stdout_sinks)")
# Where it may be: file -> what.
WRITERS = {
    "src/base/say.cc": "the functions themselves",
    "src/base/log.cc": "the log, whose fields are made safe",
}
# Looking at, not writing to.
LOOKS = re.compile(
    r"isatty\(\s*STD(?:OUT|ERR)_FILENO\s*\)|ioctl\(\s*STD(?:OUT|ERR)_FILENO\s*,\s*TIOCGWINSZ"
    r"|posix_spawn_file_actions_adddup2\([^;]*STDOUT_FILENO\s*\)")  # the last is another program's
EXACTLY = re.compile(r"\b(?:say_exactly|tell_exactly)\s*\(")
EXACT_PLACES = {
    "src/base/say.h": "declares them",
    "src/base/say.cc": "makes texts safe before",
    "src/cli/factor_cli.cc": "a QR code, drawn by this program with the terminal's colours",
    "src/cli/table.cc": "a table whose cells are made safe, with the terminal's colours",
    "src/cli/sso_login.cc": "a QR code, drawn by this program with the terminal's colours",
}
LOGGED = re.compile(r"\b(?:log|log_|log\(\))(?:\.|->)(?:log\s*\(\s*[\w:]+\s*,|(?:debug|info|warning|error)\s*\()\s*(?P<first>\S+)")
# The message of a log line that is chosen among the program's own texts.
LOG_PLACES = {"src/app/certificate_watch.cc": "event", "src/audit/journal.cc": "lost"}
HTML_MADE = re.compile(r"Html::Made|\bHtml\s*\(\s*(?!\"|\))|[Cc]ontent-[Tt]ype\"\s*,\s*\"text/html")
HTML_PLACES = {"src/api/login/page.h", "src/api/login/page.cc"}
# Code points and bytes by which a list of hiding characters would be recognised.
HIDING = re.compile(r"0x(?:202[a-e]|206[0-9a-f]|200[bef]|feff|fff[9ab]|e00[0-7][0-9a-f])\b|\\xe2\\x80\\x(?:8b|ae)|\\u202e", re.IGNORECASE)
HIDING_PLACES = {
    "src/base/shown.cc": "the list",
    "src/api/management/schema.cc": "the published pattern, which names the worst; what takes texts asks shows() besides",
}
TEST_FOLDERS = {"tests", "testing", "fuzz"}


def code_of(text):
    """The text with comments blanked, so that positions stay."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def check(root):
    problems = []
    for path in sorted((root / "src").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in {".h", ".cc"} or TEST_FOLDERS & set(path.relative_to(root).parts):
            continue
        text = path.read_text()
        # Comments first: an apostrophe or a quote in one must not open a string.
        code = code_of(text)
        bare = STRING.sub(lambda found: '"' + " " * (len(found.group()) - 2) + '"', code)

        def complain(found, what, name=name, text=text):
            problems.append(f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {what}")

        for found in WRITES.finditer(LOOKS.sub(lambda seen: " " * len(seen.group()), bare)):
            if name not in WRITERS:
                complain(found, f"{found.group().strip('( ')} writes past base/say.h")
        for found in EXACTLY.finditer(bare):
            if name not in EXACT_PLACES:
                complain(found, "prints as it is what nothing has made safe")
        for found in LOGGED.finditer(code):
            first = found.group("first")
            if not first.startswith('"') and not first.startswith(LOG_PLACES.get(name, "\0")) and name != "src/base/log.cc":
                complain(found, "a log's message is a text of the program; make it a field")
        for found in HTML_MADE.finditer(code):
            if name not in HTML_PLACES:
                complain(found, "a page is made with html()")
        for found in HIDING.finditer(code):
            if name not in HIDING_PLACES:
                complain(found, "which characters hide is told in base/shown.cc alone")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems = check(Path(sys.argv[1]))
    for line in problems:
        print("error:", line)
    print(f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
