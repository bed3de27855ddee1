// Puts the report together from the data in the page: {runs: [run, ...]}, as runtime/report/run_data.h describes.
"use strict";

function bestEpoch(run) {
  const tested = run.epochs.filter((e) => e.test_top1 !== undefined);
  return tested.length > 0 ? tested.reduce((a, b) => (b.test_top1 > a.test_top1 ? b : a)) : null;
}

function tiles(run) {
  const last = run.epochs[run.epochs.length - 1];
  const best = bestEpoch(run);
  const parameters = run.network.reduce((sum, layer) => sum + layer.parameters, 0);
  const facts = [
    best ? [percent(best.test_top1), `best test top-1, epoch ${best.epoch}`] : null,
    last && last.test_top1 !== undefined ? [percent(last.test_top1), "last test top-1"] : null,
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
  const row = (e) => [String(e.epoch), number(e.train_loss), percent(e.train_top1), number(e.test_loss), percent(e.test_top1),
                      percent(e.test_top5), number(e.lr), e.seconds.toFixed(1)];
  section("epochs", "Epochs", true, element("details", {}, element("summary", {}, "All figures"),
    perRun(shown, (run) => element("div", {class: "scroll"}, table(
      ["epoch", "train loss", "train top-1", "test loss", "test top-1", "test top-5", "lr", "seconds"],
      run.epochs.map(row), [1, 2, 3, 4, 5, 6, 7])))));
}

function drawReport() {
  const {runs} = JSON.parse(document.getElementById("data").textContent);
  drawHead(runs);
  drawCurves(runs);
  drawGradients(runs);
  drawPredictions(runs);
  drawKernels(runs);
  drawMemory(runs);
  drawNetwork(runs);
  drawEpochs(runs);
  drawSettings(runs);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));
}

drawReport();
