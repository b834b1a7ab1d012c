"use strict";

// Draws: the pad, maps of the neurons in a step, rasters of their spikes, and the votes.

const GRID_STEPS = 20; // steps between two lines of a raster
const THINNEST = 1.5; // CSS pixels, height of a mark of a raster

/** Returns a colour of the page's palette by its name in base.css. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * Clears a canvas and returns its context, {pen, width, height, snap}, in CSS pixels; snap moves a
 * coordinate to the nearest pixel of the screen, so that edges are sharp.
 */
function cleared(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(canvas.width / width, canvas.height / height);
  const snap = (x) => Math.round(x * ratio) / ratio;
  return { pen, width, height, snap };
}

/** Draws grey levels, row by row, as ink; the page scales the canvas. */
function drawPixels(canvas, pixels) {
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d");
  pen.fillStyle = colour("ink");
  pixels.forEach((grey, i) => {
    pen.globalAlpha = grey / 255;
    pen.fillRect(i % SIDE, Math.floor(i / SIDE), 1, 1);
  });
}

/** Draws strokes as ink, lines as wide as the pen. */
function drawStrokes(canvas, strokes) {
  const { pen, width } = cleared(canvas);
  pen.strokeStyle = colour("ink");
  pen.lineWidth = (2 * PEN_RADIUS * width) / SIDE;
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of strokes) {
    pen.beginPath();
    pen.moveTo(stroke[0][0] * width, stroke[0][1] * width);
    for (const [x, y] of stroke) pen.lineTo(x * width, y * width);
    pen.stroke();
  }
}

/** Shows a ring where the pen of the keyboard is, or none if it is nowhere. */
function showCursor(ring, place) {
  ring.hidden = place === null;
  if (place !== null) [ring.style.left, ring.style.top] = place.map((x) => `${100 * x}%`);
}

/** Draws the neurons of a layer in one step: a cell fills with the potential, a spike is bright. */
function drawMap(canvas, columns, hue, spikes, potentials, threshold) {
  const { pen, width, height } = cleared(canvas);
  const rows = potentials.length / columns;
  const [w, h] = [width / columns, height / rows];
  const gap = Math.min(w * 0.14, 1.5);
  const [empty, bright] = [colour("cell"), colour(hue)];
  potentials.forEach((potential, i) => {
    const cell = (style, alpha) => {
      pen.fillStyle = style;
      pen.globalAlpha = alpha;
      pen.fillRect((i % columns) * w, Math.floor(i / columns) * h, w - gap, h - gap);
    };
    const filled = Math.min(Math.max(potential / threshold, 0), 1);
    cell(empty, 1);
    cell(bright, spikes[i] ? 1 : 0.45 * filled);
  });
}

/** Draws the spikes of a layer in the first `steps` steps: a row for a neuron, a column for a step. */
function drawRaster(canvas, hue, spikes, steps) {
  const { pen, width, height, snap } = cleared(canvas);
  const [w, h] = [width / spikes.length, height / spikes[0].length];
  const line = (step) => pen.fillRect(snap(step * w - 0.5), 0, 1, height);

  pen.fillStyle = colour("line");
  for (let step = GRID_STEPS; step < spikes.length; step += GRID_STEPS) line(step);

  const mark = { width: snap(Math.max(0.7 * w, 1)), height: snap(Math.max(0.8 * h, THINNEST)) };
  pen.fillStyle = colour(hue);
  pen.globalAlpha = h < 0.5 ? 0.5 : 1; // rows that overlap add up
  for (let step = 0; step < steps; step++) {
    const x = snap((step + 0.15) * w);
    spikes[step].forEach((spiked, i) => {
      if (spiked) pen.fillRect(x, snap((i + 0.1) * h), mark.width, mark.height);
    });
  }

  pen.globalAlpha = 1;
  pen.fillStyle = colour("ink");
  if (steps > 0 && steps < spikes.length) line(steps);
}

/** Makes the list of votes: a row for each digit with its bar and its count. */
function makeVotes(list) {
  for (let digit = 0; digit < 10; digit++) {
    const row = document.createElement("li");
    row.innerHTML = `<span class="name">${digit}</span><span class="bar"></span><span class="count"></span>`;
    list.append(row);
  }
}

/** Shows spike counts as bars, of which `longest` is the longest, and marks the digit that leads. */
function showVotes(list, counts, longest, leading) {
  [...list.children].forEach((row, digit) => {
    row.classList.toggle("leading", digit === leading);
    row.style.setProperty("--share", counts[digit] / longest);
    row.querySelector(".count").textContent = counts[digit];
  });
}

/** Makes a row of buttons, one for each image. */
function makeRow({ title, images }, choose) {
  const row = document.createElement("div");
  row.className = "row";
  row.innerHTML = `<h2>${title}</h2>`;
  for (const image of images) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("canvas"));
    button.setAttribute("aria-label", `${image.label}, test image ${image.index}`);
    button.addEventListener("click", () => choose(image));
    image.button = button;
    row.append(button);
  }
  return row;
}
