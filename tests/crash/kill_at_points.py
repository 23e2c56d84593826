#!/usr/bin/env python3
"""Kills a program with SIGKILL at named points of a task's way, and counts.

After each kill: the transaction that was under way is there as a whole or not at all;
the first transaction of the next boot gives back all that was running, and changes
nothing else; quire doctor finds nothing. When the rest has run: no task is lost, each
was accepted once, under its last claim, and its history has all of its claims.

Last, mistakes are planted that must be found, or nothing of this proves anything.

usage: kill_at_points.py PROGRAM QUIRE             each point
       kill_at_points.py PROGRAM QUIRE ROUNDS [SEED]   random points, several in one file
"""

import collections
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from quire_program import LIMIT_S, Quire  # noqa: E402
from task_ledger import STATES, check_boot, check_end, check_point, tasks_of  # noqa: E402

TASKS = 24
# Tasks of a stage are created 500 at a time: three portions.
PORTION = 500
MANY_ITEMS = 2 * PORTION + 100
FEW_ITEMS = 20

# A task that its process died under for the third time is poison.
KILLS_OF_A_FILE = 2

PORTIONS = ("portion_before_commit", "portion_after_commit", "last_portion_before_commit",
            "last_portion_after_commit")

# Point, at which time it is reached, items of the stage, its tasks that exist then.
MATRIX = [
    ("claim_before_commit", 1, FEW_ITEMS, None),
    ("claim_after_commit", 1, FEW_ITEMS, None),
    *((point, 2, FEW_ITEMS, None) for point in STATES),
    ("portion_before_commit", 2, MANY_ITEMS, PORTION),
    ("portion_after_commit", 2, MANY_ITEMS, 2 * PORTION),
    ("last_portion_before_commit", 1, MANY_ITEMS, 2 * PORTION),
    ("last_portion_after_commit", 1, MANY_ITEMS, MANY_ITEMS),
]

# What it is, where it is killed first, what is done to the file after the kill and what after the
# boot, what is to be said.
MISTAKES = [
    ("what was running stays with the dead process", "claim_after_commit",
     """CREATE TRIGGER forgets AFTER UPDATE OF state ON quire_task WHEN old.state = 3 AND new.state = 1
        BEGIN UPDATE quire_task SET state = 3, boot = 1000000 WHERE id = new.id; END""",
     "", "of the running task"),
    ("what was running is lost", "claim_after_commit",
     """CREATE TRIGGER loses AFTER UPDATE ON quire_meta WHEN new.key = 'boot'
        BEGIN DELETE FROM quire_task WHERE state = 3; END""", "", "a boot made None"),
    ("what has ended runs again", "completion_after_commit", "",
     "UPDATE quire_task SET state = 1, finished_at = NULL WHERE id = (SELECT max(id) FROM quire_task WHERE state = 10)",
     "it ended by [("),
    ("a step that is done is forgotten", "step_after_commit", "DELETE FROM quire_task_step", "", "the step of task"),
    ("what waits is lost", "claim_after_commit", "", """DELETE FROM quire_task WHERE id = (
        SELECT max(id) FROM quire_task WHERE state = 1 AND stage_id IS NULL AND gate IS NULL)""", "lost or doubled"),
]


class Failed(Exception):
    pass


def refuse(problems):
    problems = list(problems)
    if problems:
        raise Failed("; ".join(problems[:5]))


