// Norms of gradients: of every layer over the training, and by depth.
"use strict";

// [{name, norms}] per layer, in the network's order: its parameters' norms together. Batch norms are left out where
// there are other layers: their gradients are on another scale.
function layerNorms(run) {
  const {tensors, records} = run.gradients;
  const layers = new Map();
  tensors.forEach((tensor, i) => {
    const name = tensor.replace(/\.[^.]*$/, "");
    if (!layers.has(name)) layers.set(name, []);
    layers.get(name).push(i);
  });
  const norms = new Set(run.network.filter((layer) => layer.operation === "batch_norm").map((layer) => layer.name));
  const chosen = [...layers.keys()].filter((name) => !norms.has(name));
  return (chosen.length > 0 ? chosen : [...layers.keys()]).map((name) => ({
    name,
    norms: records.map((record) => Math.hypot(...layers.get(name).map((i) => record.norms[i]))),
  }));
}

// Dark blue to yellow, equal steps of lightness (after matplotlib's "viridis").
const kRamp = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
function ramp(t) {
  const place = Math.min(Math.max(t, 0), 1) * (kRamp.length - 1);
  const step = Math.min(Math.floor(place), kRamp.length - 2);
  return mix(kRamp[step], kRamp[step + 1], place - step);
}

// The powers of ten between which all norms lie, over all runs, so that their colours mean the same.
function exponents(runs) {
  const found = runs.flatMap((run) => layerNorms(run).flatMap((layer) => layer.norms))
    .filter((norm) => norm > 0).map(Math.log10);
  const low = found.reduce((a, b) => Math.min(a, b), Infinity);
  const high = found.reduce((a, b) => Math.max(a, b), -Infinity);
  return isFinite(low) ? [Math.max(low, high - 8), Math.max(high, low + 1e-3)] : [-1, 0];
}

function gradientMap(run, [low, high]) {
  const layers = layerNorms(run);
  const records = run.gradients.records;
  const row = Math.max(5, Math.min(16, Math.round(420 / layers.length)));
  const canvas = element("canvas", {role: "img", style: "width:100%",
                                    "aria-label": "norm of the gradient per layer and step"});
  const labels = Math.min(150, 8 + 6.6 * Math.max(...layers.map((l) => l.name.length)));
  const bottom = 34;
  const draw = () => {
    const width = canvas.parentElement ? canvas.parentElement.clientWidth : 600;
    const height = row * layers.length + bottom;
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    canvas.style.height = height + "px";
    const context = canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const cell = (width - labels - 6) / records.length;
    const every = Math.ceil(13 / row);
    layers.forEach((layer, y) => {
      layer.norms.forEach((norm, x) => {
        context.fillStyle = norm > 0 ? ramp((Math.log10(norm) - low) / (high - low)) : colour("empty");
        context.fillRect(labels + x * cell, y * row, cell + 0.6, row - (row > 8 ? 1 : 0));
      });
      if (y % every !== 0) return;
      context.fillStyle = colour("muted");
      context.textAlign = "right";
      context.fillText(layer.name, labels - 6, y * row + row / 2, labels - 8);
    });
    context.fillStyle = colour("muted");
    for (const [x, align] of [[0, "left"], [records.length - 1, "right"]]) {
      context.textAlign = align;
      if (x === 0 && records.length > 1 || align === "right")
        context.fillText("step " + records[x].step, x === 0 && records.length > 1 ? labels : width - 6, height - bottom + 12);
    }
  };
  canvas.drawAgain = draw;
  tooltip(canvas, (event) => {
    const box = canvas.getBoundingClientRect();
    const layer = layers[Math.floor((event.clientY - box.top) / row)];
    const x = Math.floor((event.clientX - box.left - labels) / ((box.width - labels - 6) / records.length));
    if (!layer || !records[x]) return null;
    return `${layer.name}\nstep ${number(records[x].step)}, epoch ${records[x].epoch}\nnorm ${number(layer.norms[x])}`;
  });
  return canvas;
}

