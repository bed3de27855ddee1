#!/bin/sh
# Export to ONNX on the command line: trained weights from a checkpoint to a file and back, the same bytes every time, from
# a spec, a dump and a file in ONNX's format, and the errors a user can meet.
# Usage: onnx_export.sh DIRECTORY_OF_PROGRAMS
set -eu
. "$(dirname "$0")/checks.sh"

cat >net.graph <<'END'
model net(image: u8[N, 1, 28, 28], label: i32[N]) {
  classes ["circle", "a \"square\"", "cross", "3", "4", "5", "6", "7", "8", "9"]
  x = normalize(image, mean = [0.3], std = [0.3])
  conv1 = conv2d(x, 32, kernel = 3, stride = 2, pad = 1, bias = false)
  bn1 = batch_norm(conv1)
  fc = linear(flatten(global_avg_pool(relu(bn1))), 10)
  predict fc
  loss cross_entropy(fc, label)
  train sgd(momentum = 0.9)
  recipe(epochs = 1, batch_size = 8, lr = 0.05)
}
END
"$bin/rnc" net.graph -o net.so
"$bin/rnrun" train net.so --data shapes --limit-batches 20 --output-dir run >log 2>&1 || { cat log; fail "training"; }
weights=run/checkpoint-last.safetensors

"$bin/rnc" net.graph --weights "$weights" -o net.onnx
"$bin/rnc" net.graph --weights "$weights" --emit=onnx -o - >again.onnx
same net.onnx again.onnx "twice the same, to a file and to standard output"
(cd run && "$bin/rnc" ../net.graph --weights "$(basename "$weights")" --emit=onnx && mv net.onnx ../again.onnx)
same net.onnx again.onnx "by default the file is called like the input"
"$bin/rnc" net.graph --dump-dir dumps -o net.so
for dump in dumps/*.graph; do
  "$bin/rnc" "$dump" --weights "$weights" -o dump.onnx
done

# What is read back has the same outputs for the same pictures, and the classes' names.
"$bin/rnc" net.graph --weights "$weights" -o inside.so
"$bin/rnc" net.onnx -o read.so
"$bin/rnc" net.onnx -o second.onnx
"$bin/rnc" second.onnx -o second.so
"$bin/rnc" dump.onnx -o dump.so
for library in inside read second dump; do
  "$bin/rnrun" info "$library.so" >"$library.txt"
  grep -qF 'a "square"' "$library.txt" || { cat "$library.txt"; fail "$library.so has no names of classes"; }
done

# Weights in a file beside: the same values, and both files of one name.
"$bin/rnc" net.graph --weights "$weights" -o beside.onnx --external-data 2>notes
grep -qF "the weights are in beside.onnx.data, beside beside.onnx" notes || { cat notes; fail "where the weights are"; }
"$bin/rnc" beside.onnx -o beside.safetensors
"$bin/rnc" net.onnx -o inside.safetensors
"$bin/rnc" beside.onnx --emit=graph -o - 2>/dev/null | sed '1d;/^  hash/d' >beside.txt
"$bin/rnc" net.onnx --emit=graph -o - 2>/dev/null | sed '1d;/^  hash/d' >inside.txt
same beside.txt inside.txt "the graph of both"
tail -c 1000 beside.safetensors >beside.tail
tail -c 1000 inside.safetensors >inside.tail
same beside.tail inside.tail "the weights of both"
rm beside.onnx.data
refused 1 "cannot find 'beside.onnx.data' beside the model" "$bin/rnc" beside.onnx -o none.so
refused 2 "--external-data: the file for the weights is called after the output" \
  "$bin/rnc" net.graph --weights "$weights" --emit=onnx --external-data -o -

refused 1 "comes without values of its weights; --weights FILE gives them" "$bin/rnc" net.graph -o none.onnx
refused 2 "Value 12 not in range" "$bin/rnc" net.graph --opset 12 --weights "$weights" -o none.onnx
refused 2 "--opset is for writing a file in ONNX's format" "$bin/rnc" net.graph --opset 13 -o none.so
refused 2 "--keep-batch-norm is for writing" "$bin/rnc" net.graph --keep-batch-norm --emit=graph
refused 2 "--external-data is for writing" "$bin/rnc" net.graph --external-data -o none.so
refused 2 "--float-input is for writing" "$bin/rnc" net.graph --float-input --emit=obj
refused 1 "--passes leave out derive_entries" "$bin/rnc" net.graph --passes= --weights "$weights" -o none.onnx
refused 2 "the output net.onnx is the input" "$bin/rnc" net.onnx -o net.onnx
refused 2 "the output net.onnx is the input" "$bin/rnc" net.onnx --emit=onnx
printf 'model bytes(image: u8[N, 2]) {\n  y = cast(image) / 255\n  predict y\n}\n' >bytes.graph
refused 1 "bytes.graph:1:13: error: --float-input: the bytes of image become more than what one normalize makes" \
  "$bin/rnc" bytes.graph --float-input -o none.onnx
printf 'model m(x: f32[N, 1, 4, 4]) {\n  y = max_pool_select(x, x, kernel = 2, stride = 2)\n  predict y\n}\n' >select.graph
refused 1 "select.graph:2:7: error: y: max_pool_select cannot be exported to ONNX" "$bin/rnc" select.graph -o none.onnx
[ ! -e none.onnx ] || fail "a file is left where none could be made"
for left in ./*.tmp*; do
  [ ! -e "$left" ] || fail "a temporary file is left: $left"
done
