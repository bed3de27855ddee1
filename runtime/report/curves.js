// Curves over the training: loss, the task's figures, learning rate, time per epoch.
"use strict";

// "1e-4"; nothing for what lies between.
function powerOfTen(value) {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9 ? value.toExponential(0) : "";
}

// Of the curves of one chart: [{label, points: [{x, y}], colour, dash, thin}]. `x` says what x is.
function chart(section, series, {percent = false, fromZero = false, bars = false, unit = "", x = "epoch", logarithmic = false} = {}) {
  const canvas = element("canvas", {role: "img", "aria-label": series.map((s) => s.label).join(", ")});
  section.append(element("div", {class: "chart"}, canvas));
  const write = (y) => (percent ? (100 * y).toFixed(2) + " %" : number(y) + unit);
  let current = null;
  drawn(() => {
    if (current) current.destroy();
    const grid = {color: colour("grid"), borderColor: colour("line")};
    const ticks = {color: colour("muted")};
    current = new Chart(canvas, {
      type: bars ? "bar" : "line",
      data: {
        labels: bars ? [...new Set(series.flatMap((s) => s.points.map((p) => p.x)))].sort((a, b) => a - b) : undefined,
        datasets: series.map((s) => ({
          label: s.label,
          data: s.points,
          borderColor: colour(s.colour),
          backgroundColor: colour(s.colour),
          borderWidth: s.thin ? 1 : 2,
          borderDash: s.dash ? [5, 4] : [],
          pointRadius: s.thin || s.points.length > 40 ? 0 : 2.5,
          pointHitRadius: 8,
          maxBarThickness: 42,
        })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: {mode: "nearest", axis: "x", intersect: false},
        scales: {
          x: {
            type: bars ? "category" : logarithmic ? "logarithmic" : "linear",
            min: bars || logarithmic ? undefined : 0,
            title: {display: true, text: x, color: colour("muted")},
            grid,
            ticks: {...ticks, maxTicksLimit: 11, maxRotation: 0, ...(logarithmic ? {callback: powerOfTen} : {})},
          },
          y: {
            beginAtZero: bars || fromZero,
            afterDataLimits: (axis) => {  // around a single point there is room for more than all
              if (!percent) return;
              axis.min = Math.max(axis.min, 0);
              axis.max = Math.min(axis.max, 1);
            },
            grid,
            ticks: {
              ...ticks,
              maxTicksLimit: 8,
              callback: (y) => (percent ? Math.round(1000 * y) / 10 + " %" : number(y) + unit),
            },
          },
        },
        plugins: {
          legend: {display: series.length > 1, labels: {color: colour("text"), boxWidth: 22, boxHeight: bars ? 8 : 0}},
          tooltip: {
            callbacks: {
              title: (items) => x + " " + number(items[0].parsed.x + (bars ? series[0].points[0].x : 0)),
              label: (item) => item.dataset.label + ": " + write(item.parsed.y),
            },
          },
        },
      },
    });
  });
}

const kMostFigures = 6;

// Colour and dash of a curve: with one run, train and test differ in colour; with several, runs do.
function look(runs, index, split) {
  if (runs.length === 1) return {colour: split === "test" ? "series-2" : "series-1"};
  return {colour: "series-" + (1 + index % 4), dash: split === "train"};
}

function curveSeries(runs, key) {
  const series = [];
  runs.forEach((run, index) => {
    const of = runs.length > 1 ? run.name + " " : "";
    const within = run.steps.filter((s) => s[key] !== undefined).map((s) => ({x: s.progress, y: s[key]}));
    if (runs.length === 1 && within.length > run.epochs.length)
      series.push({label: "train, within epochs", points: within, thin: true, colour: "muted"});
    for (const split of ["train", "test"]) {
      const points = run.epochs.filter((e) => e[split + "_" + key] !== undefined)
        .map((e) => ({x: e.epoch, y: e[split + "_" + key]}));
      if (points.length > 0) series.push({label: of + split, points, ...look(runs, index, split)});
    }
  });
  return series;
}

function drawCurves(runs) {
  const loss = curveSeries(runs, "loss");
  if (loss.length > 0) chart(section("loss", "Loss", false), loss);
  // Of classifiers what evaluations are compared by; of other tasks all figures, as far as there is room.
  const metrics = new Map(runs.flatMap((run) => run.task.metrics
    .slice(0, run.task.name === "classification" ? 1 : kMostFigures).map((metric) => [metric.key, metric])));
  for (const [key, metric] of metrics) {
    const series = curveSeries(runs, key);
    if (series.length > 0) chart(section(key, metric.title, false), series, {percent: metric.share});
  }
  const rates = runs.map((run, index) => ({
    label: run.name,
    points: run.steps.length > 1 ? run.steps.map((s) => ({x: s.progress, y: s.lr}))
                                 : run.epochs.map((e) => ({x: e.epoch, y: e.lr})),
    colour: "series-" + (1 + index % 4),
    dash: index > 0,
  }));
  if (rates.some((s) => s.points.length > 0)) chart(section("lr", "Learning rate", false), rates, {fromZero: true});
  const times = runs.map((run, index) => ({
    label: run.name,
    points: run.epochs.map((e) => ({x: e.epoch, y: e.seconds})),
    colour: "series-" + (1 + index % 4),
  }));
  if (times.some((s) => s.points.length > 0))
    chart(section("time", "Time per epoch", false), times, {bars: true, unit: " s"});
}
