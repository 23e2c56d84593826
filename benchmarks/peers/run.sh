#!/bin/sh
# Measures Quire and its peers in turns and prints a table, in about a minute. Their lines of
# JSON stay in build/release/peers.jsonl. Usage: benchmarks/peers/run.sh [--dir <folder>]
# [--seconds <s>]; ROUNDS=5 says how many turns. What is not installed is named and left out.
set -eu

cd "$(dirname "$0")/../.."
build=${QUIRE_BUILD_DIR:-build/release}
here=benchmarks/peers
installed=$build/peers
lines=$build/peers.jsonl
missing=

if [ ! -x "$build/bin/task_bench" ] || [ ! -x "$build/bin/bench_table" ]; then
  echo "peers/run.sh: there are no benchmarks in $build/bin: run 'make build' first" >&2
  exit 1
fi

beanstalkd=yes
if [ ! -x /usr/bin/beanstalkd ] && ! command -v beanstalkd > /dev/null; then
  beanstalkd=
  missing="$missing beanstalkd (apt-get install --no-install-recommends beanstalkd);"
fi

# Compiles better-sqlite3 where no binary of it is to be had: with the headers of Debian's
# libnode-dev, if they are there, instead of downloading them.
plainjob=yes
if ! command -v npm > /dev/null; then
  plainjob=
  missing="$missing plainjob (apt-get install --no-install-recommends nodejs npm libnode-dev);"
else
  mkdir -p "$installed"
  cp "$here/package.json" "$here/plainjob.mjs" "$installed"
  if [ ! -d "$installed/node_modules/plainjob" ]; then
    if [ -f /usr/include/node/node.h ]; then
      npm_config_nodedir=/usr
      export npm_config_nodedir
    fi
    if ! npm install --prefix "$installed" --no-audit --no-fund >&2; then
      rm -rf "$installed/node_modules"
      plainjob=
      missing="$missing plainjob (npm could not install it, see above);"
    fi
  fi
fi

: > "$lines"
round=0
while [ "$round" -lt "${ROUNDS:-5}" ]; do
  round=$((round + 1))
  echo "round $round ..." >&2
  "$build/bin/task_bench" --alternations 1 --case e2e_normal --case enqueue16 --case enqueue_bulk \
    "$@" >> "$lines"
  [ -z "$beanstalkd" ] || "$here/beanstalkd.py" "$@" >> "$lines"
  [ -z "$plainjob" ] || node "$installed/plainjob.mjs" "$@" >> "$lines"
done
"$here/compare.py" < "$lines" | "$build/bin/bench_table"
if [ -n "$missing" ]; then
  echo "peers/run.sh: not measured:$missing" >&2
  exit 1
fi
