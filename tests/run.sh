#!/bin/sh
# Installs what is needed, builds, and runs all tests.
set -eu
cd "$(dirname "$0")/.."
sh tests/install_debian.sh
cmake -B build -G Ninja
cmake --build build
ctest --test-dir build --output-on-failure --no-tests=error -j "$(nproc)"
