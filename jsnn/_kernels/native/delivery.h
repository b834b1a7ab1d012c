// Delivery of spikes through lists of synapses into rings of sums.
//
// A ring [depth, N] holds the sums that reach N neurons in the next steps: row n % depth those of
// step n. The slots of a list are counted from its first row; beyond the last row of the ring they
// go on with the first one.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "nonzero.h"
#include "parallel.h"
#include "rows.h"

namespace {

// A list of synapses, sorted by presynaptic neuron: those of neuron i from starts[i] to
// starts[i + 1].
template <class F>
struct List {
  int64_t source;     // the array of spikes, and the first and the number of neurons in it
  int64_t first, pre;
  int64_t ring;       // the ring that the list adds to
  int64_t delay;      // in steps, to the first row of the slots
  int64_t rows;       // of the slots, which are those below rows * size
  int64_t synapses;
  Rows<int32_t> starts, slots;
  Rows<F> weights;
};

template <class F>
struct Ring {
  F* sums;            // [rows, depth, size]
  int64_t depth, size;
  int64_t row, first; // where the sums of the next step are copied to: an array, and its place
};

// The row of a ring that belongs to a step, which may be any number.
inline int64_t row_of(int64_t step, int64_t depth) { return ((step % depth) + depth) % depth; }

// Adds numbers to the sums of their slots, in order, from `base` on and round the end of the ring.
// Slots that do not exist get nothing. A function apart, since the compiler makes slower loops of it and of
// its caller together.
template <class F>
[[gnu::noinline]] void add_round(const int32_t* slots, const F* values, int64_t n, int64_t base,
                                 F* sums, int64_t extent, int64_t num_slots) {
  constexpr int64_t kLanes = 8;
  using Lanes = Vector<uint32_t>;
  const uint32_t from = static_cast<uint32_t>(base), end = static_cast<uint32_t>(num_slots);
  const uint32_t all = static_cast<uint32_t>(extent), room = all - from;
  const Lanes last = Lanes{} + (end - 1);
  int64_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
    Lanes slot;  // a negative slot is a large one
    std::memcpy(&slot, slots + k, sizeof slot);
    const auto outside = slot > last;
    if (__builtin_expect(any_bits<kLanes>(reinterpret_cast<const int32_t*>(&outside)), false)) {
      for (int64_t j = k; j < k + kLanes; ++j) {
        const uint32_t s = static_cast<uint32_t>(slots[j]);
        if (s < end) sums[s < room ? s + from : s - room] += values[j];
      }
      continue;
    }
    const Lanes beyond = reinterpret_cast<Lanes>(slot >= Lanes{} + room);
    const Lanes to = slot + from - (beyond & (Lanes{} + all));
#pragma GCC unroll 8
    for (int64_t j = 0; j < kLanes; ++j) sums[to[j]] += values[k + j];
  }
  for (; k < n; ++k) {
    const uint32_t s = static_cast<uint32_t>(slots[k]);
    if (s < end) sums[s < room ? s + from : s - room] += values[k];
  }
}

// The synapses of one spike in one list.
template <class F>
struct Segment {
  const int32_t* slots;
  const F* weights;
  int64_t number, base, num_slots;

  // Asks for what the memory does not bring by itself: the beginning of both arrays.
  void prefetch() const {
    constexpr int64_t kLine = 64, kLines = 4;
    for (int64_t line = 0; line < kLines; ++line) {
      __builtin_prefetch(reinterpret_cast<const char*>(slots) + line * kLine);
      __builtin_prefetch(reinterpret_cast<const char*>(weights) + line * kLine);
    }
  }
};

