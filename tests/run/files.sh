#!/bin/sh
# rnc and rnrun with files that are damaged, of another machine, or none at all; with an output that is full; with a
# directory that another training has; with write errors in between.
# Usage: files.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  conv1 = conv2d(x, 5, kernel = 3, stride = 2, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(conv1))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 3, batch_size = 8, lr = 0)
}
END
last() { echo "$1/checkpoint-last.safetensors"; }
best() { echo "$1/checkpoint-best.safetensors"; }
run() { "$bin/rnrun" train net.so --data shapes --limit-batches 10 "$@"; }
train() { run "$@" >log 2>&1 || { cat log; fail "train $*"; }; }
"$bin/rnc" net.graph -o net.so
train --output-dir whole
eval_whole() { "$bin/rnrun" eval net.so --data shapes --limit-batches 2 --weights "$@"; }

# flip FILE COPY BYTE: a copy with one bit of this byte flipped.
flip() {
  cp "$1" "$2"
  value=$(od -An -tu1 -j "$3" -N 1 "$1")
  # shellcheck disable=SC2059
  printf "\\$(printf %o $((value % 2 == 0 ? value + 1 : value - 1)))" | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}
size() { stat -c %s "$1"; }

# Damage in a library, a checkpoint, a trainer: always exit status 1 and a word about the file.
for k in 0 1 3 7 12 20 33 54 88 93 97 99; do
  at=$(($(size net.so) * k / 100))
  head -c "$at" net.so >bad.so
  refused 1 'rnrun: error: bad.so is ' "$bin/rnrun" info bad.so
  flip net.so bad.so "$at"
  refused 1 'rnrun: error: bad.so is ' "$bin/rnrun" info bad.so
  at=$(($(size "$(last whole)") * k / 100))
  head -c "$at" "$(last whole)" >bad.safetensors
  refused 1 'rnrun: error: bad.safetensors' eval_whole bad.safetensors
  flip "$(last whole)" bad.safetensors "$at"
  refused 1 'rnrun: error: bad.safetensors' eval_whole bad.safetensors
  refused 1 'error: bad.safetensors: ' "$bin/rnc" net.graph --weights bad.safetensors -o bad.so
done
"$bin/rnc" net.graph --emit=trainer -o trainer
./trainer --help >/dev/null || fail "the trainer does not run"
for back in 3 30 300 3000; do
  flip trainer bad $(($(size trainer) - back))
  chmod +x bad
  refused 1 'rnrun: error: the model carried by /proc/self/exe is damaged' ./bad --help
  head -c $(($(size trainer) - back)) trainer >bad
  refused 1 'rnrun: error: the model carried by /proc/self/exe is damaged' ./bad --help
done

# Other readers' files have no checksum; those of another machine are called that.
if [ "$(uname -m)" = x86_64 ]; then
  "$bin/rnc" net.graph --target-triple aarch64-linux-gnu -o there.so
  refused 1 'there.so was compiled for aarch64, this machine is x86-64' "$bin/rnrun" info there.so
fi
refused 1 'net.graph is no library made by this version of rnc' "$bin/rnrun" info net.graph

# What cannot be written to standard output is an error of every command, but no reason to lose a training.
full() {
  status=0
  "$@" >/dev/full 2>messages || status=$?
  [ "$status" -eq 1 ] || { cat messages; fail "status $status with a full output: $*"; }
  grep -qE "error: cannot write (standard output|/dev/stdout): " messages || { cat messages; fail "no message: $*"; }
}
for arguments in --help --version 'info net.so' 'info net.so --tensors' 'info net.so --json' 'bench net.so -b 2 --repeats 2' \
  'bench net.so -b 2 --repeats 2 --json' 'report whole' "eval net.so --data shapes --limit-batches 2 --weights $(last whole)" \
  "eval net.so --data shapes --limit-batches 2 --weights $(last whole) --json" \
  "train net.so --data shapes --limit-batches 2 --test-only --resume $(last whole)"; do
  # shellcheck disable=SC2086
  full "$bin/rnrun" $arguments
done
full run --output-dir unheard
same "$(last whole)" "$(last unheard)" "a training that cannot print"
status=0
run --output-dir closed >&- 2>messages || status=$?
[ "$status" -eq 1 ] || fail "status $status with a closed output"
grep -q 'error: cannot write standard output: Bad file descriptor' messages || { cat messages; fail "no message"; }
same "$(last whole)" "$(last closed)" "a training with a closed output"
! grep -q Epoch closed/.lock closed/events* || fail "a file took the place of standard output"
for arguments in --help --version --list-passes 'net.graph --emit=graph -o -' 'net.graph --emit=summary -o -' \
  'net.graph --print-after=all -o ignored.so' 'net.graph --emit=asm -o /dev/stdout'; do
  # shellcheck disable=SC2086
  full "$bin/rnc" $arguments
