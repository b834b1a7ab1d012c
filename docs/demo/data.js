"use strict";

// Unpacks the numbers of weights.js and images.js, which experiments/mnist/demo.py writes.

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Returns one matrix {from, to, values} for each pair of layers. */
function unpackWeights(packed) {
  return packed.map(({ from, to, base64 }) => ({
    from,
    to,
    values: new Float32Array(bytesOf(base64).buffer),
  }));
}

/** Returns the rows of test images: {title, images}, an image being {pixels, label, index}. */
function unpackImages(packed) {
  return packed.map(({ title, indices, labels, base64 }) => {
    const bytes = bytesOf(base64);
    const size = bytes.length / indices.length;
    const pixels = (k) => bytes.subarray(k * size, (k + 1) * size);
    return {
      title,
      images: indices.map((index, k) => ({ pixels: pixels(k), label: labels[k], index })),
    };
  });
}
