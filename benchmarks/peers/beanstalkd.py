#!/usr/bin/env python3
"""Measures beanstalkd with jobs that do nothing, as task_bench measures Quire.

Usage: beanstalkd.py [--dir <folder>] [--seconds <s>] [--jobs <n>]

Starts a server of its own on a Unix socket, in memory and then with its log on the disk
(-b, synchronized every 50 ms), and writes one line of JSON for each case. One connection
sends all that is in flight at once, which is the quickest way to talk to it.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PUT = b"put 1000 0 600 2\r\n{}\r\n"
PROGRAM = shutil.which("beanstalkd") or "/usr/sbin/beanstalkd"


class Server:
    """A beanstalkd without any jobs, and a connection to it."""

    def __init__(self, folder, logged):
        self.folder = tempfile.mkdtemp(prefix="quire-peer-", dir=folder)
        self.path = os.path.join(self.folder, "socket")
        command = [PROGRAM, "-l", "unix:" + self.path]
        if logged:
            command += ["-b", self.folder, "-f", "50"]
        self.process = subprocess.Popen(command)
        try:
            self.connection = self.connect()
        except BaseException:
            self.close()
            raise
        self.replies = self.connection.makefile("rb", buffering=1 << 16)

    def connect(self):
        limit = time.monotonic() + 10
        while True:
            one = socket.socket(socket.AF_UNIX)
            try:
                one.connect(self.path)
                return one
            except OSError:
                one.close()
                if self.process.poll() is not None or time.monotonic() > limit:
                    raise SystemExit("beanstalkd.py: beanstalkd does not run")
                time.sleep(0.001)

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)

    def cpu_seconds(self):
        """Of this process, of children that have ended, and of the server."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            ticks = stat.read().rsplit(")", 1)[1].split()[11:13]
        ours = [resource.getrusage(who)
                for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return (sum(used.ru_utime + used.ru_stime for used in ours)
                + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"))

    def put(self, count):
        self.connection.sendall(PUT * count)
        for _ in range(count):
            if not self.replies.readline().startswith(b"INSERTED"):
                raise SystemExit("beanstalkd.py: a job was not taken")

    def process_jobs(self, count):
        """Reserves so many jobs at once, then deletes them at once."""
        self.connection.sendall(b"reserve\r\n" * count)
        deletes = []
        for _ in range(count):
            words = self.replies.readline().split()
            if words[0] != b"RESERVED":
                raise SystemExit("beanstalkd.py: no job came")
            self.replies.readline()
            deletes.append(b"delete %s\r\n" % words[1])
        self.connection.sendall(b"".join(deletes))
        for _ in range(count):
            if self.replies.readline() != b"DELETED\r\n":
                raise SystemExit("beanstalkd.py: a job was not deleted")


def work(server):
    """A worker with a connection of its own: one job after the other, while there are any."""
    connection = server.connect()
    replies = connection.makefile("rb")
    while True:
        connection.sendall(b"reserve-with-timeout 0\r\n")
        words = replies.readline().split()
        if words[0] == b"TIMED_OUT":
            return
        replies.readline()
        connection.sendall(b"delete %s\r\n" % words[1])
        if words[0] != b"RESERVED" or replies.readline() != b"DELETED\r\n":
            raise SystemExit("beanstalkd.py: a job was not deleted")


def fork_worker(server):
    worker = os.fork()
    if worker == 0:
        status = 1
        try:
            work(server)
            status = 0
        finally:
            os._exit(status)
    return worker


def report(case, window, logged, items, seconds, cpu_seconds, waited):
    """`waited`: seconds, of one turn each."""
    def microseconds(share):
        if not waited:
            return None
        return round(sorted(waited)[min(len(waited) - 1, int(share * len(waited)))] * 1e6, 1)
    line = {"bench": "beanstalkd", "case": case, "clients": 1, "window": window,
            "sync": "50 ms" if logged else "none", "rate_per_s": round(items / seconds),
            "p50_us": microseconds(0.5), "p99_us": microseconds(0.99), "max_us": microseconds(1),
            "cpu_us": round(cpu_seconds * 1e6 / items, 2), "locked_errors": 0}
    for name in ("rate_per_s", "p50_us", "p99_us", "max_us", "cpu_us", "locked_errors"):
        line["floor_" + name] = None
    line.update(ratio=None, p50_ratio=None, p99_ratio=None, max_ratio=None, refused=0,
                rss_growth_mib=None)
    print(json.dumps(line), flush=True)


def enqueue(options, case, logged, window):
    server = Server(options.dir, logged)
    try:
        server.put(window)
        items, waited = 0, []
        cpu, start = server.cpu_seconds(), time.perf_counter()
        now = start
        while now - start < options.seconds:
            server.put(window)
            items += window
            before, now = now, time.perf_counter()
            waited.append(now - before)
        report(case, window, logged, items, now - start, server.cpu_seconds() - cpu, waited)
    finally:
        server.close()


def process(options, case, logged, at_once, work_off):
    """Measures `work_off`, which deletes all of the jobs that it finds on a server."""
    server = Server(options.dir, logged)
    try:
        turns = options.jobs // 100
        for _ in range(turns):
            server.put(100)
        cpu, start = server.cpu_seconds(), time.perf_counter()
        work_off(server, turns)
        seconds = time.perf_counter() - start
        report(case, at_once, logged, turns * 100, seconds, server.cpu_seconds() - cpu, [])
    finally:
        server.close()


def by_hundreds(server, turns):
    for _ in range(turns):
        server.process_jobs(100)


def by_four_workers(server, _):
    for worker in [fork_worker(server) for _ in range(4)]:
        if os.waitpid(worker, 0)[1] != 0:
            raise SystemExit("beanstalkd.py: a worker failed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", default=tempfile.gettempdir())
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--jobs", type=int, default=20_000)
    options = parser.parse_args()
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("beanstalkd.py: beanstalkd is missing: apt-get install --no-install-recommends "
                 "beanstalkd")
    for logged in (False, True):
        name = "beanstalkd_logged_" if logged else "beanstalkd_"
        process(options, name + "process", logged, 100, by_hundreds)
        process(options, name + "process4", logged, 1, by_four_workers)
        enqueue(options, name + "enqueue16", logged, 16)
        enqueue(options, name + "enqueue_bulk", logged, 1000)


if __name__ == "__main__":
    main()
