#!/bin/sh
# Code for aarch64 computes what code for x86-64 does: inference, loss and two training steps of every golden network, as
# is and by Winograd's algorithm, in the emulator.
# Usage: aarch64.sh DIRECTORY_OF_RNC SOURCE_DIRECTORY
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
cross=aarch64-linux-gnu
needs qemu-aarch64 $cross-gcc cc

warnings="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror"
# shellcheck disable=SC2086
for compiler in cc $cross-gcc; do
  $compiler $warnings -O1 -I"$source" "$source/tests/run/host.c" -o "$compiler.host" -ldl -lm
done

# compare MODEL FLAG...: the three numbers of each line, relative to the largest of them, or to 0.01: the gradient of a
# bias before a batch norm is zero but for rounding.
compare() {
  "$bin/rnc" "$@" --target-cpu x86-64 -o here.so
  "$bin/rnc" "$@" --target-triple $cross -o there.so
  ./cc.host ./here.so 5 >here 2>triple
  qemu-aarch64 -L /usr/$cross ./$cross-gcc.host ./there.so 5 >there 2>>triple
  [ "$(cut -d ' ' -f 2 triple | cut -d - -f 1 | tr '\n' ' ')" = "x86_64 aarch64 " ]
  paste -d ' ' here there | awk -v name="$(basename "$(dirname "$1")")" -v limit=1e-4 '
    function size(x) { return x < 0 ? -x : x }
    $1 != $5 { different = 1 }
    { floor = 1e-2
      for (i = 2; i <= 4; ++i) if (size($i) > floor) floor = size($i)
      for (i = 2; i <= 4; ++i) {
        difference = size($i - $(i + 4)) / floor
        if (difference > largest) { largest = difference; line = $0 }
      } }
    END {
      failed = different || NR < 5 || !(largest <= limit)
      printf "%s: %d results, at most %.1e apart%s\n", name, NR, largest, failed ? ": " line : ""
      exit failed
    }'
}
for golden in "$source"/tests/golden/*/; do
  compare "$golden/model.graph"
  compare "$golden/model.graph" --conv winograd4
done
