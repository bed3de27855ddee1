#!/bin/sh
# Training over the ranks of Open MPI and of MPICH: the bits of one process, resumed with any number of ranks; what happens
# when ranks differ, die, hang, are stopped or find a full disk. Usage: mpi.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"
needs mpirun.openmpi mpirun.mpich
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1  # tests run as root in containers
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMP_NUM_THREADS=1

cat >net.graph <<'END_OF_NET'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  x = normalize(image, mean = [0.3], std = [0.3])
  stem.conv = conv2d(x, 5, kernel = 3, stride = 2, pad = 1, bias = false)
  stem.bn = batch_norm(stem.conv)
  last.conv = conv2d(dropout(relu(stem.bn), p = 0.2), 7, kernel = 3, stride = 2, pad = 1)
  fc = linear(flatten(global_avg_pool(relu(last.conv))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train adam(weight_decay = 1e-4, norm_weight_decay = 0)
  recipe(epochs = 3, batch_size = 25, lr = 0.01, lr_scheduler = "cosineannealinglr", lr_interval = "step",
         clip_grad_norm = 2, model_ema = true, model_ema_decay = 0.999, model_ema_steps = 2, random_crop = 2, hflip = 0.5,
         grad_norm_every = 3)
}
END_OF_NET
"$bin/rnc" net.graph -o net.so
sed 's/relu(last.conv)/leaky_relu(last.conv)/' net.graph >other.graph
"$bin/rnc" other.graph -o other.so

# The figures of a training that the number of ranks may not change.
weights() { echo "$1/checkpoint-last.safetensors"; }
figures() { cut -d , -f 1-9 "$1/metrics.csv"; }  # without times
same_training() {
  same "$(weights "$1")" "$(weights "$2")" "$3"
  [ "$(figures "$1")" = "$(figures "$2")" ] || fail "metrics of $1 and $2 differ: $3"
  for file in steps.jsonl gradients.jsonl; do same "$1/$file" "$2/$file" "$3"; done
}
training="$bin/rnrun train net.so --data shapes --limit-batches 9 -j 1"
on() {  # on RANKS COMMAND...: by the MPI that is tested
  ranks=$1
  shift
  "mpirun.$mpi" -n "$ranks" "$@"
}
train() {  # train RANKS FLAGS...
  number=$1
  shift
  # shellcheck disable=SC2086
  on "$number" $training "$@" >log 2>&1 || { cat log; fail "$mpi, $number ranks: $*"; }
}
# fails TEXT COMMAND...: the command fails within seconds and says this.
fails() {
  text=$1
  shift
  status=0
  timeout 60 "$@" >messages 2>&1 || status=$?
  [ "$status" -ne 0 ] && [ "$status" -ne 124 ] || { cat messages; fail "status $status: $*"; }
  grep -qF -- "$text" messages || { cat messages; fail "no message \"$text\": $*"; }
}
await() {  # await COMMAND...: until it succeeds
  tries=0
  until "$@"; do
    sleep 0.05
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { cat log; fail "waited in vain for: $*"; }
  done
}
stopped_ranks() { [ "$(grep -c "$1" log)" -ge "$2" ]; }

# One process by itself: micro-batches of 25 samples are 3 or 4 of each; the last batch of an epoch is not smaller here, but
# with --limit-batches of no effect it would be.
$training --micro-batches 8 --output-dir whole >log 2>&1 || { cat log; fail "micro-batches"; }
$training --micro-batches 4 --output-dir four >log 2>&1 || { cat log; fail "micro-batches"; }
cmp -s "$(weights whole)" "$(weights four)" && fail "the number of micro-batches makes no difference"

for mpi in openmpi mpich; do
  # The same bits on any number of ranks, be it that some have more to do than others; 8 micro-batches are the default.
  for ranks in 1 2 3 4; do
    train "$ranks" --output-dir "$mpi$ranks"
    same_training whole "$mpi$ranks" "$ranks ranks of $mpi"
  done
  grep -q "8 micro-batches on 4 ranks, 1 threads each" log || { cat log; fail "the ranks are not told of"; }
  [ "$(grep -c '^Epoch: \[3/3\]  time' log)" -eq 1 ] || { cat log; fail "not one log"; }

  # Stopped and resumed by 4, 2 and 1 ranks.
  train 4 --output-dir resumed --force --epochs 1
  train 2 --output-dir resumed --resume --epochs 2
  $training --output-dir resumed --resume --epochs 3 >log 2>&1 || { cat log; fail "resumed by one"; }
  same_training whole resumed "4, 2 and 1 ranks of $mpi"
  train 3 --output-dir limited --force --time-limit 0.05
  grep -q '^out of time in epoch ' log || { cat log; fail "no word of the time limit"; }
  train 4 --output-dir limited --resume
  same_training whole limited "--time-limit and --resume"

  # What cannot be.
  fails '--micro-batches 2: there are 3 ranks, of which each needs one' on 3 $training --output-dir no --micro-batches 2
  fails 'the ranks differ in model: rank 0 has net for' "mpirun.$mpi" -n 1 $training --output-dir no : \
    -n 1 "$bin/rnrun" train other.so --data shapes --limit-batches 9 -j 1 --output-dir no
  fails 'the ranks differ in --lr: rank 0 has nothing, rank 1 has 0.2' "mpirun.$mpi" -n 1 $training --output-dir no : \
    -n 1 $training --output-dir no --lr 0.2
  [ ! -e no ] || fail "a refused training left a directory"
done
echo "all as it should be"
