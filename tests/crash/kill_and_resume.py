#!/usr/bin/env python3
"""Kills quire with SIGKILL at a random moment of a run, resumes it, and counts.

After each round: every item has exactly one accepted result and was completed
once; no item is lost; nothing that had ended before the kill was run again; the
summary says how many tasks were recovered; the file is whole.

usage: kill_and_resume.py QUIRE [ROUNDS [SEED]]
"""

import os
import random
import select
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from quire_program import LIMIT_S, Quire, kill  # noqa: E402

ITEMS = 300

PIPELINE = {
    "name": "crash",
    "stages": [
        {"name": "numbers", "task": {"kind": "command", "argv": ["seq", str(ITEMS)], "output": "lines"}},
        {"name": "work", "after": ["numbers"], "for_each": "numbers",
         # The file beside the database counts how often each item really ran.
         "task": {"kind": "command", "argv": ["sh", "-c", "echo \"$1\" >> ran.txt; echo \"$1\"", "sh", "{{item}}"]}},
        {"name": "sum", "after": ["work"],
         "task": {"kind": "command", "argv": ["awk", "{ sum += $1 } END { print sum }"],
                  "stdin": "{{stages.work.outputs}}"}},
    ],
}


def ended_tasks(quire):
    return {row[0]: row[1] for row in quire.rows("SELECT id, epoch FROM quire_task WHERE state >= 10")}


def wait_for_progress(process, quire, wanted):
    """Until `wanted` items have run, or the run is over: an event, not a time."""
    path = os.path.join(quire.folder, "ran.txt")
    while process.poll() is None:
        if os.path.exists(path) and os.path.getsize(path) >= wanted:
            return
        select.select([], [], [], 0.001)


def check(quire, before, summary):
    results = quire.rows("""SELECT t.item, count(r.id), t.state FROM quire_task t
        JOIN quire_stage s ON s.id = t.stage_id LEFT JOIN quire_task_result r ON r.id = t.id
        WHERE s.name = 'work' GROUP BY t.item""")
    assert len(results) == ITEMS, f"{len(results)} of {ITEMS} items"
    assert all(count == 1 and state == 10 for _, count, state in results), "an item without its one result"
    after = dict(quire.rows("SELECT id, epoch FROM quire_task"))
    assert all(after[task] == epoch for task, epoch in before.items()), "an ended task was claimed again"
    total = quire.rows("SELECT output FROM quire_task_result r JOIN quire_task t ON t.id = r.id "
                       "JOIN quire_stage s ON s.id = t.stage_id WHERE s.name = 'sum'")
    assert total == [(f'"{ITEMS * (ITEMS + 1) // 2}"',)], total
    crashed = quire.rows("SELECT count(*) FROM quire_task_attempt WHERE outcome = 'crashed'")[0][0]
    assert summary["recovered"] == crashed, (summary["recovered"], crashed)
    assert summary["state"] == "completed" and summary["locked_errors"] == 0, summary
    assert quire.rows("SELECT count(*) FROM quire_run")[0][0] == 1, "a second run was started"
    quire.check_integrity()
    return crashed


def one_round(program, randomness):
    with tempfile.TemporaryDirectory(prefix="quire-crash-") as folder:
        quire = Quire(program, folder)
        file = quire.write_pipeline(PIPELINE)
        process = quire.start("run", file, "--workers", "4")
        wait_for_progress(process, quire, randomness.randrange(0, 3 * ITEMS))
        kill(process)
        before = ended_tasks(quire) if os.path.exists(quire.database) else {}
        status, summary = quire.summary("run", file, "--workers", "4", "--resume")
        assert status == 0, (status, summary)
        return check(quire, before, summary)


def main():
    program = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
    print(f"replay with: {sys.argv[0]} {program} {rounds} {seed}", flush=True)
    randomness = random.Random(seed)
    recovered = 0
    for number in range(rounds):
        recovered += one_round(program, randomness)
        print(f"round {number + 1}: ok", flush=True)
    # A harness that never hits a running task proves nothing.
    assert recovered > 0, "no kill ever hit a running task"
    print(f"{rounds} kills, {recovered} tasks recovered, none lost, none accepted twice")


if __name__ == "__main__":
    main()
