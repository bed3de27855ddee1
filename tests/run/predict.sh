#!/bin/sh
# rnrun predict as a user meets it: directories, patterns and lists of images, each form of output, images that cannot
# be read; and directories of trainings in the place of checkpoints.
# Usage: predict.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
images=$(cd "$2/tests/images" && pwd)
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  fc = linear(flatten(normalize(image, mean = [0.3], std = [0.3])), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 3, batch_size = 16, lr = 0.01)
}
END
"$bin/rnc" net.graph -o net.so
"$bin/rnrun" train net.so --data shapes --limit-batches 10 --output-dir run >log 2>&1 || { cat log; fail "train"; }
best=run/checkpoint-best.safetensors
predict() { "$bin/rnrun" predict net.so --weights run "$@" 2>messages; }

mkdir -p in/b in/a
for place in in/b/2.jpg in/b/10.jpg in/a/x.JPEG; do cp "$images/rgb.jpg" "$place"; done
for name in grey grey4 rgb palette rgba bits interlaced; do cp "$images/$name.png" in/; done
cp "$images/large.png" "in/a name, with \"signs\".png"
echo text >in/notes.txt

# Any way to name the same images gives the same bytes.
find in -name '*.png' -o -iname '*.jp*g' | LC_ALL=C sort >list
IFS='
'
# shellcheck disable=SC2046
predict $(cat list) >named
unset IFS
grep -q "^rnrun: note: run: the weights are read from $best\$" messages || { cat messages; fail "which checkpoint"; }
grep -q '^11 images in .* images/s$' messages || { cat messages; fail "no images per second"; }
predict in >found && same named found "a directory"
predict @list >found && same named found "@list"
predict - <list >found && same named found "standard input"
predict 'in/*/*.[jJ]*' in/*.png >found
[ "$(sort found)" = "$(sort named)" ] || fail "a pattern"
"$bin/rnrun" predict net.so --weights "$best" in -b 3 -j 3 >found 2>/dev/null && same named found "batches and threads"
all() { "$bin/rnrun" predict net.so --weights run "$@"; }
refused 1 'there is no file in/*.gif, and none that the pattern matches' all 'in/*.gif'
refused 1 'cannot read none' all @none
mkdir nothing
refused 1 'nothing has no images' all nothing
refused 2 'excludes' all --json --csv in

# Each form says the same.
predict --json in >all.json
predict --jsonl in >all.jsonl
predict --csv --top 2 in >all.csv
cat >compare.py <<'END'
import csv, json
whole, lines = json.load(open("all.json")), [json.loads(line) for line in open("all.jsonl")]
assert whole == lines and len(whole) == 11, (whole, lines)
assert [record["image"] for record in whole] == open("list").read().splitlines()
rows = list(csv.DictReader(open("all.csv", newline="")))
assert len(rows) == 11
for record, row in zip(whole, rows):
    assert row["image"] == record["image"], row
    for i in range(2):
        top = record["top"][i]
        assert row[f"class{i + 1}"] == top["class"] and int(row[f"index{i + 1}"]) == top["index"], (row, top)
        assert float(row[f"probability{i + 1}"]) == top["probability"], (row, top)
END
/usr/bin/python3 compare.py || fail "the forms of output differ"

# Images that cannot be read are named and counted, the others predicted.
echo damaged >in/b/broken.jpg
head -c 300 "$images/rgb.png" >in/cut.png
status=0
predict in none.png >found || status=$?
[ "$status" -eq 1 ] || fail "status $status with images that cannot be read"
same named found "images that can be read beside some that cannot"
for message in 'in/b/broken.jpg: not a JPEG, PNG, WebP, TIFF, GIF or BMP image' 'error: in/cut.png: ' 'cannot read none.png: ' \
  'error: 3 of 14 images could not be read' '^11 images in '; do
  grep -q "$message" messages || { cat messages; fail "no message $message"; }
done
predict --jsonl in >found && fail "--jsonl: status 0 with images that cannot be read"
grep -q '^{"image":"in/cut.png","error":"in/cut.png: .*"}$' found || { cat found; fail "the error in --jsonl"; }
predict --csv in >found && fail "--csv: status 0 with images that cannot be read"
[ "$(wc -l <found)" -eq 12 ] || { cat found; fail "lines of --csv"; }

# Directories of trainings: eval and export use the best checkpoint, train --resume the last one.
evaluate() { "$bin/rnrun" eval net.so "$@" --data shapes --limit-batches 4 2>messages | sed 's/ [0-9]* images\/s//'; }
evaluate run >directory
evaluate --weights "$best" >file
same file directory "eval of a directory"
"$bin/rnrun" export net.so --weights run -o from_directory.safetensors >/dev/null 2>&1
"$bin/rnrun" export net.so --weights "$best" -o from_file.safetensors >/dev/null
same from_file.safetensors from_directory.safetensors "export of a directory"
evaluate from_file.safetensors >exported
same file exported "eval of what was exported"
mkdir last && cp run/checkpoint-last.safetensors last/
evaluate last >/dev/null
grep -q 'note: last: the weights are read from last/checkpoint-last.safetensors' messages || fail "no best checkpoint"
refused 1 'the directory nothing has no weights: no checkpoint' "$bin/rnrun" eval net.so nothing

"$bin/rnrun" train net.so --data shapes --limit-batches 10 --output-dir longer --epochs 4 >log 2>&1
"$bin/rnrun" train net.so --resume run --epochs 4 >log 2>&1 || { cat log; fail "--resume of a directory"; }
same longer/checkpoint-last.safetensors run/checkpoint-last.safetensors "--resume of a directory"
[ ! -e runs ] || fail "--resume of a directory goes on elsewhere"
refused 1 'cannot read nothing/checkpoint-last.safetensors' "$bin/rnrun" train net.so --resume nothing
echo "all as it should be"
