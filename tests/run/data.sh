#!/bin/sh
# Data as people bring it: folders without a split, lists, images of many kinds, cameras held upright, labels that do not
# fit, caches.
# Usage: data.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
images=$(cd "$2" && pwd)/tests/images
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
const classes = 3
model net(image: u8[N, 3, 8, 8], label: i32[N]) {
  x = normalize(image, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25])
  fc = linear(flatten(x), classes)
  predict fc
  loss cross_entropy(fc, label)
  train sgd()
  recipe(epochs = 2, batch_size = 4, lr = 0.01, seed = 5)
}
END
"$bin/rnc" net.graph -o net.so
last() { echo "$1/checkpoint-last.safetensors"; }
train() { "$bin/rnrun" train net.so "$@" >log 2>&1 || { cat log; fail "train $*"; }; }
says() { grep -qF -- "$1" log || { cat log; fail "no \"$1\""; }; }
kinds="rgb.jpg rgb.png rgb.bmp rgb.webp rgb.tif palette.gif grey.jpg interlaced.gif large.png lzw.tiff"
for class in ant bee cow; do
  mkdir -p "flat/$class"
  for file in $kinds; do cp "$images/$file" "flat/$class/"; done
done

# A folder without a split: proposed, made, kept over --resume, and the same for eval.
refused 1 'flat has folders of images, but none for training and validation (train/ and val/): pass --val-split 0.2' \
  "$bin/rnrun" train net.so --data flat --output-dir no
train --data flat --val-split 0.2 --output-dir split --epochs 4
says '24 images in 3 folders from flat, 6 to test'
train --data flat --val-split 0.2 --output-dir halves
train --output-dir halves --resume --epochs 4
same "$(last split)" "$(last halves)" "--resume of a training with --val-split"
refused 2 '--val-split 0.3 with --resume: the training began with --val-split 0.2' \
  "$bin/rnrun" train net.so --output-dir halves --resume --epochs 5 --val-split 0.3
by_checkpoint=$("$bin/rnrun" eval net.so --weights "$(last split)" --data flat --json 2>messages | sed -n 's/ *"loss": \(.*\),/\1/p')
grep -q 'those that --val-split 0.2 --seed 5 keeps for validation are evaluated' messages || fail "eval does not say what it takes"
given=$("$bin/rnrun" eval net.so --weights "$(last split)" --data flat --val-split 0.2 --seed 5 --json 2>&1 | sed -n 's/ *"loss": \(.*\),/\1/p')
[ -n "$given" ] && [ "$given" = "$by_checkpoint" ] || fail "eval: '$given' with flags, '$by_checkpoint' by the checkpoint"
"$bin/rnrun" eval net.so --weights "$(last split)" --data flat --val-split 0 --split train | grep -q '^30 images' || fail "all"
refused 1 'flat has no images to test: --val-split takes the part' \
  "$bin/rnrun" eval net.so --weights "$(last split)" --data flat --val-split 0
# Damaged images do not move the parts.
cp -r flat broken
head -c 100 "$images/rgb.jpg" >broken/ant/rgb.jpg
cp "$images/grey16.png" broken/bee/rgb.png
train --data broken --val-split 0.2 --output-dir broken-run --skip-corrupt
[ "$(grep -c '^left out: ' log)" -eq 2 ] || { cat log; fail "what is left out"; }
whole=$(awk '/ to test/ { sum = $2; for (i = 1; i < NF; ++i) if ($(i + 1) == "to") sum += $i; print sum }' log)
[ "$whole" -eq 28 ] || { cat log; fail "28 images are left, not $whole"; }
# Data with a split of their own are tested with that.
mkdir -p own/val && cp -r flat own/train && cp -r flat/ant flat/bee own/val/
"$bin/rnrun" eval net.so --weights "$(last split)" --data own | grep -q '^20 images' || fail "the test split of the data"

# Other files are named.
echo text >flat/ant/notes.txt
mkdir flat/bee/more && cp "$images/rgb.png" flat/bee/more/ && echo x >flat/bee/more/Thumbs.db
train --data flat --val-split 0.2 --output-dir others
says 'flat: 2 files in 2 folders are no images rnrun reads (<class>/*.jpg, *.jpeg,'
says '*.bmp): ant/notes.txt, bee/more/Thumbs.db'
says '25 images in 3 folders'

# Lists.
for class in ant bee cow; do
  for file in $kinds; do echo "flat/$class/$file,$class"; done
