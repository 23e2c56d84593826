#!/bin/sh
# Runs all benchmarks, in about four minutes, and prints a table of the results.
# Their lines of JSON stay in build/release/benchmarks.jsonl. Arguments go to
# every program: benchmarks/run.sh --seconds 2 --dir /mnt/disk
set -eu

cd "$(dirname "$0")/.."
build=${QUIRE_BUILD_DIR:-build/release}
lines=$build/benchmarks.jsonl

if [ ! -x "$build/bin/bench_table" ]; then
  echo "run.sh: there are no benchmarks in $build/bin: run 'make build' first" >&2
  exit 1
fi

: > "$lines"
failed=
for bench in raw_sqlite_bench write_bench read_bench contention_bench task_bench overload_bench; do
  echo "$bench ..." >&2
  "$build/bin/$bench" "$@" >> "$lines" || failed="$failed $bench"
done
"$build/bin/bench_table" < "$lines"
if [ -n "$failed" ]; then
  echo "run.sh: failed:$failed" >&2
  exit 1
fi
