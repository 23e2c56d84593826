"""Judges what is in the database of task_points.cpp after one of its lives.

What is wrong is yielded as texts.
"""

import collections
import json

READY, BLOCKED, RUNNING, RETRYABLE, COMPLETED = 1, 2, 3, 5, 10

# Where the tasks that a point names stand, as the file must have it. What is claimed may have
# been given back in the same transaction, and what failed may be claimed again in it.
STATES = {
    "claim_before_commit": {READY, BLOCKED, RUNNING, RETRYABLE},
    "claim_after_commit": {RUNNING},
    "handler_runs": {RUNNING},
    "handler_returned": {RUNNING},
    "completion_before_commit": {RUNNING},
    "completion_after_commit": {COMPLETED},
    "step_before_commit": {RUNNING},
    "step_after_commit": {RUNNING},
    "retry_before_commit": {RUNNING},
    "retry_after_commit": {READY, BLOCKED, RUNNING, RETRYABLE},
}


def tasks_of(quire):
    """All tasks by id, as (state, epoch, attempt, crashes)."""
    rows = quire.rows("SELECT id, state, epoch, attempt, crashes FROM quire_task")
    return {row[0]: row[1:] for row in rows}


def check_point(quire, point, count, ids, created=None):
    """A transaction that was killed before its commit left nothing, one after it everything.

    `count` is how often the point was reached in this life, `created` how many tasks of the stage
    exist, where that is known: both only in the first life of a file.
    """
    if point == "claim_before_commit" and count == 1 and quire.rows("SELECT * FROM claimed"):
        yield f"{point}: something was claimed"
    if point in STATES:
        tasks = tasks_of(quire)
        for task in ids:
            if tasks[task][0] not in STATES[point]:
                yield f"{point}: task {task} is in the state {tasks[task][0]}, not in {STATES[point]}"
        if point.startswith("retry"):
            yield from check_failure(quire, ids, told=point == "retry_after_commit")
        if point.startswith("step"):
            yield from check_steps(quire, ids, done=point == "step_after_commit")
    elif "portion" in point:
        total, sealed = quire.rows("SELECT total, sealed FROM quire_stage WHERE id = ?", ids[0])[0]
        if created is not None and total != created:
            yield f"{point}: {total} tasks of stage {ids[0]} were created, not {created}"
        if point.startswith("last") and sealed != point.endswith("after_commit"):
            yield f"{point}: stage {ids[0]} has sealed = {sealed}"


def check_failure(quire, ids, told):
    failed = {row[0] for row in quire.rows("SELECT task_id FROM quire_task_attempt WHERE outcome = 'failed'")}
    for task in ids:
        if (task in failed) != told:
            yield f"the history {'does not tell' if told else 'tells'} of the failed attempt of task {task}"


def check_steps(quire, ids, done):
    """A step is done with all that it writes, or not at all."""
    for task in ids:
        written = quire.rows("SELECT epoch FROM stepped WHERE task = ?", task)
        kept = quire.rows("SELECT epoch FROM quire_task_step WHERE task_id = ?", task)
        if written != kept or len(kept) != done:
            yield f"the step of task {task} wrote {written}, and {kept} is kept of it"


def check_boot(quire, before):
    """The first transaction of a boot gives back all that was running, and touches nothing else."""
    after = tasks_of(quire)
    crashed = {row for row in quire.rows("SELECT task_id, epoch FROM quire_task_attempt WHERE outcome = 'crashed'")}
    for task, (state, epoch, attempt, crashes) in sorted(before.items()):
        if state != RUNNING:
            if after.get(task) != before[task]:
                yield f"a boot changed task {task} from {before[task]} to {after.get(task)}"
            continue
        if after.get(task) != (READY, epoch, attempt - 1, crashes + 1):
            yield f"a boot made {after.get(task)} of the running task {task}, which was {before[task]}"
        if (task, epoch) not in crashed:
            yield f"nothing says that the claim {epoch} of task {task} crashed"
    if set(after) - set(before):
        yield f"a boot created the tasks {sorted(set(after) - set(before))}"


