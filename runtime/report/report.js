// Puts the page together from the data in it: {runs: [run, ...]}, as runtime/report/run_data.h describes, {lr_find} or {explain}.
"use strict";

// A figure as its metric is written.
function figure(metric, value) {
  return metric.share ? percent(value) : number(value === undefined ? value : Number(value.toPrecision(4)));
}

function bestEpoch(run) {
  const metric = criterion(run), key = "test_" + metric.key;
  const better = (a, b) => (metric.larger_is_better ? a > b : a < b);
  const tested = run.epochs.filter((e) => e[key] !== undefined);
  return tested.length > 0 ? tested.reduce((a, b) => (better(b[key], a[key]) ? b : a)) : null;
}

function tiles(run) {
  const last = run.epochs[run.epochs.length - 1];
  const best = bestEpoch(run);
  const metric = criterion(run), key = "test_" + metric.key;
  const parameters = run.network.reduce((sum, layer) => sum + layer.parameters, 0);
  const facts = [
    best ? [figure(metric, best[key]), `best test ${metric.name}, epoch ${best.epoch}`] : null,
    last && last[key] !== undefined ? [figure(metric, last[key]), `last test ${metric.name}`] : null,
    last ? [number(Number(last.train_loss.toPrecision(4))), "last training loss"] : null,
    last ? [duration(run.epochs.reduce((sum, e) => sum + e.seconds, 0)), `training, ${number(last.epoch)} epoch${last.epoch === 1 ? "" : "s"}`] : null,
    last ? [number(Math.round(last.images_per_s)), "images/s"] : null,
    [number(parameters), "parameters"],
  ];
  return element("div", {class: "tiles"}, ...facts.filter(Boolean).map(
    ([value, text]) => element("div", {class: "tile"}, element("b", {}, value), element("span", {}, text))));
}

function flattened(value, prefix = "") {
  return Object.entries(value).flatMap(([key, inner]) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner) ? flattened(inner, prefix + key + ".")
      : [[prefix + key, Array.isArray(inner) ? inner.join(", ") : String(inner)]]);
}

function drawSettings(runs) {
  const all = runs.map((run) => new Map(flattened(run.config)));
  const keys = [...new Set(all.flatMap((config) => [...config.keys()]))];
  if (keys.length === 0) return;
  const rows = (chosen) => chosen.map((key) => [key, ...all.map((config) => config.has(key) ? config.get(key) : "–")]);
  const head = ["setting", ...runs.map((run) => (runs.length > 1 ? run.name : "value"))];
  const part = section("settings", "Settings", true);
  const differs = keys.filter((key) => new Set(all.map((config) => config.get(key))).size > 1);
  if (runs.length === 1) {
    part.append(element("div", {class: "scroll"}, table(head, rows(keys))));
    return;
  }
  part.append(element("p", {class: "note"}, "What differs between the runs:"),
              element("div", {class: "scroll"}, table(head, rows(differs))),
              element("details", {}, element("summary", {}, "What they have in common"),
                      table(["setting", "value"], keys.filter((key) => !differs.includes(key)).map((key) => [key, all[0].get(key)]))));
}

function drawHead(runs) {
  const head = document.getElementById("head");
  head.append(element("h1", {}, runs.map((run) => run.name).join(" and ")));
  for (const run of runs) {
    const c = run.config;
    const facts = [c.model && `model ${c.model}`, c.data && `data ${c.data}`, c.optimizer && `optimizer ${c.optimizer}`,
                   c.batch_size && `batch ${c.batch_size}`, c.lr !== undefined && `lr ${c.lr}`, c.started && `started ${c.started}`];
    head.append(element("p", {class: "muted"}, (runs.length > 1 ? run.name + ": " : "") + facts.filter(Boolean).join(" · ")));
    head.append(tiles(run));
  }
}

function drawEpochs(runs) {
  const shown = runs.filter((run) => run.epochs.length > 0);
  if (shown.length === 0) return;
  // [heading, text] for each column.
  const columns = (run, e) => {
    const first = criterion(run);
    return [["epoch", String(e.epoch)], ["train loss", number(e.train_loss)],
            ...(first.key === "loss" ? [] : [["train " + first.name, figure(first, e["train_" + first.key])]]),
            ["test loss", number(e.test_loss)],
            ...run.task.metrics.map((m) => ["test " + m.name, figure(m, e["test_" + m.key])]),
            ["lr", number(e.lr)], ["seconds", e.seconds.toFixed(1)]];
  };
  section("epochs", "Epochs", true, element("details", {}, element("summary", {}, "All figures"),
    perRun(shown, (run) => {
      const headings = columns(run, run.epochs[0]).map(([heading]) => heading);
      return element("div", {class: "scroll"}, table(
        headings, run.epochs.map((e) => columns(run, e).map(([, text]) => text)), headings.slice(1).map((_, i) => i + 1)));
    })));
}

function drawRuns(runs) {
  drawHead(runs);
  drawCurves(runs);
  drawGradients(runs);
  drawPredictions(runs);
  drawFindings(runs);
  drawKernels(runs);
  drawMemory(runs);
  drawNetwork(runs);
  drawEpochs(runs);
  drawSettings(runs);
}

function drawReport() {
  const {runs, lr_find, explain} = JSON.parse(document.getElementById("data").textContent);
  if (lr_find) drawLrFind(lr_find);
  else if (explain) drawExplanations(explain);
  else drawRuns(runs);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));
}

drawReport();
