#!/bin/sh
# Graphviz draws ResNet-18 from what --emit=dot writes.
# Usage: drawing.sh DIRECTORY_OF_RNC SOURCE_DIRECTORY
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
needs dot

"$bin/rnc" "$source/samples/resnet18.graph" --emit=dot -o resnet18.dot
dot -Tsvg resnet18.dot >resnet18.svg
boxes=$(grep -c 'class="node"' resnet18.svg)
[ "$boxes" -ge 30 ] || fail "only $boxes boxes drawn"
