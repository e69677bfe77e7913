#!/usr/bin/env python3
"""The checks of this folder, against trees with one fault planted in each: a check that finds nothing is no check."""

import tempfile
import unittest
from pathlib import Path

import check_modules
import check_printing
import check_tests
import check_text

GOOD = {
    "src/CMakeLists.txt": "",
    "src/base/CMakeLists.txt": "bulkhead_module(base LIBRARIES spdlog::spdlog)\n",
    "src/base/error.h": "#include <string>\n",
    "src/base/testing/fake_clock.cc": '#include "base/error.h"\n',
    "src/base/testing/fake_clock.h": "",
    "src/oci/CMakeLists.txt": "# a comment (with brackets)\nbulkhead_module(oci DEPENDS base)\n",
    "src/oci/digest.h": '#include "base/error.h"\n',
    "src/oci/digest.cc": '#include "oci/digest.h"\n#include <openssl/evp.h>\n',
    "src/oci/tests/digest_test.cc": '#include "oci/digest.h"\n',
    "src/oci/fuzz/digest_fuzz.cc": '#include "oci/digest.h"\n',
    "src/oci/fuzz/corpus/digest_fuzz/empty": "",
    "src/api/CMakeLists.txt": "bulkhead_module(api\n  DEPENDS oci base\n  TEST_DEPENDS base/testing)\n",
    "src/api/routes.cc": '#include "base/error.h"\n#include "oci/digest.h"\n',
    "src/api/tests/routes_test.cc": '#include "base/testing/fake_clock.h"\n',
    "src/api/pages/page.cc": '#include "api/pages/page.h"\n',
    "src/api/pages/page.h": "",
    "src/api/inner/CMakeLists.txt": "bulkhead_module(api/inner DEPENDS base THREADS race_test)\n",
    "src/api/inner/inner.h": '#include "base/error.h"\n',
    "src/api/inner/tests/race_test.cc": "std::thread thread;\n",
    "tests/whole.cmake": "bulkhead_suite(whole.wire wire release 300)\n",
    "tests/pytest.ini": "[pytest]\ntestpaths = wire\n",
    "tests/README.md": "| `wire` | the wire |\n",
    "tests/wire/test_wire.py": "def test_it():\n    pass\n",
    "README.md": "# Title\n\n[settings](docs/settings.md#some-key) [here](#title) [away](https://example.com)\n",
    "docs/settings.md": "## `some.key`\n\n## Some key\n\n[back](../README.md)\n",
}


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name, text in GOOD.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def expect(self, problems, *fragments):
        self.assertEqual(len(problems), 1, problems)
        for fragment in fragments:
            self.assertIn(fragment, problems[0])


