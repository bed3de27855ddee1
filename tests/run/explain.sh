#!/bin/sh
# rnrun explain as a user meets it: the files that it writes, ways to name images, classes and layers, mistakes.
# Usage: explain.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
images=$(cd "$2/tests/images" && pwd)
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
model net(image: u8[N, 3, 28, 32], label: i32[N], gain: f32[] = 1) {
  classes ["cat", "dog", "bird"]
  x = gain * normalize(image, mean = [0.3, 0.3, 0.3], std = [0.3, 0.3, 0.3])
  conv1 = relu(conv2d(x, 6, kernel = 3, pad = 1))
  conv2 = relu(conv2d(max_pool(conv1, kernel = 2, stride = 2), 5, kernel = 3, pad = 1))
  fc = linear(flatten(max_pool(conv2, kernel = 2, stride = 2)), 3)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 1, batch_size = 16, lr = 0.01)
}
END
"$bin/rnc" net.graph -o plain.so
"$bin/rnc" net.graph -o net.so --explain --explain=conv1
"$bin/rnrun" train plain.so --data shapes --limit-batches 2 --output-dir plain >log 2>&1 || { cat log; fail "train"; }
"$bin/rnrun" train net.so --data shapes --limit-batches 2 --output-dir run >log 2>&1 || { cat log; fail "train"; }
for run in run plain; do "$bin/rnrun" export plain.so --weights "$run" -o "$run.npz" >/dev/null 2>&1; done
same run.npz plain.npz "weights that were trained beside an entry that explains"
grep -q '"map":"data:image/png' run/report.json || fail "no maps of mistakes in the report"
if grep -q '"map"' plain/report.json; then fail "maps without an entry that explains"; fi

mkdir photos
cp "$images/rgb.jpg" "$images/grey.png" "$images/palette.gif" photos/
explain() { "$bin/rnrun" explain net.so --weights run "$@"; }
explain photos -o page.html 2>/dev/null | grep -q '^page.html: 3 images, layer conv2' || fail "what it says"
grep -q 'photos/rgb.jpg' page.html || fail "the page has no image"
ls photos/* >list
explain @list -o other.html >/dev/null 2>&1 && same page.html other.html "names of images"
explain photos -j 3 -o other.html >/dev/null 2>&1 && same page.html other.html "threads"
explain photos/rgb.jpg -o one.png >/dev/null 2>&1
explain photos -o all.png --layer conv1 --class dog >/dev/null 2>&1
explain photos -o dog.npz --layer conv1 --class dog >/dev/null 2>&1
explain photos -o one.npz --layer conv1 --class 1 >/dev/null 2>&1 && same dog.npz one.npz "a class by name and number"
explain photos -o gain.npz --layer conv1 --class dog --input gain=3 >/dev/null 2>&1 || fail "--input"
if cmp -s gain.npz dog.npz; then fail "--input changes nothing"; fi
"$bin/rnrun" explain net.so --weights plain photos -o other.html >/dev/null 2>&1 || fail "weights of a library without the entry"
cat >check.py <<'END'
import numpy
from PIL import Image
maps = numpy.load("dog.npz")
assert maps["map"].shape == (3, 28, 32) and maps["map"].min() == 0 and maps["class"].tolist() == [1, 1, 1]
# One pair of pictures and three, enlarged three times, with margins of four pixels.
assert Image.open("one.png").size == (2 * 100 + 4, 88 + 4), Image.open("one.png").size
assert Image.open("all.png").size == (6 * 100 + 4, 88 + 4), Image.open("all.png").size
END
/usr/bin/python3 check.py || fail "the files"

# What is wrong, and what helps.
refused 1 'plain.so has no entry that explains predictions: compile the model net with rnc --explain' \
  "$bin/rnrun" explain plain.so --weights run photos -o page.html
refused 1 '--layer conv3: net.so explains conv2' explain photos -o page.html --layer conv3
refused 2 '--class cow: must be one of cat, dog, bird, or a number from 0 to 2' explain photos -o page.html --class cow
refused 2 'must be one of cat' explain photos -o page.html --class 3
refused 2 'must end in .html, .png or .npz' explain photos -o page.txt
refused 2 'output is required' explain photos
refused 1 'nowhere' explain nowhere -o page.html
yes photos/grey.png | head -n 101 >many
refused 2 'a .png file takes 100 images at most, and there are 101' explain @many -o many.png
refused 1 "there is no layer 'conv9'" "$bin/rnc" net.graph -o none.so --explain=conv9
refused 1 "there are normalize, x, conv2d, conv1, max_pool, conv2d_2, conv2, max_pool_2" "$bin/rnc" net.graph -o none.so --explain=conv9
[ ! -e none.so ] || fail "a library for a layer that is not there"

# Images that cannot be read are named; the page has the others.
echo damaged >photos/broken.jpg
refused 1 '1 of 4 images could not be read' explain photos -o some.html
grep -q '^rnrun: error: photos/broken.jpg: not a' messages || { cat messages; fail "which image"; }
grep -q 'photos/rgb.jpg' some.html || fail "the images that can be read"
rm some.html
refused 1 'photos/broken.jpg' explain photos/broken.jpg -o some.html
[ ! -e some.html ] || fail "a page without images"
echo "explained"
