"use strict";

// Joins the parts: which image is shown to which network, how many steps of it are seen, and how
// mouse, keys and sliders change that. Whatever changes, the whole presentation is simulated anew,
// which takes a few milliseconds.

const PAUSE_AFTER_STROKE = 600; // ms, in which the next stroke may begin
const OPENING = { row: 1, digit: 3 };
const LAYERS = [
  { hue: "input", columns: 28 },
  { hue: "hidden", columns: 16 },
  { hue: "output" },
];

const inWords = new Intl.ListFormat("en-GB"); // "2, 3 and 5"
const find = (selector) => document.querySelector(selector);
const weights = unpackWeights(PACKED_WEIGHTS);
const rows = unpackImages(PACKED_IMAGES);
const { numSteps } = SETTINGS;

const now = {
  image: null, // {pixels, label, index}, without label and index if it was drawn
  strokes: [],
  run: null, // what simulate returned
  counts: null, // by layer: the running counts
  steps: 0, // how many steps are seen
  playing: false,
};

const threshold = () => Number(find("#threshold").value);
const inputScale = () => Number(find("#scale").value);

function simulateAnew() {
  now.run = simulate(now.image.pixels, weights, threshold(), inputScale(), numSteps);
  now.counts = now.run.spikes.map(runningCounts);
  show(now.steps);
}

/** Shows the picture after a number of steps. */
function show(steps) {
  now.steps = steps;
  const votes = now.counts.at(-1);
  LAYERS.forEach(({ hue, columns }, k) => showLayer(find(`.layer.${hue}`), hue, columns, k));
  showVotes(find("#votes"), votes[steps], Math.max(...votes.at(-1), 1), leader(votes[steps]));
  showAnswer(votes, steps);
  find("#step").value = steps;
  find("#step-text").textContent = `Step ${steps} of ${numSteps}.`;
}

function showLayer(panel, hue, columns, k) {
  const { spikes, potentials } = now.run;
  const total = now.counts[k][now.steps].reduce((sum, count) => sum + count, 0);
  panel.querySelector(".total").textContent = `${total.toLocaleString("en")} spikes`;
  drawRaster(panel.querySelector(".raster"), hue, spikes[k], now.steps);
  const map = panel.querySelector(".map");
  if (map === null) return;
  const atRest = new Float32Array(spikes[k][0].length);
  const step = now.steps - 1;
  drawMap(map, columns, hue, spikes[k][step] ?? atRest, potentials[k][step] ?? atRest, threshold());
}

function showAnswer(votes, steps) {
  const leading = leader(votes[steps]);
  const ended = steps === numSteps;
  setText(find("#digit"), leading ?? "–");
  setText(find("#answer"), answerText(leading, votes, steps, ended));
  setText(find("#shown"), aboutImage(ended ? leading : null));
}

function answerText(leading, votes, steps, ended) {
  if (leading === null) return ended ? "No output neuron spiked." : "No votes yet.";
  const level = [...votes[steps].keys()].filter((k) => votes[steps][k] === votes[steps][leading]);
  if (level.length > 1) {
    const all = `${inWords.format(level.map(String))} are level`;
    return ended ? `${all}; the answer is the first, ${leading}.` : `${all}.`;
  }
  const since = `since step ${leadsSince(votes, steps)}`;
  return ended ? `The answer is ${leading}, settled ${since}.` : `${leading} leads ${since}.`;
}

function aboutImage(answer) {
  const { label, index } = now.image;
  if (label === undefined) return "Your drawing.";
  const verdict = answer === null ? "" : answer === label ? ": right" : ": wrong";
  return `Test image ${index} is a ${label}${verdict}.`;
}

/** Sets a text only if it changes, so that screen readers hear it once. */
function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

// Images

function drawPad() {
  if (now.strokes.length > 0) drawStrokes(find("#pad"), now.strokes);
  else drawPixels(find("#pad"), now.image.pixels);
}

function choose(image) {
  pad.forget();
  clearTimeout(afterStroke);
  Object.assign(now, { image, strokes: [] });
  markChosen();
  drawPad();
  simulateAnew();
  playFromStart();
}

