#!/bin/sh
# Installs what is needed, builds, and runs all tests; one that cannot run fails.
# With --quick it does without the packages that tests alone need (PyTorch, Chromium, an emulator, ...), and its last
# line names the tests that were left out.
set -eu
usage="usage: $0 [--quick]"
[ $# -le 1 ] || { echo "$usage" >&2; exit 2; }
case "${1-}" in
  "") packages=tests ;;
  --quick) packages=build ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
sh tests/install_debian.sh "$packages"
cmake -B build -G Ninja
cmake --build build
run() { ctest --test-dir build --output-on-failure --no-tests=error -j "$(nproc)" "$@"; }
if [ "$packages" = tests ]; then
  run
else
  run -LE full
  left_out=$(ctest --test-dir build -N -L full | sed -n 's/^ *Test *#[0-9]*: //p' | tr '\n' ' ')
  echo "--quick: left out $left_out"
fi
