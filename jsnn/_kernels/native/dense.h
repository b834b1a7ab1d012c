// Products of spikes and dense weights.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "nonzero.h"
#include "parallel.h"

namespace {

// Weights [pre, post] in strips of columns, narrow enough for the compiler to keep the sums of a
// strip in registers. The columns that are left over are copied to a strip of their own, filled up
// with zeros. If few sums are made of them, `copies` is false and they stay columns of the weights.
template <class F>
class Strips {
 public:
  Strips(const F* weights, int64_t pre, int64_t post, bool copies = true)
      : weights_(weights), post_(post) {
    const int64_t left = post % kNarrow;
    if (!left || !copies) return;
    last_.assign(pre * kNarrow, F{0});
    for (int64_t i = 0; i < pre; ++i)
      std::copy_n(weights + i * post + post - left, left, &last_[i * kNarrow]);
  }

  // f(width, rows of weights, stride between them, first column, how many columns to write)
  template <class Function>
  void for_each(const Function& f) const {
    using Wide = std::integral_constant<int64_t, kWide>;
    using Narrow = std::integral_constant<int64_t, kNarrow>;
    int64_t c = 0;
    for (; c + kWide <= post_; c += kWide) f(Wide{}, weights_ + c, post_, c, kWide);
    for (; c + kNarrow <= post_; c += kNarrow) f(Narrow{}, weights_ + c, post_, c, kNarrow);
    if (c < post_ && !last_.empty()) f(Narrow{}, last_.data(), kNarrow, c, post_ - c);
  }

  // The first column that was left over and not copied.
  int64_t uncopied() const { return last_.empty() ? post_ - post_ % kNarrow : post_; }
  const F* weights() const { return weights_; }
  int64_t post() const { return post_; }

  // 256 bytes: eight vector registers, and the sums of 100 steps fit a 32 KiB L1 cache.
  static constexpr int64_t kWide = 256 / sizeof(F);

