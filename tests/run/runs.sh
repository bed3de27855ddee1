#!/bin/sh
# Trainings as tables and programs see them: rnrun runs, and rnrun train --log-json.
# Usage: runs.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END_OF_NET'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  fc = linear(flatten(normalize(image, mean = [0.3], std = [0.3])), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 2, batch_size = 8, lr = 0.01)
}
END_OF_NET
"$bin/rnc" net.graph -o net.so
train() { "$bin/rnrun" train net.so --data shapes --limit-batches 20 "$@"; }
# json FILE EXPRESSION: what Python makes of the file's lines, each as an object of the list x.
json() { /usr/bin/python3 -c "import json, sys; x = [json.loads(line) for line in open(sys.argv[1])]; print(($2))" "$1"; }

refused 1 'there is no directory runs' "$bin/rnrun" runs
mkdir runs
"$bin/rnrun" runs >table 2>messages
[ ! -s table ] || fail "a table of nothing"
grep -q '^there are no trainings below runs$' messages || fail "no word of an empty directory"

# Nothing but JSON on standard output; people read the same as always, elsewhere.
train --output-dir runs/first --log-json >lines 2>text
[ "$(json lines '[e["event"] for e in x]')" = "['start', 'epoch', 'epoch', 'end']" ] || { cat lines; fail "events"; }
[ "$(json lines 'x[0]["config"]["lr"], x[1]["epoch"], x[3]["state"], x[3]["signal"]')" = "(0.01, 1, 'finished', 0)" ] ||
  { cat lines; fail "what the events say"; }
[ "$(json lines 'x[2]["test_top1"] == x[3]["test_top1"] > 0')" = True ] || { cat lines; fail "figures"; }
sed 1d lines | sed '$d' | sed 's/"event":"epoch",//' | cmp -s - runs/first/metrics.jsonl || fail "other lines than metrics.jsonl"
train --output-dir plain >text2 2>/dev/null
same runs/first/checkpoint-last.safetensors plain/checkpoint-last.safetensors --log-json
[ "$(sed -n '/^Test/s/ time.*//p' text)" = "$(sed -n '/^Test/s/ time.*//p' text2)" ] || { cat text; fail "the text for people"; }
refused 1 'cannot write standard output' sh -c "'$bin/rnrun' train net.so --data shapes --limit-batches 2 --output-dir full --log-json >/dev/full"
[ -e full/checkpoint-last.safetensors ] || fail "a full disk for the lines stopped the training"

# An interrupted one goes on, and says so. What a limit lets through depends on the machine: it is to be some steps.
for limit in 0.001 0.002 0.004 0.008 0.016 0.032; do
  rm -rf runs/cut
  train --output-dir runs/cut --time-limit $limit --log-json >lines 2>/dev/null
  [ "$(json lines 'x[-1]["state"], x[-1]["out_of_time"]')" = "('interrupted', True)" ] || { cat lines; fail "out of time"; }
  "$bin/rnrun" runs >table
  [ "$(sed -n 2p table | awk '{ print $1, $2, $6, $NF }')" = 'runs/cut net 0/2 interrupted' ] || { cat table; fail "an interrupted run"; }
  train --output-dir runs/cut --resume --log-json >lines 2>/dev/null
  [ "$(json lines 'x[-1]["state"]')" = finished ] || { cat lines; fail "--resume"; }
  [ "$(json lines 'x[0]["resumed_at"]["step"] > 0')" = True ] && break
done
[ "$(json lines 'x[0]["resumed_at"]["step"] > 0')" = True ] || { cat lines; fail "--resume"; }
"$bin/rnrun" runs >table
[ "$(awk 'NR > 1 { print $NF }' table | sort | uniq -c | awk '{ print $1, $2 }')" = '2 finished' ] || { cat table; fail "finished runs"; }

# One that an error ended says so to whoever listens.
if train --output-dir failed --lr 1e6 --momentum 1e6 --log-json >lines 2>text; then fail "a rate of 1e6 is no error"; fi
grep -q 'the training has diverged' text || { cat text; fail "no word of what failed"; }
[ "$(json lines 'x[-1]["event"], x[-1]["state"], "diverged" in x[-1]["error"]')" = "('end', 'failed', True)" ] ||
  { cat lines; fail "the event of a failure"; }
"$bin/rnrun" runs failed >table
[ "$(awk 'NR > 1 { print $NF }' table)" = failed ] || { cat table; fail "a failed run"; }

# Whose terminal is closed, it saves and stops; not under nohup.
for hang_up in 129 0; do
  ignore=; [ "$hang_up" = 129 ] || ignore="trap '' HUP;"
  sh -c "$ignore exec '$bin/rnrun' train net.so --data shapes --limit-batches 200 --epochs 40 --output-dir hup$hang_up" >/dev/null 2>&1 &
  while [ ! -s "hup$hang_up/metrics.jsonl" ]; do sleep 0.01; done
  kill -HUP $!
  status=0; wait $! || status=$?
  [ "$status" = "$hang_up" ] || fail "status $status after a hang-up instead of $hang_up"
  [ -e "hup$hang_up/checkpoint-last.safetensors" ] || fail "nothing was saved"
done

# What would be asked for in vain.
refused 2 'early-stop 2: nothing is evaluated, as --eval-every is 0' train --output-dir vain --early-stop 2 --eval-every 0

# Settings that differ, the newest first; a running one; damaged directories are named.
sleep 1
train --output-dir runs/deeper/other --lr 0.02 --epochs 3 >/dev/null
"$bin/rnrun" runs runs >table
head -n 2 table | tail -n 1 | grep -qE '^runs/deeper/other +net .* 3/3 +top-1 [0-9.]+ %, .*epoch [1-3] +finished +0.02$' ||
  { cat table; fail "the newest run"; }
head -n 1 table | grep -qE '^run +model +started +epochs +best +state +lr$' || { cat table; fail "the heading"; }
"$bin/rnrun" train net.so --data shapes --limit-batches 20 --output-dir runs/busy --epochs 100000 >/dev/null 2>&1 &
busy=$!
while kill -0 "$busy" 2>/dev/null && [ ! -s runs/busy/metrics.jsonl ]; do sleep 0.01; done
"$bin/rnrun" runs >table
kill "$busy"
wait "$busy" || true
grep -q '^runs/busy .* running ' table || { cat table; fail "a running training"; }
mkdir runs/broken runs/old
echo '{"model": ' >runs/broken/config.json
: >runs/old/metrics.csv
"$bin/rnrun" runs >table
grep -q '^runs/busy .* interrupted ' table || { cat table; fail "a training that was stopped"; }
grep -qF 'not readable: runs/broken: runs/broken/config.json is damaged: ' table || { cat table; fail "a damaged run"; }
grep -qF 'not readable: runs/old: runs/old is not the directory of a training: ' table || { cat table; fail "an old run"; }
"$bin/rnrun" runs --json | tr -d '\n' >all
[ "$(json all 'len(x[0]["runs"]), [r["settings"]["lr"] for r in x[0]["runs"]][1], [u["directory"] for u in x[0]["unreadable"]]')" = \
  "(4, 0.02, ['runs/broken', 'runs/old'])" ] || { cat all; fail "--json"; }
echo "all as it should be"
