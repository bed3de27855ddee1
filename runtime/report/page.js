// What all parts of the report share: making elements, writing numbers, colours of the theme, tooltips.
"use strict";

// element("td", {class: "number"}, "12"); children are elements or text.
function element(tag, attributes = {}, ...children) {
  const result = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) result.setAttribute(name, value);
  result.append(...children.filter((child) => child !== null && child !== undefined));
  return result;
}

// The same, for SVG elements.
function shape(tag, attributes = {}, ...children) {
  const result = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) result.setAttribute(name, value);
  result.append(...children);
  return result;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// "12,345", "0.0123", "1.2e-7": about four digits.
function number(value) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(2);
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return value.toLocaleString("en-US", {maximumSignificantDigits: size >= 1000 ? 6 : 4});
}

function percent(value, digits = 2) {
  return value === null || value === undefined ? "–" : (100 * value).toFixed(digits) + "\u00a0%";
}

function bytesText(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; Math.abs(bytes) >= 1024 && unit < units.length - 1; ++unit) bytes /= 1024;
  return (unit === 0 ? bytes : bytes.toFixed(bytes < 10 ? 2 : 1)) + " " + units[unit];
}

function duration(seconds) {
  const total = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return minutes + ":" + two(total % 60);
  return Math.floor(minutes / 60) + ":" + two(minutes % 60) + ":" + two(total % 60);
}

// Shows what `text(event)` says while the pointer is over a target, or a finger on it; nothing where it says nothing.
function tooltip(target, text) {
  const box = document.getElementById("tooltip");
  const show = (event) => {
    const content = text(event);
    box.hidden = !content;
    if (!content) return;
    box.textContent = content;
    const size = box.getBoundingClientRect();
    const beyond = event.clientX + 14 + size.width > innerWidth;
    box.style.left = Math.max(4, beyond ? event.clientX - size.width - 10 : event.clientX + 14) + "px";
    box.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - size.height - 4)) + "px";
  };
  target.addEventListener("pointermove", show);
  target.addEventListener("pointerdown", show);
  target.addEventListener("pointerleave", () => { box.hidden = true; });
}

// A list of what colours mean: [[colour, text], ...].
function legend(entries) {
  const result = element("div", {class: "legend"});
  for (const [fill, text] of entries)
    result.append(element("span", {}, element("i", {style: `background:${fill}`}), text));
  return result;
}

// Rows of cells; the columns in `numbers` are aligned to the right.
function table(head, rows, numbers = []) {
  const cells = (tag, row) => element("tr", {}, ...row.map(
    (cell, i) => element(tag, numbers.includes(i) ? {class: "number"} : {}, cell)));
  return element("table", {}, element("thead", {}, cells("th", head)),
                 element("tbody", {}, ...rows.map((row) => cells("td", row))));
}

// A part of the page with a place in the contents; `wide`: over both columns.
function section(id, title, wide, ...content) {
  document.getElementById("contents").append(element("a", {href: "#" + id}, title));
  const result = element("section", {id, class: wide ? "wide" : ""}, element("h2", {}, title), ...content);
  document.getElementById("report").append(result);
  return result;
}

// One figure per run that has something to show, under the run's name where there are several.
function perRun(runs, draw) {
  const figures = [];
  for (const run of runs) {
    const figure = draw(run);
    if (figure) figures.push(element("div", {}, runs.length > 1 ? element("h3", {}, run.name) : null, figure));
  }
  return figures.length > 0 ? element("div", {class: runs.length > 1 ? "columns" : ""}, ...figures) : null;
}

// The figure by which a run's evaluations are compared: without others, its loss.
function criterion(run) {
  const loss = {key: "loss", name: "loss", title: "Loss", share: false, larger_is_better: false};
  return run.task.name === "losses" || run.task.metrics.length === 0 ? loss : run.task.metrics[0];
}

// A colour between two given as "#rrggbb"; t from 0 to 1.
function mix(from, to, t) {
  const channel = (text, i) => parseInt(text.slice(1 + 2 * i, 3 + 2 * i), 16);
  const parts = [0, 1, 2].map((i) => Math.round(channel(from, i) + t * (channel(to, i) - channel(from, i))));
  return `rgb(${parts.join(",")})`;
}

// A frame for what is drawn for a width in pixels: now, and whenever that changes.
function fitted(draw) {
  const frame = element("div");
  let drawnFor = 0;
  new ResizeObserver(() => {
    const width = Math.floor(frame.clientWidth);
    if (width > 0 && width !== drawnFor) frame.replaceChildren(draw(drawnFor = width));
  }).observe(frame);
  return frame;
}

// What has to be drawn again when the theme changes between light and dark: canvases do not follow style sheets.
const redraws = [];
function drawn(draw) {
  redraws.push(draw);
  draw();
}