done | LC_ALL=C sort >rows.csv
{ printf 'path,label\r\n'; sed 's/$/\r/' rows.csv; } >train.csv
rm -r flat/ant/notes.txt flat/bee/more
train --data train.csv --val-split 0.2 --output-dir list --epochs 4
cat >tensors.py <<'END'
import struct, sys
def tensors(path):
    content = open(path, "rb").read()
    return content[8 + struct.unpack_from("<Q", content)[0] :]
sys.exit(tensors(sys.argv[1]) != tensors(sys.argv[2]))
END
/usr/bin/python3 tensors.py "$(last split)" "$(last list)" || fail "a list of the same images trains another model"
echo 'flat/ant/none.png,ant' >>train.csv
refused 1 'train.csv:32: there is no file ./flat/ant/none.png' "$bin/rnrun" train net.so --data train.csv --output-dir no
mkdir both && sed 's,flat,../flat,' rows.csv >both/train.csv && head -3 both/train.csv >both/val.csv
train --data both --output-dir both-run
says '30 images from both, 3 to test'

# Labels that do not fit.
awk -F, '{ print $1 "," (NR - 1) % 3 + 1 }' rows.csv >one-based.csv
refused 1 "they go from 1 to 3, the model's from 0 to 2: --label-offset -1 makes them fit" \
  "$bin/rnrun" train net.so --data one-based.csv --output-dir no
train --data one-based.csv --label-offset -1 --output-dir one-based
"$bin/rnrun" eval net.so --weights "$(last one-based)" --data one-based.csv | grep -q '^30 images' ||
  fail "eval takes the offset of the checkpoint"
mkdir flat/dog && cp "$images/rgb.png" flat/dog/
refused 1 'flat has 4 folders of images, the model has 3 classes; compile it with rnc --set classes=4' \
  "$bin/rnrun" train net.so --data flat --val-split 0.2 --output-dir no
"$bin/rnc" net.graph --set classes=4 -o four.so
"$bin/rnrun" train four.so --data flat --val-split 0.2 --output-dir four >log 2>&1 || { cat log; fail "four classes"; }
rm -r flat/dog
refused 2 'the model net takes image u8[3, 8, 8] and label i32[], and its recipe names no data: pass --data PATH' \
  "$bin/rnrun" train net.so --output-dir no
refused 2 'and its recipe names no data: pass --data PATH' "$bin/rnrun" eval net.so --weights "$(last split)"

refused 2 '--label-offset: must be an integer from -2147483648 to 2147483648, not nan' \
  "$bin/rnrun" train net.so --data one-based.csv --label-offset nan --output-dir no

# Cameras.
for class in ant bee cow; do cp "$images/held6.jpg" "flat/$class/"; done
train --data flat --val-split 0.2 --output-dir held --epochs 1
says '3 of the 33 images are turned or mirrored by the camera'
train --data flat --val-split 0.2 --output-dir upright --epochs 1 --exif-transpose
if grep -q turned log; then fail "a note on what is applied"; fi
"$bin/rnrun" predict net.so --weights "$(last held)" "$images/held6.jpg" --exif-transpose >upright.txt
"$bin/rnrun" predict net.so --weights "$(last held)" "$images/held6.jpg" >held.txt
cmp -s upright.txt held.txt && fail "predict --exif-transpose"

# Caches: the same bits, made once.
mkdir cache
for how in '--cache-images no' '--cache-images disk --cache cache' '--cache cache'; do
  rm -rf cached
  # shellcheck disable=SC2086
  train --data flat --val-split 0.2 --output-dir cached --epochs 1 $how
  same "$(last held)" "$(last cached)" "$how"
  case $how in
  *disk*) says '33 images decoded into cache/images-' ;;
  *) if grep -q 'decoded into' log; then fail "the cache is made again"; fi ;;
  esac
done
refused 2 '--cache-images disk needs a directory: pass --cache DIR' \
  "$bin/rnrun" train net.so --data flat --val-split 0.2 --cache-images disk --output-dir no
refused 2 '--cache: must be a directory that there is, not none' \
  "$bin/rnrun" train net.so --data flat --val-split 0.2 --cache none --output-dir no

# Other files: --val-split would keep other images, and has trained with some of them.
rm "$(ls flat/ant/* | head -n 1)"
refused 1 'the data have 32 samples, and had 33 when --val-split 0.2 divided them for the training' \
  "$bin/rnrun" train net.so --data flat --output-dir held --resume --epochs 2
"$bin/rnrun" eval net.so held --data flat >log 2>&1
says 'note: the data have 32 samples, and had 33'
echo "all as it should be"
