#!/bin/sh
# Trains over ranks of MPI, and when one is lost goes on from the last checkpoint with those that are left: any number of
# ranks gives the same bits (runtime/README.md).
#
#     samples/elastic.sh -n 4 net.so --data DIR --output-dir run --micro-batches 8
#     samples/elastic.sh -f HOSTS net.so --data DIR --output-dir run --micro-batches 8
#
# -n N: ranks, here; one less each time. -f FILE: hosts, a line each, a rank on each that answers to ssh. The rest is of
# `rnrun train`. MPIRUN and RNRUN name the programs. A training that ends by itself, on Ctrl-C, or before it has saved
# anything more is not begun again.
set -eu
usage="usage: $0 -n RANKS|-f HOSTFILE MODEL --output-dir DIRECTORY [FLAGS OF rnrun train]"
[ $# -ge 5 ] || { echo "$usage" >&2; exit 2; }
kind=$1 what=$2
shift 2
case $kind in -n | -f) ;; *) echo "$usage" >&2; exit 2 ;; esac

directory= next=
for argument; do
  [ "$next" != --output-dir ] || directory=$argument
  case $argument in --output-dir=*) directory=${argument#--output-dir=} ;; esac
  next=$argument
done
[ -n "$directory" ] || { echo "$usage" >&2; exit 2; }
checkpoint=$directory/checkpoint-last.safetensors
begun=$(mktemp)
hosts=$(mktemp)
stopped=0
launcher=
stop() {
  stopped=1
  [ -z "$launcher" ] || kill -s TERM "$launcher" 2>/dev/null || true
}
trap stop INT TERM
trap 'rm -f "$begun" "$hosts"' EXIT

ranks=$what
resume=
while :; do
  if [ "$kind" = -f ]; then
    : >"$hosts"
    while read -r host; do
      [ -z "$host" ] || ! ssh -n -o BatchMode=yes -o ConnectTimeout=5 "$host" true || echo "$host" >>"$hosts"
    done <"$what"
    ranks=$(grep -c . "$hosts" || true)
    place="-hostfile $hosts"
  else
    place=
  fi
  [ "$ranks" -ge 1 ] || { echo "$0: no rank is left" >&2; exit 1; }
  touch "$begun"
  # shellcheck disable=SC2086
  "${MPIRUN-mpirun}" $place -n "$ranks" "${RNRUN-rnrun}" train "$@" $resume &
  launcher=$!
  status=0
  wait "$launcher" || status=$?
  if [ $stopped -ne 0 ]; then
    wait "$launcher" || status=$?
    exit "$status"
  fi
  [ "$status" -ne 0 ] || exit 0
  [ "$checkpoint" -nt "$begun" ] || { echo "$0: nothing was saved since the start: status $status" >&2; exit "$status"; }
  [ "$kind" = -f ] || ranks=$((ranks - 1))
  resume=--resume
  echo "$0: a rank was lost; going on from $checkpoint" >&2
done
