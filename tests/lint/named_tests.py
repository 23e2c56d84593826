#!/usr/bin/env python3
"""Fails if tests/README.md names a test that does not exist. Usage: named_tests.py ROOT"""

import pathlib
import re
import sys


def known_tests(folder):
    """Returns the names suite/case of all tests, and those that CMake gives to programs."""
    names = set()
    for listing in folder.rglob("CMakeLists.txt"):
        names.update(re.findall(r"add_test\(NAME (\w+/\w+)\s", listing.read_text()))
    for source in folder.rglob("*_test.cpp"):
        suite = ""
        for line in source.read_text().splitlines():
            opened = re.search(r"BOOST_(?:FIXTURE|AUTO)_TEST_SUITE\((\w+)", line)
            case = re.search(r"BOOST_(?:AUTO|DATA|FIXTURE)_TEST_CASE\(\s*(\w+)", line)
            if opened:
                suite = opened.group(1)
            elif case:
                names.add(f"{suite}/{case.group(1)}")
    return names


def main(root):
    known = known_tests(root / "tests")
    suites = {name.split("/")[0] for name in known}
    named = set()
    for line in (root / "tests" / "README.md").read_text().splitlines():
        if line.startswith("|"):
            named.update(re.findall(r"`(\w+/(?:\w+|\*))`", line))
    if not named:
        sys.exit("named_tests: tests/README.md names no test: is its table gone?")
    missing = [name for name in sorted(named)
               if name not in known and not (name.endswith("/*") and name[:-2] in suites)]
    for name in missing:
        print(f"tests/README.md: there is no test {name}", file=sys.stderr)
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
