#!/usr/bin/env python3
"""Makes system calls of the real program fail, with strace.

Each case runs `quire sql` with an INSERT, or `quire run` (in a database that has Quire's
tables, or in a new one), while the Nth write, sync or truncation of the database fails:
once, or from then on. It must end as documented and
never claim what is not so: what it says was done is there, what it says was refused is
not. Afterwards the file is whole, and the same command works without the fault.

usage: syscalls.py QUIRE [all]

Without `all` a dozen cases. The exit status is 77 where strace may not trace.
"""

import collections
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from quire_program import LIMIT_S, Quire  # noqa: E402

SKIPPED = 77
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate")

PIPELINE = {
    "name": "faults",
    "stages": [
        {"name": "numbers", "task": {"kind": "command", "argv": ["seq", "5"], "output": "lines"}},
        {"name": "work", "after": ["numbers"], "for_each": "numbers",
         "task": {"kind": "command", "argv": ["sh", "-c", "echo \"$1\" >> ran.txt", "sh", "{{item}}"]}},
    ],
}

BEFORE = {"name": "before", "stages": [{"name": "one", "task": {"kind": "command", "argv": ["true"]}}]}

Ended = collections.namedtuple("Ended", "status interrupted err trace")

# command, system call, error, which of the calls (None: the last of them), whether all after it fail, too
CASES = (
    ("sql", "pwrite64", "EIO", 1, True),
    ("sql", "pwrite64", "ENOSPC", 1, True),
    ("sql", "pwrite64", "ENOSPC", 3, False),
    ("sql", "pwrite64", "EIO", None, False),
    ("sql", "fdatasync", "EIO", 1, True),
    ("sql", "fdatasync", "EIO", None, False),
    ("run", "pwrite64", "EIO", 10, True),
    ("run", "pwrite64", "ENOSPC", 20, True),
    ("run", "pwrite64", "EIO", 30, True),
    ("run", "fdatasync", "EIO", 1, True),
    ("new", "pwrite64", "ENOSPC", 20, True),
    ("new", "fdatasync", "EIO", 1, True),
)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def signal_traced(process, number):
    """Sends a signal to the program that strace runs, if it runs."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        children = file.read().split()
    for child in children:
        os.kill(int(child), number)
    return bool(children)


class Scene:
    """A database with one row, to which faults happen."""

    def __init__(self, program, folder, command):
        self.command = command
        self.quire = Quire(program, folder)
        self.trace = os.path.join(folder, "trace.txt")
        self.said = os.path.join(folder, "stderr.txt")
        self.pipeline = self.quire.write_pipeline(PIPELINE)
        made = self.quire.run("sql", "CREATE TABLE t(x)")
        assert made.returncode == 0, made.stderr
        if command != "new":
            made = self.quire.run("run", self.quire.write_pipeline(BEFORE, "before.json"))
            assert made.returncode == 0, made.stderr

    def words(self):
        if self.command == "sql":
            return ["sql", "INSERT INTO t VALUES('row')"]
        return ["run", self.pipeline, "--workers", "1"]

    def strace(self, call, inject=None):
        """Runs under strace, which sees only calls on the database and its log."""
        files = [word for end in ("", "-wal", "-journal") for word in ("-P", self.quire.database + end)]
        fault = ["-e", f"inject={call}:{inject}"] if inject else []
        # Leaks cannot be looked for in a process that is traced.
        settings = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        with open(self.said, "w", encoding="utf-8") as said:
            process = subprocess.Popen(
                ["strace", "-f", "-o", self.trace, *files, "-e", f"trace={call}", *fault,
                 *self.quire.command(*self.words())],
                cwd=self.quire.folder, env=settings, stdout=subprocess.DEVNULL, stderr=said, text=True)
        interrupted = self.await_end(process)
        err = "\n".join(line for line in read(self.said).splitlines() if not line.startswith("strace: "))
        return Ended(process.returncode, interrupted, err, read(self.trace))

    def await_end(self, process):
        """A run that waits for the disk says so and goes on for as long as it takes: it is
        interrupted then. Returns whether that was so."""
        interrupted = False
        until = time.monotonic() + LIMIT_S
        while process.poll() is None:
            if time.monotonic() > until:
                signal_traced(process, signal.SIGKILL)
                process.wait()
                raise AssertionError(f"it hangs: {read(self.said)}")
            if not interrupted and "it is tried again" in read(self.said):
                interrupted = signal_traced(process, signal.SIGTERM)
            select.select([], [], [], 0.01)
        return interrupted

    def rows(self):
        return self.quire.rows("SELECT count(*) FROM t")[0][0]

    def check_sql(self, ended, lasting_io_error):
        rows = self.rows()
        if ended.status == 0:
            assert rows == 1, f"it said that it wrote, and there are {rows} rows"
        else:
            assert ended.status == 1, "the status is not one that is documented"
            assert len(ended.err.splitlines()) == 1, "a failure is one line"
            # Quire's tables tell what became of a COMMIT that failed, as soon as one succeeds.
            unknown = "unknown" in ended.err
            assert lasting_io_error or not unknown, "it does not know what it could know"
            assert unknown or rows == 0, f"it said that it wrote nothing, and there are {rows} rows"
        again = self.quire.run(*self.words())
        assert again.returncode == 0, f"it does not write any more: {again.stderr}"
        assert self.rows() == rows + 1

    def check_run(self, ended, _):
        assert ended.status in ((0, 1, 3, 4, 130) if ended.interrupted else (0, 1, 3, 4)), "the status is not one that is documented"
        if ended.status == 0:
            states = self.quire.rows("SELECT state FROM quire_run WHERE pipeline = 'faults'")
            assert states == [(10,)], f"it said that the run completed, and its state is {states}"
        else:
            assert ended.err, "a failure without a word"
        status, summary = self.quire.summary("run", self.pipeline, "--workers", "1", "--resume")
        assert status == 0 and summary["state"] == "completed", f"it does not resume: {status} {summary}"
        work = self.quire.rows("SELECT count(*) FROM quire_task t JOIN quire_stage s ON s.id = t.stage_id "
                               "WHERE s.name = 'work' AND t.state = 10 AND s.run_id = (SELECT max(id) FROM quire_run)")
        assert work == [(5,)], f"{work} items have a result"

    def check(self, ended, lasting_io_error):
        (self.check_sql if self.command == "sql" else self.check_run)(ended, lasting_io_error)
        self.quire.check_integrity()


def one_case(program, command, call, error, which, persistent):
    """Returns how it ended, or None if there was no such call."""
    with tempfile.TemporaryDirectory(prefix="quire-syscalls-") as folder:
        if which is None:
            which = count_calls(program, command, call)
        scene = Scene(program, folder, command)
        name = f"{command}: {call} number {which}{' and all after it' if persistent else ''} fails with {error}"
        ended = scene.strace(call, f"error={error}:when={which}{'+' if persistent else ''}")
        if "(INJECTED)" not in ended.trace:
            return None
        try:
            scene.check(ended, persistent and error == "EIO")
        except AssertionError as failed:
            sys.exit(f"FAILED: {name}: {failed}\nstatus {ended.status}\nerr: {ended.err}\n"
                     f"{ended.trace[-3000:]}")
        return ended


def nearest_case(program, command, call, error, which, persistent):
    """strace counts the calls of each thread by itself, and the writer has none of its own: if no
    thread came to its call of this number, the one before it will do."""
    for number in range(which or count_calls(program, command, call), 0, -1):
        ended = one_case(program, command, call, error, number, persistent)
        if ended is not None:
            return ended
    return None


def count_calls(program, command, call):
    with tempfile.TemporaryDirectory(prefix="quire-syscalls-") as folder:
        ended = Scene(program, folder, command).strace(call)
        assert ended.status == 0, f"{command} fails without a fault: {ended.err}"
        return len(re.findall(rf"\b{call}\(", ended.trace))


def every_case(program):
    for command in ("sql", "run", "new"):
        for call in CALLS:
            for error in ("EIO", "ENOSPC") if call == "pwrite64" else ("EIO",):
                for which in range(1, count_calls(program, command, call) + 1):
                    for persistent in (False, True):
                        yield command, call, error, which, persistent


def main():
    program = sys.argv[1]
    probe = subprocess.run(["strace", "true"], capture_output=True, timeout=LIMIT_S, check=False)
    if probe.returncode != 0:
        print(f"strace may not trace here: {probe.stderr[-200:]}")
        sys.exit(SKIPPED)
    everything = sys.argv[2:] == ["all"]
    told = collections.Counter()
    for case in every_case(program) if everything else CASES:
        ended = one_case(program, *case) if everything else nearest_case(program, *case)
        # The number of calls of a run varies a little: what is past the last one is no case.
        if ended is None and not everything:
            sys.exit(f"FAILED: there is no such call: {case}")
        told["not reached" if ended is None else f"{case[0]} ended with {ended.status}"] += 1
        if ended is not None:
            print(case, ended.status, ended.err.splitlines()[-1:], flush=True)
    print(f"{sum(told.values())} cases: {dict(told)}")


if __name__ == "__main__":
    main()
