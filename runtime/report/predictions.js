// What the last evaluation found: accuracy per class, confusions, the most confident mistakes.
"use strict";

const kLargestMatrix = 100;  // classes; beyond that only the table of confusions

// counts[label][predicted] of [[label, predicted, count], ...].
function matrixOf(evaluation, classes) {
  const counts = Array.from({length: classes}, () => new Array(classes).fill(0));
  for (const [label, predicted, count] of evaluation.confusion) counts[label][predicted] = count;
  return counts;
}

function confusionMatrix(run) {
  const classes = run.classes;
  const counts = matrixOf(run.evaluation, classes.length);
  const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const longest = 10 + 6.4 * Math.max(...classes.map((c) => c.length));
  const room = Math.min(560, innerWidth - 56 - longest);
  const cell = Math.max(6, Math.min(38, Math.floor(room / classes.length)));
  const named = cell >= 10;
  const labels = named ? longest : 0;
  const size = labels + cell * classes.length;
  const svg = shape("svg", {viewBox: `0 0 ${size + 2} ${size + 2}`, style: `width:100%;max-width:${size + 2}px`,
                            role: "img", "aria-label": "confusion matrix"});
  const fontSize = Math.min(12, cell - 1);
  classes.forEach((name, i) => {
    const middle = labels + (i + 0.5) * cell;
    if (!named) return;
    svg.append(shape("text", {x: labels - 6, y: middle, "text-anchor": "end", "dominant-baseline": "central",
                              "font-size": fontSize, class: "muted"}, name));
    svg.append(shape("text", {transform: `translate(${middle},${labels - 6}) rotate(-90)`, "font-size": fontSize,
                              "dominant-baseline": "central", class: "muted"}, name));
  });
  drawn(() => {
    svg.querySelectorAll(".cell").forEach((old) => old.remove());
    const right = colour("series-3"), wrong = colour("series-2"), empty = colour("empty");
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    counts.forEach((row, y) => row.forEach((count, x) => {
      const share = totals[y] > 0 ? count / totals[y] : 0;
      const strength = x === y ? share : Math.min(1, Math.sqrt(share) * 1.4);
      svg.append(shape("rect", {class: "cell", x: labels + x * cell, y: labels + y * cell, width: cell - 1, height: cell - 1,
                                rx: 1.5, fill: mix(empty, x === y ? right : wrong, strength)}));
      if (cell < 26 || count === 0) return;
      const inverse = strength > 0.55;
      svg.append(shape("text", {class: "cell", x: labels + (x + 0.5) * cell, y: labels + (y + 0.5) * cell,
                                "text-anchor": "middle", "dominant-baseline": "central", "font-size": 10.5,
                                style: inverse ? `fill:${dark ? "#10151a" : "#ffffff"}` : "", "pointer-events": "none"},
                       String(count)));
    }));
  });
  tooltip(svg, (event) => {
    const box = svg.getBoundingClientRect();
    const scale = (size + 2) / box.width;
    const x = Math.floor(((event.clientX - box.left) * scale - labels) / cell);
    const y = Math.floor(((event.clientY - box.top) * scale - labels) / cell);
    if (!counts[y] || counts[y][x] === undefined) return null;
    const share = totals[y] > 0 ? percent(counts[y][x] / totals[y], 1) : "–";
    return `${classes[y]} taken for ${classes[x]}: ${number(counts[y][x])} of ${number(totals[y])} (${share})`;
  });
  return svg;
}

function confusionTable(run) {
  const totals = new Map(), right = new Map();
  for (const [label, predicted, count] of run.evaluation.confusion) {
    totals.set(label, (totals.get(label) || 0) + count);
    if (label === predicted) right.set(label, count);
  }
  const worst = run.evaluation.confusion.filter(([label, predicted]) => label !== predicted)
    .sort((a, b) => b[2] - a[2]).slice(0, 8)
    .map(([label, predicted, count]) => [run.classes[label], run.classes[predicted], number(count),
                                         percent(count / totals.get(label), 1)]);
  const classes = [...totals].map(([label, total]) => [label, (right.get(label) || 0) / total])
    .sort((a, b) => a[1] - b[1]);
  const shown = classes.length > 20 ? [...classes.slice(0, 10), ...classes.slice(-5)] : classes;
  return element("div", {},
                 element("h3", {}, "Most frequent confusions"),
                 table(["is", "taken for", "images", "of the class"], worst, [2, 3]),
                 element("h3", {}, classes.length > 20 ? "Accuracy per class: the 10 lowest, the 5 highest" : "Accuracy per class"),
                 bars(shown.map(([label, accuracy]) => ({
                   name: run.classes[label],
                   parts: [[accuracy, "series-3"]],
                   value: percent(accuracy, 1),
                 })), 1));
}

// How often predictions of a probability are right, beside how often they should be.
function reliability(run) {
  const {bins, expected_calibration_error: error} = run.evaluation.calibration;
  const shown = bins.map((bin, i) => [bin, `${Math.round(100 * i / bins.length)}–${Math.round(100 * (i + 1) / bins.length)} %`])
    .filter(([bin]) => bin.samples > 0);
  return element("div", {}, element("p", {class: "note"}, `Of the predictions of each probability those that are right, in ` +
      `colour, and those that should be: the expected calibration error is ${percent(error)}, the macro F1 ` +
      `${percent(run.evaluation.macro_f1)}.`),
    legend([["var(--series-3)", "right"], ["var(--series-2)", "probability"]]),
    bars(shown.flatMap(([bin, name]) => [
      {name, parts: [[bin.accuracy, "series-3"]], value: `${percent(bin.accuracy, 1)} of ${number(bin.samples)}`},
      {name: "", parts: [[bin.probability, "series-2"]], value: percent(bin.probability, 1)}]), 1));
}

function mistakes(run) {
  const found = run.evaluation.mistakes;
  if (found.length === 0) return null;
  const picture = (m) => m.map ? heated(m.image, m.map, `image ${m.index}`)
    : element("img", {src: m.image, alt: `image ${m.index}`, title: `image ${m.index} of the test data`});
  const maps = element("div", {class: "mistakes"}, ...found.map((m) => element(
    "figure", {}, picture(m),
    element("figcaption", {}, element("b", {}, run.classes[m.predicted]), ` ${percent(m.confidence, 1)}`,
            element("br"), "is ", run.classes[m.label]))));
  if (!found.some((m) => m.map)) return maps;
  return element("div", {}, element("p", {class: "note"}, "The lighter, the more that part of the image speaks for the class it " +
    "was taken for (Grad-CAM); a pointer on an image takes its map away."), heatControls(), maps);
}

function drawPredictions(runs) {
  const shown = runs.flatMap(evaluations).filter((run) => run.evaluation.confusion && run.evaluation.confusion.length > 0);
  if (shown.length === 0) return;
  const when = (run) => element("p", {class: "note"}, `After epoch ${run.evaluation.epoch}, on ` +
    `${number(run.evaluation.samples)} test images; rows: what an image is, columns: what it was taken for.`);
  section("confusion", "Confusion matrix", true, perRun(shown, (run) => element(
    "div", {}, when(run), element("div", {class: "columns"},
      run.classes.length <= kLargestMatrix ? confusionMatrix(run) : null, confusionTable(run)))));
  const calibrated = shown.filter((run) => run.evaluation.calibration);
  if (calibrated.length > 0) section("reliability", "Reliability of probabilities", false, perRun(calibrated, reliability));
  const pictures = perRun(shown, mistakes);
  if (pictures) section("mistakes", "Most confident mistakes", true, pictures);
}