 private:
  static constexpr int64_t kNarrow = 64 / sizeof(F);
  const F* weights_;
  const int64_t post_;
  std::vector<F> last_;
};

// Copies the first `columns` of `width` numbers in a loop, as a call of memcpy would cost more.
template <int64_t width, class F>
void copy(const F* __restrict from, int64_t columns, F* __restrict to) {
  if (columns == width)
    for (int64_t c = 0; c < width; ++c) to[c] = from[c];
  else
    for (int64_t c = 0; c < columns; ++c) to[c] = from[c];
}

// Adds up the weights of the `n` presynaptic neurons `events`.
template <class F>
void sum_events(const int32_t* events, int64_t n, const Strips<F>& strips, F* sums) {
  strips.for_each([&](auto width, const F* weights, int64_t stride, int64_t c, int64_t columns) {
    constexpr int64_t lanes = sizeof(Vector<F>) / sizeof(F), vectors = width / lanes;
    Vector<F> total[vectors] = {};
    for (int64_t k = 0; k < n; ++k) {
      const F* row = weights + events[k] * stride;
#pragma GCC unroll 8
      for (int64_t v = 0; v < vectors; ++v) {
        Vector<F> weight;
        std::memcpy(&weight, row + v * lanes, sizeof weight);
        total[v] += weight;
      }
    }
    F added[width];
    std::memcpy(added, total, sizeof total);
    copy<width>(added, columns, sums + c);
  });
  const int64_t first = strips.uncopied(), post = strips.post();
  std::fill(sums + first, sums + post, F{0});
  for (int64_t k = 0; k < n; ++k)
    for (int64_t c = first; c < post; ++c) sums[c] += strips.weights()[events[k] * post + c];
}

// Adds up the weights of `events` within every `block` presynaptic neurons, then the blocks' sums;
// `part` has room for the sums of a block.
template <class F>
void sum_blocks(const int32_t* events, int64_t n, int64_t block, const Strips<F>& strips, F* part,
                F* sums) {
  const int32_t* const end = events + n;
  const int32_t* next = std::lower_bound(events, end, block);
  sum_events(events, next - events, strips, sums);
  while (next != end) {
    const int32_t* begin = next;
    next = std::lower_bound(begin, end, (*begin / block + 1) * block);
    sum_events(begin, next - begin, strips, part);
    for (int64_t c = 0; c < strips.post(); ++c) sums[c] += part[c];
  }
}

// spikes [num_steps * R, pre] @ weights [pre, post] -> sums [num_steps * R, post], `delay` steps
// later; nothing arrives in the first `delay` steps. Added up block by block.
template <class Spike, class F>
void event_product(ffi::ThreadPool& pool, const Spike* spikes, int64_t num_steps, int64_t rows,
                   int64_t pre, int64_t delay, int64_t block, const F* weights, int64_t post,
                   F* sums) {
  const int64_t all_rows = num_steps * rows, late = std::min(num_steps, delay) * rows;
  const Strips<F> strips(weights, pre, post, /*copies=*/all_rows >= 16);
  // A task should take longer than its start.
  const int64_t rows_per_task = std::max<int64_t>(8, (1 << 18) / (pre * post + 1));
  parallel_for(pool, (all_rows + rows_per_task - 1) / rows_per_task, [&](int64_t task) {
    std::vector<int32_t> events(pre + 16);
    std::vector<F> part(post);
    const int64_t end = std::min(all_rows, (task + 1) * rows_per_task);
    for (int64_t r = task * rows_per_task; r < end; ++r) {
      if (r < late) {
        std::fill_n(sums + r * post, post, F{0});
        continue;
      }
      const Spike* row = spikes + (r - late) * pre;
      const int64_t spiking = nonzero(row, pre, events.data());
      sum_blocks(events.data(), spiking, block, strips, part.data(), sums + r * post);
    }
  });
}

// spikes [num_steps * R, pre] and numbers [num_steps * R, post], of which those of a row meet the
// spikes `delay` steps before -> sums [pre, post] over the rows, in their order, with work for the
// spikes alone. This is the derivative of `event_product` with respect to the weights.
template <class F>
void spike_outer(ffi::ThreadPool& pool, const Bool* spikes, int64_t num_steps, int64_t rows,
                 int64_t pre, int64_t delay, const F* numbers, int64_t post, F* sums) {
  constexpr int64_t kNeurons = 512, kColumns = 64;  // sums of a task stay in the cache
  const int64_t late = std::min(num_steps, delay) * rows, all_rows = num_steps * rows - late;
  const int64_t strips = (post + kColumns - 1) / kColumns;
  parallel_for(pool, (pre + kNeurons - 1) / kNeurons * strips, [&](int64_t task) {
    const int64_t first = task / strips * kNeurons, size = std::min(kNeurons, pre - first);
    const int64_t column = task % strips * kColumns, columns = std::min(kColumns, post - column);
    std::vector<F> mine(size * kColumns, F{0});
    std::vector<int32_t> events(size + 16);
    F row[kColumns] = {};
    for (int64_t r = 0; r < all_rows; ++r) {
      const int64_t spiking = nonzero(spikes + r * pre + first, size, events.data());
      if (!spiking) continue;
      copy<kColumns>(numbers + (r + late) * post + column, columns, row);
      for (int64_t k = 0; k < spiking; ++k) {
        F* __restrict sum = &mine[events[k] * kColumns];
        for (int64_t c = 0; c < kColumns; ++c) sum[c] += row[c];
      }
    }
    for (int64_t i = 0; i < size; ++i)
      std::copy_n(&mine[i * kColumns], columns, sums + (first + i) * post + column);
  });
}

// The spike trains of a table, each a set of steps: `words` words of 64 steps a train.
struct Trains {
  int64_t num_steps, words;
  std::vector<uint64_t> steps;
  std::vector<int32_t> first_equal;  // of each train, the first of the trains that equal it
  std::vector<uint8_t> silent;

  Trains(const Bool* table, int64_t num_steps, int64_t size)
      : num_steps(num_steps), words((num_steps + 63) / 64), steps(size * words, 0),
        first_equal(size), silent(size) {
    for (int64_t t = 0; t < num_steps; ++t)
      for (int64_t u = 0; u < size; ++u)
        steps[u * words + t / 64] |= uint64_t{table[t * size + u] & 1u} << (t % 64);
    std::vector<int32_t> order(size);
    for (int64_t u = 0; u < size; ++u) order[u] = static_cast<int32_t>(u);
    auto compare = [&](int32_t a, int32_t b) {
      return std::memcmp(&steps[a * words], &steps[b * words], words * sizeof(uint64_t));
    };
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      const int c = compare(a, b);
      return c < 0 || (c == 0 && a < b);
    });
    for (int64_t k = 0; k < size; ++k)
      first_equal[order[k]] =
          k && compare(order[k - 1], order[k]) == 0 ? first_equal[order[k - 1]] : order[k];
    for (int64_t u = 0; u < size; ++u) {
      const uint64_t* s = &steps[u * words];
      silent[u] = std::all_of(s, s + words, [](uint64_t w) { return w == 0; });
    }
  }

  const uint64_t* operator[](int64_t train) const { return &steps[train * words]; }
};

