#!/usr/bin/env python3
"""Records what many clients of one database see while it is under fire, and judges it.

A runtime with writers and readers on many threads lives and dies: it is stopped with
SIGSTOP while others go on, killed with SIGKILL and started again, or closed. Beside it
runtimes that look and visit come and go, and Python reads and writes the same file.
check_history then looks for anomalies in what all of them recorded.

Last, one value is taken out of the final state: that must be found, or nothing of this
proves anything.

usage: under_fire.py CLIENT CHECKER [OPERATIONS [SEED]]
"""

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# Generous: what hangs fails by this, and by nothing faster.
LIMIT_S = 600
OPERATIONS_OF_A_LIFE = 8000
# So many share one file and one history: a larger one does not fit into memory.
OPERATIONS_OF_A_FILE = 200_000
SESSION_OF_NEIGHBOURS = 900_000


def pause():
    select.select([], [], [], 0.001)


class Fire:
    def __init__(self, client, folder, randomness):
        self.client = client
        self.folder = folder
        self.database = os.path.join(folder, "history.db")
        self.randomness = randomness
        self.files = []
        self.client_files = []
        self.neighbours = []
        self.counts = {"kills": 0, "stops": 0, "closed": 0}

    def new_file(self):
        """A file that exists: who is killed before it opens its own has recorded nothing."""
        self.files.append(os.path.join(self.folder, f"history-{len(self.files):04}.txt"))
        with open(self.files[-1], "xb"):
            return self.files[-1]

    def start_neighbour(self, *words):
        file = self.new_file()
        session = str(SESSION_OF_NEIGHBOURS + len(self.files))
        seed = str(self.randomness.randrange(1 << 30))
        process = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "neighbour.py"), self.database, file,
                                    session, seed, *words], stderr=subprocess.PIPE, text=True)
        self.neighbours.append((process, file))

    def kill_neighbours(self):
        for process, _ in self.neighbours:
            assert process.poll() is None, f"a neighbour ended: {process.stderr.read()}"
            process.kill()
            process.wait()
            process.stderr.close()
        self.neighbours = []

    def stop_and_go_on(self, process):
        """Stops the owner, wherever it is, until a neighbour that only reads has read."""
        reader, file = self.neighbours[0]
        process.send_signal(signal.SIGSTOP)
        before = os.path.getsize(file)
        while os.path.getsize(file) < before + 4000:
            assert reader.poll() is None, f"a neighbour ended: {reader.stderr.read()}"
            pause()
        process.send_signal(signal.SIGCONT)
        self.counts["stops"] += 1

    def live(self, life, operations):
        file = self.new_file()
        self.client_files.append(file)
        process = subprocess.Popen([self.client, self.database, file, str(life), str(operations),
                                    str(self.randomness.randrange(1 << 30))],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if process.stdout.readline() != "ready\n":
            raise AssertionError(f"the client did not start: {process.wait()} {process.stderr.read()}")
        if not self.neighbours:
            self.start_neighbour("read")
            self.start_neighbour()
        ends = self.randomness.random() < 0.25
        # About 150 bytes an operation: where in its life it is hit.
        hits = sorted(self.randomness.randrange(operations * 120) for _ in range(1 if ends else 2))
        for number, hit in enumerate(hits):
            while os.path.getsize(file) < hit and process.poll() is None:
                pause()
            if process.poll() is not None:
                break
            if number == 0:
                self.stop_and_go_on(process)
            else:
                process.kill()
        _, errors = process.communicate(timeout=LIMIT_S)
        if process.returncode == -signal.SIGKILL:
            self.counts["kills"] += 1
        elif process.returncode == 0:
            self.counts["closed"] += 1
        else:
            raise AssertionError(f"the client failed: {process.returncode} {errors}")
        # With nobody beside it, the next life has to recover the log itself.
        if self.randomness.random() < 0.4:
            self.kill_neighbours()

    def operations(self):
        """How many the runtimes have answered; those of the neighbours come on top."""
        count = 0
        for file in self.client_files:
            with open(file, "rb") as lines:
                count += sum(not line.startswith(b"i") for line in lines)
        return count

    def write_final_state(self):
        db = sqlite3.connect(self.database)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the database is damaged"
        writes = db.execute("SELECT position, id FROM written ORDER BY position").fetchall()
        assert [row[0] for row in writes] == list(range(1, len(writes) + 1)), "a position is missing"
        lists = {}
        for key, value in db.execute("SELECT list, value FROM element ORDER BY id"):
            lists.setdefault(key, []).append(value)
        file = self.new_file()
        with open(file, "w", encoding="ascii") as final:
            final.write(" ".join(["W", *(str(row[1]) for row in writes)]) + "\n")
            for key, values in lists.items():
                final.write(" ".join([f"L{key}", *map(str, values)]) + "\n")
            for key, value in db.execute("SELECT id, value FROM register"):
                final.write(f"R{key} {value}\n")
        db.close()
        return file


def judge(checker, files):
    return subprocess.run([checker, *files], capture_output=True, text=True, timeout=LIMIT_S, check=False)


def forge(file, randomness):
    """Takes one value out of a list of the final state."""
    with open(file, encoding="ascii") as final:
        lines = final.read().splitlines()
    chosen = randomness.choice([i for i, line in enumerate(lines) if line.startswith("L") and line.count(" ") > 2])
    words = lines[chosen].split(" ")
    del words[randomness.randrange(1, len(words))]
    lines[chosen] = " ".join(words)
    with open(file, "w", encoding="ascii") as final:
        final.write("\n".join(lines) + "\n")


def one_file(client, checker, operations, randomness):
    with tempfile.TemporaryDirectory(prefix="quire-history-") as folder:
        fire = Fire(client, folder, randomness)
        life = 0
        try:
            while (done := fire.operations()) < operations:
                life += 1
                fire.live(life, min(OPERATIONS_OF_A_LIFE, max(1000, operations - done)))
            fire.kill_neighbours()
        finally:
            for process, _ in fire.neighbours:
                process.kill()
        final = fire.write_final_state()
        judged = judge(checker, fire.files)
        if judged.returncode != 0:
            sys.exit(f"FAILED: {judged.returncode} {judged.stdout} {judged.stderr}")
        print(f"{done} operations in {life} lives, {fire.counts}: {judged.stdout.strip()}", flush=True)
        forge(final, randomness)
        forged = judge(checker, fire.files)
        if forged.returncode != 1:
            sys.exit(f"FAILED: a value that is missing was not found: {forged.stdout} {forged.stderr}")
        return fire.counts


def main():
    client, checker = map(os.path.abspath, sys.argv[1:3])
    operations = int(sys.argv[3]) if len(sys.argv) > 3 else 50_000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.SystemRandom().randrange(1 << 32)
    print(f"replay with: {sys.argv[0]} {sys.argv[1]} {sys.argv[2]} {operations} {seed}", flush=True)
    randomness = random.Random(seed)
    totals = {}
    for first in range(0, operations, OPERATIONS_OF_A_FILE):
        for name, count in one_file(client, checker, min(OPERATIONS_OF_A_FILE, operations - first),
                                    randomness).items():
            totals[name] = totals.get(name, 0) + count
    # A fire that never hits anything proves nothing.
    if not totals["kills"] or not totals["stops"]:
        sys.exit(f"FAILED: nothing was hit: {totals}")


if __name__ == "__main__":
    main()