class Modules(Tree):
    def problems(self):
        return check_modules.check(self.root)[0]

    def test_a_good_tree_has_neither_problems_nor_warnings(self):
        self.assertEqual(check_modules.check(self.root), ([], []))

    def test_an_undeclared_edge(self):
        self.write("src/oci/digest.cc", '#include "oci/digest.h"\n\n#include "api/routes.h"\n')
        self.expect(self.problems(), "digest.cc:3", "oci includes api/routes.h", "does not declare")

    def test_an_undeclared_edge_in_angle_brackets_with_spaces(self):
        self.write("src/oci/digest.cc", "  #  include   <api/routes.h>\n")
        self.expect(self.problems(), "does not declare the edge to api")

    def test_an_edge_through_another_module_is_not_declared(self):
        self.write("src/api/CMakeLists.txt", "bulkhead_module(api DEPENDS oci TEST_DEPENDS base/testing)\n")
        self.expect(self.problems(), "routes.cc:1", "the edge to base")

    def test_a_test_edge_is_no_edge_for_sources(self):
        self.write("src/oci/CMakeLists.txt", "bulkhead_module(oci DEPENDS base TEST_DEPENDS api)\n")
        self.write("src/oci/tests/digest_test.cc", '#include "api/routes.h"\n')
        self.assertEqual(self.problems(), [])
        self.write("src/oci/digest.cc", '#include "api/routes.h"\n')
        self.expect(self.problems(), "digest.cc:1")

    def test_a_fake_in_a_source(self):
        self.write("src/api/routes.cc", '#include "base/testing/fake_clock.h"\n#include "oci/digest.h"\n')
        self.expect(self.problems(), "which is for tests")

    def test_a_modules_own_fake_in_a_source(self):
        self.write("src/base/error.cc", '#include "base/testing/fake_clock.h"\n')
        self.expect(self.problems(), "which is for tests")

    def test_a_fake_that_is_not_linked(self):
        self.write("src/oci/tests/digest_test.cc", '#include "base/testing/fake_clock.h"\n')
        self.expect(self.problems(), "the edge to base/testing")

    def test_an_edge_to_a_module_within_another(self):
        self.write("src/oci/digest.cc", '#include "api/inner/inner.h"\n')
        self.expect(self.problems(), "the edge to api/inner")
        self.write("src/oci/digest.cc", "")
        self.write("src/api/inner/inner.h", '#include "base/error.h"\n#include "api/pages/page.h"\n')
        self.expect(self.problems(), "inner.h:2", "the edge to api")

    def test_a_module_that_is_called_otherwise_than_its_folder(self):
        self.write("src/api/inner/CMakeLists.txt", "bulkhead_module(inner DEPENDS base THREADS race_test)\n")
        self.expect(self.problems(), "declares the module ['inner'], not api/inner")

    def test_what_a_fake_stands_on_comes_with_it(self):
        self.write("src/oci/CMakeLists.txt", "bulkhead_module(oci DEPENDS base TESTING_DEPENDS api/inner)\n")
        self.write("src/oci/testing/fake_digest.h", '#include "api/inner/inner.h"\n')
        self.write("src/api/CMakeLists.txt", "bulkhead_module(api DEPENDS oci base TEST_DEPENDS base/testing oci/testing)\n")
        self.write("src/api/tests/routes_test.cc", '#include "oci/testing/fake_digest.h"\n#include "api/inner/inner.h"\n')
        self.assertEqual(self.problems(), [])
        self.write("src/oci/digest.cc", '#include "api/inner/inner.h"\n')
        self.expect(self.problems(), "digest.cc:1", "the edge to api/inner")

    def test_a_test_that_starts_threads_and_is_not_named(self):
        self.write("src/oci/tests/digest_test.cc", "std::jthread other(work);\n")
        self.expect(self.problems(), "digest_test.cc", "starts threads")
        self.write("src/oci/CMakeLists.txt", "bulkhead_module(oci DEPENDS base THREADS ALL)\n")
        self.assertEqual(self.problems(), [])

    def test_a_named_test_with_threads_that_is_not_there(self):
        self.write("src/oci/CMakeLists.txt", "bulkhead_module(oci DEPENDS base THREADS gone_test)\n")
        self.expect(self.problems(), "gone_test", "not in tests/")

    def test_an_include_that_is_not_from_the_root(self):
        self.write("src/oci/digest.cc", '#include "digest.h"\n')
        self.expect(self.problems(), '"digest.h" does not begin with a module')

    def test_a_neighbour_in_a_test_folder(self):
        self.write("src/oci/tests/support.h", "")
        self.write("src/oci/tests/digest_test.cc", '#include "support.h"\n#include "oci/digest.h"\n')
        self.assertEqual(self.problems(), [])
        self.write("src/api/tests/routes_test.cc", '#include "oci/tests/support.h"\n')
        self.expect(self.problems(), "oci's own tests")

    def test_circular_edges(self):
        self.write("src/base/CMakeLists.txt", "bulkhead_module(base DEPENDS api)\n")
        self.assertTrue([p for p in self.problems() if p == "circular edges: api -> base -> api"], self.problems())

    def test_an_unknown_module(self):
        self.write("src/oci/CMakeLists.txt", "bulkhead_module(oci DEPENDS base crypt)\n")
        self.expect(self.problems(), "depends on crypt")

    def test_an_unused_edge_is_a_warning(self):
        self.write("src/api/routes.cc", '#include "base/error.h"\n')
        problems, warnings = check_modules.check(self.root)
        self.assertEqual(problems, [])
        self.expect(warnings, "declares oci")

    def test_a_folder_that_is_not_built(self):
        self.write("src/lost/lost.cc", "")
        self.expect(self.problems(), "lost.cc", "in no module")

    def test_sources_in_no_target(self):
        for name in ("tests/deep/name_test.cc", "tests/name_tests.cc", "fuzz/name.cc", "name_test.cc", "main.cc",
                     "deep/tests/name_test.cc"):
            with self.subTest(name):
                self.write("src/oci/" + name, "")
                self.expect(self.problems(), name, "in no target")
                (self.root / "src/oci" / name).unlink()

    def test_a_source_that_its_module_names_itself(self):
        self.write("src/api/main.cc", "")
        self.write("src/api/CMakeLists.txt", GOOD["src/api/CMakeLists.txt"] + "add_executable(bulkhead main.cc)\n")
        self.assertEqual(self.problems(), [])

    def test_a_fuzzer_without_seeds(self):
        (self.root / "src/oci/fuzz/corpus/digest_fuzz/empty").unlink()
        self.expect(self.problems(), "digest_fuzz.cc", "no seeds")


