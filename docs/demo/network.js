"use strict";

// The network of experiments/mnist/network.py: integrate-and-fire layers, dt = 1 ms, delay 1.
// Every number is a float32, as in jsnn: storing into a Float32Array rounds a sum once.

const DT = 1; // ms

/** Returns the current of each pixel, float32(grey level * scale); the product is in float64. */
function inputCurrents(pixels, scale) {
  return Float32Array.from(pixels, (pixel) => pixel * scale);
}

/** Returns the sum of the weights of the neurons that spiked, added in the order of the neurons. */
function delivered(spikes, { values, to }) {
  const sums = new Float32Array(to);
  spikes.forEach((spiked, i) => {
    if (!spiked) return;
    for (let j = 0; j < to; j++) sums[j] += values[i * to + j];
  });
  return sums;
}

/** V <- V + I dt; V >= threshold: spike, V <- 0. Changes the potentials and returns the spikes. */
function integrateAndFire(potentials, currents, threshold) {
  const spikes = new Uint8Array(potentials.length);
  potentials.forEach((_, i) => {
    potentials[i] += Math.fround(currents[i] * DT);
    if (potentials[i] < threshold) return;
    spikes[i] = 1;
    potentials[i] = 0;
  });
  return spikes;
}

/**
 * Shows an image to the network, which is at rest before.
 *
 * @param pixels grey levels, 0 to 255, one for each input neuron
 * @param weights one matrix {from, to, values} for each pair of layers; values by rows of `from`
 * @param threshold of every neuron
 * @param inputScale current per grey level
 * @param numSteps length of the presentation
 * @returns spikes and potentials (after the reset), both by layer, step and neuron
 */
function simulate(pixels, weights, threshold, inputScale, numSteps) {
  const vThresh = Math.fround(threshold);
  const image = inputCurrents(pixels, inputScale);
  const sizes = [weights[0].from, ...weights.map((matrix) => matrix.to)];
  const potentials = sizes.map((size) => new Float32Array(size));
  const run = { spikes: sizes.map(() => []), potentials: sizes.map(() => []) };
  let before = sizes.map((size) => new Uint8Array(size)); // the spikes of the step before

  for (let step = 0; step < numSteps; step++) {
    before = sizes.map((_, layer) => {
      const currents = layer === 0 ? image : delivered(before[layer - 1], weights[layer - 1]);
      return integrateAndFire(potentials[layer], currents, vThresh);
    });
    before.forEach((spikes, layer) => {
      run.spikes[layer].push(spikes);
      run.potentials[layer].push(potentials[layer].slice());
    });
  }
  return run;
}

/** Returns the spike counts of the neurons of a layer after each number of steps, 0 to all. */
function runningCounts(spikes) {
  const counts = [new Uint16Array(spikes[0].length)];
  for (const now of spikes) counts.push(counts.at(-1).map((count, i) => count + now[i]));
  return counts;
}

/** Returns the neuron that spiked most, the first one of several, or null before any spike. */
function leader(counts) {
  const most = Math.max(...counts);
  return most > 0 ? counts.indexOf(most) : null;
}

/** Returns the number of steps after which the leader was the one that it is after `steps`. */
function leadsSince(counts, steps) {
  const now = leader(counts[steps]);
  let since = steps;
  while (since > 0 && leader(counts[since - 1]) === now) since--;
  return since;
}
