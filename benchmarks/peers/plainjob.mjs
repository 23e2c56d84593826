// Measures npm's plainjob with jobs that do nothing, as task_bench measures Quire: on SQLite
// with WAL and synchronous = NORMAL, which is what plainjob sets.
//
// Usage: node plainjob.mjs [--dir <folder>] [--seconds <s>] [--jobs <n>]
//
// Writes one line of JSON for each case.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import Database from "better-sqlite3";
import { better, defineQueue, defineWorker } from "plainjob";

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: tmpdir() },
    seconds: { type: "string", default: "0.5" },
    jobs: { type: "string", default: "20000" },
  },
});
const seconds = Number(values.seconds);
const jobs = Number(values.jobs);
if (!(seconds > 0) || !(jobs > 0)) {
  console.error("plainjob.mjs: --seconds and --jobs take numbers");
  process.exit(2);
}

const silent = { error: console.error, warn() {}, info() {}, debug() {} };

// Calls `measure(queue)` with a queue in a new database.
async function withQueue(measure) {
  const folder = mkdtempSync(join(values.dir, "quire-peer-"));
  const queue = defineQueue({
    connection: better(new Database(join(folder, "bench.db"))),
    logger: silent,
  });
  try {
    return await measure(queue);
  } finally {
    queue.close();
    rmSync(folder, { recursive: true });
  }
}

function stopwatch() {
  const cpu = process.cpuUsage();
  const start = performance.now();
  return () => {
    const took = process.cpuUsage(cpu);
    return { seconds: (performance.now() - start) / 1000, cpu_us: took.user + took.system };
  };
}

// `waited`: milliseconds, of one call each.
function report(name, window, items, times, waited) {
  waited.sort((a, b) => a - b);
  const microseconds = (share) =>
    waited.length === 0
      ? null
      : Math.round(waited[Math.min(waited.length - 1, Math.floor(share * waited.length))] * 1e4) / 10;
  const line = {
    bench: "plainjob",
    case: name,
    clients: 1,
    window,
    sync: "normal",
    rate_per_s: Math.round(items / times.seconds),
    p50_us: microseconds(0.5),
    p99_us: microseconds(0.99),
    max_us: microseconds(1),
    cpu_us: Math.round((times.cpu_us / items) * 100) / 100,
    locked_errors: 0,
  };
  for (const key of ["rate_per_s", "p50_us", "p99_us", "max_us", "cpu_us", "locked_errors"])
    line["floor_" + key] = null;
  for (const key of ["ratio", "p50_ratio", "p99_ratio", "max_ratio", "rss_growth_mib"])
    line[key] = null;
  line.refused = 0;
  console.log(JSON.stringify(line));
}

// Calls `add(queue)`, which enqueues `items` jobs, until the time is over.
function enqueue(name, items, add) {
  return withQueue((queue) => {
    for (const end = performance.now() + seconds * 250; performance.now() < end; ) add(queue);
    const waited = [];
    const stop = stopwatch();
    const end = performance.now() + seconds * 1000;
    for (let before = performance.now(); before < end; ) {
      add(queue);
      const now = performance.now();
      waited.push(now - before);
      before = now;
    }
    report(name, 1, waited.length * items, stop(), waited);
  });
}

function processAll(name) {
  return withQueue(async (queue) => {
    for (let left = jobs; left > 0; left -= 1000)
      queue.addMany("noop", new Array(Math.min(left, 1000)).fill({}));
    let done = 0;
    const worker = defineWorker("noop", async () => {}, {
      queue,
      logger: silent,
      onCompleted() {
        if (++done === jobs) void worker.stop();
      },
    });
    const stop = stopwatch();
    await worker.start();
    const times = stop();
    if (done !== jobs) throw new Error("not every job was done");
    report(name, 1, jobs, times, []);
  });
}

const thousand = new Array(1000).fill({});
await processAll("plainjob_process");
await enqueue("plainjob_enqueue", 1, (queue) => queue.add("noop", {}));
await enqueue("plainjob_enqueue_bulk", 1000, (queue) => queue.addMany("noop", thousand));