class Tests(Tree):
    def problems(self):
        return check_tests.check(self.root)

    def test_a_good_tree_has_no_problems(self):
        self.assertEqual(self.problems(), [])

    def test_a_suite_that_nothing_runs(self):
        self.write("tests/lost/test_lost.py", "def test_it():\n    pass\n")
        problems = self.problems()
        self.assertEqual(len(problems), 3, problems)
        for place, problem in zip(("whole.cmake", "pytest.ini", "README.md"), problems):
            self.assertIn(place, problem)
            self.assertIn("test_lost.py", problem)

    def test_a_file_that_pytest_does_not_look_into(self):
        self.write("tests/wire/more.py", "def test_more():\n    pass\n")
        self.expect(self.problems(), "more.py", "test_*.py only")

    def test_a_file_in_a_folder_of_a_suite(self):
        self.write("tests/wire/deep/test_deep.py", "def test_it():\n    pass\n")
        self.expect(self.problems(), "test_deep.py", "in no suite")

    def test_a_suite_without_tests(self):
        (self.root / "tests/wire/test_wire.py").unlink()
        self.expect(self.problems(), "registers wire")


class Text(Tree):
    def problems(self):
        return check_text.check(self.root)

    def test_a_good_tree_has_no_problems(self):
        self.assertEqual(self.problems(), [])

    def test_a_note_to_oneself(self):
        self.write("scripts/run", "true  # TO" + "DO later\n")
        self.expect(self.problems(), "scripts/run:1")

    def test_a_long_file(self):
        self.write("src/oci/digest.cc", "\n" * 500)
        self.assertEqual(self.problems(), [])
        self.write("src/oci/digest.cc", "\n" * 501)
        self.expect(self.problems(), "501 lines")

    def test_a_dead_link(self):
        self.write("README.md", "# Title\n\n[settings](docs/setings.md)\n")
        self.expect(self.problems(), "docs/setings.md leads nowhere")

    def test_a_dead_link_by_reference(self):
        self.write("README.md", "[settings]\n\n[settings]: docs/setings.md\n")
        self.expect(self.problems(), "docs/setings.md leads nowhere")

    def test_a_dead_fragment(self):
        self.write("README.md", "# Title\n\n[settings](docs/settings.md#other-key)\n")
        self.expect(self.problems(), "heading that is not there")

    def test_code_is_not_prose(self):
        self.write("README.md", "`[a](b)`\n\n```\n[a](b)\n```\n")
        self.assertEqual(self.problems(), [])

    def test_a_document_that_a_source_names(self):
        self.write("src/oci/digest.h", "// docs/formats/blobs.md\n")
        self.expect(self.problems(), "docs/formats/blobs.md, which does not exist")

    def test_a_source_that_a_page_names(self):
        self.write("README.md", "See `oci/digest.h`, `src/oci/digest.cc` and `digest.h`.\n")
        self.assertEqual(self.problems(), [])
        self.write("README.md", "See `oci/old_digest.h`.\n")
        self.expect(self.problems(), "oci/old_digest.h, which does not exist")

    def test_a_capturing_coroutine(self):
        self.write("src/api/routes.cc", "auto f = [this](int x) -> async::Task<void> { co_return; };\n")
        self.expect(self.problems(), "routes.cc:1", "captures")
        self.write("src/api/routes.cc", "auto f = [](int x) -> asio::awaitable<void> { co_return; };\n")
        self.assertEqual(self.problems(), [])

    def test_a_conditional_that_is_awaited(self):
        self.write("src/api/routes.cc", "\nauto x = co_await mount(a, b ? *b : std::string());\n")
        self.expect(self.problems(), "routes.cc:2", "conditional")
        self.write("src/api/routes.cc", "auto c = b ? *b : std::string();\nauto x = co_await mount(a, c);  // a ? b : c\n"
                                        "return x ? one : two;\n")
        self.assertEqual(self.problems(), [])

    def test_a_hash_without_a_key(self):
        for line in ("std::unordered_map<std::string, int> names;", "std::unordered_set<Digest> seen;",
                     "std::hash<std::string>()(name);"):
            self.write("src/oci/digest.cc", "\n" + line + "\n")
            self.expect(self.problems(), "digest.cc:2", "no key")
        self.write("src/oci/digest.cc", "std::unordered_map<std::string, int, KeyedHash> names;\n"
                                        "std::unordered_map<std::int64_t, int> by_id;\n")
        self.assertEqual(self.problems(), [])