// The sums over the neurons of one presentation, made for all steps at once.
//
// Steps in which the same neurons have spiked so far share one sum: a group. At first all steps are
// one group. A neuron whose train is met for the first time splits each group that has steps both
// with and without its spike; it then adds its row to the groups in which it spikes. So every step
// gets its own additions, in the order of the neurons, and no other.
class Groups {
 public:
  explicit Groups(const Trains& trains)
      : trains_(trains), stride_(trains.num_steps + 1), local_(trains.first_equal.size(), -1),
        steps_(stride_ * trains.words), group_of_(trains.words * 64) {}

  void plan(const int32_t* train_of_neuron, int64_t num_neurons) {
    const int64_t words = trains_.words;
    check(train_of_neuron, num_neurons);
    additions_.clear();
    met_.clear();
    num_groups_ = 1;
    std::fill(steps_.begin(), steps_.begin() + words, ~uint64_t{0});
    if (trains_.num_steps % 64) steps_[words - 1] = (uint64_t{1} << (trains_.num_steps % 64)) - 1;
    active_.resize(num_neurons + 1);
    int64_t num_active = 0;
    for (int64_t i = 0; i < num_neurons; ++i) {
      active_[num_active] = static_cast<int32_t>(i);
      num_active += !trains_.silent[train_of_neuron[i]];
    }
    for (int64_t k = 0; k < num_active; ++k) {
      const int32_t train = trains_.first_equal[train_of_neuron[active_[k]]];
      const bool is_new = local_[train] < 0;
      if (is_new) meet(train);
      const int32_t local = local_[train];
      additions_.push_back({active_[k], local, static_cast<int32_t>(num_groups_of_[local]), is_new});
    }
    for (int32_t train : met_) local_[train] = -1;
    for (int64_t g = 0; g < num_groups_; ++g)
      for (int64_t w = 0; w < words; ++w)
        for (uint64_t bits = steps_[g * words + w]; bits; bits &= bits - 1)
          group_of_[w * 64 + __builtin_ctzll(bits)] = static_cast<int32_t>(g);
  }

  int32_t group_of(int64_t step) const { return group_of_[step]; }

  // The sums of each group, [groups, columns], over a strip of the weights.
  template <int64_t columns, class F>
  void sum(const F* weights, int64_t stride, F* sums) const {
    constexpr int64_t vectors = columns * sizeof(F) / sizeof(Vector<F>);
    std::fill(sums, sums + num_groups_ * columns, F{0});
    for (const Addition& a : additions_) {
      Vector<F> row[vectors];
      std::memcpy(row, weights + a.neuron * stride, sizeof row);
      const int32_t* to = &groups_of_[a.train * stride_];
      const int32_t* from = a.splits ? &split_from_[a.train * stride_] : to;
      for (int32_t j = 0; j < a.num_groups; ++j) {
        const auto* before = reinterpret_cast<const Vector<F>*>(sums + from[j] * columns);
        auto* after = reinterpret_cast<Vector<F>*>(sums + to[j] * columns);
#pragma GCC unroll 8
        for (int64_t v = 0; v < vectors; ++v) after[v] = before[v] + row[v];
      }
    }
  }

 private:
  struct Addition {
    int32_t neuron;
    int32_t train;       // as numbered in this presentation
    int32_t num_groups;  // the number of groups that the train has by now
    bool splits;
  };

  void check(const int32_t* train_of_neuron, int64_t num_neurons) const {
    const int64_t size = trains_.silent.size();
    uint32_t largest = 0;  // a negative index is a large one
    for (int64_t i = 0; i < num_neurons; ++i)
      largest = std::max(largest, static_cast<uint32_t>(train_of_neuron[i]));
    if (num_neurons && largest >= size)
      throw std::invalid_argument(
          "index: given " + std::to_string(static_cast<int32_t>(largest)) + "; expected 0 to " +
          std::to_string(size - 1) + ", the trains of the table");
  }

