#!/bin/sh
# Augmentation as a user meets it: the same bytes whatever the threads and interruptions, as flags or in the recipe; what
# is refused; a picture of the training images; test-time augmentation.
# Usage: augmentation.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END_OF_NET'
model net(image: u8[N, 3, 16, 16], label: i32[N], label2: i32[N], lambda: f32[]) {
  x = normalize(image, mean = [0.3, 0.3, 0.3], std = [0.3, 0.3, 0.3])
  conv = conv2d(x, 5, kernel = 3, stride = 2, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(conv))), 10)
  predict fc
  loss lambda * cross_entropy(fc, label) + (1 - lambda) * cross_entropy(fc, label2)
  train sgd(momentum = 0.9)
  recipe(epochs = 2, batch_size = 8, lr = 0.01)
}
END_OF_NET
"$bin/rnc" net.graph -o net.so
weights() { echo "$1/checkpoint-last.safetensors"; }
run() { "$bin/rnrun" train net.so --data shapes --limit-batches 15 "$@"; }
# All figures of the epochs but the times.
figures() { cut -d , -f 1-9 "$1/metrics.csv"; }
train() { run "$@" >log 2>&1 || { cat log; fail "train $*"; }; }

# Everything on at once.
all="--vflip 0.5 --auto-augment cifar10 --randaugment --trivial-augment --color-jitter 0.4,0.4,0.4,0.1 --rotation 15
     --random-affine 10,0.1,0.9,1.1,5 --random-perspective --gaussian-blur 3 --random-erasing 0.3
     --mixup-alpha 0.2 --cutmix-alpha 1"
train --output-dir whole -j 1 $all
train --output-dir threads -j 3 --workers 3 $all
same "$(weights whole)" "$(weights threads)" "other threads"
train --output-dir limited --time-limit 0.02 $all
train --output-dir limited --resume -j 2
same "$(weights whole)" "$(weights limited)" "--time-limit and --resume"

# In the recipe they mean the same.
sed 's/lr = 0.01/&, vflip = 0.5, auto_augment = "cifar10", randaugment = [2, 9], trivial_augment = true,\
         color_jitter = [0.4, 0.4, 0.4, 0.1], rotation = 15, random_affine = [10, 0.1, 0.9, 1.1, 5],\
         random_perspective = [0.5, 0.5], gaussian_blur = 3, random_erasing = 0.3, mixup_alpha = 0.2, cutmix_alpha = 1/' \
  net.graph >recipe.graph
"$bin/rnc" recipe.graph -o recipe.so
"$bin/rnrun" train recipe.so --data shapes --limit-batches 15 --output-dir recipe >log 2>&1 || { cat log; fail recipe; }
same "$(weights whole)" "$(weights recipe)" "the recipe"

# Each alone changes the training.
train --output-dir plain
for setting in --vflip=0.5 --auto-augment=imagenet --auto-augment=svhn --randaugment=1,5 --trivial-augment \
  --color-jitter=0.4,0,0,0 --rotation=15 --random-affine=0,0.2,1,1,0 --random-perspective --gaussian-blur=3 \
  --random-erasing=0.5 --mixup-alpha=0.2 --cutmix-alpha=1; do
  train --output-dir other --force "$setting"
  [ "$(figures plain)" != "$(figures other)" ] || fail "$setting makes no difference"
done
train --output-dir other --force --randaugment 0,9 --auto-augment none --no-trivial-augment
[ "$(figures plain)" = "$(figures other)" ] || fail "settings that mean nothing make a difference"

refused 2 '--randaugment: must be 2 integers: from 0 to 100, from 0 to 30, not 2,31' run --randaugment 2,31
refused 2 '--color-jitter: must be 4 numbers: from 0 to 100, from 0 to 100, from 0 to 100, from 0 to 0.5, not 1,1,1' \
  run --color-jitter 1,1,1
refused 2 '--gaussian-blur: must be an odd integer from 1 to 255, not 4' run --gaussian-blur 4
refused 2 '--auto-augment: must be one of none, imagenet, cifar10, svhn, not coco' run --auto-augment coco
sed -e 's/, label2: i32\[N\], lambda: f32\[\]//' -e 's/loss .*/loss cross_entropy(fc, label)/' net.graph >plain.graph
"$bin/rnc" plain.graph -o plain.so
refused 2 '--cutmix-alpha: the loss of the model net does not take mixtures' \
  "$bin/rnrun" train plain.so --data shapes --cutmix-alpha 1 --output-dir refused
sed 's/lr = 0.01/&, random_erasing = 2/' net.graph >wrong.graph
refused 1 'recipe: random_erasing must be a number from 0 to 1, not 2' "$bin/rnc" wrong.graph -o wrong.so

# A picture of the training images, and no training.
run --preview-data 20 $all -o sheet.png --output-dir previewed >log 2>&1 || { cat log; fail "--preview-data"; }
[ ! -e previewed ] || fail "--preview-data left a directory"
[ "$(od -An -tx1 -j 1 -N 3 sheet.png)" = " 50 4e 47" ] || fail "--preview-data wrote no PNG"
run --preview-data 20 -o plain.png >log 2>&1 || { cat log; fail "--preview-data"; }
cmp -s sheet.png plain.png && fail "--preview-data shows no augmentation"
refused 2 '--preview-data' run --preview-data 0
refused 1 'nowhere/sheet.png' run --preview-data 3 -o nowhere/sheet.png

# Test-time augmentation.
evaluated() { "$bin/rnrun" eval net.so --data shapes --weights "$(weights plain)" --limit-batches 9 --json "$@" | grep -v 'seconds\|images_per_s'; }
evaluated >one.json
evaluated --tta flip >flip.json
cmp -s one.json flip.json && fail "--tta flip makes no difference"
evaluated --tta ten-crop -b 64 >ten.json
evaluated --tta ten-crop -b 64 -j 3 >more.json
same ten.json more.json "--tta ten-crop with other threads"
grep -q '"samples": 576' ten.json || { cat ten.json; fail "--tta ten-crop does not count images"; }
refused 2 '--tta' "$bin/rnrun" eval net.so --data shapes --weights "$(weights plain)" --tta rotate
echo "all as it should be"
