#!/bin/sh
# rnrun train as a user meets it: everything on at once, killed and resumed; what it refuses; what it leaves alone.
# Usage: training.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END_OF_NET'
const label_smoothing = 0.0

model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  stem.conv = conv2d(x, 5, kernel = 3, stride = 2, pad = 1, bias = false)
  stem.bn = batch_norm(stem.conv)
  last.conv = conv2d(relu(stem.bn), 5, kernel = 3, stride = 2, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(last.conv))), 10)
  predict fc
  loss cross_entropy(fc, label, label_smoothing = label_smoothing)
  train adam(weight_decay = 1e-4, norm_weight_decay = 0)
  recipe(epochs = 3, batch_size = 8, lr = 0.01, lr_scheduler = "cosineannealinglr", lr_interval = "step",
         lr_warmup_epochs = 1, clip_grad_norm = 2, accumulate = 3, model_ema = true, model_ema_decay = 0.999,
         model_ema_steps = 2, random_crop = 2, hflip = 0.5, grad_norm_every = 3)
}
END_OF_NET
"$bin/rnc" net.graph -o net.so
weights() { echo "$1/checkpoint-last.safetensors"; }
figures() { cut -d , -f 2,4-9 "$1/metrics.csv"; }  # without times and rates; checkpoints also have the settings
run() { "$bin/rnrun" train net.so --data shapes --limit-batches 20 "$@"; }
train() { run "$@" >log 2>&1 || { cat log; fail "train $*"; }; }

# Adam, warm-up and cosine, averages, accumulation, clipping and augmentation: whatever the threads and interruptions.
train --output-dir whole -j 1
grep -q '^Test: EMA Acc@1 ' log || fail "the averages are not evaluated"
grep -q "$(printf '[\033\r]')" log && fail "control characters in a pipe"
train --output-dir threads -j 3
same "$(weights whole)" "$(weights threads)" "other threads"
"$bin/rnrun" train net.so --data shapes --limit-batches 20 --output-dir killed >/dev/null 2>&1 &
training=$!
while kill -0 "$training" 2>/dev/null && [ ! -e "$(weights killed)" ]; do sleep 0.01; done
kill -9 "$training" 2>/dev/null || true
wait "$training" 2>/dev/null || true
train --output-dir killed --resume
same "$(weights whole)" "$(weights killed)" "kill -9 and --resume"
train --output-dir limited --time-limit 0.02
grep -q '^out of time in epoch ' log || fail "no word of the time limit"
train --output-dir limited --resume -j 2
same "$(weights whole)" "$(weights limited)" "--time-limit and --resume"
for setting in --accumulate=2 --clip-grad-norm=0.02 --lr-warmup-epochs=0 --hflip=0 --seed=1 --lr-min=0.005; do
  train --output-dir other --force "$setting"
  [ "$(figures whole)" != "$(figures other)" ] || fail "$setting makes no difference"
done
train --output-dir rare --eval-every 2 --epochs 3
train --output-dir rarely --eval-every 2 --epochs 3 --time-limit 0.02
train --output-dir rarely --resume
[ "$(figures rare)" = "$(figures rarely)" ] || fail "--resume does not keep --eval-every"
[ "$(cut -d , -f 8 rare/metrics.csv | sed -n 2p)" = "" ] || fail "--eval-every 2 evaluates the first epoch"
tested=$(run --test-only --resume "$(weights whole)")
train --output-dir whole --resume   # it has come to its end: nothing more happens
same "$(weights whole)" "$(weights killed)" "--resume at the end"
last=$("$bin/rnrun" eval net.so --data shapes --weights "$(weights whole)" --limit-batches 20 -b 8 --json |
  sed -n 's/^ *"top1": \([0-9.]*\).*/\1/p' | head -n 1)
echo "$tested" | grep -q "^Test: EMA Acc@1 $(printf '%.3f' "$(echo "$last * 100" | awk '{ print $1 * $3 }')")" ||
  fail "--test-only and eval disagree: $tested, $last"

"$bin/rnc" net.graph --set label_smoothing=0.1 -o smooth.so
"$bin/rnrun" train smooth.so --data shapes --limit-batches 20 --output-dir smooth >log 2>&1 || { cat log; fail smooth; }
[ "$(figures whole)" != "$(figures smooth)" ] || fail "label smoothing makes no difference"

# A loss that takes the smoothing as an input: the same as one compiled with it.
sed -e 's/label: i32\[N\])/label: i32[N], label_smoothing: f32[])/' -e '/^const/d' -e 's/lr = 0.01,/lr = 0.01, label_smoothing = 0,/' \
  -e 's/loss .*/loss (1 - label_smoothing) * cross_entropy(fc, label) + label_smoothing * cross_entropy(fc, label, label_smoothing = 1)/' \
  net.graph >smoothing.graph
