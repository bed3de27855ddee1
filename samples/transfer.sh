#!/bin/sh
# Transfer learning: takes a ResNet-20 trained on CIFAR-10 and trains its last stage and a new head on a folder of images.
# Usage: sh samples/transfer.sh WEIGHTS DATA [FLAGS OF rnrun train]
# WEIGHTS: safetensors, from rnrun train or samples/pytorch_weights.py. DATA: {train,test}/<class>/*.{jpg,png}.
set -eu
[ $# -ge 2 ] || { sed -n '2,4s/^# //p' "$0"; exit 2; }
weights=$(realpath "$1")
data=$(realpath "$2")
shift 2
cd "$(dirname "$0")/.."
classes=$(find "$data/train/" -mindepth 1 -maxdepth 1 | wc -l)
build/bin/rnc samples/cifar_transfer.graph --set "classes=$classes" -o build/cifar_transfer.so
build/bin/rnrun train build/cifar_transfer.so --weights "$weights" --partial --data "folder:$data" \
  --output-dir build/cifar_transfer --force "$@"
