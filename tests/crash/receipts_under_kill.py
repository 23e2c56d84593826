#!/usr/bin/env python3
"""Kills a writer with SIGKILL at a random moment, and holds it to its receipts.

After each kill: all that was acknowledged is there, whole and once; nothing that
was refused is there; the numbers of the commits are those of the receipts; the file
is whole; what earlier lives wrote is unchanged. The next life opens the same file.

Last, the same with a writer that acknowledges before it commits: it must be caught,
or nothing of this proves anything.

usage: receipts_under_kill.py WRITER [KILLS [SEED]]
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from receipt_check import Life, check_life  # noqa: E402

# So many lives share one file; then it has become too large to look at each time.
LIVES_OF_A_FILE = 100
# So many kills it may take at most to catch a writer that lies.
KILLS_OF_A_LIAR = 200


class Failed(Exception):
    pass


class File:
    """One database and all the lives that wrote to it."""

    def __init__(self, writer, folder, randomness, early=False):
        self.writer = writer
        self.path = os.path.join(folder, "receipts.db")
        self.randomness = randomness
        self.early = early
        self.seq = 0
        self.lives = {}       # number -> (rows, sum over them)
        self.first_receipts_s = []
        self.receipts = 0
        self.refusals = 0
        self.unheard = 0      # Killed before the first receipt.
        self.unfinished = 0   # There, but not acknowledged.

    def moment(self):
        """The line after which to kill, and how many of them."""
        drawn = self.randomness.random()
        if drawn < 0.05:
            return "S", 1
        if drawn < 0.12:
            return "B", 1
        if drawn < 0.2:
            return "R", self.randomness.randrange(300, 900)
        return "R", self.randomness.randrange(1, 120)

    def live(self, number):
        life = Life(number)
        letter, count = self.moment()
        started = time.monotonic()
        process = subprocess.Popen([self.writer, self.path, str(number), *(["early"] if self.early else [])],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        heard = 0
        told_at = None
        while heard < count:
            line = process.stdout.readline()
            if not line:
                raise Failed(f"the writer ended by itself: {process.wait()} {process.stderr.read()}")
            kind = life.hear(line.rstrip("\n"))
            heard += kind == letter
            if kind == "R" and told_at is None:
                told_at = time.monotonic() - started
        process.send_signal(signal.SIGKILL)
        # What it told before it died is still in the pipe.
        for line in process.stdout.read().splitlines():
            life.hear(line)
        errors = process.stderr.read()
        process.wait()
        process.stdout.close()
        process.stderr.close()
        if process.returncode != -signal.SIGKILL or errors:
            raise Failed(f"not killed: {process.returncode} {errors}")
        if told_at is not None:
            self.first_receipts_s.append(told_at)
        return life

    def connect(self):
        if not os.path.exists(self.path):
            return sqlite3.connect(":memory:")
        # Mostly read-only: then the next life finds the log as the dead one left it.
        if self.randomness.random() < 0.9:
            return sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=0)
        return sqlite3.connect(self.path, timeout=0)

    def check(self, life):
        db = self.connect()
        try:
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
            after = db.execute("SELECT seq FROM quire_commit").fetchone()[0] if "quire_commit" in tables else 0
            rows = []
            totals = {}
            if "item" in tables:
                rows = db.execute("SELECT client, number, part, seq FROM item WHERE life = ?",
                                  (life.number,)).fetchall()
                totals = {row[0]: row[1:] for row in db.execute(
                    "SELECT life, count(*), sum((client * 31 + number) * 31 + part + seq) FROM item GROUP BY life")}
            problems = check_life(life, rows, self.seq, after)
            for number, total in self.lives.items():
                if totals.get(number, (0, None)) != total:
                    problems.append(f"life {number} had {total}, and has {totals.get(number)} now")
            whole = db.execute("PRAGMA integrity_check").fetchall()
            if whole != [("ok",)]:
                problems.append(f"the file is damaged: {whole[:3]}")
        finally:
            db.close()
        if problems:
            raise Failed(f"life {life.number}: {problems[:10]} ({len(problems)} problems)")
        self.seq = after
        self.lives[life.number] = totals.get(life.number, (0, None))
        self.receipts += len(life.receipts)
        self.refusals += len(life.refusals)
        self.unheard += not life.receipts
        self.unfinished += len({row[:2] for row in rows} - {receipt[:2] for receipt in life.receipts})

    def kill_often(self, kills):
        for number in range(1, kills + 1):
            self.check(self.live(number))


def catch_the_liar(writer, randomness):
    """Returns after how many kills it was caught."""
    with tempfile.TemporaryDirectory(prefix="quire-receipts-") as folder:
        file = File(writer, folder, randomness, early=True)
        for number in range(1, KILLS_OF_A_LIAR + 1):
            life = file.live(number)
            try:
                file.check(life)
            except Failed as failed:
                if "lost" in str(failed):
                    return number, str(failed)
                raise
    raise Failed(f"a writer that acknowledges before it commits was not caught in {KILLS_OF_A_LIAR} kills")


def run(writer, kills, randomness):
    times = []
    counts = {"receipts": 0, "refusals": 0, "unheard": 0, "unfinished": 0}
    for first in range(0, kills, LIVES_OF_A_FILE):
        with tempfile.TemporaryDirectory(prefix="quire-receipts-") as folder:
            file = File(writer, folder, randomness)
            file.kill_often(min(LIVES_OF_A_FILE, kills - first))
            times += file.first_receipts_s
            for name in counts:
                counts[name] += getattr(file, name)
    # A kill that never finds something on its way proves nothing.
    if not counts["receipts"] or not counts["refusals"] or not counts["unfinished"]:
        raise Failed(f"the kills hit nothing: {counts}")
    times.sort()
    print(f"{kills} kills ({counts['unheard']} before the first receipt): {counts['receipts']} receipts, none lost; "
          f"{counts['refusals']} refusals, none there; {counts['unfinished']} committed without a receipt, all whole")
    print(f"from start to first receipt: median {times[len(times) // 2] * 1000:.0f} ms, "
          f"p99 {times[len(times) * 99 // 100] * 1000:.0f} ms, most {times[-1] * 1000:.0f} ms")


def main():
    writer = os.path.abspath(sys.argv[1])
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
    print(f"replay with: {sys.argv[0]} {sys.argv[1]} {kills} {seed}", flush=True)
    randomness = random.Random(seed)
    try:
        run(writer, kills, randomness)
        number, why = catch_the_liar(writer, randomness)
    except Failed as failed:
        sys.exit(f"FAILED: {failed}")
    print(f"a writer that acknowledges before it commits was caught by kill {number}: {why}")


if __name__ == "__main__":
    main()