class Printing(Tree):
    def problems(self):
        return check_printing.check(self.root)

    def test_a_good_tree_has_no_problems(self):
        self.assertEqual(self.problems(), [])

    def test_output_past_the_function(self):
        for line in (
            'fmt::print("{}\\n", name);',
            'fmt::print(stderr, "{}", name);',
            "std::cout << name;",
            "std::cerr << name;",
            "std::printf(name.c_str());",
            "fputs(name, stdout);",
            "std::fwrite(name.data(), 1, name.size(), stdout);",
            "::write(STDOUT_FILENO, name.data(), name.size());",
            "spdlog::sinks::stderr_sink_mt sink; // stdout_sinks\nauto s = stdout_sinks();",
        ):
            with self.subTest(line):
                self.write("src/api/routes.cc", line + "\n")
                self.expect(self.problems(), "routes.cc", "writes past")

    def test_words_about_output_are_none(self):
        self.write("src/api/routes.cc", '// fmt::print and std::cout\nconst char* k = "printf(";\nbool t = isatty(STDERR_FILENO) == 1;\n')
        self.assertEqual(self.problems(), [])

    def test_tests_may_print(self):
        self.write("src/oci/tests/digest_test.cc", '#include "oci/digest.h"\nvoid f() { std::cout << 1; }\n')
        self.assertEqual(self.problems(), [])

    def test_text_printed_as_it_is(self):
        self.write("src/api/routes.cc", "say_exactly(name);\n")
        self.expect(self.problems(), "as it is")
        self.write("src/api/routes.cc", 'say("{}", name);\n')
        self.assertEqual(self.problems(), [])

    def test_a_log_message_from_outside(self):
        for line in ("log.warning(name, {});", "log_.error(error.message);", "services.log.info(text);",
                     "log().log(LogLevel::info, name);"):  # fmt: skip
            with self.subTest(line):
                self.write("src/api/routes.cc", line + "\n")
                self.expect(self.problems(), "routes.cc:1", "field")
        self.write("src/api/routes.cc", 'log.warning(\n    "words", {{"error", message}});\n')
        self.assertEqual(self.problems(), [])

    def test_a_page_of_a_string(self):
        for line in ("Html(provider.name)", 'response.header("Content-Type", "text/html; charset=utf-8");'):
            with self.subTest(line):
                self.write("src/api/routes.cc", line + "\n")
                self.expect(self.problems(), "html()")
        self.write("src/api/routes.cc", 'page.body += html("<p>{}</p>", provider.name);\n')
        self.assertEqual(self.problems(), [])

    def test_a_list_of_its_own(self):
        for line in ("bool hides(char32_t p) { return p == 0x200b; }", r'auto k = "\xe2\x80\x8b";', "case 0x202E: return true;"):
            with self.subTest(line):
                self.write("src/api/routes.cc", line + "\n")
                self.expect(self.problems(), "shown.cc alone")


if __name__ == "__main__":
    unittest.main()
