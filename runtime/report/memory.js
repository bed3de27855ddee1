// The memory plan of the training step: each temporary as a rectangle, from its first to its last kernel call, at its
// place in the arena.
"use strict";

// The k-th of many colours, neighbours apart.
function hue(k) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return `hsl(${(k * 137.5) % 360} ${dark ? "38% 48%" : "48% 66%"})`;
}

function memoryPlan(run) {
  const {buffers, calls, arena, bound} = run.memory;
  if (buffers.length === 0) return null;
  const width = 1180, height = 420, left = 70, bottom = 38, top = 16;
  const top_bytes = Math.max(arena, bound);
  const x = (call) => left + (call / calls.length) * (width - left - 8);
  const y = (bytes) => top + (1 - bytes / top_bytes) * (height - top - bottom);
  const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "memory plan",
                            style: "width:100%;min-width:680px;height:auto"});
  for (let i = 0; i <= 4; ++i) {
    const bytes = top_bytes * i / 4;
    svg.append(shape("line", {x1: left, x2: width - 8, y1: y(bytes), y2: y(bytes), style: "stroke:var(--grid)"}),
               shape("text", {x: left - 6, y: y(bytes), "text-anchor": "end", "dominant-baseline": "central",
                              "font-size": 12, class: "muted"}, bytesText(bytes)));
  }
  const ticks = Math.min(8, calls.length);
  for (let i = 0; i < ticks; ++i) {
    const call = Math.floor(i * calls.length / ticks);
    svg.append(shape("text", {x: x(call), y: height - bottom + 16, "font-size": 12, class: "muted"}, String(call)));
  }
  svg.append(shape("text", {x: width - 8, y: height - 6, "text-anchor": "end", "font-size": 12, class: "muted"},
                   "kernel call, in the order of the step"));
  const places = shape("g", {});
  const rectangles = buffers.map(([, bytes, offset, first, last]) => {
    const rectangle = shape("rect", {x: x(first), y: y(offset + bytes), width: Math.max(1, x(last + 1) - x(first)),
                                     height: Math.max(0.7, y(offset) - y(offset + bytes)), "stroke-width": 0.5});
    places.append(rectangle);
    return rectangle;
  });
  svg.append(places);
  for (const [bytes, dash] of [[arena, ""], [bound, "6 4"]])
    svg.append(shape("line", {x1: left, x2: width - 8, y1: y(bytes), y2: y(bytes), "stroke-dasharray": dash,
                              "stroke-width": 1.5, style: "stroke:var(--text)"}));
  drawn(() => rectangles.forEach((rectangle, i) => {
    rectangle.setAttribute("fill", hue(i));
    rectangle.setAttribute("stroke", colour("card"));
  }));
  tooltip(places, (event) => {
    const at = rectangles.indexOf(event.target);
    if (at < 0) return null;
    const [name, bytes, offset, first, last] = buffers[at];
    return `${name}\n${bytesText(bytes)} at ${bytesText(offset)}\nfrom call ${first} (${calls[first]})\nto call ${last} (${calls[last]})`;
  });
  const ratio = bound > 0 ? (arena / bound).toFixed(3) : "–";
  return element("div", {},
    element("p", {class: "note"}, `Entry ${run.memory.entry} at batch ${number(run.memory.batch)}: an arena of ` +
      `${bytesText(arena)} (solid line) for temporaries of ${bytesText(buffers.reduce((a, b) => a + b[1], 0))} in all. ` +
      `At some point ${bytesText(bound)} are needed at the same time (dashed line): ratio ${ratio}.`),
    element("div", {class: "scroll"}, svg));
}

function drawMemory(runs) {
  const plans = perRun(runs.filter((run) => run.memory), memoryPlan);
  if (plans) section("memory", "Memory plan", true, plans);
}
