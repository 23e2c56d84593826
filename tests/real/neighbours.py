#!/usr/bin/env python3
"""Other programs use the database while quire runs a pipeline in it.

The sqlite3 shell and Python's sqlite3 read and write the file of a running
pipeline for SECONDS. Nobody may ever be told that the database is locked, all of
their rows are there afterwards, and the file is whole. As README.md asks of
neighbours that write, they wait for locks and leave checkpoints to the owner.

usage: neighbours.py QUIRE [SECONDS]
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from quire_program import LIMIT_S, Quire  # noqa: E402

PIPELINE = {
    "name": "neighbours",
    "stages": [
        {"name": "numbers", "task": {"kind": "command", "argv": ["seq", "100000"], "output": "lines"}},
        {"name": "work", "after": ["numbers"], "for_each": "numbers",
         "task": {"kind": "command", "argv": ["echo", "{{item}}"]}},
    ],
}


class Neighbours:
    def __init__(self, quire, until):
        self.quire = quire
        self.until = until
        self.errors = []
        self.python_rows = 0
        self.shell_rows = 0
        self.reads = 0

    def busy(self):
        return time.monotonic() < self.until and not self.errors

    def python(self):
        connection = sqlite3.connect(self.quire.database, timeout=30)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        try:
            while self.busy():
                with connection:
                    connection.execute("INSERT INTO neighbour(who) VALUES('python')")
                self.python_rows += 1
                connection.execute("SELECT count(*) FROM quire_task WHERE state >= 10").fetchone()
                self.reads += 1
        except sqlite3.Error as error:
            self.errors.append(f"python: {error}")
        finally:
            connection.close()

    def shell(self):
        script = (".timeout 30000\nPRAGMA wal_autocheckpoint = 0;\n"
                  "INSERT INTO neighbour(who) VALUES('shell');\nSELECT count(*) FROM quire_stage;\n")
        while self.busy():
            ended = subprocess.run(["sqlite3", self.quire.database], input=script, text=True,
                                   capture_output=True, timeout=LIMIT_S, check=False)
            if ended.returncode or ended.stderr:
                self.errors.append(f"sqlite3: {ended.returncode} {ended.stderr}")
            self.shell_rows += 1

    def looker(self):
        """Commands that only look work beside the owner."""
        for words in (("task", "list", "--limit", "5"), ("status",), ("pipeline", "list", "--json")) * 2:
            if self.busy():
                ended = self.quire.run(*words)
                if ended.returncode:
                    self.errors.append(f"quire {words}: {ended.stderr}")


def main():
    program = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory(prefix="quire-neighbours-") as folder:
        quire = Quire(program, folder)
        created = quire.run("sql", "CREATE TABLE neighbour(id INTEGER PRIMARY KEY, who TEXT)")
        assert created.returncode == 0, created.stderr
        run = quire.start("run", quire.write_pipeline(PIPELINE))
        # The first line says that the database is open.
        while "started" not in (line := run.stdout.readline()):
            assert line, f"the run did not start: {run.stderr.read()}"
        neighbours = Neighbours(quire, time.monotonic() + seconds)
        threads = [threading.Thread(target=work)
                   for work in (neighbours.python, neighbours.shell, neighbours.looker)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        assert run.poll() is None, f"the run was over too early: {run.communicate()}"
        run.terminate()
        output, errors = run.communicate(timeout=LIMIT_S)
        assert run.returncode == 130, (run.returncode, output, errors)

        assert not neighbours.errors, neighbours.errors
        assert "locked" not in output + errors, (output, errors)
        counted = dict(quire.rows("SELECT who, count(*) FROM neighbour GROUP BY who"))
        assert counted == {"python": neighbours.python_rows, "shell": neighbours.shell_rows}, counted
        done = quire.rows("SELECT count(*) FROM quire_task WHERE state = 10")[0][0]
        assert done > 0 and neighbours.reads > 0
        quire.check_integrity()
        print(f"{seconds:.0f} s: quire completed {done} tasks, python wrote {neighbours.python_rows} rows, "
              f"the shell {neighbours.shell_rows}; nobody was locked out")


if __name__ == "__main__":
    main()
