#!/usr/bin/env python3
"""Says which share of the lines of each source file the tests reached.

Usage: coverage.py <build folder> [least percent of all]
Reads what a build with --coverage left behind, through gcov. Fails when the
share of all lines is below the given percentage.
"""

import collections
import gzip
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
FOLDERS = ("messages", "storage", "actors", "app")


def counts_below(build):
    """Returns {file: {line: count}} summed over all objects that ran."""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    data = [os.path.join(folder, name) for folder, _, files in os.walk(build)
            for name in files if name.endswith(".gcda")]
    for path in data:
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["gcov", "--json-format", os.path.abspath(path)], cwd=scratch,
                           stdout=subprocess.DEVNULL, check=True)
            for name in os.listdir(scratch):
                with gzip.open(os.path.join(scratch, name)) as file:
                    report = json.load(file)
                for source in report["files"]:
                    whole = os.path.join(report["current_working_directory"], source["file"])
                    relative = os.path.relpath(os.path.realpath(whole), ROOT)
                    if relative.split(os.sep)[0] in FOLDERS:
                        for line in source["lines"]:
                            lines[relative][line["line_number"]] += line["count"]
    return lines


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    counts = counts_below(sys.argv[1])
    if not counts:
        print("coverage: no counters found; were the tests run?", file=sys.stderr)
        return 1
    reached_in_all = lines_in_all = 0
    for path in sorted(counts):
        reached = sum(1 for count in counts[path].values() if count)
        reached_in_all += reached
        lines_in_all += len(counts[path])
        print(f"{100 * reached / len(counts[path]):6.1f} %  {reached:5} of {len(counts[path]):5}  {path}")
    share = 100 * reached_in_all / lines_in_all
    print(f"{share:6.1f} %  {reached_in_all:5} of {lines_in_all:5}  all")
    return 1 if len(sys.argv) == 3 and share < float(sys.argv[2]) else 0


if __name__ == "__main__":
    sys.exit(main())
