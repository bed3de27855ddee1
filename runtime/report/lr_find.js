// The page of a learning-rate range test: {model, data, points: [{lr, loss, smoothed}], suggestion}.
"use strict";

function drawLrFind(find) {
  const head = document.getElementById("head");
  head.append(element("h1", {}, "Learning rates of " + find.model),
              element("p", {class: "muted"}, `data ${find.data} · batch ${find.batch_size} · optimizer ${find.optimizer}`));
  const tile = (value, text) => element("div", {class: "tile"}, element("b", {}, value), element("span", {}, text));
  head.append(element("div", {class: "tiles"},
    tile(number(find.suggestion), "suggested: the loss falls fastest"),
    tile(number(find.points.length), find.diverged ? "steps until the loss grew too large" : "steps")));
  if (find.points.length === 0) return;
  const smoothed = find.points.map((p) => ({x: p.lr, y: p.smoothed}));
  const heights = smoothed.map((p) => p.y);
  const low = Math.min(...heights), high = Math.max(...heights);
  const series = [
    {label: "smoothed loss", points: smoothed, colour: "series-1"},
    // A step's own loss may be far above all others; the curve that decides is to stay readable.
    {label: "loss of each step", points: find.points.map((p) => ({x: p.lr, y: Math.min(p.loss, high)})), thin: true, colour: "muted"},
  ];
  if (find.suggestion)
    series.push({label: "suggestion", points: [{x: find.suggestion, y: low}, {x: find.suggestion, y: high}], dash: true, colour: "series-2"});
  chart(section("loss", "Loss over the learning rate", true), series, {x: "learning rate", logarithmic: true});
  section("steps", "Steps", true, element("details", {}, element("summary", {}, "All figures"),
    element("div", {class: "scroll"}, table(["learning rate", "loss", "smoothed loss"],
      find.points.map((p) => [number(p.lr), number(p.loss), number(p.smoothed)]), [0, 1, 2]))));
}
