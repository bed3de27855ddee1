#!/bin/sh
# What is installed: the example projects of samples/embed build against it and give what rnrun gives, manual pages and
# completions are there, and Debian's packages hold what they are to.
# Usage: installed.sh DIRECTORY_OF_PROGRAMS SOURCE_DIRECTORY
set -eu
source=$(cd "$2" && pwd)
. "$(dirname "$0")/checks.sh"
build=$(cd "$bin/.." && pwd)
needs cmake pkg-config
prefix=$PWD/prefix
cmake --install "$build" --prefix "$prefix" >log 2>&1 || { cat log; fail "cmake --install"; }
network=$prefix/share/rnc/samples/fashion_resnet20.graph

# Trained a little, so that scores differ.
"$prefix/bin/rnc" "$network" -o net.so
"$prefix/bin/rnrun" train net.so --data shapes --limit-batches 5 --output-dir run >log 2>&1 || { cat log; fail "train"; }
weights=run/checkpoint-last.safetensors
head -c 784 "$prefix/bin/rnc" >image
/usr/bin/python3 - <<'END'
import struct, json
data = open("image", "rb").read()
header = json.dumps({"image": {"dtype": "U8", "shape": [1, 1, 28, 28], "data_offsets": [0, 784]}}).encode()
open("in.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + data)
END
"$prefix/bin/rnrun" call net.so infer --in in.safetensors --params "$weights" --out out.safetensors
expected=$(/usr/bin/python3 - <<'END'
import struct, json
data = open("out.safetensors", "rb").read()
scores = struct.unpack("<10f", data[-40:])
print(scores.index(max(scores)), f"{max(scores):.2f}")
END
)
class=${expected% *}
score=${expected#* }
says() { # PROGRAM OUTPUT
  case $2 in
    "$class "*" $score"*) ;;
    *) fail "$1 says '$2'; class $class with $score is expected" ;;
  esac
}

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name rnrun.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror "$source/samples/embed/c/classify.c" $(pkg-config --cflags --libs rnrun) -o classify_c
LD_LIBRARY_PATH=$(pkg-config --variable=libdir rnrun)
export LD_LIBRARY_PATH
says "samples/embed/c" "$(./classify_c net.so "$weights" image)"

cmake -S "$source/samples/embed/cpp" -B cpp "-DCMAKE_PREFIX_PATH=$prefix" "-DWEIGHTS=$PWD/$weights" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" \
  >log 2>&1 && cmake --build cpp >>log 2>&1 || { cat log; fail "samples/embed/cpp"; }
said=$(cpp/classify image) || fail "samples/embed/cpp"
says "samples/embed/cpp" "$said"
case $said in *"after 5 steps less") ;; *) fail "a model linked in does not learn: $said" ;; esac

PYTHONPATH=$prefix/lib/python3/dist-packages
export PYTHONPATH
unset LD_LIBRARY_PATH
XDG_CACHE_HOME=$PWD/cache
export XDG_CACHE_HOME
says "samples/embed/python" "$(/usr/bin/python3 "$source/samples/embed/python/classify.py" "$weights" image "$network")"
/usr/bin/python3 "$source/samples/embed/python/torch_training.py" "$network" >log || { cat log; fail "torch_training.py"; }
/usr/bin/python3 -c 'import sys; words = sys.stdin.read().replace(",", "").split(); sys.exit(not float(words[-1]) < float(words[1]))' <log ||
  { cat log; fail "torch_training.py does not learn"; }

# What people look things up in.
for program in rnc rnrun; do
  grep -q "^\\.SH \"\\{0,1\\}DESCRIPTION\|^\\.SH OPTIONS" "$prefix/share/man/man1/$program.1" || fail "the manual page of $program"
done
bash -c '
  PATH=$1/bin:$PATH && . "$1/share/bash-completion/completions/rnc"
  complete_words() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=() && "_$1" && echo "${COMPREPLY[*]}"; }
  compopt() { :; }
  [[ $(complete_words rnc --target-c) == --target-cpu ]] && [[ $(complete_words rnrun tra) == train ]] &&
    [[ $(complete_words rnrun train --label-sm) == --label-smoothing ]]' bash "$prefix" || fail "completion"
