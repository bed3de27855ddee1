#!/bin/sh
# Thousands of random networks against the reference interpreter (tests/run/network_check.h), more than a test run has
# time for. Prints how far it is, each failing network reduced, and at the end what all processes counted.
# Usage: random_networks.sh DIRECTORY_OF_PROGRAMS [COUNT = 3000] [FIRST_SEED = 1] [PROCESSES = nproc]
# Failing networks are kept as random_failures/randomSEED.graph. Exit status 1 if there are any.
set -eu
bin=$(cd "$1" && pwd)
count=${2:-3000} first=${3:-1} processes=${4:-$(nproc)}
mkdir -p random_failures
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

share=$(((count + processes - 1) / processes))
pids=
for i in $(seq 0 $((processes - 1))); do
  RNC_TEST_SEED=$((first + i * share)) RNC_TEST_COUNT=$share RNC_TEST_SAVE=random_failures \
    "$bin/run_tests" -tc='random*networks*' >"$logs/$i" &
  pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done

cd "$logs"
grep -hv '^ *[0-9.]* \(networks\|failed\|too sensitive\|times a\)' ./* | grep -v '^\[doctest\]\|^=*$' || true
awk '
  /^ *[0-9]+ (networks|failed|too sensitive)/ { n = $1; $1 = ""; sum[$0] += n }
  /^ *[0-9.]+ times a/ { n = $1; $1 = ""; if (n > most[$0]) most[$0] = n }
  END {
    for (name in sum) printf "%8d%s\n", sum[name], name
    for (name in most) printf "%8.2f%s\n", most[name], name
  }' ./* | sort -k 2
exit $failed