class File:
    """One database and all the lives that worked on it."""

    def __init__(self, program, quire, folder, items, tasks=TASKS):
        self.program = os.path.abspath(program)
        self.quire = Quire(quire, folder)
        self.tasks = tasks
        self.items = items

    def live(self, *point):
        """Returns what the program said when it was killed at `point`, or nothing if it returned."""
        words = [self.program, self.quire.database, str(self.tasks), str(self.items), *map(str, point)]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if ended.returncode == 0 and not ended.stdout:
            return None
        said = ended.stdout.split()
        if ended.returncode != -signal.SIGKILL or not point or said[:2] != ["at", point[0]]:
            raise Failed(f"{point}: ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
        return list(map(int, said[2:]))

    def kill(self, point, count, first=False, created=None):
        """Returns whether the point was reached."""
        said = self.live(point, count)
        if said is None:
            return False
        refuse(check_point(self.quire, point, count if first else None, said[1:], created))
        return True

    def boot(self):
        """A boot that is killed before it commits, and one that is killed before it does more."""
        before = tasks_of(self.quire)
        self.live("boot_before_commit")
        if tasks_of(self.quire) != before:
            raise Failed("a boot that was killed before its commit left something")
        committed = self.live("boot_after_commit")[0]
        if committed != 1:
            raise Failed(f"the boot gave back what was running in its transaction {committed}, not in its first one")
        refuse(check_boot(self.quire, before))
        self.examine()

    def examine(self):
        ended = self.quire.run("doctor")
        if ended.returncode != 0:
            raise Failed(f"quire doctor: {ended.stdout}{ended.stderr}")

    def finish(self):
        if self.live() is not None:
            raise Failed("it did not run to its end")
        refuse(check_end(self.quire, self.tasks, self.items))
        self.examine()
        self.quire.check_integrity()

    def change(self, sql):
        with sqlite3.connect(self.quire.database) as connection:
            connection.execute(sql)
        connection.close()


def run_matrix(program, quire):
    recovered = 0
    for point, count, items, created in MATRIX:
        with tempfile.TemporaryDirectory(prefix="quire-points-") as folder:
            file = File(program, quire, folder, items)
            if not file.kill(point, count, first=True, created=created):
                raise Failed(f"{point} was not reached {count} times")
            recovered += sum(task[0] == 3 for task in tasks_of(file.quire).values())
            file.boot()
            file.finish()
        print(f"{point} {count}: ok", flush=True)
    print(f"{len(MATRIX)} kills, {recovered} tasks recovered, none lost, none accepted twice")


def find_mistakes(program, quire):
    for what, point, after_kill, after_boot, said in MISTAKES:
        with tempfile.TemporaryDirectory(prefix="quire-points-") as folder:
            file = File(program, quire, folder, FEW_ITEMS)
            if not file.kill(point, 1):
                raise Failed(f"{point} was not reached")
            file.change(after_kill)
            try:
                file.boot()
                file.change(after_boot)
                file.finish()
            except Failed as failed:
                if said not in str(failed):
                    raise
                print(f"found: {what}: {str(failed)[:200]}", flush=True)
                continue
        raise Failed(f"not found: {what}")


def run_randomly(program, quire, rounds, seed):
    print(f"replay with: {sys.argv[0]} {program} {quire} {rounds} {seed}", flush=True)
    randomness = random.Random(seed)
    hits = collections.Counter()
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="quire-points-") as folder:
            file = File(program, quire, folder, randomness.choice((FEW_ITEMS, MANY_ITEMS)),
                        randomness.randrange(1, 100))
            for _ in range(KILLS_OF_A_FILE):
                point = randomness.choice((*STATES, *PORTIONS))
                if not file.kill(point, randomness.randrange(1, 12)):
                    break
                hits[point] += 1
                file.boot()
            file.finish()
        print(f"round {number + 1}: ok", flush=True)
    missed = {*STATES, *PORTIONS} - set(hits)
    if missed and rounds >= 50:
        raise Failed(f"never reached: {sorted(missed)}")
    print(f"{sum(hits.values())} kills at {len(hits)} points, no task lost, none accepted twice")


def main():
    program, quire = sys.argv[1:3]
    try:
        if len(sys.argv) > 3:
            seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.SystemRandom().randrange(1 << 32)
            run_randomly(program, quire, int(sys.argv[3]), seed)
        else:
            run_matrix(program, quire)
            find_mistakes(program, quire)
    except Failed as failed:
        sys.exit(f"FAILED: {failed}")


if __name__ == "__main__":
    main()
