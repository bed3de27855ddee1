#!/bin/sh
# Installs what building and the samples need, and with the argument "tests" what tests alone need, too, from Debian 12's
# own packages. Uses sudo unless run as root; does nothing when all is there.
set -eu
packages="g++ cmake ninja-build llvm-19-dev liblld-19-dev libfmt-dev libcli11-dev nlohmann-json3-dev zlib1g-dev
  libjpeg62-turbo-dev libpng-dev libwebp-dev libtiff-dev libgif-dev libxxhash-dev libjemalloc-dev libonnx-dev libprotobuf-dev
  doctest-dev dataset-fashion-mnist libjs-chart.js help2man"
[ "${1-}" != tests ] || packages="$packages python3-numpy python3-torch python3-torchvision python3-onnx libonnx-testdata
  libopenmpi-dev openmpi-bin libmpich-dev mpich chromium graphviz clang-format-14 pkg-config qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

missing=""
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  command -v sudo >/dev/null || { echo "missing, and no sudo to install them:$missing" >&2; exit 1; }
fi
$as_root apt-get update
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
