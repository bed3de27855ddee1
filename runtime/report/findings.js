// What the last evaluation found of tasks other than classification: numbers, classes of pixels, images, labels.
"use strict";

// The evaluations of a run, of each head where there are several: [run with that evaluation, ...].
function evaluations(run) {
  if (!run.evaluation) return [];
  if (!run.evaluation.heads) return [run];
  return Object.entries(run.evaluation.heads).map(([head, evaluation]) => ({
    ...run, name: `${run.name}: ${head}`, evaluation, classes: evaluation.class_names,
  }));
}

function evaluationNote(run, text) {
  return element("p", {class: "note"},
                 `After epoch ${run.evaluation.epoch}, on ${number(run.evaluation.samples)} test samples${text}`);
}

// A gallery: for each example captioned pictures, [[title, uri], ...], and what is said of all.
function gallery(examples) {
  return element("div", {class: "examples"}, ...examples.map(({pictures, text}) => element(
    "figure", {}, element("div", {class: "row"}, ...pictures.filter(([, uri]) => uri).map(([title, uri]) => element(
      "span", {}, element("img", {src: uri, alt: title, title}), element("small", {}, title)))),
    element("figcaption", {}, text))));
}

// Points by two numbers, which `x` and `y` name; datasets() is asked again when the theme changes.
function scatterChart(label, x, y, datasets) {
  const canvas = element("canvas", {role: "img", "aria-label": label});
  let current = null;
  drawn(() => {
    if (current) current.destroy();
    const axis = (text) => ({title: {display: true, text, color: colour("muted")},
                             grid: {color: colour("grid"), borderColor: colour("line")},
                             ticks: {color: colour("muted"), maxTicksLimit: 8}});
    current = new Chart(canvas, {
      type: "scatter",
      data: {datasets: datasets()},
      options: {animation: false, maintainAspectRatio: false, plugins: {legend: {display: false}},
                scales: {x: {type: "linear", ...axis(x)}, y: axis(y)}},
    });
  });
  return canvas;
}

function scatter(run) {
  const points = run.evaluation.scatter.map(([x, y]) => ({x, y}));
  const ends = points.flatMap((p) => [p.x, p.y]).filter(isFinite);
  const low = Math.min(...ends), high = Math.max(...ends);
  return element("div", {class: "chart"}, scatterChart("predictions over targets", "target", "prediction", () => [
    {label: "samples", data: points, pointRadius: 2, backgroundColor: colour("series-1"), borderColor: colour("series-1")},
    {label: "exact", data: [{x: low, y: low}, {x: high, y: high}], showLine: true, pointRadius: 0,
     borderColor: colour("muted"), borderWidth: 1, borderDash: [5, 4]}]));
}

// Embeddings in a plane, a colour for each class.
function embedding(run) {
  const points = run.evaluation.points;
  const labels = [...new Set(points.map(([, , label]) => label))].sort((a, b) => a - b);
  const nameOf = (label) => (run.classes || [])[label] || String(label);
  const fill = (k) => `hsl(${(k * 137.5) % 360} 60% ${k % 2 ? 42 : 56}%)`;
  const datasets = () => labels.map((label, k) => ({
    label: nameOf(label), pointRadius: 2.5, backgroundColor: fill(k), borderColor: fill(k),
    data: points.filter((p) => p[2] === label).map(([x, y]) => ({x, y}))}));
  const shown = labels.slice(0, 30).map((label, k) => [fill(k), nameOf(label)]);
  return element("div", {}, legend(labels.length > 30 ? [...shown, ["none", `and ${labels.length - 30} more`]] : shown),
                 element("div", {class: "chart", style: "height:420px"},
                         scatterChart("embedding", "first principal component", "second", datasets)));
}

function worstNumbers(run) {
  const list = (numbers) => numbers.map((v) => number(v)).join(", ");
  const found = run.evaluation.worst;
  if (found.some((w) => w.image))
    return gallery(found.map((w) => ({pictures: [["image", w.image]],
                                      text: `${list(w.prediction)} instead of ${list(w.target)}`})));
  return element("div", {class: "scroll"}, table(["sample", "prediction", "target", "mean error"],
    found.map((w) => [String(w.index), list(w.prediction), list(w.target), number(w.error)]), [1, 2, 3]));
}

function classBars(run) {
  const rows = run.evaluation.classes.map((c, k) => [run.classes[k] || String(k), c])
    .filter(([, c]) => c.iou !== null).sort((a, b) => a[1].iou - b[1].iou);
  const shown = rows.length > 24 ? [...rows.slice(0, 16), ...rows.slice(-8)] : rows;
  return bars(shown.map(([name, c]) => ({name, parts: [[c.iou, "series-3"]],
                                         value: `${percent(c.iou, 1)} (${percent(c.labelled, 1)} of the pixels)`})), 1);
}

function labelTable(run) {
  return element("div", {class: "scroll"}, table(["label", "samples", "average precision", "F1"],
    run.evaluation.labels.map((l, k) => [run.classes[k] || String(k), number(l.samples), percent(l.average_precision, 1),
                                         percent(l.f1, 1)]), [1, 2, 3]));
}

function drawFindings(runs) {
  const all = runs.flatMap(evaluations);
  const show = (key, id, title, text, draw) => {
    const shown = all.filter((run) => run.evaluation[key] && run.evaluation[key].length > 0);
    if (shown.length > 0)
      section(id, title, true, perRun(shown, (run) => element("div", {}, evaluationNote(run, text(run)), draw(run))));
  };
  show("scatter", "scatter", "Predictions and targets", () => "; of samples of several numbers the first.", scatter);
  show("points", "embedding", "Embedding", (run) => `, of which ${number(run.evaluation.points.length)} are shown: the two ` +
    `directions in which they differ most, with ${percent(run.evaluation.shown, 1)} of the variance.`, embedding);
  show("worst", "worst", "Largest errors", () => ".", worstNumbers);
  show("overlays", "classes", "Intersection over union by class", () => ".", classBars);
  show("overlays", "overlays", "Least accurate images", () => ".", (run) => gallery(run.evaluation.overlays.map((o) => ({
    pictures: [["image", o.image], ["target", o.target], ["prediction", o.prediction]],
    text: `${percent(o.accuracy, 1)} of the pixels`}))));
  show("images", "images", "Worst images", () => ".", (run) => gallery(run.evaluation.images.map((i) => ({
    pictures: [["given", i.given], ["prediction", i.prediction], ["target", i.target]], text: `${number(i.psnr)} dB`}))));
  show("labels", "labels", "Labels", (run) => `; the highest micro F1, ${percent(run.evaluation.f1_at_threshold)}, is at a ` +
    `probability of ${number(run.evaluation.threshold)}, which is the threshold here.`, labelTable);
}
