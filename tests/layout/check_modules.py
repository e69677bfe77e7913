#!/usr/bin/env python3
"""Compare the edges that modules declare with the ones their #include lines make.

A module is a folder of src/ whose CMakeLists.txt calls bulkhead_module(). Its sources may include the modules in
DEPENDS; its tests/, testing/ and fuzz/ may include those in TEST_DEPENDS and their neighbours in the folder as well. Undeclared and circular edges fail,
and so does a source that no glob of cmake/modules.cmake picks up, because a test that is not built passes for ever.
An edge that nothing uses is a warning.

usage: check_modules.py ROOT
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
CALL = re.compile(r"bulkhead_module\s*\(([^)]*)\)")
COMMENT = re.compile(r"#[^\n]*")
KEYWORDS = {"DEPENDS", "LIBRARIES", "FOLDERS", "TEST_DEPENDS", "TEST_LIBRARIES"}
TEST_FOLDERS = {"tests": "_test.cc", "testing": ".cc", "fuzz": "_fuzz.cc"}


@dataclass
class Module:
    name: str
    folder: Path
    cmake: str
    depends: set = field(default_factory=set)
    folders: set = field(default_factory=set)
    test_depends: set = field(default_factory=set)  # as written: bulkhead_x or bulkhead_x_testing
    used: set = field(default_factory=set)


def read_module(folder, problems):
    path = folder / "CMakeLists.txt"
    if not path.exists():
        problems.append(f"{path}: missing, so the folder is not built")
        return None
    cmake = COMMENT.sub("", path.read_text())
    call = CALL.search(cmake)
    if not call:
        problems.append(f"{path}: does not call bulkhead_module()")
        return None
    words = call.group(1).split()
    if words[:1] != [folder.name]:
        problems.append(f"{path}: declares the module {words[:1]}, not {folder.name}")
    module = Module(folder.name, folder, cmake)
    keyword = None
    for word in words[1:]:
        if word in KEYWORDS:
            keyword = word
        elif keyword == "DEPENDS":
            module.depends.add(word)
        elif keyword == "FOLDERS":
            module.folders.add(word)
        elif keyword == "TEST_DEPENDS":
            module.test_depends.add(word)
    return module


def cycle_in(modules):
    """The first circular path of declared edges, as names, or None."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done or name not in modules:
            return None
        path.append(name)
        for dependency in sorted(modules[name].depends):
            found = visit(dependency)
            if found:
                return found
        path.pop()
        done.add(name)
        return None

    for name in sorted(modules):
        found = visit(name)
        if found:
            return found
    return None


def check_includes(module, modules, problems):
    for path in sorted(module.folder.rglob("*")):
        if path.suffix not in {".h", ".cc"}:
            continue
        inside = path.relative_to(module.folder).parts
        is_test = inside[0] in TEST_FOLDERS
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            quote, target = match.groups()
            where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            other, _, rest = target.partition("/")
            if other not in modules:
                sibling = is_test and not rest and (path.parent / target).exists()
                if quote == '"' and not sibling:
                    problems.append(f'{where}: "{target}" does not begin with a module of src/')
                continue
            if other == module.name:
                if not is_test and rest.startswith("testing/"):
                    problems.append(f"{where}: a source includes {target}, which is for tests")
                continue
            module.used.add(other)
            if rest.startswith("tests/"):
                problems.append(f"{where}: {target} is for {other}'s own tests; what others share is in testing/")
                continue
            if rest.startswith("testing/") and not is_test:
                problems.append(f"{where}: a source includes {target}, which is for tests")
                continue
            # A folder of headers alone makes no library, so the edge to the module itself is what it takes.
            if rest.startswith("testing/") and any((modules[other].folder / "testing").glob("*.cc")):
                if f"bulkhead_{other}_testing" not in module.test_depends:
                    problems.append(
                        f"{where}: {target} needs TEST_DEPENDS bulkhead_{other}_testing in src/{module.name}/CMakeLists.txt")
                continue
            declared = other in module.depends
            if is_test:
                declared = declared or module.test_depends & {f"bulkhead_{other}", f"bulkhead_{other}_testing"}
            if not declared:
                problems.append(f"{where}: {module.name} includes {target}, but does not declare the edge to {other}")


def check_built(module, problems):
    for path in sorted(module.folder.rglob("*.cc")):
        inside = path.relative_to(module.folder)
        if inside.as_posix() in module.cmake:
            continue
        if len(inside.parts) == 1 or (len(inside.parts) == 2 and inside.parts[0] in module.folders):
            built = path.name != "main.cc" and not path.name.endswith(("_test.cc", "_fuzz.cc"))
        else:
            ending = TEST_FOLDERS.get(inside.parts[0])
            built = len(inside.parts) == 2 and ending is not None and path.name.endswith(ending)
        if not built:
            problems.append(f"{path}: in no target: bulkhead_module() takes *.cc, those in its FOLDERS, "
                            "tests/*_test.cc, testing/*.cc and fuzz/*_fuzz.cc")
        elif inside.parts[0] == "fuzz":
            corpus = module.folder / "fuzz" / "corpus" / path.stem
            if not corpus.is_dir() or not any(corpus.iterdir()):
                problems.append(f"{path}: has no seeds in {corpus}")


def check(root):
    """Returns (problems, warnings) for the tree below root."""
    problems, warnings = [], []
    source = root / "src"
    listing = (source / "CMakeLists.txt").read_text()
    modules = {}
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        module = read_module(folder, problems)
        if module:
            modules[folder.name] = module
        if not re.search(rf"\b{re.escape(folder.name)}\b", listing):
            problems.append(f"{source / 'CMakeLists.txt'}: does not list {folder.name}")

    for module in modules.values():
        for name in sorted(module.depends - modules.keys()):
            problems.append(f"{module.folder / 'CMakeLists.txt'}: depends on {name}, which is no module")
        check_includes(module, modules, problems)
        check_built(module, problems)
        for name in sorted(module.depends & modules.keys() - module.used):
            warnings.append(f"{module.folder / 'CMakeLists.txt'}: declares {name}, but includes nothing of it")

    cycle = cycle_in(modules)
    if cycle:
        problems.append("circular edges: " + " -> ".join(cycle))
    return problems, warnings


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems, warnings = check(Path(sys.argv[1]))
    for line in warnings:
        print("warning:", line)
    for line in problems:
        print("error:", line)
    print(f"{len(problems)} problems, {len(warnings)} warnings")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
