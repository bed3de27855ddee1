#!/bin/sh
# The degradation experiment of He et al. 2015 (section 4.2) as one picture: of plain networks the deeper one learns
# worse, of residual networks it does not. Trains plain-20, plain-56, ResNet-20 and ResNet-56 on CIFAR-10, compared in
# build/degradation/compare.html.
# Usage: samples/degradation.sh DIRECTORY_OF_CIFAR10 [FLAGS OF rnrun train, such as --epochs 10 or --limit-batches 100]
set -eu
[ $# -ge 1 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
data=$1
shift
[ $# -gt 0 ] || set -- --epochs 3
cd "$(dirname "$0")/.."
runs=""
for network in plain20 plain56 resnet20 resnet56; do
  run=build/degradation/$network
  mkdir -p build/degradation
  build/bin/rnc "samples/cifar_$network.graph" -o "$run.so"
  build/bin/rnrun train "$run.so" --data "$data" --force --output-dir "$run" "$@"
  runs="$runs $run"
done
# shellcheck disable=SC2086
build/bin/rnrun report $runs -o build/degradation/compare.html
