// The page of rnrun explain: {model, layer, images: [{name, image, map, most, explained, answer, text}]}. And, for other
// parts, pictures with the map of where the network looked over them.
"use strict";

// The picture with the map over it, which a pointer on it, or a finger, takes away.
function heated(image, map, alt) {
  const over = element("img", {src: map, alt: "", class: "map"});
  return element("span", {class: "heated", title: "hover: without the map"}, element("img", {src: image, alt}), over);
}

// How strong the maps on the page are, and what their colours mean.
function heatControls() {
  const slider = element("input", {type: "range", min: "0", max: "100", value: "55", "aria-label": "opacity of the maps"});
  const set = () => document.documentElement.style.setProperty("--heat", String(slider.value / 100));
  slider.addEventListener("input", set);
  set();
  const ramp = element("i", {class: "ramp", style: `width:140px;background:linear-gradient(to right, ${kRamp.join(",")})`});
  return element("div", {class: "legend"}, element("label", {class: "slider"}, "opacity ", slider),
                 element("span", {}, "little ", ramp, " much"));
}

// The likeliest answers, with what is explained marked; or what the model says in its own words.
function answers(explained, answer, text) {
  const several = answer && (answer.top || answer.labels);
  if (!several) return element("pre", {class: "mono"}, text);
  return bars(several.map((one) => {
    const name = one.class ?? one.label;
    return {name: name === explained ? element("b", {}, name) : name, parts: [[one.probability, "series-1"]],
            value: percent(one.probability, 1)};
  }), 1);
}

function explained(image) {
  const nothing = image.most > 0 ? "" : ": nothing in it speaks for that";
  return element("figure", {}, heated(image.image, image.map, image.name),
    element("figcaption", {}, element("div", {class: "file"}, image.name),
            element("div", {}, "explained: ", element("b", {}, image.explained), nothing),
            answers(image.explained, image.answer, image.text)));
}

function drawExplanations(page) {
  const count = page.images.length;
  document.getElementById("head").append(
    element("h1", {}, `Where ${page.model} looks`),
    element("p", {class: "muted"}, `Grad-CAM (Selvaraju et al. 2017) of layer ${page.layer} · ${number(count)} image${count === 1 ? "" : "s"}`));
  section("images", "Images", true,
    element("p", {class: "note"}, "The lighter, the more that part of the image speaks for what is explained; each map has its own " +
            "scale. A pointer on an image takes its map away. Images are as the network sees them."),
    heatControls(), element("div", {class: "explained"}, ...page.images.map(explained)));
}
