#!/bin/sh
# The runtime and the compiler as libraries for C: the same bits as of rnrun, errors, several models and threads at once,
# and what the libraries export.
# Usage: library.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
source=$(cd "$2" && pwd)
test=$(cd "$(dirname "$0")" && pwd)/library_test.c
. "$(dirname "$0")/checks.sh"
libraries=$(cd "$bin/../lib" && pwd)

cat >net.graph <<'END'
const width = 5

model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  conv1 = conv2d(x, width, kernel = 3, stride = 2, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  conv2 = conv2d(relu(bn1), width, kernel = 3, pad = 1, bias = false)
  bn2 = batch_norm(conv2)
  fc = linear(flatten(global_avg_pool(relu(bn2 + bn1))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9, weight_decay = 1e-4)
  recipe(epochs = 1, batch_size = 8, lr = 0.05)
}
END
for width in 5 6 7 8; do "$bin/rnc" net.graph --set "width=$width" -o "net$width.so"; done
"$bin/rnc" net.graph --emit=obj -o net.o
cc -std=c11 -Wall -Wextra -Werror -I"$source" "$test" net.o -L"$libraries" -lrnrun -lrnc -Wl,-rpath,"$libraries" -pthread \
  -o library_test

./library_test inputs
"$bin/rnrun" call net5.so infer --in infer_in.safetensors --seed 3 --out infer.safetensors
"$bin/rnrun" call net5.so train_step --in train_in.safetensors --seed 3 --lr 0.05 --steps 3 --out steps.safetensors
./library_test net5.so net6.so net7.so net8.so >output 2>&1 || { cat output; fail "library_test"; }
[ ! -s output ] || { cat output; fail "the libraries print"; }

# Weights and checkpoints are those of rnrun, too.
"$bin/rnrun" call net5.so loss --in train_in.safetensors --params trained.safetensors --out a.safetensors
"$bin/rnrun" call net5.so loss --in train_in.safetensors --params three.safetensors --out b.safetensors
same a.safetensors b.safetensors "weights and checkpoint of the library"
mkdir run
cp three.safetensors run/checkpoint-last.safetensors
"$bin/rnrun" train net5.so --data shapes --resume run --limit-batches 2 >log 2>&1 || { cat log; fail "--resume"; }

# Nothing is exported but what the headers declare, and all of that.
exported() {
  declared=$(grep -o "\b$2_[a-z_]*(" "$source/$3" | tr -d '(' | sort -u)
  found=$(nm -D --defined-only "$libraries/lib$2.so" | awk '$2 != "A" { print $3 }' | sort)
  [ "$found" = "$(echo "$declared" | sed "s/\$/@@$1/")" ] || fail "lib$2.so exports: $found, $3 declares: $declared"
  readelf -d "$libraries/lib$2.so" | grep -q "SONAME.*lib$2.so.0\]" || fail "the SONAME of lib$2.so"
}
exported RNRUN_0 rnrun runtime/rnrun.h
exported RNC_0 rnc compiler/rnc.h
