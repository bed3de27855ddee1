#!/bin/sh
# One file for several CPUs: each variant has the bits of what is compiled for its CPU alone, checkpoints move between them,
# and what a CPU does not run is refused before it does: on this machine, and on older ones in the emulator.
# Usage: variants.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY [FLAG_OF_SANITIZER...]
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
shift 2
needs qemu-x86_64 cc
cpus="x86-64-v4 x86-64-v3 x86-64"
list=x86-64,x86-64-v3,x86-64-v4

cat >net.graph <<'END'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  conv1 = conv2d(x, 16, kernel = 3, stride = 2, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  conv2 = conv2d(relu(bn1), 16, kernel = 3, pad = 1, bias = false)
  bn2 = batch_norm(conv2)
  fc = linear(flatten(global_avg_pool(relu(bn2 + bn1))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9, weight_decay = 1e-4)
  recipe(epochs = 1, batch_size = 8, lr = 0.05)
}
END
size() { stat -c %s "$1"; }
last() { echo "$1/checkpoint-last.safetensors"; }
train() { "$bin/rnrun" train "$@" --data shapes --limit-batches 10 >log 2>&1 || { cat log; fail "train $*"; }; }
evaluate() { "$bin/rnrun" eval "$@" --data shapes -b 8 --limit-batches 4 --json >eval.json || fail "eval $*"; }
# What is said of the library's place and name, and of times, differs.
figures() { grep -E '"(loss|acc1|acc5|samples)"' eval.json >"$1" && [ -s "$1" ]; }

# The emulated CPUs, and what they run: the emulator has no AVX-512.
new="qemu-x86_64 -cpu Haswell"
old="qemu-x86_64 -cpu Nehalem"

"$bin/rnc" net.graph --target-cpu $list -o fat.so
"$bin/rnc" net.graph --target-cpu $list -o fat.o
for cpu in $cpus; do
  "$bin/rnc" net.graph --target-cpu "$cpu" -o "$cpu.so"
  "$bin/rnc" net.graph --target-cpu "$cpu" -o "$cpu.o"
done
for kind in so o; do
  all=$(($(size x86-64.$kind) + $(size x86-64-v3.$kind) + $(size x86-64-v4.$kind)))
  [ "$(size fat.$kind)" -lt "$all" ] || fail "fat.$kind has $(size fat.$kind) bytes, the single ones together $all"
done

# Which variant is used: the best that runs, that of the environment, that of the command line.
native=$("$bin/rnrun" info fat.so | sed -n 's/^compiled by.* //p')
runs() { [ "$cpu" = x86-64 ] || ./supports "$cpu"; }
cat >supports.c <<'END'
#include <string.h>
int main(int count, char** arguments) {
  return count == 2 && strcmp(arguments[1], "x86-64-v4") == 0 ? !__builtin_cpu_supports("avx512vl")
                                                              : !__builtin_cpu_supports("avx2");
}
END
cc supports.c -o supports
for cpu in $cpus; do runs && break; done
[ "$native" = "$cpu" ] || fail "$native is taken, where $cpu runs"
"$bin/rnrun" info fat.so | grep -q '^variants  *x86-64-v4.*, x86-64-v3.*, x86-64' || fail "info does not list variants"
[ "$("$bin/rnrun" info --json fat.so | grep -c '"runs": true')" -ge 1 ] || fail "info --json has no variants"
[ "$(RNRUN_VARIANT=x86-64 "$bin/rnrun" info fat.so | sed -n 's/^compiled by.* //p')" = x86-64 ] || fail "RNRUN_VARIANT"
[ "$(RNRUN_VARIANT=z80 "$bin/rnrun" info fat.so --variant x86-64 | sed -n 's/^compiled by.* //p')" = x86-64 ] ||
  fail "--variant comes before RNRUN_VARIANT"
refused 1 'rnrun: error: fat.so has no variant z80; it has x86-64-v4, x86-64-v3, x86-64' \
  "$bin/rnrun" info fat.so --variant z80
refused 1 'rnrun: error: RNRUN_VARIANT: fat.so has no variant z80' env RNRUN_VARIANT=z80 "$bin/rnrun" eval fat.so
refused 1 'rnrun: error: x86-64.so has no variant x86-64-v3; it has x86-64' "$bin/rnrun" info x86-64.so --variant x86-64-v3
refused 2 "rnc: error: target CPU 'x86-64' is named twice" "$bin/rnc" net.graph --target-cpu x86-64,x86-64 -o no.so
refused 2 'for several CPUs; name one' "$bin/rnc" net.graph --target-cpu $list --emit=asm -o no.s
[ ! -e no.so ] && [ ! -e no.s ] || fail "a refused command line leaves a file"

# The bits of each: of training, of inference, of inference with weights inside. One checkpoint for all.
"$bin/rnc" net.graph --target-cpu $list --emit=trainer -o trainer
for cpu in $cpus; do
  if ! runs; then
    refused 1 "needs CPU features this machine lacks: " "$bin/rnrun" info fat.so --variant "$cpu"
    continue
  fi
  train "$cpu.so" --output-dir "single-$cpu"
  train fat.so --variant "$cpu" --output-dir "fat-$cpu"
  same "$(last "single-$cpu")" "$(last "fat-$cpu")" "training by variant $cpu"
  RNRUN_VARIANT=$cpu ./trainer --data shapes --limit-batches 10 --output-dir "trainer-$cpu" >log 2>&1 || fail trainer
  same "$(last "single-$cpu")" "$(last "trainer-$cpu")" "training by variant $cpu of a trainer"
done
./trainer --variant x86-64 --data shapes --limit-batches 10 --output-dir trainer-flag >log 2>&1 || fail "trainer --variant"
same "$(last single-x86-64)" "$(last trainer-flag)" "--variant of a trainer"
weights=$(last "single-$native")
"$bin/rnc" net.graph --target-cpu $list --weights "$weights" -o fat-weights.so
for cpu in $cpus; do
  runs || continue
  "$bin/rnc" net.graph --target-cpu "$cpu" --weights "$weights" -o "$cpu-weights.so"
  evaluate "$cpu.so" --weights "$weights"
  figures single
  evaluate fat.so --variant "$cpu" --weights "$weights"
  figures fat
  same single fat "inference by variant $cpu"
  evaluate "$cpu-weights.so"
  figures single
  evaluate fat-weights.so --variant "$cpu"
  figures fat
  same single fat "inference by variant $cpu, weights inside"
  train fat.so --variant "$cpu" --weights "$weights" --output-dir "on-$cpu"
done
train fat.so --variant x86-64 --resume "fat-$native" --epochs 2

# By nothing but the headers of the contract, on three machines: dynamically and linked in.
warnings="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1"
# shellcheck disable=SC2086
cc $warnings -I"$source" "$source/tests/run/host.c" -o host -ldl -lm
# shellcheck disable=SC2086
cc $warnings -DHOST_LINKED -I"$source" "$source/tests/run/host.c" fat.o -o linked -lm
# on CPU RUNNER...: what the variant of this CPU computes is what its own library does.
on() {
  cpu=$1
  shift
  "$@" ./host "./$cpu.so" 5 >single 2>which || { cat which; fail "$cpu.so"; }
  for program in "./host ./fat.so" "./linked -"; do
    # shellcheck disable=SC2086
    "$@" $program 5 >fat 2>which || { cat which; fail "$program on $cpu"; }
    grep -q "net: .* $cpu\$" which || { cat which; fail "$program is not by $cpu"; }
    same single fat "$program by $cpu"
  done
}
on "$native"
on x86-64-v3 $new
on x86-64 $old
on x86-64-v3 $new  # the same programs again, whatever has been before

# The same by librnrun.
cat >library.c <<'END'
#include <stdio.h>
#include <string.h>

#include "runtime/contract/abi.h"
#include "runtime/rnrun.h"

extern const rn_model_descriptor rn_model;

int main(void) {
  rnrun_model *model, *old, *none;
  if (rnrun_model_linked(&rn_model, &model) || rnrun_model_variant(model, "x86-64", &old))
    return fprintf(stderr, "%s\n", rnrun_error_text()), 1;
  printf("%s", rnrun_model_descriptor(model)->cpu);
  rnrun_model_free(model);
  if (rnrun_model_variant(old, "z80", &none) != RNRUN_ERROR || rnrun_model_variant(old, NULL, &none) != RNRUN_USAGE)
    return 1;
  return strcmp(rnrun_model_descriptor(old)->cpu, "x86-64");
}
END
libraries=$(cd "$bin/../lib" && pwd)
# shellcheck disable=SC2086
cc $warnings "$@" -I"$source" library.c fat.o -L"$libraries" -lrnrun -Wl,-rpath,"$libraries" -o library
[ "$(./library)" = "$native" ] || fail "the best variant by librnrun"
[ "$(RNRUN_VARIANT=x86-64 ./library)" = x86-64 ] || fail "RNRUN_VARIANT by librnrun"

# What a CPU does not run is refused, with what it lacks.
[ $# -eq 0 ] || exit 0  # rnrun with a sanitizer does not run in the emulator
"$bin/rnc" net.graph --target-cpu x86-64-v4,x86-64-v3 -o newer.so
refused 1 'x86-64-v4.so was compiled for x86-64-v4 and needs CPU features this machine lacks: avx512bw, avx512dq, avx512f' \
  $new "$bin/rnrun" info x86-64-v4.so
refused 1 'fat.so was compiled for x86-64-v4 and needs CPU features this machine lacks' \
  $new "$bin/rnrun" info fat.so --variant x86-64-v4
refused 1 "newer.so has no variant for this machine's CPU, which lacks what they need: x86-64-v4 needs avx, avx2, " \
  $old "$bin/rnrun" info newer.so
refused 1 'newer.so is not for this CPU' $old ./host ./newer.so 5
[ "$($old "$bin/rnrun" info fat.so 2>/dev/null | sed -n 's/^compiled by.* //p')" = x86-64 ] || fail "info on an old CPU"
$new "$bin/rnrun" info fat.so 2>/dev/null | grep -q 'x86-64-v4 (not for this CPU), x86-64-v3 (used), x86-64$' ||
  fail "info on another CPU"
