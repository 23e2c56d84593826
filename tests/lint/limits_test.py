#!/usr/bin/env python3
"""Proves that limits.py can fail: plants one violation at a time in a small tree."""

import os
import subprocess
import sys
import tempfile
import unittest

LIMITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "limits.py")


def function_of(lines, indent=""):
    """Returns a function of so many lines, its braces included."""
    body = [f"{indent}  int x{i} = {i};" for i in range(lines - 2)]
    return "\n".join([f"{indent}void f() {{"] + body + [f"{indent}}}"]) + "\n"


class LimitsTest(unittest.TestCase):
    def check(self, path, text):
        """Returns the exit status and the output for a tree with this one file."""
        with tempfile.TemporaryDirectory() as root:
            whole = os.path.join(root, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([sys.executable, LIMITS, root], capture_output=True, text=True,
                                  check=False)
            return done.returncode, done.stdout

    def assert_found(self, path, text, what):
        status, output = self.check(path, text)
        self.assertEqual(status, 1, output)
        self.assertIn(what, output)

    def assert_clean(self, path, text):
        status, output = self.check(path, text)
        self.assertEqual(status, 0, output)

    def test_a_long_file_is_found(self):
        self.assert_found("actors/a.cpp", "int x;\n" * 401, "401 lines")
        self.assert_clean("actors/a.cpp", "int x;\n" * 400)

    def test_a_test_may_have_more_lines(self):
        self.assert_clean("tests/actors/a_test.cpp", "int x;\n" * 500)
        self.assert_found("tests/actors/a_test.cpp", "int x;\n" * 501, "501 lines")

    def test_a_long_function_is_found(self):
        self.assert_found("actors/a.cpp", function_of(71), "a function of 71 lines")
        self.assert_clean("actors/a.cpp", function_of(70))

    def test_a_long_member_function_is_found(self):
        head = "#pragma once\n\nclass a {\npublic:\n"
        self.assert_found("app/a.hpp", head + function_of(71, "  ") + "};\n", "a function of 71")
        self.assert_clean("app/a.hpp", head + function_of(70, "  ") + "};\n")

    def test_the_signature_counts(self):
        text = function_of(69).replace("void f() {", "void f(int a,\n       int b,\n       int c) {")
        self.assert_found("actors/a.cpp", text, "a function of 71 lines")

    def test_a_blank_line_or_a_block_does_not_end_a_function(self):
        body = function_of(40).rstrip("}\n") + "\n\n  if (x1) {\n  }\n" + "  x();\n" * 40 + "}\n"
        self.assert_found("actors/a.cpp", body, "a function of")

    def test_neighbours_are_counted_apart(self):
        self.assert_clean("actors/a.cpp", function_of(50) + "\n" + function_of(50))

    def test_a_long_type_or_namespace_is_no_function(self):
        members = "".join(f"  int x{i};\n" for i in range(100))
        self.assert_clean("actors/a.cpp", "namespace a {\n\nstruct b {\n" + members + "};\n\n} // namespace a\n")

    def test_functions_of_a_macro_are_not_taken_for_one(self):
        text = ("#define A \\\n  void f() { \\\n  }\n" + (function_of(5) + "\n") * 30) * 2
        self.assert_clean("actors/a.cpp", text)

    def test_a_wide_line_is_found(self):
        self.assert_found("storage/a.cpp", "int " + "x" * 107 + ";\n", "columns")
        self.assert_clean("storage/a.cpp", "int " + "x" * 105 + ";\n")

    def test_a_text_for_people_may_be_wide(self):
        self.assert_clean("storage/a.cpp", '  say("' + "x" * 150 + '");\n')

    def test_trailing_blanks_are_found(self):
        self.assert_found("storage/a.sql", "SELECT 1; \n", "blanks at the end")

    def test_a_last_line_without_end_is_found(self):
        self.assert_found("storage/a.sql", "SELECT 1;", "does not end")

    def test_unfinished_work_is_found(self):
        for word in ("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"):
            self.assert_found("README.md", f"// {word}: later\n", "unfinished work")
        self.assert_clean("app/examples/a.json", '["grep", "X' 'XX"]\n')
        self.assert_clean("tests/support/a.cpp", 'auto name = "test-X' 'XXXXX";\n')

    def test_a_path_of_one_machine_is_found(self):
        self.assert_found("Makefile", "run:\n\t/wor" "k/main/run\n", "only one machine")
        self.assert_found("README.md", "See `/ro" "ot/notes`.\n", "only one machine")
        self.assert_clean("README.md", "See net" "/wor" "k/ and sources/ro" "ot/.\n")

    def test_a_sleeping_test_is_found(self):
        self.assert_found("tests/a_test.cpp", "  std::this_thread::sleep_for(1s);\n", "never sleeps")
        self.assert_found("tests/a_test.cpp", "  usleep(10);\n", "never sleeps")
        self.assert_clean("actors/a.cpp", "  std::this_thread::sleep_for(1s);\n")

    def test_a_header_without_guard_is_found(self):
        self.assert_found("app/a.hpp", "int f();\n", "#pragma once")

    def test_a_folder_without_sources_is_an_error(self):
        status, output = self.check("notes.bin", "")
        self.assertEqual(status, 1, output)


if __name__ == "__main__":
    unittest.main()
