#!/usr/bin/env python3
"""Shows that the house checks can fail: each is given what it must refuse."""

import pathlib
import unittest

import check_deps
import check_tests_named
import cpp_text
import run_tests
import tidy


class TidyTest(unittest.TestCase):
    def setUp(self):
        tidy.findings.clear()

    def rules(self):
        return {rule for rule, _, _, _ in tidy.findings}

    def calls(self, path, code):
        tidy.check_calls(pathlib.Path(path), cpp_text.blank_comments_and_strings(code))
        return self.rules()

    def test_banned_calls_are_found_in_code_only(self):
        self.assertEqual(self.calls("src/codec/x.cc", "int a = atoi(text);"), {"call"})
        tidy.findings.clear()
        self.assertEqual(self.calls("src/codec/x.cc", '// atoi(text)\nauto a = "rand()";'), set())

    def test_memcmp_is_banned_where_secrets_are(self):
        self.assertEqual(self.calls("src/jose/x.cc", "std::memcmp(a, b, 32)"), {"call"})
        tidy.findings.clear()
        self.assertEqual(self.calls("src/storage/x.cc", "std::memcmp(a, b, 32)"), set())

    def test_long_lines_and_foreign_letters(self):
        tidy.check_lines(pathlib.Path("src/base/x.cc"), "x" * 101 + "\n\u00e9\n")
        self.assertEqual(self.rules(), {"columns", "ascii"})

    def test_long_files(self):
        tidy.check_lines(pathlib.Path("src/base/x.h"), "\n" * 301)
        self.assertEqual(self.rules(), {"length"})

    def test_names(self):
        tidy.check_name(pathlib.Path("src/base/string_util.cc"))
        self.assertEqual(self.rules(), {"name"})

    def test_unfinished_work(self):
        tidy.check_words(pathlib.Path("src/base/x.cc"), "// TODO: check the tag\n")
        self.assertEqual(self.rules(), {"unfinished"})

    def test_header_comments(self):
        text = "// Words.\n#pragma once\n// A thing.\nclass Thing {\n  int Parse(int);\n};\n"
        tidy.check_header(pathlib.Path("src/base/thing.h"), text,
                          cpp_text.blank_comments_and_strings(text))
        self.assertEqual(len(tidy.findings), 3)  # the sentence, Source, Shape

    def test_stale_exception(self):
        kept = tidy.apply_exceptions({("call", "src/base/gone.cc"): 1})
        self.assertEqual([rule for rule, _, _, _ in kept], ["exception"])


class DepsTest(unittest.TestCase):
    def setUp(self):
        check_deps.findings.clear()

    def test_cycle(self):
        check_deps.reachable("base", {"base": ["codec"], "codec": ["base"]})
        self.assertIn("cycle", check_deps.findings[0])

    def test_forbidden_module(self):
        check_deps.check_module_include(pathlib.Path("src/base/x.cc"), 1, "codec/hex.h",
                                        {"base"}, {"base"})
        self.assertIn("may not include", check_deps.findings[0])

    def test_library_outside_its_module(self):
        check_deps.check_library_include(pathlib.Path("src/jose/x.cc"), 1, "openssl/evp.h")
        self.assertIn("belongs to", check_deps.findings[0])

    def test_library_in_a_header(self):
        check_deps.check_library_include(pathlib.Path("src/crypto/x.h"), 1, "openssl/evp.h")
        self.assertIn("public header", check_deps.findings[0])


class TestsNamedTest(unittest.TestCase):
    def findings(self, last_cell):
        page = ("## Who learns what\n| who | tries | test |\n|---|---|---|\n"
                f"| a | b | {last_cell} |\n\n## Speed\n")
        return check_tests_named.findings(page, {"Suite.Case", "All/Many.Case"})

    def test_a_line_needs_a_test_that_is_there(self):
        for right in ("`Suite.Case`", "`Suite.*`, `All/Many.Case`", "`tests/e2e`"):
            self.assertEqual(self.findings(right), [])
        for wrong in ("", "by construction", "`Suite.Other`", "`Case`", "`peer: test_none`"):
            self.assertEqual(len(self.findings(wrong)), 1, wrong)


class RunTestsTest(unittest.TestCase):
    def outcome(self, output, status):
        test = run_tests.Test("t", [], [], ".", {}, 1.0, False, False)
        result = run_tests.Outcome(test, output=output)
        run_tests.count_plain(result, status)
        return result

    def test_counts_the_last_line(self):
        result = self.outcome("skipped: a: no node\n3 passed, 0 failed, 1 skipped\n", 0)
        self.assertEqual((result.passed, result.failed), (3, 0))
        self.assertEqual(result.skips, [("a", "no node")])

    def test_bad_status_is_a_failure(self):
        self.assertEqual(self.outcome("3 passed, 0 failed, 0 skipped", 1).failed, 1)

    def test_nothing_checked_is_a_failure(self):
        self.assertEqual(self.outcome("0 passed, 0 failed, 0 skipped", 0).failed, 1)

    def test_skip_without_leave_is_a_failure(self):
        result = self.outcome("skipped: a: lazy\n1 passed, 0 failed, 1 skipped", 0)
        self.assertEqual(run_tests.refuse_skips(result, ["b*"]), [("a", "lazy")])
        self.assertEqual((result.failed, result.skips), (1, []))


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=0)
    broken = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - broken} passed, {broken} failed, 0 skipped", flush=True)
    raise SystemExit(1 if broken else 0)
