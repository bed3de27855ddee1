// The network, block by block: the operations of a block in the order they run, one row each. A row that follows the
// one it reads is joined to it; all other connections are arcs at the right.
"use strict";

const kRow = 20, kGap = 7, kLane = 11;
const kFill = {
  conv2d: "conv", linear: "linear", matmul: "linear", batch_norm: "norm", add: "join", mul: "join", sub: "join",
  max_pool: "pool", avg_pool: "pool", global_avg_pool: "pool", pad_channels: "pool", concat: "join",
};

// "64×56×56" of "f32[N, 64, 56, 56]".
function sizeOf(result) {
  const inner = result.slice(result.indexOf("[") + 1, -1).split(/[|]/)[0];
  return inner.split(", ").map((n) => n.trim()).filter((n) => n && n !== "N").join("×");
}

// "3×3 conv /2" of a convolution; the operation's name in words of others.
function describe(layer) {
  const stride = /stride = \(?\[?(\d+)/.exec(layer.text);
  const by = stride && stride[1] !== "1" ? " /" + stride[1] : "";
  const groups = /groups = (\d+)/.exec(layer.text);
  if (layer.operation === "conv2d" && layer.weight)
    return `${layer.weight[2]}×${layer.weight[3]} conv${by}` + (groups ? `, ${groups[1]} groups` : "");
  const words = {batch_norm: "batch norm", max_pool: "max pool", avg_pool: "average pool",
                 global_avg_pool: "global average pool", cross_entropy: "cross entropy"};
  return (words[layer.operation] || layer.operation.replace(/_/g, " ")) + (/pool/.test(layer.operation) ? by : "");
}

// The block that a layer is in: "layer1.0" for "layer1.0.conv1" and for "layer1.0" itself; "" for those in none.
function blockOf(name) {
  const parts = name.split(".");
  if (parts.length > 1 && /^\d+$/.test(parts[1])) return parts.slice(0, 2).join(".");
  return parts.length > 1 ? parts[0] : "";
}

// The layers' indices in execution order, but inputs right before their first reader.
function inOrder(layers) {
  const isInput = (i) => layers[i].operation === "input";
  const order = [];
  layers.forEach((layer, i) => {
    if (isInput(i)) return;
    order.push(...layer.inputs.filter((input) => isInput(input) && !order.includes(input)), i);
  });
  return order;
}

// Blocks in execution order: [{name, layers: [index, ...]}].
function blocksOf(layers) {
  const blocks = [];
  inOrder(layers).forEach((i) => {
    const name = blockOf(layers[i].name);
    if (blocks.length === 0 || blocks[blocks.length - 1].name !== name) blocks.push({name, layers: []});
    blocks[blocks.length - 1].layers.push(i);
  });
  return blocks;
}

// The connections within a block, from row to row; row -1 is what enters the block: what its first layer reads.
function connections(layers, block) {
  const rowOf = new Map(block.layers.map((layer, row) => [layer, row]));
  const first = layers[block.layers[0]];
  const entering = first.inputs.length > 0 ? first.inputs[0] : -1;
  const joined = [], arcs = [], others = [];
  block.layers.forEach((index, row) => {
    for (const input of layers[index].inputs) {
      const from = input === entering ? -1 : rowOf.get(input);
      if (from === undefined) others.push([row, layers[input].name]);
      else if (from === row - 1) joined.push(row);
      else arcs.push({from, to: row});
    }
  });
  return {joined, arcs, others, enters: entering >= 0};
}

// Gives each arc the innermost lane in which it meets no other.
function assignLanes(arcs) {
  const lanes = [];
  for (const arc of [...arcs].sort((a, b) => (a.to - a.from) - (b.to - b.from))) {
    let lane = 0;
    while ((lanes[lane] || []).some((other) => arc.from < other.to && other.from < arc.to)) ++lane;
    (lanes[lane] = lanes[lane] || []).push(arc);
    arc.lane = lane;
  }
  return lanes.length;
}

function drawBlock(layers, block) {
  const {joined, arcs, others, enters} = connections(layers, block);
  const lanes = assignLanes(arcs);
  const local = (i) => layers[i].name === block.name ? "" : block.name ? layers[i].name.slice(block.name.length + 1) : layers[i].name;
  const texts = block.layers.map((i) => {
    const what = describe(layers[i]);
    const name = local(i);
    return name && name !== layers[i].operation ? `${name}: ${what}` : what;
  });
  const sizes = block.layers.map((i) => sizeOf(layers[i].result));
  const widest = Math.max(...texts.map((text, i) => 6.7 * (text.length + sizes[i].length))) + 34;
  const top = enters ? 10 : 2;
  const width = widest + (lanes > 0 ? 8 + lanes * kLane : 2);
  const height = top + block.layers.length * (kRow + kGap);
  const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, style: `--width:${width}`, role: "img",
                            "aria-label": block.name || "layers"});
  const upper = (row) => (row < 0 ? 0 : top + row * (kRow + kGap));
  const stroke = "fill:none;stroke:var(--muted);stroke-width:1.3";
  for (const row of joined)
    svg.append(shape("path", {d: `M 22 ${row === 0 ? 0 : upper(row - 1) + kRow} V ${upper(row)}`, style: stroke}));
  for (const arc of arcs) {
    const lane = widest + 6 + arc.lane * kLane;
    const start = arc.from < 0 ? 3 : upper(arc.from) + kRow / 2 + 4;
    const from = arc.from < 0 ? 22 : widest;
    svg.append(shape("path", {d: `M ${from} ${start} H ${lane} V ${upper(arc.to) + kRow / 2 - 4} H ${widest}`,
                              style: stroke + ";stroke:var(--series-2)"}),
               shape("path", {d: `M ${widest} ${upper(arc.to) + kRow / 2 - 4} l 6 -3.5 v 7 z`, style: "fill:var(--series-2)"}));
  }
  block.layers.forEach((index, row) => {
    const layer = layers[index];
    const box = shape("rect", {x: 0.5, y: upper(row) + 0.5, width: widest - 1, height: kRow - 1, rx: 3,
                               style: `fill:var(--${kFill[layer.operation] || "act"});stroke:var(--line)`});
    svg.append(box,
               shape("text", {x: 7, y: upper(row) + kRow / 2, "dominant-baseline": "central", "pointer-events": "none"}, texts[row]),
               shape("text", {x: widest - 7, y: upper(row) + kRow / 2, "text-anchor": "end", class: "muted",
                              "dominant-baseline": "central", "pointer-events": "none"}, sizes[row]));
    const elsewhere = others.filter(([at]) => at === row).map(([, name]) => name);
    tooltip(box, () => [
      layer.text,
      layer.parameters > 0 ? `${number(layer.parameters)} parameters` : null,
      layer.multiply_adds > 0 ? `${number(layer.multiply_adds)} multiply-adds per image` : null,
      elsewhere.length > 0 ? `reads also ${elsewhere.join(", ")}` : null,
    ].filter(Boolean).join("\n"));
  });
  return element("div", {class: "block"}, block.name ? element("h4", {}, block.name) : null,
                 element("div", {class: "scroll"}, svg));
}

