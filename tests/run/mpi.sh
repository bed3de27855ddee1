#!/bin/sh
# Training over the ranks of Open MPI and of MPICH: the bits of one process, resumed with any number of ranks; what happens
# when ranks differ, die, hang, are stopped or find a full disk. Usage: mpi.sh DIRECTORY_OF_PROGRAMS
set -eu
samples=$(cd "$(dirname "$0")/../../samples" && pwd)
. "$(dirname "$0")/checks.sh"
needs mpirun.openmpi mpirun.mpich
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1  # tests run as root in containers
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

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

training="$bin/rnrun train net.so --data shapes --limit-batches 9 -j 1"

weights() { echo "$1/checkpoint-last.safetensors"; }
figures() { cut -d , -f 1-9 "$1/metrics.csv"; }  # without times
same_training() {
  same "$(weights "$1")" "$(weights "$2")" "$3"
  [ "$(figures "$1")" = "$(figures "$2")" ] || fail "metrics of $1 and $2 differ: $3"
  for file in steps.jsonl gradients.jsonl; do same "$1/$file" "$2/$file" "$3"; done
}
# alone FLAGS..., train RANKS FLAGS...: a training by one process, or by ranks of the MPI that is tested.
alone() { $training "$@" >log 2>&1 || { cat log; fail "one process: $*"; }; }
train() {
  ranks=$1
  shift
  "mpirun.$mpi" -n "$ranks" $training "$@" >log 2>&1 || { cat log; fail "$mpi, $ranks ranks: $*"; }
}
# fails TEXT COMMAND...: the command fails, by itself, and says this.
fails() {
  text=$1
  shift
  status=0
  timeout 120 "$@" >messages 2>&1 || status=$?
  [ "$status" -ne 0 ] && [ "$status" -ne 124 ] || { cat messages; fail "status $status: $*"; }
  grep -qF -- "$text" messages || { cat messages; fail "no message \"$text\": $*"; }
}
# Rank 0 has saved and ended: what it says of that may be lost with its launcher (Open MPI 4.1 reads nothing more then).
saved() { grep -qF '"state":"interrupted"' hurt/outcome.json || { cat log; fail "$mpi: the training was not stopped but $1"; }; }
said() { grep -qF -- "$1" log || { cat log; fail "$mpi: no message \"$1\""; }; }

# Begins an endless training of 3 ranks, whose process numbers go to rank.0 ..., and waits for its first checkpoint.
cat >with_number.sh <<'END_OF_SCRIPT'
echo $$ >"rank.${OMPI_COMM_WORLD_RANK-$PMI_RANK}"
exec "$@"
END_OF_SCRIPT
begin() {
  rm -rf rank.* hurt
  "mpirun.$mpi" -n 3 sh with_number.sh $training --output-dir hurt --epochs 100000 "$@" >log 2>&1 &
  launcher=$!
  tries=0
  until [ -e "$(weights hurt)" ]; do
    sleep 0.05
    tries=$((tries + 1))
    [ "$tries" -lt 800 ] || { cat log; fail "no checkpoint"; }
  done
}
# All ranks end within seconds, and what they leave can be resumed.
ended() {
  tries=0
  while kill -0 "$launcher" 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
    [ "$tries" -lt 400 ] || { cat log; kill -9 "$launcher" $(cat rank.*); fail "$mpi: the ranks do not end"; }
  done
  status=0
  wait "$launcher" || status=$?
  [ "$status" -ne 0 ] || { cat log; fail "$mpi: status 0"; }
  for rank in 0 1 2; do
    tries=0
    while kill -0 "$(cat rank.$rank)" 2>/dev/null; do
      sleep 0.1
      tries=$((tries + 1))
      [ "$tries" -lt 100 ] || { cat log; fail "$mpi: rank $rank lives on"; }
    done
  done
  "$bin/rnrun" export net.so --weights hurt -o hurt.npz >/dev/null || fail "$mpi: a damaged checkpoint"
}

# One process is what all are compared with.
alone --micro-batches 8 --output-dir whole
alone --micro-batches 4 --output-dir four
cmp -s "$(weights whole)" "$(weights four)" && fail "the number of micro-batches makes no difference"
# 100 images: the last step of an epoch has one, and most ranks have nothing to do.
short="$bin/rnrun train net.so --data shapes -j 1 --micro-batches 8 -b 9 --epochs 2 --val-split 0.99 --eval-every 0"
$short --output-dir short >log 2>&1 || { cat log; fail short; }

