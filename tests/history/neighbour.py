#!/usr/bin/env python3
"""Reads and writes beside the owner with Python's sqlite3, and records it.

It goes on until it is killed; any error ends it, which under_fire.py notices. The
lines are those of operation.hpp, the tables those of plan.cpp.

usage: neighbour.py DATABASE HISTORY SESSION SEED [read]
"""

import os
import random
import select
import sqlite3
import sys
import time

VALUES_OF_A_WRITE = 8
WRITES_OF_A_LIST = 12
LISTS_AT_A_TIME = 6


class Neighbour:
    def __init__(self, database, history, session, seed):
        # It waits for locks and leaves checkpoints to the owner, as README.md asks.
        self.db = sqlite3.connect(database, timeout=120, isolation_level=None)
        self.db.execute("PRAGMA wal_autocheckpoint = 0")
        self.file = os.open(history, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.session = session
        self.random = random.Random(seed)
        self.writes = 0
        self.position = 0

    def tell(self, line):
        os.write(self.file, (line + "\n").encode())

    def a_list(self):
        return self.position // WRITES_OF_A_LIST + self.random.randrange(LISTS_AT_A_TIME)

    def count(self):
        self.position = self.db.execute("SELECT coalesce(max(position), 0) FROM written").fetchone()[0]
        return self.position

    def values(self, key):
        rows = self.db.execute("SELECT value FROM element WHERE list = ? ORDER BY id", (key,))
        return f" l{key}=" + ",".join(str(row[0]) for row in rows)

    def read(self):
        keys = {self.a_list(), self.a_list()}
        register = self.random.randrange(4)
        began = time.monotonic_ns()
        self.db.execute("BEGIN")
        first = self.count()
        seen = "".join(self.values(key) for key in keys)
        row = self.db.execute("SELECT value FROM register WHERE id = ?", (register,)).fetchone()
        last = self.count()
        self.db.execute("COMMIT")
        ended = time.monotonic_ns()
        self.tell(f"r {self.session} 0 {began} {ended} {first} {last}{seen} g{register}={row[0] if row else 0}")

    def write(self):
        self.writes += 1
        number = self.session * 1_000_000 + self.writes
        keys = [self.a_list(), self.a_list()]
        register = self.random.randrange(4)
        self.tell(f"i {number} {self.session} 0 {time.monotonic_ns()} a{keys[0]} a{keys[1]} s{register}")
        self.db.execute("BEGIN IMMEDIATE")
        count = self.count()
        seen = self.values(keys[0])
        self.db.execute("INSERT INTO written(id) VALUES(?)", (number,))
        for index, key in enumerate(keys):
            self.db.execute("INSERT INTO element(list, value) VALUES(?, ?)", (key, number * VALUES_OF_A_WRITE + index))
        self.db.execute("INSERT OR REPLACE INTO register VALUES(?, ?)", (register, number * VALUES_OF_A_WRITE + 2))
        if self.random.randrange(8) == 0:
            self.db.execute("ROLLBACK")
            self.tell(f"f {number} {time.monotonic_ns()} rollback")
        else:
            self.db.execute("COMMIT")
            self.tell(f"o {number} {time.monotonic_ns()} 0 {count} {count}{seen}")

    def run(self, writes):
        while True:
            select.select([], [], [], 0.002)  # It leaves the processor to the runtime.
            self.read()
            if writes and self.random.randrange(3) == 0:
                self.write()


def main():
    database, history, session, seed = sys.argv[1:5]
    os.nice(10)  # The runtime is what is tested.
    Neighbour(database, history, int(session), int(seed)).run(writes="read" not in sys.argv[5:])


if __name__ == "__main__":
    main()