// A slider for the size of everything in `drawing`: small enough for all of a deep network, or large enough to read.
function zoom(drawing) {
  const size = element("input", {type: "range", min: 25, max: 200, step: 5, value: 100, "aria-label": "zoom"});
  const shown = element("span", {}, "100 %");
  size.addEventListener("input", () => {
    drawing.style.setProperty("--zoom", size.value / 100);
    shown.textContent = `${size.value} %`;
  });
  return element("label", {class: "zoom"}, "Zoom", size, shown);
}

function network(run) {
  const layers = run.network;
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  const work = layers.reduce((sum, layer) => sum + layer.multiply_adds, 0);
  const stages = [];  // rows of blocks: those whose names begin alike
  for (const block of blocksOf(layers)) {
    const stage = block.name.split(".")[0];
    if (stages.length === 0 || stages[stages.length - 1].name !== stage) stages.push({name: stage, blocks: []});
    stages[stages.length - 1].blocks.push(drawBlock(layers, block));
  }
  const drawing = element("div", {class: "drawing"}, ...stages.map(
    (stage) => element("div", {class: "stage"}, element("div", {class: "blocks"}, ...stage.blocks))));
  return element("div", {},
    element("p", {class: "note"}, `${number(parameters)} parameters, ${number(work)} multiply-adds per image. ` +
      "Orange lines are shortcuts and other connections to an operation further down."),
    zoom(drawing), drawing);
}

function drawNetwork(runs) {
  const drawings = perRun(runs.filter((run) => run.network.length > 0), network);
  if (!drawings) return;
  section("network", "Network", true,
          legend([["var(--conv)", "convolution"], ["var(--norm)", "batch norm"], ["var(--pool)", "pooling"],
                  ["var(--linear)", "linear"], ["var(--join)", "sum"], ["var(--act)", "other"]]), drawings);
}