function markChosen() {
  for (const { images } of rows) {
    for (const image of images) image.button.setAttribute("aria-pressed", image === now.image);
  }
  find("#pad-hint").hidden = now.strokes.length > 0;
}

/** Chooses the first image of a digit, or the next one if such an image is shown. */
function chooseDigit(digit) {
  const images = rows.map((row) => row.images[digit]);
  choose(images[(images.indexOf(now.image) + 1) % images.length]);
}

let afterStroke = 0;

/** Shows the answer to a drawing while it grows, and plays from the start when it is finished. */
function drawn(strokes, penDown) {
  clearTimeout(afterStroke);
  Object.assign(now, { strokes, image: { pixels: imageOf(strokes) } });
  markChosen();
  drawPad();
  showPen();
  setPlaying(false);
  now.steps = numSteps;
  simulateAnew();
  if (!penDown && strokes.length > 0) afterStroke = setTimeout(playFromStart, PAUSE_AFTER_STROKE);
}

const showPen = () => showCursor(find("#cursor"), pad.cursor());
const pad = makePad(find("#pad"), drawn, showPen);

// Controls

function showSettings() {
  const [v, scale] = [threshold().toFixed(1), inputScale().toFixed(3)];
  for (const id of ["#threshold-text", "#threshold-here"]) find(id).textContent = v;
  for (const id of ["#scale-text", "#scale-here"]) find(id).textContent = scale;
  const shipped = threshold() === SETTINGS.threshold && inputScale() === SETTINGS.inputScale;
  find("#defaults").disabled = shipped;
}

function setDefaults() {
  find("#threshold").value = SETTINGS.threshold;
  find("#scale").value = SETTINGS.inputScale;
  showSettings();
}

const KEYS = {
  " ": togglePlaying,
  ArrowLeft: () => pauseAt(now.steps - 1),
  ArrowRight: () => pauseAt(now.steps + 1),
  Home: () => pauseAt(0),
  End: () => pauseAt(numSteps),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.key === " " && event.target.closest("button") !== null;
  const onSlider = event.key !== " " && event.target.closest(".settings input") !== null;
  if (onButton || onSlider) return; // these have a meaning of their own there
  if (event.key in KEYS) KEYS[event.key]();
  else if (/^[0-9]$/.test(event.key)) chooseDigit(Number(event.key));
  else return;
  event.preventDefault();
}

/** Lets a press or drag on a raster choose the step. */
function scrubOn(raster) {
  const scrub = (event) => {
    if (event.buttons !== 1) return;
    const { left, width } = raster.getBoundingClientRect();
    pauseAt(Math.round(((event.clientX - left) / width) * numSteps));
  };
  raster.addEventListener("pointerdown", scrub);
  raster.addEventListener("pointermove", scrub);
}

function redraw() {
  for (const { images } of rows) {
    for (const { button, pixels } of images) drawPixels(button.firstChild, pixels);
  }
  drawPad();
  show(now.steps);
}

function start() {
  makeVotes(find("#votes"));
  find("#strip").append(...rows.map((row) => makeRow(row, choose)));
  find("#step").max = numSteps;
  setDefaults();
  for (const raster of document.querySelectorAll(".raster")) scrubOn(raster);
  for (const id of ["#threshold", "#scale"]) {
    find(id).addEventListener("input", () => {
      showSettings();
      simulateAnew();
    });
  }
  find("#defaults").addEventListener("click", () => {
    setDefaults();
    simulateAnew();
  });
  find("#step").addEventListener("input", (event) => pauseAt(Number(event.target.value)));
  find("#play").addEventListener("click", togglePlaying);
  find("#restart").addEventListener("click", () => pauseAt(0));
  find("#back").addEventListener("click", () => pauseAt(now.steps - 1));
  find("#forward").addEventListener("click", () => pauseAt(now.steps + 1));
  find("#clear").addEventListener("click", pad.clear);
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    // After a click of a mouse or a finger the space bar plays, and does not click again.
    if (event.detail > 0) event.target.closest("button")?.blur();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  choose(rows[OPENING.row].images[OPENING.digit]);
  new ResizeObserver(redraw).observe(find("main"));
}

start();