def flaky_tasks(quire):
    return [row[0] for row in quire.rows("""SELECT t.id FROM quire_task t JOIN quire_lane l ON l.id = t.lane
                                            WHERE kind = 'flaky'""")]


def check_counts(quire, tasks, items):
    found = collections.Counter(kind for (kind,) in quire.rows(
        "SELECT kind FROM quire_task t JOIN quire_lane l ON l.id = t.lane"))
    flaky = (tasks + 2) // 3
    wanted = collections.Counter(flaky=flaky, plain=tasks - flaky, item=items, gather=1)
    if found != wanted:
        yield f"lost or doubled: there are {dict(found)}, not {dict(wanted)}"
    listed = [row[0] for row in quire.rows(
        "SELECT item FROM quire_task t JOIN quire_stage s ON s.id = t.stage_id WHERE name = 'items' ORDER BY item")]
    if listed != list(range(items)):
        yield f"the items have the tasks {listed}"
    for (payload,) in quire.rows("""SELECT payload FROM quire_task_body b JOIN quire_task t ON t.id = b.id
                                    JOIN quire_lane l ON l.id = t.lane WHERE kind = 'gather'"""):
        outputs = json.loads(payload)
        outputs = json.loads(outputs) if isinstance(outputs, str) else outputs
        if len(outputs) != items:
            yield f"the last stage began with {len(outputs)} of {items} outputs"
    yield from check_steps(quire, flaky_tasks(quire), done=True)
    if quire.rows("SELECT state FROM quire_run") != [(COMPLETED,)]:
        yield "the run did not complete"
    if quire.rows("SELECT * FROM quire_gate WHERE used <> 0") or quire.rows("SELECT * FROM quire_task_key"):
        yield "a place in a gate or a unique key is left"


def check_history(kind, task, state, claims, ends, attempts, result):
    """One task: `attempts` are (epoch, attempt, outcome), in order."""
    state, epoch, attempt, crashes = state
    if state != COMPLETED or ends != [(epoch, COMPLETED)]:
        yield f"task {task} is in the state {state}, its claim is {epoch}, and it ended by {ends}"
    if result != [(epoch, str(epoch))]:
        yield f"task {task} ended by its claim {epoch}, and has the results {result}"
    if claims != list(range(1, epoch + 1)):
        yield f"task {task} has the claim {epoch}, and was claimed as {claims}"
    if [one[0] for one in attempts] != list(range(1, epoch)):
        yield f"task {task} has the claim {epoch}, and the history {attempts}"
    failed = 0
    for claim, number, outcome in attempts:
        if number != failed + 1 or outcome not in ("crashed", "failed", "released"):
            yield f"the claim {claim} of task {task} is the attempt {number}, and ended as {outcome}"
        failed += outcome == "failed"
    if failed != (kind == "flaky") or attempt != failed + 1:
        yield f"task {task} made {attempt} attempts, of which {failed} failed"
    if crashes != sum(outcome == "crashed" for _, _, outcome in attempts):
        yield f"task {task} counts {crashes} crashes, and has the history {attempts}"


def grouped(rows):
    groups = collections.defaultdict(list)
    for task, *rest in rows:
        groups[task].append(rest[0] if len(rest) == 1 else tuple(rest))
    return groups


def check_end(quire, tasks, items):
    """After all has ended: nothing is lost, nothing was accepted twice."""
    yield from check_counts(quire, tasks, items)
    claims = grouped(quire.rows("SELECT task, epoch FROM claimed ORDER BY task, epoch"))
    ends = grouped(quire.rows("SELECT task, epoch, state FROM ended ORDER BY rowid"))
    attempts = grouped(quire.rows("SELECT task_id, epoch, attempt, outcome FROM quire_task_attempt ORDER BY 1, 2"))
    results = grouped(quire.rows("SELECT id, epoch, output FROM quire_task_result"))
    kinds = dict(quire.rows("SELECT t.id, kind FROM quire_task t JOIN quire_lane l ON l.id = t.lane"))
    for task, state in tasks_of(quire).items():
        yield from check_history(kinds[task], task, state, claims[task], ends[task], attempts[task], results[task])
