#!/bin/sh
# Models without a host (rnc --emit=static): the bits of rnrun on several CPUs, and samples/embed/firmware in less than
# 128 KiB of memory, its stack included, here and in the emulator. Usage: static.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
cross=aarch64-linux-gnu
needs cc nm size qemu-aarch64 $cross-gcc
warnings="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror"

cp "$source"/samples/embed/firmware/* .
"$bin/rnc" cifar_resnet8.graph --target-cpu=x86-64 -o net.so
"$bin/rnrun" train net.so --data shapes --limit-batches 9 --epochs 1 --output-dir run >log 2>&1 || { cat log; fail "training"; }
weights=run/checkpoint-last.safetensors
head -c 9216 /usr/bin/env >images  # three of 3 x 32 x 32

# The logits that rnrun computes of so many of the images: the last bytes of a safetensors file.
logits_of_rnrun() {
  header=$(printf '{"image":{"dtype":"U8","shape":[%d,3,32,32],"data_offsets":[0,%4d]}}      ' "$1" $((3072 * $1)))
  { printf "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"; head -c $((3072 * $1)) images; } >in.safetensors
  "$bin/rnrun" call net.so infer --in in.safetensors --out out.safetensors >log 2>&1 || { cat log; fail "rnrun call"; }
  tail -c $((40 * $1)) out.safetensors
}

for cpu in x86-64 native; do
  for conv in direct auto; do
    flags="cifar_resnet8.graph --weights $weights --conv=$conv --target-cpu=$cpu"
    # shellcheck disable=SC2086
    {
      "$bin/rnc" $flags -o net.so
      "$bin/rnc" $flags --emit=c-header -o net.h
      "$bin/rnc" $flags --emit=static -o net.o 2>note
    }
    grep -q 'note: cifar_resnet8_infer needs [0-9]* bytes of memory for one sample (' note || { cat note; fail "no note"; }
    [ -z "$(nm -u net.o)" ] || fail "$cpu $conv: it needs $(nm -u net.o)"
    # shellcheck disable=SC2086
    cc $warnings -I. "$source/tests/run/static_host.c" net.o -o static_host
    for n in 1 3; do
      logits_of_rnrun "$n" >expected
      ./static_host "$n" <images >logits
      same expected logits "$n samples for $cpu, $conv"
    done
  done
done

# Numbers are given by value, or are the model's own.
cat >numbers.graph <<'END_OF_GRAPH'
model numbers(x: f32[N, 4], factor: f32[], share: f32[] = 2) {
  y = x * factor + share
  predict y
}
END_OF_GRAPH
"$bin/rnc" numbers.graph --emit=static -o numbers.o 2>/dev/null
"$bin/rnc" numbers.graph --emit=c-header -o numbers.h
cat >numbers.c <<'END_OF_C'
#include "numbers.h"
int main(void) {
  static _Alignas(64) float x[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}}, y[3][4];
  static _Alignas(64) unsigned char memory[NUMBERS_MEMORY_BYTES(3) + 1];
  numbers_infer((const float(*)[4])x, 0.5F, y, 3, memory);
  for (int i = 0; i < 12; ++i)
    if (y[i / 4][i % 4] != 0.5F * (float)(i + 1) + 2) return 1;
  return 0;
}
END_OF_C
# shellcheck disable=SC2086
cc $warnings numbers.c numbers.o -o numbers
./numbers || fail "a model with numbers"

# firmware COMPILER FLAG...: builds the sample.
firmware() {
  compiler=$1
  shift
  "$bin/rnc" cifar_resnet8.graph --weights $weights --conv=direct "$@" --emit=static -o resnet8.o 2>/dev/null
  "$bin/rnc" cifar_resnet8.graph --weights $weights --conv=direct "$@" --emit=c-header -o resnet8.h
  for program in classify raw; do
    more=
    [ $program = classify ] || more=-DRAW_LOGITS=1
    # shellcheck disable=SC2086
    $compiler -std=c11 -Wall -Wextra -Werror -O2 -ffreestanding -nostdlib -static $more classify.c resnet8.o -o $program
  done
  $compiler -dumpmachine >machine
  memory=$(size classify | awk 'NR == 2 { print $2 + $3 }')
  [ "$memory" -lt 131072 ] || fail "$(cat machine): $memory bytes of memory"
  echo "$(cat machine): $memory bytes of memory"
}
firmware cc --target-cpu=x86-64
"$bin/rnc" cifar_resnet8.graph --weights $weights --conv=direct --target-cpu=x86-64 -o net.so
logits_of_rnrun 1 >expected
./raw <images >logits
same expected logits "the sample"
name=$(./classify <images)
firmware $cross-gcc --target-triple=$cross
qemu-aarch64 ./raw <images >there
[ "$(qemu-aarch64 ./classify <images)" = "$name" ] || { od -t f4 logits there; fail "another class in the emulator, not $name"; }
od -An -t f4 -w4 logits >here
od -An -t f4 -w4 there | paste - here | awk '
  { distance = $1 - $2; if (distance < 0) distance = -distance; if (!(distance <= 1e-4)) exit 1; ++count }
  END { if (count != 10) exit 1 }' || { od -t f4 there; cat here; fail "other logits in the emulator"; }
status=0
head -c 99 images | qemu-aarch64 ./classify || status=$?
[ $status -eq 1 ] || fail "an image that is cut short: status $status"

# What cannot be.
refused 1 'comes without values of its weights; --weights FILE gives them' "$bin/rnc" cifar_resnet8.graph --emit=static -o no.o
refused 2 'only a library, an object file or a trainer is for several CPUs' \
  "$bin/rnc" cifar_resnet8.graph --weights $weights --target-cpu=x86-64,x86-64-v3 --emit=static -o no.o
[ ! -e no.o ] || fail "a refused file"
