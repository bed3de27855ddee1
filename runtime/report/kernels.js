// Where the time goes: the kernels of a training step.
"use strict";

// Horizontal bars: [{name, parts: [[length, colour name], ...], value, tip}], all on a scale up to `most`.
function bars(rows, most) {
  const result = element("div", {class: "bars"});
  for (const row of rows) {
    const bar = element("div", {class: "bar"});
    for (const [length, fill] of row.parts)
      bar.append(element("span", {style: `width:${100 * length / most}%;background:var(--${fill})`}));
    if (row.tip) tooltip(bar, () => row.tip);
    result.append(element("div", {class: "name"}, row.name), bar, element("div", {class: "value"}, row.value));
  }
  return result;
}

const kDirections = [["forward", "series-1", "forward"], ["input_grad", "series-2", "gradient of the input"],
                     ["weight_grad", "series-3", "gradient of the weight"], ["", "series-4", "other"]];

function directionOf(call) {
  const known = kDirections.findIndex(([direction]) => direction === call.direction);
  return known < 0 ? kDirections.length - 1 : known;
}

function kernelTimes(run) {
  const {calls, batch, step_ms: step} = run.kernels;
  const layers = new Map();
  for (const call of calls) {
    if (!layers.has(call.layer)) layers.set(call.layer, kDirections.map(() => 0));
    layers.get(call.layer)[directionOf(call)] += call.ms;
  }
  // A layer's first kernel may be one of the backward pass, which goes through the network in reverse.
  const place = new Map(run.network.map((layer, i) => [layer.name, i]));
  const inOrder = [...layers].sort(([a], [b]) => (place.get(a) ?? place.size) - (place.get(b) ?? place.size));
  const sum = (times) => times.reduce((a, b) => a + b, 0);
  const within = sum(calls.map((c) => c.ms));
  const rows = inOrder.map(([layer, times]) => ({
    name: layer || "(all)",
    total: sum(times),
    parts: times.map((ms, i) => [ms, kDirections[i][1]]),
    value: number(Number(sum(times).toPrecision(3))) + " ms",
    tip: [layer, ...times.map((ms, i) => (ms > 0 ? `${kDirections[i][2]}: ${ms.toPrecision(3)} ms` : null))]
      .filter(Boolean).join("\n"),
  }));
  const sizable = rows.filter((row) => row.total >= 0.002 * within);
  const slowest = [...calls].sort((a, b) => b.ms - a.ms).slice(0, 12);
  const outside = step - within;
  return element("div", {},
    element("p", {class: "note"}, `Per step of ${number(batch)} images: ${step.toFixed(2)} ms, of which ` +
      `${outside > 0 ? outside.toFixed(2) : 0} ms between kernels. Layers in the order of the network` +
      (sizable.length < rows.length ? `; ${rows.length - sizable.length} with less than 0.2 % are left out.` : ".")),
    bars(sizable, Math.max(...rows.map((row) => row.total))),
    element("details", {}, element("summary", {}, "The slowest kernel calls"),
      element("div", {class: "scroll"}, table(["layer", "direction", "algorithm", "ms", "GFLOP/s", "share"],
        slowest.map((c) => [c.layer, c.direction.replace("_", " "), c.algorithm, c.ms.toPrecision(3),
                            c.gflops > 0 ? c.gflops.toFixed(1) : "–", percent(c.ms / step, 1)]), [3, 4, 5]))));
}

function drawKernels(runs) {
  const shown = runs.filter((run) => run.kernels && run.kernels.calls.length > 0);
  if (shown.length === 0) return;
  section("kernels", "Time per kernel", true,
          legend(kDirections.map(([, fill, text]) => [`var(--${fill})`, text])), perRun(shown, kernelTimes));
}
