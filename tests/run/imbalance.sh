#!/bin/sh
# Classes of which some have many more images than others: --class-weights, --sampler balanced; and --repeat-augment.
# Usage: imbalance.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

# 60 training images of class 0, 30 of class 1, 6 of class 2; a reference of the weighted loss of PyTorch.
cat >make.py <<'END_OF_PYTHON'
import json, struct, random
def write(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
random.seed(1)
for split, counts in {"train": (60, 30, 6), "val": (8, 8, 8)}.items():
    labels = [k for k, n in enumerate(counts) for _ in range(n)]
    pixels = b"".join(bytes(min(255, max(0, int(random.gauss(60 + 60 * k, 40)))) for _ in range(64)) for k in labels)
    write(f"data/{split}.safetensors", {"image": ("U8", [len(labels), 1, 8, 8], pixels),
                                        "label": ("I32", [len(labels)], struct.pack(f"<{len(labels)}i", *labels))})
END_OF_PYTHON
mkdir data
/usr/bin/python3 make.py

cat >plain.graph <<'END_OF_NET'
model net(image: u8[N, 1, 8, 8], label: i32[N]) {
  fc = linear(flatten(normalize(image, mean = [0.3], std = [0.3])), 3)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 2, batch_size = 7, lr = 0.01, random_crop = 1, hflip = 0.5)
}
END_OF_NET
sed -e 's/label: i32\[N\])/label: i32[N], class_weight: f32[3])/' -e 's/loss .*/loss cross_entropy(fc, label, weight = class_weight)/' \
  plain.graph >weighted.graph
"$bin/rnc" plain.graph -o plain.so
"$bin/rnc" weighted.graph -o weighted.so
weights() { echo "$1/checkpoint-last.safetensors"; }
train() { "$bin/rnrun" train "$@" --data tensors:data >log 2>&1 || { cat log; fail "train $*"; }; }

# The message says what to write, and that is what weighted.graph has.
refused 2 '--class-weights: the loss of the model net takes no weights of its 3 classes; write in the model' \
  "$bin/rnrun" train plain.so --data tensors:data --class-weights balanced
grep -qF 'model net(..., class_weight: f32[3])' messages || fail "no line of the model"
grep -qF 'loss cross_entropy(fc, label, weight = class_weight)' messages || fail "no line of the loss"

# Without weights each class weighs 1; balanced weights are samples / (classes * samples of the class).
train plain.so --output-dir plain
train weighted.so --output-dir ones
[ "$(cut -d, -f 4-6 plain/metrics.csv | sed 1d | cut -c 1-7)" = "$(cut -d, -f 4-6 ones/metrics.csv | sed 1d | cut -c 1-7)" ] ||
  fail "weights of 1 make a difference"
train weighted.so --output-dir balanced --class-weights balanced
/usr/bin/python3 - <<'END_OF_PYTHON' || fail "balanced weights"
import json
weights = json.load(open("balanced/config.json"))["inputs"]["class_weight"]
assert all(abs(w - 96 / (3 * n)) < 1e-6 for w, n in zip(weights, (60, 30, 6))), weights
END_OF_PYTHON
cmp -s "$(weights ones)" "$(weights balanced)" && fail "--class-weights makes no difference"

# The loss of the evaluation, with the checkpoint's weights, is that of PyTorch.
"$bin/rnrun" eval weighted.so --data tensors:data --weights "$(weights balanced)" -b 24 --json >eval.json
/usr/bin/python3 - <<'END_OF_PYTHON' || fail "the weighted loss is not PyTorch's"
import json, struct, torch
def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    dtypes = {"F32": torch.float32, "U8": torch.uint8, "I32": torch.int32}
    return {name: torch.frombuffer(bytearray(data[8 + size:][slice(*t["data_offsets"])]), dtype=dtypes[t["dtype"]]).reshape(t["shape"])
            for name, t in json.loads(data[8:8 + size]).items() if name != "__metadata__"}
val, w = read("data/val.safetensors"), read("balanced/checkpoint-last.safetensors")
x = (val["image"].double() / 255 - 0.3) / 0.3
logits = x.flatten(1) @ w["fc.weight"].double().T + w["fc.bias"].double()
weight = torch.tensor([96 / (3 * n) for n in (60, 30, 6)]).double()
expected = torch.nn.functional.cross_entropy(logits, val["label"].long(), weight=weight).item()
loss = json.load(open("eval.json"))["loss"]
assert abs(loss - expected) < 1e-5 * expected, (loss, expected)
END_OF_PYTHON
loss() { sed -n 's/^ *"loss": //p' "$1"; }
"$bin/rnrun" eval weighted.so --data tensors:data --weights "$(weights ones)" -b 24 --json >ones.json
"$bin/rnrun" eval plain.so --data tensors:data --weights "$(weights ones)" --partial -b 24 --json >plain.json 2>/dev/null
[ "$(loss ones.json | cut -c 1-7)" = "$(loss plain.json | cut -c 1-7)" ] || fail "eval with weights of 1"

# Weights of a file; --resume takes those that the training began with.
printf '1.6, 1.0666667\n0.5\n' >three
train weighted.so --output-dir file --class-weights three
train weighted.so --output-dir resumed --class-weights three --epochs 1
train weighted.so --output-dir resumed --resume --epochs 2
same "$(weights file)" "$(weights resumed)" "class weights and --resume"
bad() { printf "$1" >bad; refused 1 "--class-weights bad: must be \"balanced\" or a file with 3 numbers of at least 0, one for each class: $2" \
  "$bin/rnrun" train weighted.so --data tensors:data --class-weights bad --output-dir bad-run; }
bad '1 2' 'it has 2'
bad '1 2 x3' "it has 'x3'"
bad '1 2 -3' "it has '-3'"
bad '1 nan 3' "it has 'nan'"
bad '0 0 0' 'all are 0'
refused 1 'there is no such file' "$bin/rnrun" train weighted.so --data tensors:data --class-weights nowhere
refused 1 'there is no such file' "$bin/rnrun" train weighted.so --data tensors:data --class-weights /dev/zero
[ ! -e bad-run ] || fail "a refused training left a directory"

# Sampling: the same for any number of threads, and after an interruption within an epoch.
for flags in "--sampler balanced" "--repeat-augment 3" "--sampler balanced --repeat-augment 2"; do
  train plain.so --output-dir a --force $flags -j 1 --workers 1
  train plain.so --output-dir b --force $flags -j 3 --workers 3
  same "$(weights a)" "$(weights b)" "$flags, other threads"
  cmp -s "$(weights a)" "$(weights plain)" && fail "$flags makes no difference"
  train plain.so --output-dir c --force $flags --time-limit 0.002
  train plain.so --output-dir c --resume
  same "$(weights a)" "$(weights c)" "$flags and --resume"
done
train plain.so --output-dir a --force --repeat-augment 3 -b 8 --no-drop-last
tail -n 1 a/metrics.csv | grep -q '^2,72,' || { cat a/metrics.csv; fail "an epoch of 96 images three times, in batches of 8"; }
echo "all as it should be"
