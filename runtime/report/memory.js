// The memory plan of the training step: each temporary as a rectangle, from its first to its last kernel call, at its
// place in the arena.
"use strict";

// The k-th of many colours, neighbours apart.
function hue(k) {
  return `hsl(${(k * 137.5) % 360} var(--vivid))`;
}

// The plan in so many pixels, so that its text is of the same size on any screen.
function planOf({buffers, calls, arena, bound}, width) {
  const narrow = width < 620, height = narrow ? 320 : 420;
  const left = 72, bottom = 38, top = 16, right = 8;
  const most = Math.max(arena, bound);
  const x = (call) => left + (call / calls.length) * (width - left - right);
  const y = (bytes) => top + (1 - bytes / most) * (height - top - bottom);
  const svg = shape("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "memory plan"});
  const text = (content, attributes) => shape("text", {"font-size": 12, class: "muted", ...attributes}, content);
  for (let i = 0; i <= 4; ++i) {
    const bytes = most * i / 4;
    svg.append(shape("line", {x1: left, x2: width - right, y1: y(bytes), y2: y(bytes), style: "stroke:var(--grid)"}),
               text(bytesText(bytes), {x: left - 6, y: y(bytes), "text-anchor": "end", "dominant-baseline": "central"}));
  }
  const ticks = Math.min(Math.max(2, Math.floor(width / 140)), calls.length);
  for (let i = 0; i < ticks; ++i) {
    const call = Math.floor(i * calls.length / ticks);
    svg.append(text(String(call), {x: x(call), y: height - bottom + 16}));
  }
  svg.append(text("kernel call, in the order of the step", {x: width - right, y: height - 6, "text-anchor": "end"}));
  const places = shape("g", {});
  const rectangles = buffers.map(([, bytes, offset, first, last], i) => {
    const rectangle = shape("rect", {x: x(first), y: y(offset + bytes), width: Math.max(1, x(last + 1) - x(first)),
                                     height: Math.max(0.7, y(offset) - y(offset + bytes)), "stroke-width": 0.5,
                                     style: `fill:${hue(i)};stroke:var(--card)`});
    places.append(rectangle);
    return rectangle;
  });
  svg.append(places);
  for (const [bytes, dash] of [[arena, ""], [bound, "6 4"]])
    svg.append(shape("line", {x1: left, x2: width - right, y1: y(bytes), y2: y(bytes), "stroke-dasharray": dash,
                              "stroke-width": 1.5, style: "stroke:var(--text)"}));
  tooltip(places, (event) => {
    const at = rectangles.indexOf(event.target);
    if (at < 0) return null;
    const [name, bytes, offset, first, last] = buffers[at];
    return `${name}\n${bytesText(bytes)} at ${bytesText(offset)}\nfrom call ${first} (${calls[first]})\nto call ${last} (${calls[last]})`;
  });
  return svg;
}

function memoryPlan(run) {
  const {buffers, arena, bound} = run.memory;
  if (buffers.length === 0) return null;
  const ratio = bound > 0 ? (arena / bound).toFixed(3) : "–";
  return element("div", {},
    element("p", {class: "note"}, `Entry ${run.memory.entry} at batch ${number(run.memory.batch)}: an arena of ` +
      `${bytesText(arena)} (solid line) for temporaries of ${bytesText(buffers.reduce((a, b) => a + b[1], 0))} in all. ` +
      `At some point ${bytesText(bound)} are needed at the same time (dashed line): ratio ${ratio}.`),
    fitted((width) => planOf(run.memory, width)));
}

function drawMemory(runs) {
  const plans = perRun(runs.filter((run) => run.memory), memoryPlan);
  if (plans) section("memory", "Memory plan", true, plans);
}
