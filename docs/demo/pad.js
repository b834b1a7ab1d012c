"use strict";

// The pad: a canvas to draw on with a mouse, a finger, a pen or the keyboard.

const KEY_STEP = 1 / SIDE; // of the pad, for a press of an arrow key
const NEAR = 0.012; // of the pad: points nearer than this to the one before are left out
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Makes the canvas a pad.
 *
 * @param drawn is called after every change, with the strokes and whether the pen is down
 * @param cursorMoved is called when the keyboard's pen moves without drawing, or leaves
 * @returns functions: clear() lifts the pen and removes the strokes, forget() too, but without a call
 *   of `drawn`; cursor() returns the place of the keyboard's pen, or null
 */
function makePad(canvas, drawn, cursorMoved) {
  let strokes = [];
  let cursor = null;
  let penDown = false;

  const report = () => drawn(strokes, penDown);

  function lower(point) {
    penDown = true;
    strokes.push([point]);
    report();
  }

  function extend([x, y]) {
    const [lastX, lastY] = strokes.at(-1).at(-1);
    if (Math.hypot(x - lastX, y - lastY) >= NEAR) strokes.at(-1).push([x, y]);
  }

  function lift() {
    if (!penDown) return;
    penDown = false;
    report();
  }

  function forget() {
    strokes = [];
    penDown = false;
  }

  function clear() {
    forget();
    report();
  }

  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    cursor = null;
    canvas.setPointerCapture(event.pointerId);
    lower(pointOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!penDown || !canvas.hasPointerCapture(event.pointerId)) return;
    extend(pointOf(event));
    report();
  });
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  canvas.addEventListener("keydown", (event) => {
    if (event.key in ARROWS) {
      const inside = (x) => Math.min(Math.max(x, 0), 1);
      const from = cursor ?? [0.5, 0.5];
      cursor = ARROWS[event.key].map((sign, axis) => inside(from[axis] + sign * KEY_STEP));
      if (penDown) {
        extend(cursor);
        report();
      } else cursorMoved();
    } else if (event.key === "Enter") {
      cursor ??= [0.5, 0.5];
      penDown ? lift() : lower(cursor);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => {
    cursor = null;
    lift();
    cursorMoved();
  });

  return { clear, forget, cursor: () => cursor };
}
