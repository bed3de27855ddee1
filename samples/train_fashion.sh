#!/bin/sh
# Installs what is needed, builds, compiles samples/fashion_resnet20.graph and trains it on Fashion-MNIST.
# Arguments go to rnrun train: --epochs 5, --data DIR, ... Without any, an earlier run of this script is replaced.
set -eu
cd "$(dirname "$0")/.."
sh tests/install_debian.sh
cmake -B build -G Ninja
cmake --build build --target rnc rnrun
build/bin/rnc samples/fashion_resnet20.graph -o build/fashion_resnet20.so
[ $# -gt 0 ] || set -- --force
build/bin/rnrun train build/fashion_resnet20.so --output-dir build/fashion_resnet20 "$@"
