// Products of spikes and weights that do no work for silence, for XLA's CPU backend.
//
// Spikes are 0 or 1. Every sum runs over the presynaptic neurons in their order, with one rounding
// per addition, so the results equal those of jsnn/_kernels/dense.py and sparse.py bit for bit: to
// leave a silent neuron out is to leave out the addition of a zero.
//
// No bytes of an operand can make a kernel read or write outside its buffers. Operands of other
// dtypes or shapes than expected, and trains that are not in the table, are errors. Synapses are
// looked for among those that exist, and a target that is no neuron means what it means to XLA's
// scatter: -1 is the last neuron, and what is still outside gets nothing.

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

template <class F>
using Vector __attribute__((vector_size(32))) = F;

// f(0), ..., f(n - 1) on the caller's thread and on those of XLA's pool that are free. The caller
// works too, so it never waits for a task that no thread has begun. If calls throw, one of their
// exceptions reaches the caller, after all calls.
template <class F>
void parallel_for(ffi::ThreadPool& pool, int64_t n, const F& f) {
  struct Progress {
    std::atomic<int64_t> next{0}, done{0};
    std::mutex mutex;
    std::condition_variable all_done;
    std::exception_ptr thrown;
  };
  const int64_t workers = std::min<int64_t>(pool.num_threads(), n);
  if (workers <= 1) {
    for (int64_t i = 0; i < n; ++i) f(i);
    return;
  }
  auto progress = std::make_shared<Progress>();
  // A task that begins after the last index is taken does nothing, and so never touches `f`.
  auto work = [progress, n, &f] {
    int64_t mine = 0;
    for (int64_t i; (i = progress->next.fetch_add(1)) < n; ++mine) {
      try {
        f(i);
      } catch (...) {
        std::lock_guard<std::mutex> lock(progress->mutex);
        progress->thrown = std::current_exception();
      }
    }
    if (mine && progress->done.fetch_add(mine) + mine == n) {
      std::lock_guard<std::mutex> lock(progress->mutex);
      progress->all_done.notify_all();
    }
  };
  try {
    for (int64_t worker = 1; worker < workers; ++worker) pool.Schedule(std::function<void()>(work));
  } catch (const std::bad_alloc&) {  // the threads that have begun do the work
  }
  work();
  std::unique_lock<std::mutex> lock(progress->mutex);
  progress->all_done.wait(lock, [&] { return progress->done.load() == n; });
  if (progress->thrown) std::rethrow_exception(progress->thrown);
}

// Returns true if any of `count` values, a multiple of a vector's lanes, has a bit that is set.
template <int64_t count, class F>
bool any_bits(const F* values) {
  using Words = Vector<uint64_t>;
  constexpr int64_t vectors = count * sizeof(F) / sizeof(Words);
  Words any = {};
#pragma GCC unroll 8
  for (int64_t v = 0; v < vectors; ++v) {
    Words words;
    std::memcpy(&words, reinterpret_cast<const char*>(values) + v * sizeof(Words), sizeof words);
    any |= words;
  }
  return any[0] | any[1] | any[2] | any[3];
}

// Finds the indices of the values that are not zero, in order; `indices` has room for n + 16.
template <class F>
int64_t nonzero(const F* values, int64_t n, int32_t* indices) {
  constexpr int64_t kBlock = 64, kPart = 16;
  int64_t found = 0, i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    if (!any_bits<kBlock>(values + i)) continue;
    for (int64_t part = i; part < i + kBlock; part += kPart) {
      if (!any_bits<kPart>(values + part)) continue;
      for (int64_t j = part; j < part + kPart; ++j) {
        indices[found] = static_cast<int32_t>(j);
        found += values[j] != 0;
      }
    }
  }
  for (; i < n; ++i) {
    indices[found] = static_cast<int32_t>(i);
    found += values[i] != 0;
  }
  return found;
}

// A bool in memory: the lowest bit of a byte, of which a foreign one may have others set.
using Bool = uint8_t;

// Finds the indices of true values, eight at a time.
template <>
int64_t nonzero(const Bool* values, int64_t n, int32_t* indices) {
  int64_t found = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, values + i, sizeof bytes);
    bytes &= 0x0101010101010101;
    for (; bytes; bytes &= bytes - 1)
      indices[found++] = static_cast<int32_t>(i + __builtin_ctzll(bytes) / 8);
  }
  for (; i < n; ++i)
    if (values[i] & 1) indices[found++] = static_cast<int32_t>(i);
  return found;
}

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

