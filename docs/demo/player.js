"use strict";

// Plays and pauses: the presentation is simulated already, and only the steps seen move on.

const STEPS_PER_SECOND = 14;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let nextFrame = 0; // of the animation, if it plays

function play() {
  setPlaying(false);
  if (now.steps === numSteps) show(0);
  setPlaying(true);
  let before = performance.now();
  nextFrame = requestAnimationFrame(function frame(time) {
    nextFrame = requestAnimationFrame(frame);
    if (time - before < 1000 / STEPS_PER_SECOND) return;
    before = time;
    show(now.steps + 1);
    if (now.steps === numSteps) setPlaying(false);
  });
}

/** Marks that the presentation plays, or stops it. */
function setPlaying(playing) {
  if (!playing) cancelAnimationFrame(nextFrame);
  now.playing = playing;
  find("#play").setAttribute("aria-label", playing ? "Pause" : "Play");
  find("#play").classList.toggle("playing", playing);
}

function pauseAt(steps) {
  setPlaying(false);
  show(Math.min(Math.max(steps, 0), numSteps));
}

/** Shows the presentation from its start, or its end to those who want no motion. */
function playFromStart() {
  setPlaying(false);
  if (calm.matches) return show(numSteps);
  show(0);
  play();
}

function togglePlaying() {
  now.playing ? setPlaying(false) : play();
}
