#!/bin/sh
# Every sample goes through all passes, for training and inference, to loops whose planned memory is at most 1.05
# times the most that lives at a time, in every entry. The text of the loops is read back to the same.
# Usage: samples.sh DIRECTORY_OF_RNC SOURCE_DIRECTORY
set -eu
rnc=$1/rnc
samples=$2/samples
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
loops=$directory/sample.loops
count=0
for file in "$samples"/*.graph; do
  grep -q '^model ' "$file" || continue  # what the others include
  "$rnc" "$file" -o "$loops"
  "$rnc" "$loops" -o "$directory/again.loops"
  cmp "$loops" "$directory/again.loops" || { echo "$file: its loop IR is read back to something else"; exit 1; }
  plans=$("$rnc" "$loops" --emit=memory -o - | grep '^entry ')
  echo "$plans" | grep -q '^entry infer:' || { echo "$file: no plan of entry infer"; exit 1; }
  echo "$plans" | awk '/^entry train_step:/ { found = 1 } / ratio / && $NF > 1.05 { loose = 1 } END { exit loose || !found }' ||
    { echo "$file: memory is planned too loosely, or no training step: $plans"; exit 1; }
  count=$((count + 1))
done
[ "$count" -ge 30 ] || { echo "only $count samples"; exit 1; }
