#!/usr/bin/env python3
"""Fails when a file breaks one of the rules of style that need no compiler.

Usage: limits.py <root of the tree>
Each finding is one line: file:line: what is wrong.
"""

import os
import re
import sys

FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 110

SKIPPED_FOLDERS = {".git", "build", "var", "__pycache__", ".cache"}
CODE = (".hpp", ".cpp")
TEXT = CODE + (".sql", ".cmake", ".txt", ".py", ".sh", ".in", ".json", ".md", ".yml", ".service")
TEXT_NAMES = {"Makefile", "run", "deps", ".clang-format", ".clang-tidy", ".gitignore"}

# Spelled in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.}/])/(wor" r"k|ro" r"ot)/")
SLEEPING = re.compile(r"this_thread::sleep|\busleep\s*\(|\bnanosleep\s*\(|(?<![\w:])::sleep\s*\(")


def sources(root):
    """Yields the paths below `root` that the rules are for, relative to it."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            x for x in folders
            if x not in SKIPPED_FOLDERS and not os.path.islink(os.path.join(folder, x)))
        for name in sorted(files):
            if name.endswith(TEXT) or name in TEXT_NAMES:
                yield os.path.relpath(os.path.join(folder, name), root)


def long_functions(lines):
    """Yields (line number, length) of each function that is too long.

    Relies on the formatter: what is defined at column `indent` ends with a
    closing brace alone at that column. Types end in `};` and namespaces carry a
    comment, so that they are not mistaken for functions. The column 2 is that
    of functions within a type, the column 0 that of all others.
    """
    reported = []
    for indent in ("", "  "):
        start = None
        for number, line in enumerate(lines, 1):
            if indent and line[:1] not in ("", " ", "#"):
                start = None
            if not line.startswith(indent) or line[len(indent):len(indent) + 1] in ("", " ", "#", "/"):
                continue
            text = line[len(indent):]
            if text == "}":
                inner = any(first <= number <= last for first, last in reported)
                if start and number - start + 1 > FUNCTION_LINES_MAX and not inner:
                    reported.append((start, number))
                    yield start, number - start + 1
                start = None
            elif text.startswith(("}", ")", "public:", "private:", "protected:")):
                start = None
            elif start is None or lines[number - 2].strip() == "" or lines[number - 2].endswith((";", "}")):
                start = number


def findings(root, path):
    """Yields (line number, what is wrong) for one file."""
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif lines:
        yield len(lines), "the last line does not end"
    is_code = path.endswith(CODE)
    is_test = path.startswith(("tests/", "tests\\"))
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        # A pipeline may well look for such words: that is data.
        if UNFINISHED.search(line) and not path.endswith(".json"):
            yield number, "unfinished work belongs into an issue, not into the tree"
        if MACHINE_PATH.search(line):
            yield number, "a path that only one machine has"
        if is_code and is_test and SLEEPING.search(line):
            yield number, "a test awaits events; it never sleeps"
        if is_code and len(line) > COLUMNS_MAX:
            # Texts for people are not torn apart; a search for them finds them.
            quote = line.find('"')
            if quote < 0 or quote > COLUMNS_MAX:
                yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"
    if is_code or path.endswith((".cmake", ".py", ".sql", ".sh")):
        most = TEST_FILE_LINES_MAX if is_test else FILE_LINES_MAX
        if len(lines) > most:
            yield len(lines), f"{len(lines)} lines, at most {most}"
    if path.endswith(".hpp") and "#pragma once" not in lines:
        yield 1, "a header without #pragma once"
    if is_code:
        for number, length in long_functions(lines):
            yield number, f"a function of {length} lines, at most {FUNCTION_LINES_MAX}"


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(__doc__, file=sys.stderr)
        return 2
    root = sys.argv[1]
    files = 0
    count = 0
    for path in sources(root):
        files += 1
        for number, what in findings(root, path):
            count += 1
            print(f"{path}:{number}: {what}")
    print(f"{files} files, {count} findings")
    # Nothing to look at is a wrong root, not a clean tree.
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main())
