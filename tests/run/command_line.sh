#!/bin/sh
# From text to trained weights on the command line, rnc and rnrun together: the same bytes whatever the threads and
# interruptions, dumps that compile to the same results, a trainer, and the errors a user can meet.
# Usage: command_line.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
golden=$(cd "$2" && pwd)/tests/golden/basic
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  conv1 = conv2d(x, 5, kernel = 3, stride = 2, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  conv2 = conv2d(relu(bn1), 5, kernel = 3, pad = 1, bias = false)
  bn2 = batch_norm(conv2)
  fc = linear(flatten(global_avg_pool(relu(bn2 + bn1))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9, weight_decay = 1e-4)
  recipe(epochs = 2, batch_size = 8, lr = 0.05)
}
END
weights() { echo "$1/checkpoint-last.safetensors"; }
train() {
  output=$1
  shift
  "$bin/rnrun" train net.so --data shapes --limit-batches 10 --output-dir "$output" "$@" >log 2>&1 || {
    cat log
    fail "train $*"
  }
}

"$bin/rnc" net.graph -o net.so
"$bin/rnc" net.graph -o again.so
same net.so again.so "the same input gives the same library"

for threads in 1 2 3 7; do
  train "threads$threads" -j "$threads"
  same "$(weights threads1)" "$(weights "threads$threads")" "20 steps with $threads threads"
done

# Killed as soon as the first of two epochs is saved, then resumed.
"$bin/rnrun" train net.so --data shapes --limit-batches 10 --output-dir killed >/dev/null 2>&1 &
training=$!
while kill -0 "$training" 2>/dev/null && [ ! -e "$(weights killed)" ]; do sleep 0.01; done
kill -9 "$training" 2>/dev/null || true
wait "$training" 2>/dev/null || true
train killed --resume
same "$(weights threads1)" "$(weights killed)" "kill -9 and --resume"

# What dropout drops is the same for any number of threads, after an interruption and where it is computed again; another
# seed drops something else.
sed 's/relu(bn2 + bn1)/dropout(relu(drop_path(bn2, p = 0.2) + bn1), p = 0.3)/' net.graph >dropped.graph
"$bin/rnc" dropped.graph -o dropped.so
dropping() {
  "$bin/rnrun" train "${model:-dropped.so}" --data shapes --limit-batches 10 "$@" >log 2>&1 || { cat log; fail "dropout $*"; }
}
dropping --output-dir dropped -j 1
dropping --output-dir dropped-again -j 3 --epochs 1
dropping --output-dir dropped-again --resume --epochs 2 -j 2
same "$(weights dropped)" "$(weights dropped-again)" "dropout, with other threads and an interruption"
sed 's/, p = 0.[23])/, p = 0)/g' dropped.graph >undropped.graph
"$bin/rnc" undropped.graph -o undropped.so
model=undropped.so dropping --output-dir undropped
cmp -s "$(weights dropped)" "$(weights undropped)" && fail "dropout makes no difference"

# A spec may come from standard input, and says which language it is in.
"$bin/rnc" - --emit=summary <net.graph >piped.txt
"$bin/rnc" net.graph --emit=summary -o - >named.txt
same piped.txt named.txt "a spec from standard input"
refused 2 "-o is missing" "$bin/rnc" - --emit=so
for flag in --loss --head --image --classes; do
  refused 2 "$flag is for models in ONNX's format; a spec says its own" "$bin/rnc" net.graph "$flag" x -o x.so
done
sed '1i language 2' net.graph >newer.graph
refused 1 "newer.graph:1:10: error: the file is in language 2" "$bin/rnc" newer.graph
sed '1i language 1' net.graph >older.graph
"$bin/rnc" --format older.graph -o older.graph
"$bin/rnc" --format --check older.graph
refused 1 "is not in its canonical form" sh -c "sed 's/ = /=/' older.graph >loose.graph; '$bin/rnc' --format --check loose.graph"

# A loss of two labels takes mixtures of images; what happens to an image is the same after an interruption.
refused 2 '--mixup-alpha: the loss of the model net does not take mixtures: it has no inputs label2: i32[N] and lambda: f32[]' \
  "$bin/rnrun" train net.so --data shapes --mixup-alpha 0.2 --output-dir refused
sed -e 's/label: i32\[N\])/label: i32[N], label2: i32[N], lambda: f32[])/' \
  -e 's/loss .*/loss lambda * cross_entropy(fc, label) + (1 - lambda) * cross_entropy(fc, label2)/' \
  -e 's/lr = 0.05/lr = 0.05, random_crop = 2, hflip = 0.5, cutout = 6/' net.graph >mix.graph
"$bin/rnc" mix.graph -o mix.so
mix() {
  "$bin/rnrun" train mix.so --data shapes --limit-batches 10 "$@" >log 2>&1 || { cat log; fail "train mixtures $*"; }
}
mix --mixup-alpha 0.3 --output-dir mixed --workers 1
mix --mixup-alpha 0.3 --output-dir mixed-again --workers 3 --epochs 1
mix --output-dir mixed-again --resume --epochs 2
same "$(weights mixed)" "$(weights mixed-again)" "mixtures, with other threads and an interruption"
mix --output-dir unmixed
cmp -s "$(weights mixed)" "$(weights unmixed)" && fail "--mixup-alpha makes no difference"

"$bin/rnc" net.graph --emit=trainer -o trainer
./trainer --data shapes --limit-batches 10 --output-dir trainer-run >log 2>&1 || { cat log; fail "trainer"; }
same "$(weights threads1)" "$(weights trainer-run)" "a trainer trains as rnrun does"

# Every dump compiles to a library that computes the same bits.
call() {
  "$bin/rnrun" call "$1" train_step --in "$golden/in.safetensors" --params "$golden/params.safetensors" --steps 3 --out "$2"
}
"$bin/rnc" "$golden/model.graph" -o basic.so --dump-dir dumps
call basic.so direct
"$bin/rnrun" call basic.so train_step --in "$golden/in.safetensors" --params "$golden/params.safetensors" --steps 3 \
  --lr 1e38 --out diverged 2>said
grep -q 'rnrun: warning: the loss is .*: train_step ended there, and nothing is updated' said || fail "a loss that is not finite: $(cat said)"
sed "s|, 5)|, 6)|; s|include \".*samples|include \"$golden/../../../samples|" "$golden/model.graph" >six-classes.graph
"$bin/rnc" six-classes.graph -o six-classes.so
refused 1 "(--partial loads the" \
  "$bin/rnrun" call six-classes.so loss --in "$golden/in.safetensors" --params "$golden/params.safetensors" --out o
"$bin/rnrun" call six-classes.so loss --in "$golden/in.safetensors" --params "$golden/params.safetensors" --partial --out o \
  >said 2>&1 || fail "call --partial: $(cat said)"
cat >no-recipe.graph <<'END'
model no_recipe(x: f32[N, 3]) {
  y = linear(x, 2)
  predict y
  loss mean(square(y))
  train sgd()
}
END
"$bin/rnc" no-recipe.graph -o no-recipe.so
refused 2 "entry 'train_step' takes a learning rate: pass --lr" "$bin/rnrun" call no-recipe.so train_step --out none
for dump in dumps/*.graph; do
  "$bin/rnc" "$dump" -o dump.so
  call dump.so from-dump
  same direct from-dump "$dump"
done
last=$(ls dumps/*.loops | tail -n 1)
"$bin/rnc" "$last" -o dump.so
call dump.so from-dump
same direct from-dump "$last"

# A kernel edited by hand: the loop IR of an addition becomes that of a product.
cat >plus.graph <<'END'
model plus(a: f32[N, 2], b: f32[N, 2]) {
  predicted = a + b
  predict predicted
}
END
"$bin/rnc" plus.graph --emit=loops -o plus.loops
sed 's/^\( *let [a-z_0-9]* = [a-z_0-9]*\) + /\1 * /' plus.loops >times.loops
cmp -s plus.loops times.loops && { cat plus.loops; fail "nothing was edited"; }
"$bin/rnc" times.loops -o times.so --time-passes 2>times
grep -q 'code generation' times || { cat times; fail "--time-passes of a .loops file"; }
/usr/bin/python3 - <<'END'
import json, struct
header = {name: {"dtype": "F32", "shape": [1, 2], "data_offsets": [at, at + 8]} for name, at in (("a", 0), ("b", 8))}
text = json.dumps(header).encode()
with open("operands.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + struct.pack("<4f", 3, 5, 7, 11))
END
"$bin/rnrun" call times.so infer --in operands.safetensors --out product.safetensors
/usr/bin/python3 -c '
import struct
values = struct.unpack("<2f", open("product.safetensors", "rb").read()[-8:])
assert values == (21, 55), values' || fail "edited loop IR computes something else"
"$bin/rnrun" bench times.so --mode infer -b 8 >bench || { cat bench; fail "bench of edited loop IR"; }

# Batch norm of one value per channel has nothing to train on.
cat >one.graph <<'END'
model one(image: u8[N, 1, 28, 28], label: i32[N]) {
  fc1 = linear(flatten(normalize(image, mean = [0.3], std = [0.3])), 6)
  bn1 = batch_norm(fc1)
  fc = linear(relu(bn1), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd()
  recipe(epochs = 1, batch_size = 64, lr = 0.05, drop_last = true)
}
END
"$bin/rnc" one.graph -o one.so
one() { "$bin/rnrun" train one.so --data shapes --output-dir one --force "$@"; }
one --limit-batches 3 >log 2>&1 || { cat log; fail "train one.so"; }
images=$(sed -n 's/^one: \([0-9]*\) .*/\1/p' log)
refused 2 "batch norm 'bn1' cannot be trained on one value per channel: entry 'train_step' needs batches of at least 2, not 1, which is what is left of $images images: pass --drop-last or another --batch-size" \
  one --no-drop-last -b $((images - 1))
refused 2 "not 1: pass a larger --batch-size" one -b 1
refused 1 "batch norm 'bn1' cannot be trained on one value per channel" "$bin/rnrun" bench one.so --mode train -b 1
"$bin/rnrun" eval one.so --weights "$(weights one)" --data shapes -b 1 --limit-batches 3 >log || { cat log; fail "eval -b 1"; }
"$bin/rnc" one.graph --dump-dir one-dumps -o one.so
for dump in one-dumps/*.graph; do
  "$bin/rnc" "$dump" -o one.so
  refused 2 "not 1: pass a larger --batch-size" one -b 1
done
sed 's/u8\[N, 1, 28, 28\]/f32[1, 6]/; s/fc1 = .*/fc1 = image/; s/i32\[N\]/i32[1]/' one.graph >fixed.graph
refused 1 "fixed.graph:3:9: error: batch_norm: f32[1, 6] has one value per channel, on which it cannot be trained: freeze \"bn1\", or leave out \`train\`" \
  "$bin/rnc" fixed.graph -o fixed.so

# What the backward pass computes again, down to the smallest budget there is a plan for, has the same bits.
refused 1 "--memory-budget: a training step at batch " "$bin/rnc" "$golden/model.graph" --memory-budget 1000 -o small.so
least=$(sed -n 's/.* takes at least \([0-9]*\) bytes, most of them at .*/\1/p' messages)
refused 1 "the budget is $((least - 1))" "$bin/rnc" "$golden/model.graph" --memory-budget $((least - 1)) -o small.so
"$bin/rnc" "$golden/model.graph" --memory-budget "$least" -o small.so
call small.so from-small
same direct from-small "--memory-budget $least"

# wrong LINE TEXT: the model with its line "bn1 = ..." replaced is refused.
wrong() {
  sed "s/^  bn1 = .*/  bn1 = $1/" net.graph >wrong.graph
  refused 1 "$2" "$bin/rnc" wrong.graph -o wrong.so
}
wrong 'frob(x)' "wrong.graph:4:9: error: unknown operation or block 'frob'"
wrong 'relu(x, x)' 'wrong.graph:4:9: error: relu: takes 1 operand, not 2'
wrong 'x + flatten(x)' 'error: add: the shapes of f32[N, 1, 28, 28] and f32[N, 784] do not match'
wrong 'linear(x, 9223372036854775808)' 'the integer 9223372036854775808 is too large'
wrong 'linear(flatten(x), 9223372036854775807)' 'f32[9223372036854775807, 784] is too large'
{ echo 'block again(x) { return again(x) }'; sed 's/^  bn1 = .*/  bn1 = again(x)/' net.graph; } >wrong.graph
refused 1 'error: block again calls itself' "$bin/rnc" wrong.graph -o wrong.so
: >wrong.graph
refused 1 'wrong.graph:1:1: error: the file is empty' "$bin/rnc" wrong.graph -o wrong.so
refused 1 'this is not a text file: it holds the byte 0x7f' "$bin/rnc" net.so -o wrong.so
[ ! -e wrong.so ] || fail "a refused model left a file"

"$bin/rnc" net.graph --weights "$(weights threads1)" -o frozen.so
"$bin/rnrun" info frozen.so | grep -q "^  infer" || fail "a library with its weights in it has entry infer"
evaluate() { "$bin/rnrun" eval "$@" --data shapes --limit-batches 10 -b 8 --json | sed '/seconds/d; /images_per_s/d'; }
evaluate frozen.so >frozen.json
evaluate net.so --weights "$(weights threads1)" >whole.json
sed -i 's/\(: [0-9]*\.[0-9]\{4\}\)[^,]*/\1/' whole.json frozen.json  # batch norm is folded in one of them
same whole.json frozen.json "eval of a library with its weights in it"
"$bin/rnrun" eval frozen.so --data shapes --limit-batches 10 | grep -q '^80 images: cross entropy [0-9.]*  top-1 ' ||
  fail "eval of a library with its weights in it names the cross entropy"
refused 1 "does not fit the model" "$bin/rnc" net.graph --weights "$golden/params.safetensors" -o wrong.so

refused 1 'no data set in nowhere' "$bin/rnrun" train net.so --data nowhere --output-dir wrong
fashion=/usr/share/datasets/fashion-mnist
cp -r "$fashion" short
head -c 100000 "$fashion/train-images-idx3-ubyte.gz" >short/train-images-idx3-ubyte.gz
refused 1 'short/train-images-idx3-ubyte.gz: truncated' "$bin/rnrun" train net.so --data short --output-dir wrong

# The kernels' times add up to the step; a trace has a row per thread.
"$bin/rnrun" bench net.so -b 64 -j 2 --trace trace.json >bench
grep -q '^conv2  *forward  *direct .* \(memory\|compute\)$' bench || { cat bench; fail "bench names kernels and limits"; }
awk '/^all kernel calls: / { share = $6; found = 1 } END { exit !(found && share > 80 && share < 100.1) }' bench ||
  { cat bench; fail "the kernels' times do not add up to the step"; }
grep -q '"name":"thread 0"' trace.json && grep -q '"name":"thread 1"' trace.json || fail "the trace names threads"

# The operations, as their table has them.
"$bin/rnc" --ops | grep -q '^relu  *max(a, 0)' || fail "--ops lists the operations"
"$bin/rnc" --ops conv2d | grep -q '^  groups  *an integer; default 1$' || fail "--ops conv2d shows attributes"
refused 2 "rnc: error: --ops: there is no operation 'Conv2d'; did you mean 'conv2d'?" "$bin/rnc" --ops Conv2d

# By which algorithm, layer by layer.
"$bin/rnc" net.graph --conv=winograd2,conv2=direct --emit=summary --remarks -o summary.txt 2>remarks.txt
grep -q 'conv2.*\[choose_algorithm\]$' remarks.txt || { cat remarks.txt; fail "--emit=summary --remarks"; }
grep -q '^conv2  *direct  *direct  *direct  *direct$' summary.txt || { cat summary.txt; fail "--conv=conv2=direct"; }
"$bin/rnc" net.graph --conv='conv*=winograd3' --emit=loops -o net.loops
grep -q ' for "conv2", forward, by "winograd 3x3",' net.loops || fail "--conv=conv*=winograd3"
grep -q ' for "conv2", weight_grad, by "winograd 3x3",' net.loops || fail "--conv=conv*=winograd3, weight gradient"
refused 2 "--conv: there is no algorithm 'fast'; there are auto, direct, winograd2, winograd3, winograd4" \
  "$bin/rnc" net.graph --conv=fast
refused 1 "--conv: there is no convolution 'conv3'; did you mean 'conv1'?" "$bin/rnc" net.graph --conv=conv3=direct

sed 's/relu(bn2 + bn1)/bn2 + bn1/' net.graph >other.graph
"$bin/rnc" other.graph -o other.so
refused 1 'is a checkpoint of another model' "$bin/rnrun" eval other.so --params "$(weights threads1)" --data shapes
"$bin/rnc" other.graph --weights "$(weights threads1)" -o other_frozen.so 2>warnings
grep -q '^rnc: warning: .* is a checkpoint of another model: .*; its tensors fit, and are taken$' warnings ||
  fail "rnc --weights takes a checkpoint of another model without a word"
"$bin/rnc" net.graph --weights "$(weights threads1)" -o frozen.so 2>warnings
[ ! -s warnings ] || { cat warnings; fail "rnc --weights warns of the model's own checkpoint"; }
refused 1 'does not fit the model net' "$bin/rnrun" eval net.so --params "$golden/params.safetensors" --data shapes
if [ "$(uname -m)" = x86_64 ]; then # of these two features no machine has both
  lacking=avx512fp16
  ! grep -qw avx512_fp16 /proc/cpuinfo || lacking=avx512vp2intersect
  "$bin/rnc" net.graph -o cpu.so --target-features=+$lacking
  refused 1 'needs CPU features this machine lacks: avx512' "$bin/rnrun" info cpu.so
fi
echo "all as it should be"
