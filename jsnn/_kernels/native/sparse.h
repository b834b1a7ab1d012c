// Products of spikes and lists of synapses.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "nonzero.h"
#include "parallel.h"

namespace {

// An operand with one row for each row of the sums, or one for all of them.
template <class T>
struct Rows {
  const T* first;
  int64_t stride;
  const T* operator[](int64_t row) const { return first + row * stride; }
};

// Adds numbers to the sums [post] of their targets, in order. A function apart, since the compiler
// makes slower loops of it and of its caller together.
template <class F>
[[gnu::noinline]] void scatter(const int32_t* targets, const F* values, int64_t n, F* sums,
                               int64_t post) {
  auto add = [&](int64_t k) {
    int64_t to = targets[k];
    if (__builtin_expect(static_cast<uint64_t>(to) >= static_cast<uint64_t>(post), false)) {
      if (to >= 0 || (to += post) < 0) return;
    }
    sums[to] += values[k];
  };
  constexpr int64_t kLanes = 8;
  const Vector<uint32_t> last = Vector<uint32_t>{} + static_cast<uint32_t>(post - 1);
  int64_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
    Vector<uint32_t> to;  // a negative target is a large one
    std::memcpy(&to, targets + k, sizeof to);
    const auto outside = to > last;
    if (__builtin_expect(any_bits<kLanes>(reinterpret_cast<const int32_t*>(&outside)), false)) {
      for (int64_t j = k; j < k + kLanes; ++j) add(j);
      continue;
    }
#pragma GCC unroll 8
    for (int64_t j = k; j < k + kLanes; ++j) sums[targets[j]] += values[j];
  }
  for (; k < n; ++k) add(k);
}

// Adds up the weights of the synapses of the neurons that spiked, in order: sums [rows, post].
// Synapses are sorted by presynaptic neuron, those of neuron i from starts[i] to starts[i + 1].
template <class F>
void sparse_product(ffi::ThreadPool& pool, Rows<F> spikes, Rows<int32_t> starts,
                    Rows<int32_t> targets, Rows<F> weights, int64_t rows, int64_t pre,
                    int64_t synapses, int64_t post, F* sums) {
  parallel_for(pool, rows, [&](int64_t r) {
    std::vector<int32_t> events(pre + 16);
    const int32_t *start = starts[r], *target = targets[r];
    const F* weight = weights[r];
    F* sum = sums + r * post;
    std::fill_n(sum, post, F{0});
    const int64_t n = nonzero(spikes[r], pre, events.data());
    for (int64_t e = 0; e < n; ++e) {
      const int64_t first = std::max(start[events[e]], 0);
      const int64_t end = std::min<int64_t>(start[events[e] + 1], synapses);
      if (end > first) scatter(target + first, weight + first, end - first, sum, post);
    }
  });
}

}  // namespace
