#!/usr/bin/env python3
"""Compare the edges that modules declare with the ones their #include lines make.

A module is a folder of src/, at any depth, whose CMakeLists.txt calls bulkhead_module() with its path. Its sources, its own
and those of folders within that are no modules, may include the modules in DEPENDS; its tests/ and fuzz/ may include those
in TEST_DEPENDS and TESTING_DEPENDS besides, its testing/ those in TESTING_DEPENDS, and tests their neighbours in the folder.
Undeclared and circular edges fail, and so does what would silently not be tested: a source in no target, a test that starts
threads and is not named in THREADS, a fuzz target without seeds. An edge that nothing uses is a warning.

usage: check_modules.py ROOT
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
CALL = re.compile(r"bulkhead_module\s*\(([^)]*)\)")
COMMENT = re.compile(r"#[^\n]*")
STARTS_THREADS = re.compile(r"\bstd::(?:jthread|thread\s+\w|thread\(|vector<std::(?:j?thread|future)|async\()")
KEYWORDS = {"DEPENDS", "LIBRARIES", "TEST_DEPENDS", "TESTING_DEPENDS", "THREADS", "COLD"}
TEST_FOLDERS = {"tests": "_test.cc", "testing": ".cc", "fuzz": "_fuzz.cc"}


@dataclass
class Module:
    name: str
    folder: Path
    cmake: str
    words: dict = field(default_factory=dict)  # by keyword
    inner: set = field(default_factory=set)  # folders within that are modules themselves
    used: set = field(default_factory=set)

    def all(self, *keywords):
        return {word for keyword in keywords for word in self.words.get(keyword, ())}

    def files(self, pattern):
        """Its own files, without those of modules within."""
        return sorted(path for path in self.folder.rglob(pattern)
                      if not any(inner in path.parents for inner in self.inner))

    def inside(self, path):
        return path.relative_to(self.folder).parts


def read_module(source, path, problems):
    name = path.parent.relative_to(source).as_posix()
    cmake = COMMENT.sub("", path.read_text())
    call = CALL.search(cmake)
    if not call:
        problems.append(f"{path}: does not call bulkhead_module()")
        return None
    words = call.group(1).split()
    if words[:1] != [name]:
        problems.append(f"{path}: declares the module {words[:1]}, not {name}")
    module = Module(name, path.parent, cmake)
    keyword = None
    for word in words[1:]:
        if word in KEYWORDS:
            keyword = word
        else:
            module.words.setdefault(keyword, []).append(word)
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
        for dependency in sorted(modules[name].all("DEPENDS")):
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


def module_of(target, modules):
    """The module that an include is of, and the path in it: the longest name that fits."""
    parts = target.split("/")
    for length in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[:length])
        if name in modules:
            return name, "/".join(parts[length:])
    return None, target


def check_include(module, modules, where, path, match, problems):
    quote, target = match.groups()
    place = module.inside(path)[0]
    is_test = place in TEST_FOLDERS
    other, rest = module_of(target, modules)
    if other is None:
        sibling = is_test and "/" not in target and (path.parent / target).exists()
        if quote == '"' and not sibling:
            problems.append(f'{where}: "{target}" does not begin with a module of src/')
        return
    for_tests = rest.startswith("testing/")
    if for_tests and not is_test:
        problems.append(f"{where}: a source includes {target}, which is for tests")
        return
    if other == module.name:
        return
    module.used.add(other)
    if rest.startswith("tests/"):
        problems.append(f"{where}: {target} is for {other}'s own tests; what others share is in testing/")
        return
    wanted = f"{other}/testing" if for_tests else other
    keywords = ["DEPENDS"]
    if is_test:
        keywords.append("TESTING_DEPENDS")
    if place in {"tests", "fuzz"}:
        keywords.append("TEST_DEPENDS")
    allowed = module.all(*keywords)
    # MODULE/testing brings MODULE, and what its own testing/ stands on.
    if is_test:
        for name in [name for name in allowed if name.endswith("/testing")]:
            owner = name.removesuffix("/testing")
            if owner in modules:
                allowed |= {owner} | modules[owner].all("DEPENDS", "TESTING_DEPENDS")
    if wanted not in allowed:
        problems.append(f"{where}: {module.name} includes {target}, and src/{module.name}/CMakeLists.txt "
                        f"does not declare the edge to {wanted}")


def check_includes(module, modules, problems):
    for path in module.files("*"):
        if path.suffix not in {".h", ".cc"}:
            continue
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            check_include(module, modules, where, path, match, problems)


def check_built(module, problems):
    for path in module.files("*.cc"):
        parts = module.inside(path)
        if "/".join(parts) in module.cmake:
            continue
        if TEST_FOLDERS.keys() & set(parts[:-1]):
            ending = TEST_FOLDERS.get(parts[0])
            built = len(parts) == 2 and ending is not None and path.name.endswith(ending)
        else:
            built = path.name != "main.cc" and not path.name.endswith(("_test.cc", "_fuzz.cc"))
        if not built:
            problems.append(f"{path}: in no target: bulkhead_module() takes *.cc, tests/*_test.cc, testing/*.cc and "
                            "fuzz/*_fuzz.cc")
        elif parts[0] == "fuzz":
            corpus = module.folder / "fuzz" / "corpus" / path.stem
            if not corpus.is_dir() or not any(corpus.iterdir()):
                problems.append(f"{path}: has no seeds in {corpus}")


def check_threads(module, problems):
    """Tests that bring threads together run under ThreadSanitizer, which has only those that THREADS names."""
    named = module.all("THREADS")
    if named in ({"ALL"}, {"NONE"}):
        return
    for name in sorted(named):
        if not (module.folder / "tests" / f"{name}.cc").exists():
            problems.append(f"{module.folder / 'CMakeLists.txt'}: THREADS names {name}, which is not in tests/")
    for path in module.files("*_test.cc"):
        if path.stem not in named and STARTS_THREADS.search(path.read_text()):
            problems.append(f"{path}: starts threads, and THREADS in {module.folder / 'CMakeLists.txt'} does not name it")


def check(root):
    """Returns (problems, warnings) for the tree below root."""
    problems, warnings = [], []
    source = root / "src"
    modules = {}
    for path in sorted(source.glob("*/**/CMakeLists.txt")):
        module = read_module(source, path, problems)
        if module:
            modules[module.name] = module
    for module in modules.values():
        module.inner = {other.folder for other in modules.values() if module.folder in other.folder.parents}
    for path in sorted(source.rglob("*.cc")):
        if not any(module.folder in path.parents for module in modules.values()):
            problems.append(f"{path}: in no module: no folder above it has a CMakeLists.txt")

    for module in modules.values():
        for name in sorted(module.all("DEPENDS") - modules.keys()):
            problems.append(f"{module.folder / 'CMakeLists.txt'}: depends on {name}, which is no module")
        check_includes(module, modules, problems)
        check_built(module, problems)
        check_threads(module, problems)
        for name in sorted(module.all("DEPENDS") & modules.keys() - module.used):
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
