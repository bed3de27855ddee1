#!/bin/sh
# The runtime and the compiler as libraries for C: the same bits as of rnrun, errors, several models and threads at once,
# and what the libraries export.
# Usage: library.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY [FLAG_OF_SANITIZER...]
set -eu
source=$(cd "$2" && pwd)
test=$(cd "$(dirname "$0")" && pwd)/library_test.c
. "$(dirname "$0")/checks.sh"
shift 2
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
cc "$@" -std=c11 -Wall -Wextra -Werror -I"$source" "$test" net.o -L"$libraries" -lrnrun -lrnc \
  -Wl,-rpath,"$libraries" -pthread -o library_test

./library_test inputs
"$bin/rnrun" call net5.so infer --in infer_in.safetensors --seed 3 --out infer.safetensors
"$bin/rnrun" call net5.so train_step --in train_in.safetensors --seed 3 --lr 0.05 --steps 3 --out steps.safetensors
./library_test net5.so net6.so net7.so net8.so >output 2>&1 || { cat output; fail "library_test"; }
[ ! -s output ] || { cat output; fail "the libraries print"; }


cc "$@" -std=c11 -Wall -Wextra -Werror -I"$source" "$(dirname "$test")/library_host_test.c" -L"$libraries" -lrnrun \
  -Wl,-rpath,"$libraries" -pthread -o library_host_test
./library_host_test net5.so >output 2>&1 || { cat output; fail "library_host_test"; }

# The header for C++.
cat >wrapped.cpp <<'END'
#include <cstdio>
#include <numeric>

#include "runtime/rnrun.hpp"

int main() {
  rnc::Session session(rnc::Model::load("net5.so"), 2);
  alignas(RNRUN_ALIGNMENT) static std::uint8_t pixels[28 * 28];
  std::iota(std::begin(pixels), std::end(pixels), 0);
  const std::int32_t label[] = {3};
  float scores[10];
  session.load_weights("trained.safetensors");
  const double loss = session.evaluate({{"image", std::span(pixels), {1, 1, 28, 28}}, {"label", std::span(label), {1}}},
                                       {{"fc", std::span(scores), {1, 10}}});
  double last = session.train_step({{"image", std::span(pixels), {1, 1, 28, 28}}, {"label", std::span(label), {1}}}, 0.05);
  last = session.train_step({{"image", std::span(pixels), {1, 1, 28, 28}}, {"label", std::span(label), {1}}}, 0.05);
  try {
    session.infer({{"pixels", std::span(pixels), {1, 1, 28, 28}}}, {{"fc", std::span(scores), {1, 10}}});
  } catch (const rnc::Error& error) {
    std::printf("%d %s\n", error.status(), error.what());
  }
  try {
    session.infer({{"image", std::span(pixels), {2, 1, 28, 28}}}, {});
  } catch (const std::invalid_argument& error) {
    std::printf("%s\n", error.what());
  }
  std::printf("%d %d\n", last < loss || last > loss, static_cast<int>(session.steps()));
}
END
c++ "$@" -std=c++20 -Wall -Wextra -Werror -I"$source" wrapped.cpp -L"$libraries" -lrnrun -Wl,-rpath,"$libraries" -o wrapped
./wrapped >output || { cat output; fail "rnrun.hpp"; }
printf '%s\n' "1 the call: " "image: the span has 784 elements, its sizes are of 1568" "1 2" >expected
sed 's/^\(1 the call: \).*/\1/' output | cmp -s - expected || { cat output; fail "rnrun.hpp"; }

# The static library, in a program in C++ with standard containers of its own.
cat >static.cpp <<'END'
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "runtime/rnrun.h"

int main() {
  const std::map<std::string, std::vector<std::string>> texts{{"version", {rnrun_version()}}};
  rnrun_model* model = nullptr;
  rnrun_session* session = nullptr;
  const bool failed = rnrun_model_load("no.so", &model) == RNRUN_OK || rnrun_model_load("net5.so", &model) ||
                      rnrun_session_create(model, 2, &session);
  rnrun_session_free(session);
  rnrun_model_free(model);
  std::cout << texts.at("version").front() << ": " << rnrun_error_text() << "\n";
  return failed;
}
END
c++ "$@" -std=c++20 -I"$source" static.cpp "$libraries/librnrun.a" -lgomp -lz -lm -o static
[ "$(./static)" = "0.1.0: cannot load the model no.so: no such file" ] || { ./static; fail "the static library"; }

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