done
status=0
"$bin/rnc" net.graph --stats --time-passes -o ignored.so 2>/dev/full || status=$?
[ "$status" -eq 0 ] || fail "status $status when messages cannot be written"

# Nobody waits for the writer of a pipe.
mkfifo pipe
echo 'include "pipe"' >include.graph
soon() { timeout -s KILL 60 "$@"; }
refused 1 "error: cannot read 'pipe': it is not a regular file; only /dev/stdin may be something else" \
  soon "$bin/rnc" pipe -o ignored.so
refused 1 "cannot read 'pipe': it is not a regular file" soon "$bin/rnc" include.graph -o ignored.so
refused 1 "cannot read '/dev/zero': it is not a regular file" soon "$bin/rnc" /dev/zero -o ignored.so
soon "$bin/rnc" /dev/stdin -o from-stdin.so <net.graph
same net.so from-stdin.so "a model from standard input"
# shellcheck disable=SC2002
cat net.graph | soon "$bin/rnc" /dev/stdin -o from-stdin.so
same net.so from-stdin.so "a model from a pipe on standard input"
refused 1 'cannot load the model pipe: not a regular file' soon "$bin/rnrun" info pipe
refused 1 'cannot read pipe: not a regular file' soon "$bin/rnrun" eval net.so --data shapes --weights pipe
refused 1 'cannot read pipe: not a regular file' soon "$bin/rnrun" predict net.so --weights "$(last whole)" pipe
refused 1 'cannot read pipe: not a regular file' soon "$bin/rnrun" call net.so infer --in pipe --out ignored
refused 1 'cannot read pipe: not a regular file' soon "$bin/rnrun" train net.so --resume pipe --output-dir ignored
mkdir data
refused 1 'cannot read pipe: not a regular file' soon "$bin/rnc" net.graph --weights pipe -o ignored.so
for name in train-images-idx3-ubyte train-labels-idx1-ubyte data_batch_1.bin train.safetensors; do mkfifo "data/$name"; done
for kind in idx cifar10 tensors; do
  refused 1 'not a regular file' soon "$bin/rnrun" train net.so --data "$kind:data" --output-dir ignored
done
cp -r whole piped
for name in steps.jsonl metrics.jsonl metrics.csv report.json; do
  rm "piped/$name"
  mkfifo "piped/$name"
  refused 1 "cannot read piped/$name: not a regular file" soon "$bin/rnrun" train net.so --data shapes --limit-batches 10 \
    --output-dir piped --resume
  cp "whole/$name" kept
  rm "piped/$name"
  mv kept "piped/$name"
done

# A directory belongs to one training at a time; to none after kill -9.
"$bin/rnrun" train net.so --data shapes --limit-batches 10 --output-dir locked --epochs 100000 >/dev/null 2>&1 &
training=$!
while kill -0 "$training" 2>/dev/null && [ ! -e "$(last locked)" ]; do sleep 0.01; done
for how in --force --resume "--resume $(last whole)"; do
  # shellcheck disable=SC2086
  refused 1 'another training is writing to the directory locked: it must end before --resume or --force can take the directory' \
    run --output-dir locked $how
done
kill -0 "$training" || fail "the training has ended"
kill -9 "$training"
wait "$training" 2>/dev/null || true
train --output-dir locked --force
same "$(last whole)" "$(last locked)" "--force after kill -9"

# checkpoint-best cannot be written, or the training dies before it is: --resume makes up for it. With a learning rate
# of 0, the first evaluation is the best.
mkdir -p "$(best failing)/in-the-way"
refused 1 "cannot write $(best failing): " run --output-dir failing --force
rm -r "$(best failing)"
train --output-dir failing --resume
same "$(last whole)" "$(last failing)" "a write error and --resume"
same "$(best whole)" "$(best failing)" "checkpoint-best after a write error and --resume"
train --output-dir killed --epochs 1
rm "$(best killed)"
train --output-dir killed --resume --epochs 3
same "$(best whole)" "$(best killed)" "checkpoint-best after an end before it was written"
echo "all as it should be"