// Labels at powers of ten; where there are few decades, at two and five times these, too.
function logarithmicLabel(y, index, ticks) {
  const labelled = ticks.at(-1).value > 100 * ticks[0].value ? /^1e/ : /^[125]e/;
  return labelled.test(Number(y.toPrecision(6)).toExponential()) ? number(y) : null;
}

// The norm by depth, at the beginning and the end of each run.
function gradientsByDepth(section, runs) {
  const canvas = element("canvas", {role: "img", "aria-label": "norm of the gradient by depth"});
  section.append(element("h3", {}, "By depth: the first layer is on the left"),
                 element("div", {class: "chart"}, canvas));
  const layersOf = runs.map((run) => layerNorms(run));
  const longest = layersOf.reduce((a, b) => (b.length > a.length ? b : a));
  const average = (norms) => Math.exp(norms.reduce((sum, n) => sum + Math.log(n || 1e-30), 0) / norms.length);
  let current = null;
  drawn(() => {
    if (current) current.destroy();
    const datasets = runs.flatMap((run, index) => {
      const many = Math.max(1, Math.floor(run.gradients.records.length / 5));
      const of = runs.length > 1 ? run.name + ", " : "";
      return [["first steps", (n) => n.slice(0, many), true], ["last steps", (n) => n.slice(-many), false]]
        .map(([label, pick, dash]) => ({
          label: of + label,
          data: layersOf[index].map((layer) => average(pick(layer.norms))),
          borderColor: colour(runs.length > 1 ? "series-" + (1 + index % 4) : dash ? "series-1" : "series-2"),
          backgroundColor: colour(runs.length > 1 ? "series-" + (1 + index % 4) : dash ? "series-1" : "series-2"),
          borderDash: dash ? [5, 4] : [],
          borderWidth: 2,
          pointRadius: 0,
          pointHitRadius: 8,
        }));
    });
    const axis = {grid: {color: colour("grid"), borderColor: colour("line")}};
    current = new Chart(canvas, {
      type: "line",
      data: {labels: longest.map((layer, i) => i), datasets},
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: {mode: "index", intersect: false},
        scales: {
          x: {...axis, title: {display: true, text: "layer", color: colour("muted")},
              ticks: {color: colour("muted"), maxRotation: 0, autoSkip: true, maxTicksLimit: 12}},
          y: {...axis, type: "logarithmic",
              ticks: {color: colour("muted"), callback: logarithmicLabel}},
        },
        plugins: {
          legend: {labels: {color: colour("text"), boxWidth: 22, boxHeight: 0}},
          tooltip: {callbacks: {
            title: (items) => layersOf.map((layers) => layers[items[0].dataIndex]).filter(Boolean)
              .map((layer) => layer.name).filter((name, i, all) => all.indexOf(name) === i).join(" · "),
            label: (item) => item.dataset.label + ": " + number(item.parsed.y),
          }},
        },
      },
    });
  });
}

function drawGradients(runs) {
  const shown = runs.filter((run) => run.gradients.records.length > 0);
  if (shown.length === 0) return;
  const range = exponents(shown);
  const part = section("gradients", "Gradient norm per layer", true);
  const stops = kRamp.join(",");
  part.append(element("div", {class: "legend"}, number(10 ** range[0]),
                      element("span", {class: "ramp", style: `background:linear-gradient(90deg,${stops})`}),
                      number(10 ** range[1]),
                      element("span", {}, "2-norm of each layer's gradients, before clipping; colours on a logarithmic scale")));
  const maps = [];
  part.append(perRun(shown, (run) => {
    maps.push(gradientMap(run, range));
    return maps[maps.length - 1];
  }));
  for (const map of maps) {
    drawn(map.drawAgain);
    addEventListener("resize", map.drawAgain);
  }
  gradientsByDepth(part, shown);
}
