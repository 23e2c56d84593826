#!/usr/bin/env python3
"""The checker of receipts finds what it is there for: each kind is planted here."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from receipt_check import Life, check_life  # noqa: E402


def rows_of(*members):
    """(client, number, seq) with all of its parts."""
    return [(client, number, part, seq) for client, number, seq in members for part in range(2 + number % 2)]


class ReceiptCheck(unittest.TestCase):
    def setUp(self):
        self.life = Life(1)
        self.lines = ["S", "B 1", "R 0 0 11 full", "R 0 1 12 normal", "R 1 0 12 full", "F 0 7 constraint not_applied"]
        self.rows = rows_of((0, 0, 10), (0, 1, 11), (1, 0, 11))

    def problems(self, before=10, after=12):
        for line in self.lines:
            self.life.hear(line)
        return check_life(self.life, self.rows, before, after)

    def expect(self, text, **sequence):
        problems = self.problems(**sequence)
        self.assertTrue(any(text in problem for problem in problems), problems)

    def test_what_is_right_passes(self):
        self.assertEqual(self.problems(), [])

    def test_what_was_not_acknowledged_may_be_there(self):
        self.rows += rows_of((0, 2, 12))
        self.assertEqual(self.problems(after=13), [])

    def test_lost(self):
        self.rows = rows_of((0, 0, 10), (0, 1, 11))
        self.expect("lost: (1, 0)")

    def test_torn(self):
        self.rows.pop()
        self.expect("torn: (1, 0)")

    def test_torn_without_a_receipt(self):
        self.rows += rows_of((0, 2, 12))[:1]
        self.expect("torn: (0, 2)")

    def test_duplicate(self):
        self.rows.append(self.rows[0])
        self.expect("duplicate: (0, 0)")

    def test_whole_duplicate(self):
        self.rows += rows_of((0, 0, 10))
        self.expect("duplicate: (0, 0)")

    def test_rejected_member(self):
        self.rows += [row for n in range(2, 8) for row in rows_of((0, n, 11))]
        self.expect("rejected but there: (0, 7)")

    def test_acknowledged_although_it_must_fail(self):
        self.lines.append("R 0 7 12 normal")
        self.expect("acknowledged although it must fail: (0, 7)")

    def test_refused_without_a_reason(self):
        self.lines.append("F 0 2 unavailable not_applied")
        self.expect("refused for no reason")

    def test_unknown_outcome_of_a_member_that_must_fail(self):
        self.lines.append("F 1 7 timeout unknown")
        self.expect("refused for no reason")

    def test_gap(self):
        self.rows += rows_of((0, 3, 11))
        self.expect("gap: (0, 2)")

    def test_a_sequence_that_falls(self):
        self.lines += ["R 0 2 11 normal"]
        self.rows += rows_of((0, 2, 10))
        self.expect("client 0 got 11 after 12")

    def test_a_sequence_that_was_never_committed(self):
        self.expect("outside of", after=11)

    def test_a_sequence_of_an_earlier_life(self):
        self.expect("outside of", before=11)

    def test_one_number_for_two_commits(self):
        self.rows = rows_of((0, 0, 10), (0, 1, 11), (1, 0, 10))
        self.expect("the receipts")


if __name__ == "__main__":
    unittest.main()
