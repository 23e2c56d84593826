#!/usr/bin/env python3
"""Reads the lines of several rounds of Quire and its peers from the standard input, and
writes one for each case of a peer: Quire's figures, the peer's as its floor, and the median
of the ratios of the rounds.
"""

import json
import statistics
import sys

FIGURES = ("rate_per_s", "p50_us", "p99_us", "max_us", "cpu_us", "locked_errors")
OURS = {"process": "e2e_normal", "process4": "e2e_normal", "enqueue": "enqueue16",
        "enqueue16": "enqueue16", "enqueue_bulk": "enqueue_bulk"}


def middle(lines, key):
    known = [line[key] for line in lines if line[key] is not None]
    return statistics.median(known) if known else None


def compared(name, theirs, ours):
    """The line of one case of a peer; `theirs` and `ours` are in the order of the rounds."""
    result = dict(ours[0], bench=theirs[0]["bench"], case=name)
    for key in FIGURES:
        result[key] = middle(ours, key)
        result["floor_" + key] = middle(theirs, key)
    result["ratio"] = round(
        statistics.median(x["rate_per_s"] / y["rate_per_s"] for x, y in zip(ours, theirs)), 3)
    for key in ("p50_ratio", "p99_ratio", "max_ratio"):
        result[key] = None  # One request is not the same there.
    return result


def main():
    rounds = {}
    for text in sys.stdin:
        line = json.loads(text)
        rounds.setdefault((line["bench"], line["case"]), []).append(line)
    for (bench, case), theirs in rounds.items():
        if bench == "task_bench":
            continue
        kind = case.removeprefix(bench + "_").removeprefix("logged_")
        print(json.dumps(compared(case, theirs, rounds["task_bench", OURS[kind]])))


if __name__ == "__main__":
    main()
