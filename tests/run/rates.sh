#!/bin/sh
# Learning rates: --lr-find; those of single layers, --lr-mult, --layer-decay, --freeze-epochs.
# Usage: rates.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END_OF_NET'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  stem = conv2d(x, 4, kernel = 3, stride = 2)
  layer.0 = conv2d(relu(stem), 6, kernel = 3, stride = 2)
  layer.1 = conv2d(relu(layer.0), 6, kernel = 3)
  fc = linear(flatten(global_avg_pool(relu(layer.1))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9, weight_decay = 1e-3)
  recipe(epochs = 2, batch_size = 8)
}
END_OF_NET
"$bin/rnc" net.graph -o net.so
run() { "$bin/rnrun" train net.so --data shapes --limit-batches "$limit" "$@"; }
limit=20
train() { run "$@" >log 2>&1 || { cat log; fail "train $*"; }; }
weights() { echo "$1/checkpoint-last.safetensors"; }
# python CODE: with read(DIRECTORY), the tensors of a checkpoint.
python() {
  /usr/bin/python3 - "$@" <<END_OF_PYTHON
import json, struct, torch
def read(directory, name="checkpoint-last"):
    data = open(f"{directory}/{name}.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    return {name: torch.frombuffer(bytearray(data[8 + size:][slice(*t["data_offsets"])]), dtype=torch.float32).reshape(t["shape"])
            for name, t in json.loads(data[8:8 + size]).items() if name != "__metadata__"}
$code
END_OF_PYTHON
}

# A range test needs no rate, suggests one, and is in nobody's way.
cat >simple.graph <<'END_OF_NET'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  hidden = linear(flatten(normalize(image, mean = [0.3], std = [0.3])), 32)
  fc = linear(relu(hidden), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(batch_size = 32)
}
END_OF_NET
"$bin/rnc" simple.graph -o simple.so
find_lr() { "$bin/rnrun" train simple.so --data shapes --lr-find "$@"; }
find_lr --output-dir found >log 2>&1 || { cat log; fail "--lr-find"; }
grep -qE '^suggestion: --lr [0-9.e-]+, where the loss falls fastest' log || { cat log; fail "no suggestion"; }
head -n 1 found/lr_find.csv | grep -qx 'lr,loss,smoothed' || fail "lr_find.csv"
[ "$(wc -l <found/lr_find.csv)" -gt 50 ] || fail "few points"
grep -q '"lr_find":{"model":"net"' found/lr_find.html || fail "lr_find.html"
find_lr --output-dir threads -j 1 --workers 1 --log-json >lines 2>/dev/null
same found/lr_find.csv threads/lr_find.csv "--lr-find with other threads"
code='e = json.loads(open("lines").read()); assert e["event"] == "lr_find" and 1e-4 < e["suggestion"] < 1, e'
python || fail "--lr-find --log-json"
# Where the loss does not fall, there is nothing to suggest.
run --lr-find --output-dir threads >log 2>&1 || { cat log; fail "--lr-find"; }
grep -q '^no suggestion: ' log || { cat log; fail "a suggestion by chance"; }
train --output-dir found --lr 0.05
[ -e found/lr_find.csv ] || fail "a training has removed the range test"
cp "$(weights found)" kept
run --lr-find --resume --output-dir found >log 2>&1 || { cat log; fail "--lr-find --resume"; }
same "$(weights found)" kept "--lr-find and a checkpoint"
refused 2 'the recipe of the model net has no lr: pass --lr' run --output-dir none

# Factors of 1 change nothing. A factor of 0 is a parameter that stays, the same for whole and divided steps.
train --lr 0.05 --output-dir plain
train --lr 0.05 --output-dir ones --lr-mult '*=1'
same "$(weights plain)" "$(weights found)" "two trainings"
code='
a, b = read("plain"), read("ones")
assert all(torch.equal(a[n], b[n]) for n in a)'
python || fail "factors of 1"
# With one step, and without momentum, a factor is a rate: p + f (p1 - p).
limit=1
train --lr 0.05 --output-dir first --epochs 1
train --lr 0.05 --output-dir factors --epochs 1 --lr-mult '*=0.5,layer.0=0.1,fc.bias=0'
train --lr 0.05 --output-dir divided --epochs 1 --lr-mult '*=0.5,layer.0=0.1,fc.bias=0' --clip-grad-norm 1000000
train --lr 0.05 --output-dir decay --epochs 1 --layer-decay 0.5
train --lr 0 --output-dir start --epochs 1
limit=20
code='
start, first, factors, divided, decay = map(read, ("start", "first", "factors", "divided", "decay"))
factor = {"stem": 0.5, "layer.0": 0.1, "layer.1": 0.5, "fc": 0.5}
depth = {"stem": 0.125, "layer.0": 0.25, "layer.1": 0.5, "fc": 1}
for name, p in start.items():
    if name.startswith("momentum."):
        continue
    layer = name.rsplit(".", 1)[0]
    f = 0 if name == "fc.bias" else factor[layer]
    step = first[name].double() - p.double()
    assert step.abs().max() > 0, name
    for trained, by in ((factors, f), (divided, f), (decay, depth[layer])):
        error = (trained[name].double() - (p.double() + by * step)).abs().max()
        assert error < 1e-7, (name, by, error)
assert torch.equal(factors["fc.bias"], start["fc.bias"])'
python || fail "--lr-mult or --layer-decay"

# Frozen for an epoch: as they were then, and trained afterwards; the same bits when interrupted.
freeze="--lr 0.05 --freeze-epochs 1 --freeze stem,layer.*"
train $freeze --output-dir frozen --epochs 1
train $freeze --output-dir thawed
code='
start, frozen, thawed = map(read, ("start", "frozen", "thawed"))
for name in ("stem.weight", "layer.0.weight", "layer.1.bias"):
    assert torch.equal(start[name], frozen[name]), name
    assert not torch.equal(start[name], thawed[name]), name
assert not torch.equal(start["fc.weight"], frozen["fc.weight"])'
python || fail "--freeze-epochs"
train --output-dir frozen --resume --epochs 2 -j 3
same "$(weights frozen)" "$(weights thawed)" "--freeze-epochs and --resume"
# What --partial has loaded is what stays, without a pattern.
sed 's/fc/head/g' net.graph >headed.graph
"$bin/rnc" headed.graph -o headed.so
"$bin/rnrun" train headed.so --data shapes --limit-batches 20 --lr 0.05 --epochs 1 --freeze-epochs 1 --partial \
  --weights "$(weights plain)" --output-dir headed >log 2>&1 || { cat log; fail "--partial"; }
code='
plain, headed = read("plain"), read("headed")
assert all(torch.equal(plain[n], headed[n]) for n in ("stem.weight", "stem.bias", "layer.0.weight", "layer.1.weight"))
assert headed["momentum.head.weight"].abs().max() > 0'
python || fail "what --partial has loaded"

refused 2 "--lr-mult: no parameter matches 'conv9'; there are " run --lr 0.1 --lr-mult conv9=1 --output-dir none
refused 2 '--lr-mult: must be PATTERN=NUMBER, with numbers from 0 to 1000000, separated by commas, not fc' \
  run --lr 0.1 --lr-mult fc --output-dir none
refused 2 '--freeze-epochs: what is to stay as it is?' run --lr 0.1 --freeze-epochs 1 --output-dir none
refused 2 '--freeze: for how many epochs?' run --lr 0.1 --freeze fc --output-dir none
[ ! -e none ] || fail "a refused training left a directory"
echo "all as it should be"
