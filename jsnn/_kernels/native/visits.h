// Visits to the synapses of the neurons that spiked on either side of a projection, in rounds.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "nonzero.h"
#include "rows.h"

namespace {

// The synapses of each neuron on one side of a projection. In a matrix (`stride` is not 0), the
// synapse from neuron i to neuron k on the other side is i * stride + k * other_stride. Otherwise
// those of neuron i are numbers starts[i] to starts[i + 1] of a list, as far as there are such;
// number k is synapse order[k], or k without an order, and others[k] is its other neuron.
struct Index {
  int64_t num_others, stride, other_stride;
  Rows<int32_t> starts, order, others;
  int64_t synapses;

  std::pair<int64_t, int64_t> range(int64_t row, int64_t neuron) const {
    if (stride) return {0, num_others};
    const int32_t* start = starts[row] + neuron;
    return {std::max(start[0], 0), std::min<int64_t>(start[1], synapses)};
  }
  void take(int64_t row, int64_t neuron, int64_t first, int64_t n, int32_t* which,
            int32_t* other) const {
    if (stride) {
      for (int64_t k = 0; k < n; ++k) {
        which[k] = static_cast<int32_t>(neuron * stride + (first + k) * other_stride);
        other[k] = static_cast<int32_t>(first + k);
      }
      return;
    }
    auto inside = [](int32_t i, int64_t end) {
      return std::clamp(i, 0, static_cast<int32_t>(end - 1));
    };
    const int32_t *in_order = order.first ? order[row] + first : nullptr,
                  *of = others[row] + first;
    for (int64_t k = 0; k < n; ++k)
      which[k] = in_order ? inside(in_order[k], synapses) : static_cast<int32_t>(first + k);
    for (int64_t k = 0; k < n; ++k) other[k] = inside(of[k], num_others);
  }
};

// The next synapse to visit, number `offset` of those of a neuron.
struct Place {
  int32_t row, neuron, offset;
  int32_t count;  // of the synapses that the last round has listed
};

// The synapses that a round visits on one side. `row_of` has no room if there is one row.
struct Round {
  int64_t capacity;
  int32_t *row_of, *which, *own, *other;
};

template <class F>
class Side {
 public:
  Side(const Index& index, Rows<F> spikes, int64_t rows, int64_t neurons)
      : index_(index), spikes_(spikes), rows_(rows), neurons_(neurons),
        spiked_(new int32_t[neurons + 16]) {}

  // The number of synapses to visit.
  int64_t total() {
    int64_t sum = 0;
    for (int64_t row = 0; row < rows_; ++row) {
      look(row, 0);
      for (int64_t e = 0; e < found_; ++e) {
        const auto [first, end] = index_.range(row, spiked_[e]);
        sum += std::max<int64_t>(end - first, 0);
      }
    }
    return sum;
  }

  // Lists the next synapses to visit and returns the place of those after them.
  Place list(Place from, const Round& round) {
    int64_t listed = 0;
    const Place next = list(from, round, listed);
    for (int32_t* out : {round.which, round.own, round.other})
      std::fill(out + listed, out + round.capacity, 0);
    if (rows_ > 1) std::fill(round.row_of + listed, round.row_of + round.capacity, 0);
    return {next.row, next.neuron, next.offset, static_cast<int32_t>(listed)};
  }

  Place end() const { return {static_cast<int32_t>(rows_), 0, 0, 0}; }
  bool is_end(Place place) const { return place.row >= rows_; }

 private:
  Place list(Place from, const Round& round, int64_t& listed) {
    for (int64_t row = std::max(from.row, 0); row < rows_; ++row) {
      const bool resumed = row == from.row;
      const int64_t begin = resumed ? std::clamp<int64_t>(from.neuron, 0, neurons_) : 0;
      look(row, begin);
      for (int64_t e = 0; e < found_; ++e) {
        const int64_t neuron = begin + spiked_[e];
        const auto [start, end] = index_.range(row, neuron);
        const int64_t first =
            start + (resumed && neuron == from.neuron ? std::max(from.offset, 0) : 0);
        const int64_t n = std::min(end - first, round.capacity - listed);
        if (n > 0) {
          if (rows_ > 1) std::fill_n(round.row_of + listed, n, static_cast<int32_t>(row));
          std::fill_n(round.own + listed, n, static_cast<int32_t>(neuron));
          index_.take(row, neuron, first, n, round.which + listed, round.other + listed);
          listed += n;
        }
        if (first + n < end)
          return {static_cast<int32_t>(row), static_cast<int32_t>(neuron),
                  static_cast<int32_t>(first + n - start), 0};
      }
    }
    return end();
  }

  // Finds the neurons of a row that spiked, counted from `begin`.
  void look(int64_t row, int64_t begin) {
    if (row == row_ && begin == begin_) return;
    found_ = nonzero(spikes_[row] + begin, neurons_ - begin, spiked_.get());
    row_ = row;
    begin_ = begin;
  }

  const Index index_;
  const Rows<F> spikes_;
  const int64_t rows_, neurons_;
  const std::unique_ptr<int32_t[]> spiked_;
  int64_t row_ = -1, begin_ = -1, found_ = 0;
};

// Where a round of visits ends, and what is left: 0 nothing, 1 more rounds, 2 all synapses at once,
// as there are too many to visit.
struct Progress {
  Place pre, post;
  int32_t rest;
};

// Lists the synapses that the next round visits, those of the postsynaptic neurons that spiked after
// all of those of the presynaptic ones.
template <class F>
Progress visits(Side<F>& pre, Side<F>& post, const Progress& from, int64_t most_pre,
                int64_t most_post, const Round& of_pre, const Round& of_post) {
  const bool begins = from.rest == 0;
  if (begins && (pre.total() > most_pre || post.total() > most_post))
    return {pre.list(pre.end(), of_pre), post.list(post.end(), of_post), 2};
  const Place next_pre = pre.list(from.pre, of_pre);
  if (!pre.is_end(next_pre)) {
    post.list(post.end(), of_post);
    return {next_pre, {from.post.row, from.post.neuron, from.post.offset, 0}, 1};
  }
  const Place next_post = post.list(from.post, of_post);
  return {next_pre, next_post, post.is_end(next_post) ? 0 : 1};
}

// Writes values of visited synapses into an array [rows, synapses].
template <class Word>
void put(const Round& visited, int64_t count, const void* values, void* array, int64_t rows,
         int64_t synapses) {
  for (int64_t k = 0; k < count; ++k) {
    const int64_t row = rows > 1 ? visited.row_of[k] : 0, which = visited.which[k];
    if (row >= 0 && row < rows && which >= 0 && which < synapses)
      static_cast<Word*>(array)[row * synapses + which] = static_cast<const Word*>(values)[k];
  }
}

}  // namespace
