"""Runs the real program quire and looks into its database with Python's sqlite3."""

import json
import os
import signal
import sqlite3
import subprocess

# Generous: a test that hangs fails by this, and by nothing faster.
LIMIT_S = 240


class Quire:
    def __init__(self, program, folder):
        self.program = os.path.abspath(program)
        self.folder = folder
        self.database = os.path.join(folder, "test.db")

    def write_pipeline(self, definition, name="pipeline.json"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(definition, file)
        return path

    def command(self, *words):
        return [self.program, *words, "--db", self.database]

    def start(self, *words, **options):
        return subprocess.Popen(self.command(*words), cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)

    def run(self, *words):
        return subprocess.run(self.command(*words), cwd=self.folder, capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)

    def summary(self, *words):
        """Runs with --json; returns the exit status and the summary object."""
        ended = self.run(*words, "--json")
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        summaries = [line for line in lines if line.get("event") == "summary"]
        assert len(summaries) == 1, f"no summary: {ended.returncode} {ended.stdout} {ended.stderr}"
        return ended.returncode, summaries[0]

    def rows(self, sql, *params):
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(sql, params).fetchall()
        finally:
            connection.close()

    def check_integrity(self):
        assert self.rows("PRAGMA integrity_check") == [("ok",)], "the database is damaged"
        assert self.rows("PRAGMA foreign_key_check") == [], "a foreign key is violated"


def kill(process):
    """Ends a process as a power user does: nothing of it runs on."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=LIMIT_S)