// Adds what the spikes of a step send to one ring, list by list, and takes the sums of the next
// step out of it, to their place.
template <class F>
void fill(const Ring<F>& ring, int64_t r, int64_t step, const std::vector<List<F>>& lists,
          int64_t this_ring, const std::vector<std::vector<int32_t>>& events,
          const std::vector<int64_t>& num_events, const std::vector<F*>& rows,
          const std::vector<int64_t>& row_sizes) {
  thread_local std::vector<Segment<F>> segments;
  segments.clear();
  for (const List<F>& list : lists) {
    if (list.ring != this_ring) continue;
    const int64_t base = row_of(step + list.delay, ring.depth) * ring.size;
    const int32_t* begin = events[list.source].data();
    const int32_t* end = begin + num_events[list.source];
    begin = std::lower_bound(begin, end, list.first);
    const int32_t *starts = list.starts[r], *slots = list.slots[r];
    const F* weights = list.weights[r];
    for (; begin != end && *begin < list.first + list.pre; ++begin) {
      const int64_t neuron = *begin - list.first;
      const int64_t first = std::max(starts[neuron], 0);
      const int64_t after = std::min<int64_t>(starts[neuron + 1], list.synapses);
      if (after > first)
        segments.push_back({slots + first, weights + first, after - first, base,
                            list.rows * ring.size});
    }
  }
  F* sums = ring.sums + r * ring.depth * ring.size;
  constexpr size_t kAhead = 2;
  for (size_t k = 0; k < segments.size(); ++k) {
    if (k + kAhead < segments.size()) segments[k + kAhead].prefetch();
    const Segment<F>& s = segments[k];
    add_round(s.slots, s.weights, s.number, s.base, sums, ring.depth * ring.size, s.num_slots);
  }
  F* next = sums + row_of(step + 1, ring.depth) * ring.size;
  std::copy_n(next, ring.size, rows[ring.row] + r * row_sizes[ring.row] + ring.first);
  std::fill_n(next, ring.size, F{0});
}

// The number of synapses that a step visits for one presentation.
template <class F>
int64_t visits(const std::vector<List<F>>& lists, int64_t r,
               const std::vector<std::vector<int32_t>>& events,
               const std::vector<int64_t>& num_events) {
  int64_t total = 0;
  for (const List<F>& list : lists) {
    const int32_t* starts = list.starts[r];
    const int32_t* begin = events[list.source].data();
    const int32_t* end = begin + num_events[list.source];
    begin = std::lower_bound(begin, end, list.first);
    for (; begin != end && *begin < list.first + list.pre; ++begin)
      total += starts[*begin - list.first + 1] - starts[*begin - list.first];
  }
  return total;
}

// Delivers the spikes of a step of `num_rows` presentations.
template <class F>
void deliver(ffi::ThreadPool& pool, int64_t num_rows, Rows<int32_t> steps,
             const std::vector<Rows<F>>& sources, const std::vector<int64_t>& source_sizes,
             const std::vector<List<F>>& lists, const std::vector<Ring<F>>& rings,
             const std::vector<F*>& rows, const std::vector<int64_t>& row_sizes) {
  constexpr int64_t kWorthThreads = 1 << 14;  // visits that take longer than it takes to share them
  parallel_for(pool, num_rows, [&](int64_t r) {
    // Kept from call to call, since to get large memory from the system takes longer than a step.
    thread_local std::vector<std::vector<int32_t>> events;
    thread_local std::vector<int64_t> num_events;
    events.resize(std::max(events.size(), sources.size()));
    num_events.resize(events.size());
    for (size_t s = 0; s < sources.size(); ++s) {
      if (static_cast<int64_t>(events[s].size()) < source_sizes[s] + 16)
        events[s].resize(source_sizes[s] + 16);
      num_events[s] = nonzero(sources[s][r], source_sizes[s], events[s].data());
    }
    for (size_t k = 0; k < rows.size(); ++k) {
      int64_t left = row_sizes[k];
      for (const Ring<F>& ring : rings) left -= ring.row == static_cast<int64_t>(k) ? ring.size : 0;
      if (left) std::fill_n(rows[k] + r * row_sizes[k], row_sizes[k], F{0});
    }
    const int64_t step = steps[r][0];
    const auto &found = events;  // a thread of the pool has none of its own
    const auto &number = num_events;
    auto one = [&](int64_t k) {
      fill(rings[k], r, step, lists, k, found, number, rows, row_sizes);
    };
    const int64_t n = static_cast<int64_t>(rings.size());
    if (num_rows == 1 && visits(lists, r, events, num_events) >= kWorthThreads)
      parallel_for(pool, n, one);
    else
      for (int64_t k = 0; k < n; ++k) one(k);
  });
}

}  // namespace
