#!/usr/bin/env python3
"""Fills and frees the file system under a running database, again and again.

On a file system of 64 MiB in memory, of its own: a program that writes rows is let write until
it is refused, while another file takes the space. From then on writes must be refused as
`disk_full`, and reads go on; when the file is removed, writes must be taken again, by the same process.
In every other cycle the process is killed while the disk is full: it must recover, on the full
disk or after it. At the end every row that was acknowledged is there, and none that
was refused.

usage: full_disk.py CLIENT [CYCLES]

The exit status is 77 where no file system can be mounted.
"""

import ctypes
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

LIMIT_S = 120
SIZE = 64 << 20
SKIPPED = 77
PRIVATE = "QUIRE_TEST_PRIVATE_MOUNTS"


class Client:
    def __init__(self, program, database):
        self.process = subprocess.Popen([program, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.opened = self.process.stdout.readline() == "open\n"

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        assert answer, f"the client ended: {self.process.wait(LIMIT_S)} {self.process.stderr.read()}"
        return answer

    def end(self):
        """Closes it as its user does. Returns its status and what it complained about."""
        _, errors = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, errors

    def kill(self):
        self.process.kill()
        self.process.communicate(timeout=LIMIT_S)


class Disk:
    def __init__(self, folder):
        self.folder = folder
        self.filler = os.path.join(folder, "filler")

    def free(self):
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_bsize

    def fill(self, leave):
        """Takes all space but `leave` bytes."""
        with open(self.filler, "ab", buffering=0) as file:
            while self.free() > leave:
                try:
                    if file.write(b"x" * min(1 << 20, self.free() - leave)) == 0:
                        break
                except OSError:
                    break

    def empty(self):
        os.remove(self.filler)


class Test:
    def __init__(self, program, folder, seed):
        self.program = program
        self.disk = Disk(folder)
        self.database = os.path.join(folder, "test.db")
        self.random = random.Random(seed)
        self.acknowledged = set()
        self.refused = set()
        self.unknown = set()
        self.client = None
        self.counts = {"kills": 0, "cycles": 0, "opened_full": 0}

    def start(self):
        self.client = Client(self.program, self.database)
        return self.client.opened

    def write(self):
        """Returns None if the row was acknowledged, else the name of the error."""
        answer = self.client.ask("write")
        number = int(answer[1])
        if answer[0] == "R":
            self.acknowledged.add(number)
            return None
        (self.unknown if answer[3] == "unknown" else self.refused).add(number)
        return answer[2]

    def rows(self):
        answer = self.client.ask("read")
        assert answer[0] == "C", f"a read failed on a full disk: {answer}"
        return int(answer[1])

    def write_until(self, refused, what):
        end = time.monotonic() + LIMIT_S
        while (error := self.write()) is None if refused else (error := self.write()) is not None:
            assert error in (None, "disk_full"), f"refused as {error}"
            assert time.monotonic() < end, what
        assert error in (None, "disk_full"), f"refused as {error}"

    def check_while_full(self):
        """The refusal is a state, said by all: reads see what was acknowledged, and go on."""
        for _ in range(20):
            self.write()
            rows = self.rows()
            assert len(self.acknowledged) <= rows <= len(self.acknowledged) + len(self.unknown), (
                f"{rows} rows, {len(self.acknowledged)} acknowledged, {len(self.unknown)} unknown")

    def reopen_after_kill(self):
        self.client.kill()
        self.counts["kills"] += 1
        if self.start():
            self.counts["opened_full"] += 1
            return
        status, errors = self.client.end()
        assert status == 1 and ("full" in errors or "space" in errors), f"opened with {status}: {errors}"
        self.disk.empty()
        assert self.start(), f"does not open when there is space again: {self.client.end()}"

    def cycle(self, number):
        self.disk.fill(self.random.choice((0, 4096, 50_000, 300_000, 2 << 20)))
        self.write_until(True, "writes are never refused on a full disk")
        self.check_while_full()
        if number % 2:
            self.reopen_after_kill()
        if os.path.exists(self.disk.filler):
            self.disk.empty()
        self.write_until(False, "writes are not taken again although there is space")
        assert self.client.ask("trouble") == ["T", "ok"]
        for _ in range(10):
            assert self.write() is None
        assert self.rows() >= len(self.acknowledged)
        self.counts["cycles"] += 1
        if len(self.acknowledged) * 20_000 > SIZE // 4:
            self.start_over()

    def start_over(self):
        """A new database, before this one alone fills the disk."""
        self.check()
        for ending in ("", "-wal", "-shm", ".lock"):
            if os.path.exists(self.database + ending):
                os.remove(self.database + ending)
        self.acknowledged, self.refused, self.unknown = set(), set(), set()
        assert self.start(), self.client.end()

    def check(self):
        status, errors = self.client.end()
        assert status == 0, f"the client ended with {status}: {errors}"
        connection = sqlite3.connect(self.database)
        there = {number for number, in connection.execute("SELECT id FROM item")}
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        assert self.acknowledged <= there, f"lost: {sorted(self.acknowledged - there)[:5]}"
        assert not self.refused & there, f"refused and there: {sorted(self.refused & there)[:5]}"
        assert there <= self.acknowledged | self.unknown, "rows that nobody wrote"

    def run(self, cycles):
        assert self.start(), self.client.end()
        for _ in range(20):
            assert self.write() is None
        for number in range(cycles):
            self.cycle(number)
        self.check()


def mount(folder):
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={SIZE}".encode()) == 0


def main():
    if PRIVATE not in os.environ:
        # Mounts that nobody else sees, and that end with this process.
        words = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
        try:
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                os.environ[PRIVATE] = "1"
                os.execvp(words[0], [*words, sys.executable, "-B", *sys.argv])
        except FileNotFoundError:
            pass
        print("skipped: no private mounts here")
        return SKIPPED
    seed = int(os.environ.get("QUIRE_TEST_SEED", "1"))
    cycles = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        if not mount(folder):
            print("skipped: no file system can be mounted here")
            return SKIPPED
        test = Test(os.path.abspath(sys.argv[1]), folder, seed)
        try:
            test.run(cycles)
        finally:
            if test.client.process.poll() is None:
                test.client.kill()
            subprocess.run(["umount", folder], check=False)
    print(f"full_disk: {test.counts}, {len(test.acknowledged)} acknowledged, {len(test.refused)} refused, "
          f"{len(test.unknown)} unknown in the last database")
    return 0


if __name__ == "__main__":
    sys.exit(main())