// Finds the distinct values, in order of appearance, and the index of each value among them. If
// there are more than `capacity`, the count is capacity + 1 and the other results mean nothing.
template <class Word>
void distinct(const Word* values, int64_t n, Word* table, int64_t capacity, int32_t* count,
              int32_t* index) {
  int bits = 2;
  while ((int64_t{1} << bits) < 4 * capacity) ++bits;
  const size_t mask = (size_t{1} << bits) - 1;
  std::vector<int32_t> slots(mask + 1, -1);
  std::fill(table, table + capacity, Word{0});
  int64_t found = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Word value = values[i];
    size_t slot = (static_cast<uint64_t>(value) * 0x9E3779B97F4A7C15ull) >> (64 - bits);
    while (slots[slot] >= 0 && table[slots[slot]] != value) slot = (slot + 1) & mask;
    if (slots[slot] < 0) {
      if (found == capacity) {
        std::fill(index, index + n, 0);
        *count = static_cast<int32_t>(capacity + 1);
        return;
      }
      table[found] = value;
      slots[slot] = static_cast<int32_t>(found++);
    }
    index[i] = slots[slot];
  }
  *count = static_cast<int32_t>(found);
}

// An operand as text, such as F32[3, 4].
template <class Dimensions>
std::string text(ffi::DataType dtype, const Dimensions& dimensions) {
  std::ostringstream out;
  out << dtype << '[';
  const char* separator = "";
  for (int64_t size : dimensions) {
    out << separator << size;
    separator = ", ";
  }
  out << ']';
  return out.str();
}

[[noreturn, gnu::cold, gnu::noinline]] void refuse(const char* name, const std::string& given,
                                                   const std::string& expected) {
  throw std::invalid_argument(std::string(name) + ": given " + given + "; expected " + expected);
}

[[noreturn, gnu::cold, gnu::noinline]] void refuse(const char* name, const ffi::AnyBuffer& operand,
                                                   const std::string& expected) {
  refuse(name, text(operand.element_type(), operand.dimensions()), expected);
}

// Returns the sizes of an operand with `rank` axes, none longer than an int32 can count.
template <size_t rank>
std::array<int64_t, rank> sizes(const char* name, const ffi::AnyBuffer& operand) {
  const auto given = operand.dimensions();
  std::array<int64_t, rank> result{};
  bool fits = given.size() == rank;
  for (size_t axis = 0; fits && axis < rank; ++axis) {
    result[axis] = given[axis];
    fits = given[axis] < INT32_MAX - 64;
  }
  if (!fits) refuse(name, operand, std::to_string(rank) + " axes shorter than 2^31 - 65");
  return result;
}

template <class T>
constexpr ffi::DataType kDtype = std::is_same_v<T, Bool>      ? ffi::PRED
                                 : std::is_same_v<T, int32_t> ? ffi::S32
                                 : std::is_same_v<T, float>   ? ffi::F32
                                                              : ffi::F64;

// Returns the numbers of an operand, which has to be of this dtype and shape.
template <class T, size_t rank>
T* numbers(const char* name, const ffi::AnyBuffer& operand, const int64_t (&shape)[rank]) {
  const auto given = operand.dimensions();
  bool fits = operand.element_type() == kDtype<T> && given.size() == rank;
  for (size_t axis = 0; fits && axis < rank; ++axis) fits = given[axis] == shape[axis];
  if (!fits) refuse(name, operand, text(kDtype<T>, shape));
  return static_cast<T*>(operand.untyped_data());
}

// Returns an attribute, which has to be at least `least`.
int64_t at_least(int64_t least, const char* name, int64_t value) {
  if (value < least) refuse(name, std::to_string(value), ">= " + std::to_string(least));
  return value;
}

// Calls f with a zero of the dtype of an operand, float32 or float64.
template <class Function>
void with_dtype(const char* name, const ffi::AnyBuffer& operand, const Function& f) {
  if (operand.element_type() == ffi::F32)
    f(float{0});
  else if (operand.element_type() == ffi::F64)
    f(double{0});
  else
    refuse(name, operand, "F32 or F64");
}

// Calls f and turns its exceptions into errors, since none may leave a kernel.
template <class Function>
ffi::Error guarded(const char* kernel, const Function& f) try {
  f();
  return ffi::Error::Success();
} catch (const std::invalid_argument& error) {
  return ffi::Error::InvalidArgument(std::string(kernel) + ", " + error.what());
} catch (const std::bad_alloc&) {
  return {ffi::ErrorCode::kResourceExhausted, std::string(kernel) + ": out of memory"};
} catch (const std::exception& error) {
  return ffi::Error::Internal(std::string(kernel) + ": " + error.what());
}

ffi::Error EventProduct(ffi::ThreadPool pool, ffi::AnyBuffer spikes, ffi::AnyBuffer weights,
                        ffi::Result<ffi::AnyBuffer> sums, int64_t block) {
  return guarded("event_product", [&] {
    const int64_t rows = sizes<2>("spikes", spikes)[0], pre = sizes<2>("weights", weights)[0],
                  post = sizes<2>("weights", weights)[1];
    with_dtype("weights", weights, [&](auto zero) {
      using F = decltype(zero);
      event_product(pool, numbers<F>("spikes", spikes, {rows, pre}), 1, rows, pre, 0,
                    at_least(1, "block", block), numbers<F>("weights", weights, {pre, post}), post,
                    numbers<F>("sums", *sums, {rows, post}));
    });
  });
}

