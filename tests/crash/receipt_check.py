"""Judges what a killed writer acknowledged by what is in its file.

receipt_writer.cpp says what the lines mean and which numbers must fail.
"""

import collections

EXPECTED_REFUSALS = {"constraint", "function_failed", "sql"}


class Life:
    """What one process told before it was killed."""

    def __init__(self, number):
        self.number = number
        self.receipts = []    # (client, number, seq, sync)
        self.refusals = []    # (client, number, code, outcome)
        self.began = False
        self.opened = False

    def hear(self, line):
        """Takes one line; returns its first letter."""
        kind, *words = line.split(" ")
        if kind == "S":
            self.began = True
        elif kind == "B":
            self.opened = True
        elif kind == "R":
            client, number, seq, sync = words
            self.receipts.append((int(client), int(number), int(seq), sync))
        elif kind == "F":
            client, number, code, outcome = words
            self.refusals.append((int(client), int(number), code, outcome))
        else:
            raise AssertionError(f"not a line of the writer: {line!r}")
        return kind


def must_fail(number):
    return number % 8 == 7


def parts_of(number):
    return 2 + number % 2


def check_members(life, parts):
    """`parts` are those in the file, by (client, number)."""
    for member, found in sorted(parts.items()):
        wanted = list(range(parts_of(member[1])))
        if sorted(set(found)) != wanted:
            yield f"torn: {member} has the parts {found}"
        elif sorted(found) != wanted:
            yield f"duplicate: {member} has the parts {found}"
        if must_fail(member[1]):
            yield f"rejected but there: {member}"
    told = collections.Counter(receipt[:2] for receipt in life.receipts)
    for member, times in sorted(told.items()):
        if times > 1:
            yield f"acknowledged {times} times: {member}"
        if must_fail(member[1]):
            yield f"acknowledged although it must fail: {member}"
        if member not in parts:
            yield f"lost: {member}"
    for client, number, code, outcome in life.refusals:
        if (client, number) in told:
            yield f"acknowledged and refused: {(client, number)}"
        if not must_fail(number) or code not in EXPECTED_REFUSALS or outcome != "not_applied":
            yield f"refused for no reason: {(client, number, code, outcome)}"


def check_prefixes(parts):
    """A client sends in order: what is there of it has no gap."""
    last = {}
    for client, number in parts:
        last[client] = max(last.get(client, -1), number)
    for client, most in sorted(last.items()):
        for number in range(most):
            if not must_fail(number) and (client, number) not in parts:
                yield f"gap: {(client, number)} is missing, {most} is there"


def check_sequence(life, seen, before, after):
    """`seen` is the number of the commit before, as each member stored it."""
    last = {}
    for client, number, seq, _ in life.receipts:
        if seq == 0:
            continue
        if seq < last.get(client, 0):
            yield f"sequence: client {client} got {seq} after {last[client]}"
        last[client] = seq
        if not before < seq <= after:
            yield f"sequence: {seq} of {(client, number)} is outside of ({before}, {after}]"
    told = {(client, number): seq for client, number, seq, _ in life.receipts if seq}
    pairs = sorted({(told[member], seen[member]) for member in told if member in seen})
    for (seq, stored), (next_seq, next_stored) in zip(pairs, pairs[1:]):
        if seq == next_seq or stored >= next_stored:
            yield f"sequence: the receipts {seq} and {next_seq} stored {stored} and {next_stored}"


def check_life(life, rows, before, after):
    """Returns what is wrong as a list of texts.

    `rows` are (client, number, part, seq) of this life in the file; `before` and
    `after` the numbers of the last commit before this life and now.
    """
    parts = collections.defaultdict(list)
    seen = {}
    for client, number, part, seq in rows:
        parts[client, number].append(part)
        seen[client, number] = seq
    return [*check_members(life, parts), *check_prefixes(parts),
            *check_sequence(life, seen, before, after)]