for mpi in openmpi mpich; do
  # The same bits on any number of ranks, be it that some have more to do than others; 8 micro-batches are the default.
  for ranks in 1 2 3 4; do
    train "$ranks" --output-dir "$mpi$ranks"
    same_training whole "$mpi$ranks" "$ranks ranks of $mpi"
  done
  said '8 micro-batches on 4 ranks, 1 threads each'
  [ "$(grep -c 'Test: EMA' log)" -eq 3 ] || { cat log; fail "not one log"; }
  "mpirun.$mpi" -n 4 $short --output-dir "$mpi-short" >log 2>&1 || { cat log; fail "$mpi: short"; }
  same_training short "$mpi-short" "a step of one image"

  # Resumed by 4, 2 and 1 ranks.
  train 4 --output-dir "$mpi-limited" --time-limit 0.02
  said 'out of time in epoch '
  train 2 --output-dir "$mpi-limited" --resume --time-limit 0.02
  alone --output-dir "$mpi-limited" --resume
  same_training whole "$mpi-limited" "4, 2 and 1 ranks of $mpi"

  # What cannot be.
  fails '--micro-batches 2: there are 3 ranks, of which each needs one' \
    "mpirun.$mpi" -n 3 $training --output-dir no --micro-batches 2
  fails 'the ranks differ in model: rank 0 has net for ' "mpirun.$mpi" -n 1 $training --output-dir no : \
    -n 1 "$bin/rnrun" train other.so --data shapes --limit-batches 9 -j 1
  fails 'the ranks differ in --lr: rank 0 has nothing, rank 1 has 0.2' \
    "mpirun.$mpi" -n 1 $training --output-dir no : -n 1 $training --lr 0.2
  fails 'the ranks differ in images to test with: rank 0 has 2000 ' "mpirun.$mpi" -n 1 $training --output-dir no : \
    -n 1 "$bin/rnrun" train net.so --limit-batches 9 -j 1 --data idx:/usr/share/datasets/fashion-mnist
  fails 'rank 1 has failed: no data set in nowhere' "mpirun.$mpi" -n 1 $training --output-dir no : \
    -n 1 "$bin/rnrun" train net.so --limit-batches 9 -j 1 --data idx:nowhere
  [ ! -e no ] || fail "a refused training left a directory"
  RNRUN_MPI=/nowhere/plugin.so
  export RNRUN_MPI
  fails 'but there is no /nowhere/plugin.so: rnrun was built without' "mpirun.$mpi" -n 2 $training --output-dir no
  unset RNRUN_MPI

  # A rank that is killed, that hangs, that is asked to stop; the launcher is; rank 0 cannot write.
  for rank in 0 1; do
    begin
    kill -9 "$(cat rank.$rank)"
    ended
  done
  begin --rank-timeout 2
  kill -STOP "$(cat rank.1)"
  ended
  said 'rank 2: the other ranks have not answered for 2 seconds'
  begin
  kill "$(cat rank.2)"
  ended
  said 'rank 2: signal 15: stopping together with the other ranks'
  said 'stopped in epoch '
  begin
  kill -INT "$launcher"
  ended
  saved 'killed with its launcher'
  ln -s /dev/full "hurt/checkpoint-last.safetensors.partial"
  fails 'rank 1 stops: rank 0 has failed: cannot write hurt/checkpoint-last.safetensors: No space left on device' \
    "mpirun.$mpi" -n 2 $training --output-dir hurt --resume --epochs 100000
  "$bin/rnrun" export net.so --weights hurt -o hurt.npz >/dev/null || fail "$mpi: a full disk has damaged the checkpoint"

  # A lost rank: the others go on. Epochs are not too short: Open MPI reads nothing for the second between two of its
  # signals, and a rank that has more to say than its terminal holds, 4 KiB, waits until it is killed.
  rm -rf rank.* hurt
  MPIRUN="mpirun.$mpi" RNRUN="$bin/rnrun" sh "$samples/elastic.sh" -n 3 net.so --data shapes --limit-batches 90 -j 1 \
    --output-dir hurt --epochs 100000 >log 2>&1 &
  elastic=$!
  await_log() {
    tries=0
    until grep -qF -- "$1" log; do
      sleep 0.05
      tries=$((tries + 1))
      [ "$tries" -lt 800 ] || { cat log; kill "$elastic"; fail "$mpi: elastic.sh: no \"$1\""; }
    done
  }
  await_log 'Epoch: [2/'
  kill -9 "$(pgrep -f "rnrun train net.so.*--output-dir hurt" | tail -1)"
  await_log '8 micro-batches on 2 ranks'
  sleep 0.5
  kill "$elastic"
  status=0
  wait "$elastic" || status=$?
  [ "$status" -ne 0 ] || { cat log; fail "$mpi: elastic.sh: status 0 when it was stopped"; }
  said 'a rank was lost; going on from hurt/checkpoint-last.safetensors'
  saved 'killed with elastic.sh'
  ! pgrep -f "rnrun train net.so.*--output-dir hurt" >/dev/null || fail "$mpi: elastic.sh leaves ranks"
  "$bin/rnrun" export net.so --weights hurt -o hurt.npz >/dev/null || fail "$mpi: elastic.sh damages the checkpoint"
done
echo "all as it should be"
