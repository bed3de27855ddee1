#!/bin/sh
# Scalar inputs of a model: their defaults, --input, and what is said where they have no value.
# Usage: scalar_inputs.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
model net(image: u8[N, 1, 28, 28], label: i32[N], alpha: f32[], beta: f32[] = 0.25) {
  x = normalize(image, mean = [0.3], std = [0.3])
  conv = conv2d(x, 5, kernel = 3, stride = 2, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(conv))), 10)
  scores = fc * alpha + beta
  predict scores
  loss cross_entropy(scores, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 1, batch_size = 8, lr = 0.05)
}
END
sed 's/alpha: f32\[\], beta: f32\[\] = 0.25/unused: f32[] = 0/; s/fc \* alpha + beta/fc * 2 + 0.25/' net.graph >constant.graph
"$bin/rnc" net.graph -o net.so
"$bin/rnc" constant.graph -o constant.so
weights() { echo "$1/checkpoint-last.safetensors"; }
train() {
  model=$1
  shift
  "$bin/rnrun" train "$model" --data shapes --limit-batches 10 "$@" >log 2>&1 || { cat log; fail "train $model $*"; }
}
evaluate() { "$bin/rnrun" eval net.so --data shapes --limit-batches 4 --json "$@" | sed -n 's/^ *"loss": //p'; }

# Without a value there is no run, and the message says how to give one.
missing='the model net has no value for its input alpha: pass --input alpha=NUMBER, or give it a default where the model declares it, alpha: f32[] = NUMBER'
refused 2 "$missing" "$bin/rnrun" train net.so --data shapes --output-dir refused
refused 2 "$missing" "$bin/rnrun" call net.so infer --out out.safetensors
refused 2 "--input: must be NAME=NUMBER, not alpha" "$bin/rnrun" train net.so --input alpha
refused 2 "--input gamma: entry 'train_step' of the model net has no such scalar input; it has alpha, beta, lr, momentum" \
  "$bin/rnrun" train net.so --data shapes --input gamma=1 --output-dir refused
refused 2 '--input lr: training sets this input itself' \
  "$bin/rnrun" train net.so --data shapes --input alpha=1 --input lr=1 --output-dir refused

# lambda is training's where there are mixtures, that is label2, and a scalar like any other where not.
sed 's/alpha/lambda/g' net.graph >lambda.graph
"$bin/rnc" lambda.graph -o lambda.so
refused 2 'the model net has no value for its input lambda' "$bin/rnrun" train lambda.so --data shapes --output-dir refused
train lambda.so --input lambda=2 --output-dir lambda

# The value is the one that a model would be compiled with, in training and in its evaluations; --resume keeps it.
train net.so --input alpha=2 --output-dir run
train constant.so --output-dir constant
results() { cut -d , -f 4,5 "$1/metrics.csv"; }
[ "$(results run)" = "$(results constant)" ] || fail "an input of 2 and a constant 2: $(results run), $(results constant)"
train net.so --input alpha=2 --output-dir run2 --epochs 2
train net.so --resume "$(weights run)" --output-dir run --epochs 2
same "$(weights run)" "$(weights run2)" "--resume keeps the value"

# eval and predict take the checkpoint's value unless they are given one.
[ "$(evaluate --weights "$(weights run)")" = "$(evaluate --weights "$(weights run)" --input alpha=2)" ] ||
  fail "eval does not take the checkpoint's value"
[ "$(evaluate --weights "$(weights run)")" != "$(evaluate --weights "$(weights run)" --input alpha=1)" ] ||
  fail "eval does not take --input"

refused 2 "--input beta: entry 'update' of the model net has no such scalar input; it has lr, momentum" \
  "$bin/rnrun" call net.so update --input beta=1 --out refused.safetensors
"$bin/rnrun" bench net.so --mode infer --batch-size 2 --threads 1 --repeats 1 --input alpha=3 >log 2>&1 || { cat log; fail bench; }

# A dump keeps the default.
"$bin/rnc" net.graph --emit=graph -o dump.graph
grep -q 'beta : f32\[\] = input(default = 0.25)' dump.graph || fail "the dump has no default"
"$bin/rnc" dump.graph -o dump.so
refused 2 "$missing" "$bin/rnrun" call dump.so infer --out refused.safetensors
train dump.so --input alpha=2 --output-dir dumped
[ "$(results dumped)" = "$(results constant)" ] || fail "the dump of an input of 2: $(results dumped)"