  bool inside(const uint64_t* steps, const uint64_t* train) const {
    for (int64_t w = 0; w < trains_.words; ++w)
      if (steps[w] & ~train[w]) return false;
    return true;
  }

  void meet(int32_t train) {
    const int64_t words = trains_.words, number = static_cast<int64_t>(met_.size());
    const uint64_t* spikes = trains_[train];
    if (static_cast<int64_t>(num_groups_of_.size()) <= number) {
      num_groups_of_.resize(number + 1);
      groups_of_.resize((number + 1) * stride_);
      split_from_.resize((number + 1) * stride_);
    }
    int32_t* to = &groups_of_[number * stride_];
    int32_t* from = &split_from_[number * stride_];
    int64_t n = 0;
    for (int64_t g = 0, before = num_groups_; g < before; ++g) {
      uint64_t* steps = &steps_[g * words];
      uint64_t with = 0;
      for (int64_t w = 0; w < words; ++w) with |= steps[w] & spikes[w];
      if (!with) continue;
      from[n] = to[n] = static_cast<int32_t>(g);
      if (!inside(steps, spikes)) {
        const int32_t split = static_cast<int32_t>(num_groups_++);
        for (int64_t other = 0; other < number; ++other)
          if (inside(steps, trains_[met_[other]]))
            groups_of_[other * stride_ + num_groups_of_[other]++] = split;
        for (int64_t w = 0; w < words; ++w) {
          steps_[split * words + w] = steps[w] & spikes[w];
          steps[w] &= ~spikes[w];
        }
        to[n] = split;
      }
      ++n;
    }
    num_groups_of_[number] = n;
    local_[train] = static_cast<int32_t>(number);
    met_.push_back(train);
  }

  const Trains& trains_;
  const int64_t stride_;  // the most groups there can be, and one
  int64_t num_groups_ = 1;
  std::vector<int32_t> local_;  // of each train of the table, its number in this presentation
  std::vector<int32_t> met_;    // of each number, the train
  std::vector<uint64_t> steps_;  // of each group, the set of its steps
  std::vector<int32_t> group_of_;
  std::vector<int32_t> active_;
  std::vector<Addition> additions_;
  std::vector<int64_t> num_groups_of_;
  std::vector<int32_t> groups_of_;   // of each number, the groups inside the train, oldest first
  std::vector<int32_t> split_from_;  // of each number, what those of its first time split from
};

// table [T, U] of trains, index [R, pre] into them, weights [pre, post] -> sums [T, R, post]
template <class F>
void train_product(ffi::ThreadPool& pool, const Bool* table, int64_t num_steps, int64_t num_trains,
                   const int32_t* index, int64_t num_rows, int64_t pre, const F* weights,
                   int64_t post, F* sums) {
  if (!pre) std::fill_n(sums, num_steps * num_rows * post, F{0});
  if (!pre || !num_steps || !num_rows || !post) return;
  constexpr int64_t kRowsPerTask = 8;
  const Trains trains(table, num_steps, num_trains);
  const Strips<F> strips(weights, pre, post);
  parallel_for(pool, (num_rows + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task) {
    Groups groups(trains);
    std::vector<F> buffer((trains.num_steps + 1) * Strips<F>::kWide + 64 / sizeof(F));
    F* aligned = reinterpret_cast<F*>((reinterpret_cast<uintptr_t>(buffer.data()) + 63) & ~63ull);
    const int64_t end = std::min(num_rows, (task + 1) * kRowsPerTask);
    for (int64_t r = task * kRowsPerTask; r < end; ++r) {
      groups.plan(index + r * pre, pre);
      strips.for_each([&](auto width, const F* rows, int64_t stride, int64_t c, int64_t columns) {
        groups.sum<width>(rows, stride, aligned);
        for (int64_t t = 0; t < trains.num_steps; ++t)
          copy<width>(aligned + groups.group_of(t) * width, columns,
                      sums + (t * num_rows + r) * post + c);
      });
    }
  });
}

}  // namespace
