#!/bin/sh
# Winograd's rounding does not change what is learned: ResNet-20 on Fashion-MNIST for two epochs and three seeds, with
# --conv=direct and as compiled by default. The means of the final test accuracies may differ by no more than the seeds'
# own spread (the larger of both standard deviations). Twelve epochs, so not in every test run.
# Usage: curves.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY [MORE FLAGS OF rnrun train, such as --limit-batches 100]
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
shift 2

for conv in direct auto; do
  "$bin/rnc" "$source/samples/fashion_resnet20.graph" --conv=$conv -o $conv.so
  for seed in 1 2 3; do
    "$bin/rnrun" train $conv.so --epochs 2 --seed $seed --output-dir run --force "$@" >log 2>&1 ||
      { cat log; fail "train $conv.so, seed $seed"; }
    accuracy=$(sed -n 's/^test accuracy \([0-9.]*\) .*/\1/p' log)
    [ -n "$accuracy" ] || { cat log; fail "no test accuracy: $conv.so, seed $seed"; }
    echo "$seed $accuracy" >>$conv.txt
    echo "$conv, seed $seed: $accuracy %"
  done
done

paste direct.txt auto.txt | awk '
  function deviation(sum, squares, n, variance) {
    variance = (squares - sum * sum / n) / (n - 1)
    return variance > 0 ? sqrt(variance) : 0
  }
  NR == 1 { print "seed  --conv=direct  default" }
  { printf "%4d  %11.2f %%  %5.2f %%\n", $1, $2, $4; d += $2; dd += $2 * $2; a += $4; aa += $4 * $4 }
  END {
    difference = a / NR - d / NR; difference = difference < 0 ? -difference : difference
    spread = deviation(d, dd, NR); other = deviation(a, aa, NR); if (other > spread) spread = other
    printf "mean  %11.2f %%  %5.2f %%\nthe means differ by %.2f, the seeds by %.2f: ", d / NR, a / NR, difference, spread
    print difference <= spread ? "PASS" : "FAIL"
    exit difference > spread
  }'
