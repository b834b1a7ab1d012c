"use strict";

// Turns strokes into an image like those of MNIST. A stroke is a list of points [x, y].

const SIDE = 28; // pixels of an image
const BOX = 20; // pixels that the digit fits into, as in MNIST
const PEN_RADIUS = 1.25; // pixels
const PEN_EDGE = 1.3; // pixels over which the pen fades out
const SMALLEST = 0.15; // of the pad: a drawing below this size, such as a dot, is not blown up

/** Returns the distance of a point from the segment between a and b. */
function distanceToSegment([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  const along = length2 === 0 ? 0 : ((x - ax) * dx + (y - ay) * dy) / length2;
  const nearest = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - ax - nearest * dx, y - ay - nearest * dy);
}

function distanceToStroke(point, stroke) {
  let least = Infinity;
  for (let k = 0; k < stroke.length; k++) {
    const segment = distanceToSegment(point, stroke[Math.max(k - 1, 0)], stroke[k]);
    least = Math.min(least, segment);
  }
  return least;
}

/** Returns the strokes, from units of the pad to pixels, fitted into the box at the top left. */
function fitted(strokes) {
  const [xs, ys] = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const size = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, SMALLEST);
  const scale = (BOX - 2 * PEN_RADIUS) / size;
  return strokes.map((stroke) =>
    stroke.map(([x, y]) => [PEN_RADIUS + (x - left) * scale, PEN_RADIUS + (y - top) * scale]),
  );
}

function moved(strokes, dx, dy) {
  return strokes.map((stroke) => stroke.map(([x, y]) => [x + dx, y + dy]));
}

/** Returns the grey levels, 0 to 255, that a soft pen leaves; strokes are in pixels. */
function redrawn(strokes) {
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const centre = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
    const distance = Math.min(...strokes.map((stroke) => distanceToStroke(centre, stroke)));
    const grey = 0.5 + (PEN_RADIUS - distance) / PEN_EDGE;
    return Math.round(255 * Math.min(Math.max(grey, 0), 1));
  });
}

/** Returns the centre of mass of an image, [x, y] in pixels. */
function centreOfMass(pixels) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((grey, i) => {
    mass += grey;
    x += grey * ((i % SIDE) + 0.5);
    y += grey * (Math.floor(i / SIDE) + 0.5);
  });
  return [x / mass, y / mass];
}

/** Returns the image of some strokes, which are in units of the pad, 0 to 1. */
function imageOf(strokes) {
  if (strokes.length === 0) return new Uint8Array(SIDE * SIDE);
  const middle = SIDE / 2;
  const begun = moved(fitted(strokes), (SIDE - BOX) / 2, (SIDE - BOX) / 2);
  const [x, y] = centreOfMass(redrawn(begun));
  return redrawn(moved(begun, middle - x, middle - y));
}
