#!/bin/sh
# The report of a short training, of two compared, of one that makes images, of the one that is kept in samples, and the
# pages of a range test of learning rates and of where a network looks, in headless Chromium: every part draws itself and nothing is complained of.
# Usage: report_page.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
needs chromium

"$bin/rnc" "$source/samples/fashion_resnet20.graph" -o net.so --explain
for run in first second; do
  "$bin/rnrun" train net.so --data shapes --epochs 2 --limit-batches 4 -b 16 --output-dir "$run" >log 2>&1 || { cat log; fail "train"; }
done
"$bin/rnrun" train net.so --data shapes -b 2 --lr-find --output-dir first >log 2>&1 || { cat log; fail "--lr-find"; }
cat >clean.graph <<'END_OF_NET'
model clean(noisy: f32[N, 3, 16, 16], image: f32[N, 3, 16, 16]) {
  conv = conv2d(noisy, 3, kernel = 3, pad = 1)
  predict conv
  loss mse(conv, image)
  train adam()
  recipe(epochs = 2, batch_size = 16, lr = 0.01, noise = 25)
}
END_OF_NET
"$bin/rnc" clean.graph -o clean.so
"$bin/rnrun" train clean.so --data shapes --limit-batches 4 --output-dir clean >log 2>&1 || { cat log; fail "train clean.so"; }
"$bin/rnrun" explain net.so --weights first "$source/tests/images/grey.png" "$source/tests/images/rgb.jpg" -o looks.html >/dev/null 2>&1 ||
  fail "explain"
"$bin/rnrun" report first second -o compare.html >/dev/null
"$bin/rnrun" report "$source/samples/fashion_resnet18_run" -o kept.html >/dev/null

# draws PAGE WIDTH PARTS...: the page as it is after its script has run has these parts.
draws() {
  page=$1 width=$2
  shift 2
  chromium --headless --no-sandbox --disable-gpu --user-data-dir="$directory/profile" --window-size="$width,2000" \
    --enable-logging=stderr --virtual-time-budget=5000 --dump-dom "file://$directory/$page" >dom 2>messages
  if grep -q CONSOLE messages; then
    grep CONSOLE messages
    exit 1
  fi
  for part in "$@"; do
    grep -q "id=\"$part\"" dom || fail "$page at $width has no part \"$part\""
  done
}
parts="loss top1 lr time gradients confusion mistakes kernels memory network epochs settings"
# shellcheck disable=SC2086
for width in 1280 400; do
  draws first/report.html "$width" $parts reliability
  draws compare.html "$width" $parts reliability
  draws clean/report.html "$width" loss psnr ssim lr time gradients images kernels memory network epochs settings
  draws looks.html "$width" images
  [ "$(grep -o 'class="heated"' dom | wc -l)" -eq 2 ] || fail "looks.html has not two images with maps"
  draws kept.html "$width" $parts
done
draws first/lr_find.html 1280 loss steps
draws kept.html 400 $parts
width=$(sed -n 's/.*<svg width="\([0-9]*\)"[^>]*aria-label="memory plan".*/\1/p' dom)
[ "${width:-0}" -gt 300 ] && [ "$width" -le 500 ] || fail "the memory plan is '$width' wide in a narrow window"
grep -q 'class="zoom"' dom || fail "the network has no zoom"

# Its last page: the rows of "Time per kernel" are in the network's order, as that says.
sed 's/.*id="kernels"//; s/<details.*//' dom | grep -o 'class="name">[^<]*<' | sed 's/.*">//; s/<//' >drawn
tr '{' '\n' <"$source/samples/fashion_resnet18_run/report.json" | sed -n 's/.*"name": *"\([^"]*\)".*"operation".*/\1/p' |
  grep -Fxf drawn >expected
[ -s drawn ] || fail "no times of kernels"
cmp drawn expected || fail "kernels are not in the order of the network"
echo "all parts drawn"
