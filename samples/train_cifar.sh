#!/bin/sh
# Installs what is needed, builds, compiles a sample for CIFAR-10 and trains it with random shifts and flips:
#   sh samples/train_cifar.sh DATA [SAMPLE [ARGUMENT...]]
# DATA: a directory with folders {train,test}/<class> of images, or with the files of the binary version
# (https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz). SAMPLE: cifar_resnet20 unless given.
# Arguments go to rnrun train; without any, it is 5 epochs, and an earlier run of this script is replaced.
set -eu
[ $# -gt 0 ] || { echo "usage: $0 DATA [SAMPLE [ARGUMENT...]]" >&2; exit 2; }
data=$(realpath "$1")
sample=${2:-cifar_resnet20}
[ $# -lt 2 ] || shift
shift
cd "$(dirname "$0")/.."
sh tests/install_debian.sh
cmake -B build -G Ninja
cmake --build build --target rnc rnrun
build/bin/rnc "samples/$sample.graph" -o "build/$sample.so"
[ $# -gt 0 ] || set -- --epochs 5 --lr-scheduler cosine --lr-interval step --force
build/bin/rnrun train "build/$sample.so" --data "$data" --output-dir "build/$sample" "$@"
