#!/bin/sh
# The names of classes: those of the folders of images, where these are not called like the model's classes. They travel in
# the checkpoint, to report, eval and predict.
# Usage: class_names.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
images=$(cd "$2" && pwd)/tests/images
. "$(dirname "$0")/checks.sh"

cat >plain.graph <<'END'
model plain(image: u8[N, 3, 8, 8], label: i32[N]) {
  x = normalize(image, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25])
  fc = linear(flatten(x), 3)
  predict fc
  loss cross_entropy(fc, label)
  train sgd()
  recipe(epochs = 1, batch_size = 3, lr = 0.01)
}
END
sed -e 's/model plain/model named/' -e 's/^  x =/  classes ["yak", "emu", "asp"]\n  x =/' plain.graph >named.graph
"$bin/rnc" plain.graph -o plain.so
"$bin/rnc" named.graph -o named.so
# folders DIRECTORY NAME...
folders() {
  directory=$1
  shift
  for name in "$@"; do
    mkdir -p "$directory/$name"
    cp "$images/rgb.jpg" "$directory/$name/"
  done
}
last() { echo "$1/checkpoint-last.safetensors"; }
train() { "$bin/rnrun" train "$@" >log 2>&1 || { cat log; fail "train $*"; }; }
# classes MODEL WEIGHTS DATA: the names in eval's JSON.
classes() {
  "$bin/rnrun" eval "$1" --weights "$2" --data "$3" --json 2>messages | sed -n 's/.*"class": "\(.*\)",/\1/p' | tr '\n' ' '
}
expect() { [ "$1" = "$2" ] || fail "'$1' instead of '$2': $3"; }
guesses() { "$bin/rnrun" predict "$1" --weights "$2" "$images/rgb.png" | sed -n 's/.* %  //p' | sort | tr '\n' ' '; }

# A model without names: the folders'. The images to test are labelled by name, even where a folder is missing.
folders data/train ant bee cow
folders data/val bee cow
train plain.so --data data --output-dir plain
grep -q '"classes":\["ant","bee","cow"\]' plain/report.json || fail "the report does not name the folders"
expect "$(classes plain.so "$(last plain)" data)" 'ant bee cow ' "eval"
images_of() { "$bin/rnrun" eval plain.so --weights "$(last plain)" --data data | awk -v name="$1" '$2 == name { print $3 }'; }
expect "$(images_of ant) $(images_of bee) $(images_of cow)" '0 1 1' "images of a split with fewer folders"
expect "$(guesses plain.so "$(last plain)")" 'ant bee cow ' "predict knows the names without the data"
train plain.so --data data --output-dir plain --resume --epochs 2
expect "$(guesses plain.so "$(last plain)")" 'ant bee cow ' "predict after --resume"
train plain.so --data data --output-dir again --epochs 2
same "$(last again)" "$(last plain)" "--resume with the names of the checkpoint"

# A model with other names: the folders' as well; with these names: the model's order.
train named.so --data data --output-dir other
expect "$(guesses named.so "$(last other)")" 'ant bee cow ' "predict with the checkpoint's names, not the model's"
expect "$(classes named.so "$(last other)" data)" 'ant bee cow ' "eval with the checkpoint's names"
"$bin/rnc" named.graph --weights "$(last other)" -o frozen.so
"$bin/rnrun" info frozen.so | grep -q '^classes *3: ant bee cow$' || fail "rnc --weights takes the names of the checkpoint"
folders own/train asp emu yak
train named.so --data own --output-dir own-run
expect "$(classes named.so "$(last own-run)" own 2>&1)" '' "eval of a data set without images to test"
expect "$("$bin/rnrun" eval named.so --weights "$(last own-run)" --data own --split train --json |
  sed -n 's/.*"class": "\(.*\)",/\1/p' | tr '\n' ' ')" 'yak emu asp ' "the model's order"

# Folders that are called otherwise than the checkpoint's classes would be mislabelled.
folders strange/train dog eel fox
folders strange/val dog eel fox
refused 1 'strange/val: the folders dog, eel, fox are not called like any class of the checkpoint, which are ant, bee, cow' \
  "$bin/rnrun" eval plain.so --weights "$(last plain)" --data strange
refused 1 'not called like any class of the checkpoint' \
  "$bin/rnrun" train plain.so --data strange --output-dir plain --resume --epochs 3
refused 1 'not called like any class of the checkpoint' \
  "$bin/rnrun" train plain.so --data strange --output-dir plain --resume --test-only
folders mixed/train ant bee cow
folders mixed/val ant bee gnu
refused 1 'mixed/val: the folder gnu is not called like any class of the training images, which are ant, bee, cow' \
  "$bin/rnrun" train plain.so --data mixed --output-dir refused
# Weights without names: labels count the folders, and that is said.
cat >strip.py <<'END'
import json, struct, sys
content = open(sys.argv[1], "rb").read()
start = 8 + struct.unpack_from("<Q", content)[0]
header = json.loads(content[8:start])
del header["__metadata__"]
text = json.dumps(header).encode()
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + content[start:])
END
/usr/bin/python3 strip.py "$(last other)" weights.safetensors
expect "$(classes named.so weights.safetensors strange)" 'dog eel fox ' "eval with weights that have no names"
grep -q "the folders are not called like the model's classes: labels count them in the order of their names" messages ||
  fail "eval does not say how it labels"
expect "$(guesses named.so weights.safetensors)" 'asp emu yak ' "predict with the model's names"
echo "all as it should be"
