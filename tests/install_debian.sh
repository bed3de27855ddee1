#!/bin/sh
# Installs what building, testing and the samples need, from Debian 12's own packages. Uses sudo unless run as
# root; does nothing when all is there.
set -eu
packages="g++ cmake ninja-build llvm-19-dev liblld-19-dev libfmt-dev libcli11-dev nlohmann-json3-dev zlib1g-dev
  libjpeg62-turbo-dev libpng-dev libxxhash-dev doctest-dev dataset-fashion-mnist libjs-chart.js"

missing=""
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo
$as_root apt-get update
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
