// Runs a model in ONNX's format with ONNX Runtime (onnxruntime-node), for onnx_export.py.
//     node onnx_runtime.js IN.safetensors OUT.safetensors MODEL.onnx
const fs = require("fs");
const ort = require("onnxruntime-node");

const types = {F32: ["float32", Float32Array], I32: ["int32", Int32Array], U8: ["uint8", Uint8Array]};

function read(path) {
  const bytes = fs.readFileSync(path);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + size));
  const tensors = {};
  for (const [name, {dtype, shape, data_offsets}] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [type, Elements] = types[dtype];
    const part = bytes.subarray(8 + size + data_offsets[0], 8 + size + data_offsets[1]);
    const elements = new Elements(new Uint8Array(part).buffer);
    tensors[name] = new ort.Tensor(type, elements, shape);
  }
  return tensors;
}

function write(path, tensors) {
  const header = {}, parts = [];
  let size = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const part = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    const dtype = Object.keys(types).find((key) => types[key][0] === tensor.type);
    header[name] = {dtype, shape: Array.from(tensor.dims), data_offsets: [size, size + part.length]};
    size += part.length;
    parts.push(part);
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  fs.writeFileSync(path, Buffer.concat([length, text, ...parts]));
}

async function main([input, output, model]) {
  const session = await ort.InferenceSession.create(model, {logSeverityLevel: 3, intraOpNumThreads: 2});
  write(output, await session.run(read(input)));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
