#!/usr/bin/env python3
"""Shows what benchmarks/peers/compare.py makes of the rounds of Quire and its peers."""

import io
import json
import pathlib
import sys
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "peers"))

import compare  # noqa: E402: found by the path above


def line(bench, case, rate, p50_us=None):
    figures = {"rate_per_s": rate, "p50_us": p50_us, "p99_us": None, "max_us": None, "cpu_us": 1,
               "locked_errors": 0}
    floor = {"floor_" + key: 7 for key in figures}
    return dict(figures, **floor, bench=bench, case=case, clients=1, window=1, sync="normal",
                ratio=7, p50_ratio=7, p99_ratio=7, max_ratio=7, refused=0, rss_growth_mib=None)


def compared(lines):
    text = "".join(json.dumps(one) + "\n" for one in lines)
    with mock.patch("sys.stdin", io.StringIO(text)), \
            mock.patch("sys.stdout", io.StringIO()) as out:
        compare.main()
    return {one["case"]: one for one in map(json.loads, out.getvalue().splitlines())}


class Compare(unittest.TestCase):
    def test_ratios_are_of_rounds_not_of_medians(self):
        """The machine became slower: both of the first rounds say 5, and the medians 2.5."""
        found = compared([
            line("task_bench", "e2e_normal", 100), line("plainjob", "plainjob_process", 20),
            line("task_bench", "e2e_normal", 50), line("plainjob", "plainjob_process", 10),
            line("task_bench", "e2e_normal", 40), line("plainjob", "plainjob_process", 40),
        ])["plainjob_process"]
        self.assertEqual(found["ratio"], 5)
        self.assertEqual(found["rate_per_s"], 50)
        self.assertEqual(found["floor_rate_per_s"], 20)
        self.assertEqual(found["bench"], "plainjob")

    def test_each_case_is_compared_with_that_of_the_same_work(self):
        ours = {"e2e_normal": 1000, "enqueue16": 2000, "enqueue_bulk": 3000}
        theirs = {"beanstalkd_process": 10, "beanstalkd_logged_process": 10,
                  "beanstalkd_enqueue16": 20, "beanstalkd_logged_enqueue_bulk": 30}
        found = compared([line("task_bench", case, rate) for case, rate in ours.items()]
                         + [line("beanstalkd", case, rate) for case, rate in theirs.items()])
        self.assertEqual(set(found), set(theirs))
        self.assertTrue(all(one["ratio"] == 100 for one in found.values()))

    def test_nothing_of_our_own_floor_is_left(self):
        found = compared([line("task_bench", "enqueue16", 10, 5.0),
                          line("plainjob", "plainjob_enqueue", 20)])["plainjob_enqueue"]
        self.assertEqual(found["p50_us"], 5)
        self.assertEqual(found["ratio"], 0.5)
        for key in ("floor_p50_us", "floor_max_us", "p50_ratio", "p99_ratio", "max_ratio"):
            self.assertIsNone(found[key], key)


if __name__ == "__main__":
    unittest.main()