"$bin/rnc" smoothing.graph -o smoothing.so
smoothing() {
  "$bin/rnrun" train smoothing.so --data shapes --limit-batches 20 "$@" >log 2>&1 || { cat log; fail "train smoothing.so $*"; }
}
smoothing --output-dir not-smooth
smoothing --output-dir smoothed --label-smoothing 0.1
loss() { tail -n 1 "$1/metrics.csv" | awk -F , '{ printf "%.4f", $4 }'; }
[ "$(loss whole)" = "$(loss not-smooth)" ] || fail "--label-smoothing of 0: $(loss whole), $(loss not-smooth)"
[ "$(loss smooth)" = "$(loss smoothed)" ] || fail "--label-smoothing 0.1: $(loss smooth), $(loss smoothed)"
[ "$(loss smooth)" != "$(loss whole)" ] || fail "--label-smoothing makes no difference"
refused 2 '--label-smoothing: the model net has no input label_smoothing, so that its loss is compiled as it is; rnc --set label_smoothing=... changes it where the model has such a constant' \
  run --label-smoothing 0.1
sed '/lr = 0.01/s/ label_smoothing = 0,//' smoothing.graph >required.graph
"$bin/rnc" required.graph -o required.so
refused 2 'the recipe of the model net has no label_smoothing: pass --label-smoothing' \
  "$bin/rnrun" train required.so --data shapes --output-dir required

# A batch larger than the data is all of them, and said to be.
"$bin/rnrun" train net.so --data shapes --output-dir large --epochs 1 -b 100000 >log 2>&1 || { cat log; fail "a large batch"; }
grep -q 'batch 100000 (more than there are: batches of [0-9]*), adam' log || { cat log; fail "a large batch is not named"; }

# A run's directory is its own.
cp "$(weights whole)" kept
refused 1 'the directory whole is not empty: --resume continues the training in it, --force begins a new one in its place' \
  run --output-dir whole
same "$(weights whole)" kept "a refused training"

refused 2 '--opt sgd: the model net was compiled with adam, which is part of its code; compile it with rnc --optimizer=sgd' \
  run --opt sgd
refused 2 '--momentum: the optimizer of the model net has no momentum' run --momentum 0.9
train --opt adam --output-dir other --force

# A loss that is not finite ends the training before the update, and the last checkpoint stays.
"$bin/rnc" net.graph --optimizer='sgd(weight_decay = 1)' -o sgd.so
"$bin/rnrun" train sgd.so --data shapes --limit-batches 20 --output-dir sgd >log 2>&1 || { cat log; fail sgd; }
cp "$(weights sgd)" kept
refused 1 'the training has diverged: try a lower --lr' "$bin/rnrun" train sgd.so --resume --output-dir sgd --epochs 9 \
  --lr 1000000 --clip-grad-norm 0 --lr-scheduler constant
grep -qE 'step [0-9]+: (the first values that are not finite are those of|[a-z.]+ is not finite since) ' messages ||
  { cat messages; fail "no layer is named"; }
same "$(weights sgd)" kept "a training that diverged"

# Every setting's nonsense is refused with what is allowed.
settings=$("$bin/rnrun" train --help | sed -n 's/^ *\(-[a-z],\)\{0,1\}\(--[a-z-]*\).*/\2/p')
count=0
for flag in $settings; do
  case $flag in
    --help | --model-ema | --resume | --test-only | --force | --data | --output-dir | --opt | --partial | --weights | \
      --skip-corrupt | --random-resized-crop | --trivial-augment | --drop-last | --log-json | --lr-find | --class-weights | \
      --freeze | --exif-transpose | --label-offset | --variant) continue ;;
  esac
  for value in -1 nan 1e99 nonsense; do
    status=0
    "$bin/rnrun" train net.so --data shapes "$flag=$value" --output-dir nonsense >messages 2>&1 || status=$?
    [ "$status" -eq 2 ] || { cat messages; fail "$flag=$value: status $status"; }
    grep -qE "^rnrun: error: $flag: .*(must be|not in range|Could not convert|not in \{)" messages ||
      { cat messages; fail "$flag=$value does not say what is allowed"; }
  done
  count=$((count + 1))
done
[ "$count" -ge 25 ] || fail "only $count flags tried"
[ ! -e nonsense ] || fail "a refused training left a directory"
echo "all as it should be"