ffi::Error ProductOverTime(ffi::ThreadPool pool, ffi::AnyBuffer spikes, ffi::AnyBuffer weights,
                           ffi::Result<ffi::AnyBuffer> sums, int64_t delay) {
  return guarded("product_over_time", [&] {
    const int64_t num_steps = sizes<3>("spikes", spikes)[0], rows = sizes<3>("spikes", spikes)[1],
                  pre = sizes<2>("weights", weights)[0], post = sizes<2>("weights", weights)[1];
    with_dtype("weights", weights, [&](auto zero) {
      using F = decltype(zero);
      event_product(pool, numbers<Bool>("spikes", spikes, {num_steps, rows, pre}), num_steps, rows,
                    pre, at_least(0, "delay", delay), pre,
                    numbers<F>("weights", weights, {pre, post}), post,
                    numbers<F>("sums", *sums, {num_steps, rows, post}));
    });
  });
}

ffi::Error TrainProduct(ffi::ThreadPool pool, ffi::AnyBuffer table, ffi::AnyBuffer index,
                        ffi::AnyBuffer weights, ffi::Result<ffi::AnyBuffer> sums) {
  return guarded("train_product", [&] {
    const int64_t num_steps = sizes<2>("trains", table)[0],
                  num_trains = sizes<2>("trains", table)[1], rows = sizes<2>("index", index)[0],
                  pre = sizes<2>("weights", weights)[0], post = sizes<2>("weights", weights)[1];
    with_dtype("weights", weights, [&](auto zero) {
      using F = decltype(zero);
      train_product(pool, numbers<Bool>("trains", table, {num_steps, num_trains}), num_steps,
                    num_trains, numbers<int32_t>("index", index, {rows, pre}), rows, pre,
                    numbers<F>("weights", weights, {pre, post}), post,
                    numbers<F>("sums", *sums, {num_steps, rows, post}));
    });
  });
}

template <class T>
Rows<T> rows_of(const char* name, const ffi::AnyBuffer& operand, int64_t rows, int64_t columns) {
  const bool shared = sizes<2>(name, operand)[0] == 1;
  return {numbers<T>(name, operand, {shared ? 1 : rows, columns}), shared ? 0 : columns};
}

ffi::Error SparseProduct(ffi::ThreadPool pool, ffi::AnyBuffer spikes, ffi::AnyBuffer starts,
                         ffi::AnyBuffer targets, ffi::AnyBuffer weights,
                         ffi::Result<ffi::AnyBuffer> sums) {
  return guarded("sparse_product", [&] {
    const int64_t rows = sizes<2>("sums", *sums)[0], post = sizes<2>("sums", *sums)[1],
                  pre = sizes<2>("spikes", spikes)[1], synapses = sizes<2>("post", targets)[1];
    with_dtype("weights", weights, [&](auto zero) {
      using F = decltype(zero);
      sparse_product(pool, rows_of<F>("spikes", spikes, rows, pre),
                     rows_of<int32_t>("starts", starts, rows, pre + 1),
                     rows_of<int32_t>("post", targets, rows, synapses),
                     rows_of<F>("weights", weights, rows, synapses), rows, pre, synapses, post,
                     numbers<F>("sums", *sums, {rows, post}));
    });
  });
}

ffi::Error Distinct(ffi::AnyBuffer values, ffi::Result<ffi::AnyBuffer> table,
                    ffi::Result<ffi::AnyBuffer> count, ffi::Result<ffi::AnyBuffer> index) {
  return guarded("distinct", [&] {
    const int64_t n = values.element_count(), capacity = sizes<1>("table", *table)[0];
    if (count->element_type() != ffi::S32 || count->element_count() != 1)
      refuse("count", *count, "S32[]");
    if (index->element_type() != ffi::S32 || static_cast<int64_t>(index->element_count()) != n)
      refuse("index", *index, "as many S32 as there are values, " + std::to_string(n));
    with_dtype("values", values, [&](auto zero) {
      using F = decltype(zero);
      using Word = std::conditional_t<sizeof(F) == 4, uint32_t, uint64_t>;
      F* distinct_values = numbers<F>("table", *table, {capacity});
      distinct(static_cast<const Word*>(values.untyped_data()), n,
               reinterpret_cast<Word*>(distinct_values), capacity,
               static_cast<int32_t*>(count->untyped_data()),
               static_cast<int32_t*>(index->untyped_data()));
    });
  });
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_event_product, EventProduct,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<int64_t>("block"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_product_over_time, ProductOverTime,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<int64_t>("delay"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_train_product, TrainProduct,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_sparse_product, SparseProduct,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_distinct, Distinct,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>());
