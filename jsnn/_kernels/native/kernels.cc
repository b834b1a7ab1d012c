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
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "delivery.h"
#include "dense.h"
#include "distinct.h"
#include "operands.h"
#include "visits.h"

namespace {

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

ffi::Error SpikeOuter(ffi::ThreadPool pool, ffi::AnyBuffer spikes, ffi::AnyBuffer by_sums,
                      ffi::Result<ffi::AnyBuffer> sums, int64_t delay) {
  return guarded("spike_outer", [&] {
    const int64_t num_steps = sizes<3>("spikes", spikes)[0], rows = sizes<3>("spikes", spikes)[1],
                  pre = sizes<3>("spikes", spikes)[2], post = sizes<3>("numbers", by_sums)[2];
    with_dtype("numbers", by_sums, [&](auto zero) {
      using F = decltype(zero);
      spike_outer(pool, numbers<Bool>("spikes", spikes, {num_steps, rows, pre}), num_steps, rows,
                  pre, at_least(0, "delay", delay),
                  numbers<F>("numbers", by_sums, {num_steps, rows, post}), post,
                  numbers<F>("sums", *sums, {pre, post}));
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

// An operand with an axis of rows in front. If it is the same for all rows, the axis has length 1
// or is not there.
template <class T, size_t rank>
Rows<T> rows_of(const char* name, const ffi::AnyBuffer& operand, int64_t rows,
                const int64_t (&shape)[rank]) {
  if (operand.dimensions().size() == rank) return {numbers<T>(name, operand, shape), 0};
  const bool is_shared = sizes<rank + 1>(name, operand)[0] == 1;
  int64_t whole[rank + 1] = {is_shared ? 1 : rows}, size = 1;
  for (size_t axis = 0; axis < rank; ++axis) size *= whole[axis + 1] = shape[axis];
  return {numbers<T>(name, operand, whole), is_shared ? 0 : size};
}

// Returns the numbers of an operand that has an axis of rows in front exactly if there is a batch.
template <class F, size_t rank>
F* filled(const char* name, const ffi::AnyBuffer& operand, bool is_batch, int64_t rows,
          const int64_t (&shape)[rank]) {
  if (!is_batch) return numbers<F>(name, operand, shape);
  int64_t whole[rank + 1] = {rows};
  std::copy_n(shape, rank, whole + 1);
  return numbers<F>(name, operand, whole);
}

// Returns the last `rank` sizes of an operand, which may have an axis of rows in front.
template <size_t rank>
std::array<int64_t, rank> last_sizes(const char* name, const ffi::AnyBuffer& operand) {
  if (operand.dimensions().size() == rank) return sizes<rank>(name, operand);
  const auto all = sizes<rank + 1>(name, operand);
  std::array<int64_t, rank> result{};
  std::copy_n(all.begin() + 1, rank, result.begin());
  return result;
}

// The numbers of the steps, int32 [rows] or one for all rows.
Rows<int32_t> steps_of(const char* name, const ffi::AnyBuffer& operand, int64_t rows) {
  if (operand.element_type() != ffi::S32 || operand.dimensions().size() > 1)
    refuse(name, operand, "S32[] or S32[rows]");
  if (operand.dimensions().size() == 0) return {operand.typed_data<int32_t>(), 0};
  return {numbers<int32_t>(name, operand, {rows}), 1};
}

using Numbers = ffi::Span<const int64_t>;

// Returns a number that says which of `end` things is meant.
int64_t below(int64_t end, const char* name, int64_t value) {
  if (value < 0 || value >= end)
    refuse(name, std::to_string(value), "0 to " + std::to_string(end - 1));
  return value;
}

ffi::Error Deliver(ffi::ThreadPool pool, ffi::RemainingArgs operands, ffi::RemainingRets results,
                   int64_t num_sources, Numbers list_numbers, Numbers ring_numbers) {
  return guarded("deliver", [&] {
    constexpr int64_t kOfList = 6, kOfRing = 2;
    const int64_t num_lists = list_numbers.size() / kOfList;
    const int64_t num_rings = ring_numbers.size() / kOfRing;
    const int64_t num_operands = 1 + num_sources + 3 * num_lists + num_rings;
    const int64_t num_rows = static_cast<int64_t>(results.size()) - num_rings;
    if (num_rings < 1 || num_rows < 1 || static_cast<int64_t>(operands.size()) != num_operands)
      refuse("operands", std::to_string(operands.size()), std::to_string(num_operands));
    auto operand = [&](int64_t i) { return operands.get<ffi::AnyBuffer>(i).value(); };
    auto result = [&](int64_t i) { return *results.get<ffi::AnyBuffer>(i).value(); };
    const bool is_batch = result(0).dimensions().size() == 3;
    const int64_t rows = is_batch ? sizes<3>("ring", result(0))[0] : 1;
    with_dtype("ring", result(0), [&](auto zero) {
      using F = decltype(zero);
      int64_t next = 0;
      const Rows<int32_t> steps = steps_of("step", operand(next++), rows);
      std::vector<Rows<F>> sources;
      std::vector<int64_t> source_sizes;
      for (int64_t s = 0; s < num_sources; ++s) {
        const auto spikes = operand(next++);
        source_sizes.push_back(last_sizes<1>("spikes", spikes)[0]);
        sources.push_back(rows_of<F>("spikes", spikes, rows, {source_sizes.back()}));
      }
      std::vector<List<F>> lists;
      for (int64_t l = 0; l < num_lists; ++l) {
        const int64_t* n = list_numbers.begin() + l * kOfList;
        List<F> list{below(num_sources, "source", n[0]), n[1], n[2],
                     below(num_rings, "ring", n[3]), n[4], at_least(1, "rows", n[5])};
        below(source_sizes[list.source], "first", list.first);
        below(source_sizes[list.source] - list.first + 1, "pre", list.pre);
        const auto starts = operand(next++), slots = operand(next++), weights = operand(next++);
        list.synapses = last_sizes<1>("slots", slots)[0];
        list.starts = rows_of<int32_t>("starts", starts, rows, {list.pre + 1});
        list.slots = rows_of<int32_t>("slots", slots, rows, {list.synapses});
        list.weights = rows_of<F>("weights", weights, rows, {list.synapses});
        lists.push_back(list);
      }
      std::vector<F*> row_sums;
      std::vector<int64_t> row_sizes;
      for (int64_t k = 0; k < num_rows; ++k) {
        const auto row = result(num_rings + k);
        row_sizes.push_back(last_sizes<1>("row", row)[0]);
        row_sums.push_back(filled<F>("row", row, is_batch, rows, {row_sizes.back()}));
      }
      std::vector<Ring<F>> rings;
      for (int64_t k = 0; k < num_rings; ++k) {
        const int64_t* n = ring_numbers.begin() + k * kOfRing;
        const auto before = operand(next++), after = result(k);
        const auto [depth, size] = last_sizes<2>("ring", after);
        Ring<F> ring{filled<F>("ring", after, is_batch, rows, {depth, size}), at_least(1, "depth", depth),
                     at_least(1, "size", size), below(num_rows, "row", n[0]), n[1]};
        below(INT32_MAX, "ring", depth * size);
        below(row_sizes[ring.row], "first", ring.first);
        below(row_sizes[ring.row] - ring.first + 1, "size", size);
        const F* sums = filled<F>("ring", before, is_batch, rows, {depth, size});
        if (sums != ring.sums) std::memcpy(ring.sums, sums, rows * depth * size * sizeof(F));
        rings.push_back(ring);
      }
      for (const List<F>& list : lists) below(rings[list.ring].depth + 1, "rows", list.rows);
      deliver(pool, rows, steps, sources, source_sizes, lists, rings, row_sums, row_sizes);
    });
  });
}

// Returns operands as they are. XLA computes an operand of a call once, and not for each consumer.
ffi::Error Settle(ffi::RemainingArgs operands, ffi::RemainingRets results) {
  return guarded("settle", [&] {
    if (operands.size() != results.size())
      refuse("operands", std::to_string(operands.size()), std::to_string(results.size()));
    for (size_t i = 0; i < operands.size(); ++i) {
      const auto from = operands.get<ffi::AnyBuffer>(i).value();
      const auto to = *results.get<ffi::AnyBuffer>(i).value();
      if (from.size_bytes() != to.size_bytes())
        refuse("operand", text(from.element_type(), from.dimensions()),
               text(to.element_type(), to.dimensions()));
      if (from.untyped_data() != to.untyped_data())
        std::memcpy(to.untyped_data(), from.untyped_data(), from.size_bytes());
    }
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

// One side of a projection; operands: spikes, starts, order and others.
template <class F>
Side<F> side_of(const ffi::RemainingArgs& operands, size_t first, int64_t rows,
                ffi::Span<const int64_t> layout) {
  auto operand = [&](size_t i) { return operands.get<ffi::AnyBuffer>(first + i).value(); };
  const auto spikes = operand(0), starts = operand(1), order = operand(2), others = operand(3);
  const int64_t neurons = sizes<2>("spikes", spikes)[1], synapses = sizes<2>("others", others)[1];
  Index index{at_least(1, "num_others", layout[0]), layout[1], layout[2], {}, {}, {}, synapses};
  if (!index.stride) {
    index.starts = rows_of<int32_t>("starts", starts, rows, {neurons + 1});
    if (sizes<2>("order", order)[1] != 0)
      index.order = rows_of<int32_t>("order", order, rows, {synapses});
    index.others = rows_of<int32_t>("others", others, rows, {synapses});
  }
  return {index, rows_of<F>("spikes", spikes, rows, {neurons}), rows, neurons};
}

// The results of one side of a projection: row_of, which, own and other.
Round round_of(const ffi::RemainingRets& results, size_t first, int64_t rows) {
  auto result = [&](size_t i) { return *results.get<ffi::AnyBuffer>(first + i).value(); };
  const int64_t capacity = sizes<1>("which", result(1))[0];
  return {capacity, numbers<int32_t>("row_of", result(0), {rows > 1 ? capacity : 0}),
          numbers<int32_t>("which", result(1), {capacity}),
          numbers<int32_t>("own", result(2), {capacity}),
          numbers<int32_t>("other", result(3), {capacity})};
}

// Operands: four of each side, and others that only have to be there before this call.
ffi::Error Visits(ffi::AnyBuffer from, ffi::RemainingArgs operands,
                  ffi::Result<ffi::AnyBuffer> next, ffi::RemainingRets results, int64_t rows,
                  ffi::Span<const int64_t> pre, ffi::Span<const int64_t> post) {
  return guarded("visits", [&] {
    Progress now;
    std::memcpy(&now, numbers<int32_t>("from", from, {9}), sizeof now);
    if (pre.size() != 4 || post.size() != 4 || operands.size() < 8 || results.size() != 8)
      throw std::invalid_argument("given other operands than those of two sides");
    const Round of_pre = round_of(results, 0, rows), of_post = round_of(results, 4, rows);
    with_dtype("spikes", operands.get<ffi::AnyBuffer>(0).value(), [&](auto zero) {
      using F = decltype(zero);
      auto pre_side = side_of<F>(operands, 0, rows, pre);
      auto post_side = side_of<F>(operands, 4, rows, post);
      now = visits(pre_side, post_side, now, pre[3], post[3], of_pre, of_post);
    });
    std::memcpy(numbers<int32_t>("next", *next, {9}), &now, sizeof now);
  });
}

// Operands: the values of each array, then the arrays, which are written in place.
ffi::Error Put(ffi::AnyBuffer progress, ffi::AnyBuffer row_of, ffi::AnyBuffer which,
               ffi::RemainingArgs operands, ffi::RemainingRets arrays, int64_t rows, int64_t side) {
  return guarded("put", [&] {
    const int64_t capacity = sizes<1>("which", which)[0];
    const Round visited{capacity,
                        numbers<int32_t>("row_of", row_of, {at_least(1, "rows", rows) > 1 ? capacity : 0}),
                        numbers<int32_t>("which", which, {capacity}), nullptr, nullptr};
    const int32_t* counts = numbers<int32_t>("progress", progress, {9});
    const int64_t count = std::clamp<int64_t>(counts[side ? 7 : 3], 0, capacity);
    for (size_t i = 0; i < arrays.size(); ++i) {
      const auto values = operands.get<ffi::AnyBuffer>(i).value();
      const auto before = operands.get<ffi::AnyBuffer>(arrays.size() + i).value();
      const auto array = *arrays.get<ffi::AnyBuffer>(i).value();
      const int64_t n = values.element_count(), synapses = array.element_count() / rows;
      if (values.element_type() != array.element_type() || n != capacity)
        refuse("values", values, "one for each visit, in the dtype of the array");
      if (array.untyped_data() != before.untyped_data())
        std::memcpy(array.untyped_data(), before.untyped_data(), array.size_bytes());
      auto write = [&](auto word) {
        put<decltype(word)>(visited, count, values.untyped_data(), array.untyped_data(), rows,
                            synapses);
      };
      switch (ffi::ByteWidth(array.element_type())) {
        case 1: write(uint8_t{0}); break;
        case 2: write(uint16_t{0}); break;
        case 4: write(uint32_t{0}); break;
        case 8: write(uint64_t{0}); break;
        default: refuse("array", array, "numbers of 1, 2, 4 or 8 bytes");
      }
    }
  });
}

// Writes values over arrays, in place. Operands: the values of each array, then the arrays.
ffi::Error Overwrite(ffi::RemainingArgs operands, ffi::RemainingRets arrays) {
  return guarded("overwrite", [&] {
    for (size_t i = 0; i < arrays.size(); ++i) {
      const auto values = operands.get<ffi::AnyBuffer>(i).value();
      const auto array = *arrays.get<ffi::AnyBuffer>(i).value();
      if (values.size_bytes() != array.size_bytes())
        refuse("values", values, text(array.element_type(), array.dimensions()));
      std::memcpy(array.untyped_data(), values.untyped_data(), array.size_bytes());
    }
  });
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_visits, Visits,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .RemainingArgs()
                                  .Ret<ffi::AnyBuffer>()
                                  .RemainingRets()
                                  .Attr<int64_t>("rows")
                                  .Attr<ffi::Span<const int64_t>>("pre")
                                  .Attr<ffi::Span<const int64_t>>("post"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_put, Put,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("rows")
                                  .Attr<int64_t>("side"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_overwrite, Overwrite,
                              ffi::Ffi::Bind().RemainingArgs().RemainingRets());
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
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_spike_outer, SpikeOuter,
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
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_deliver, Deliver,
                              ffi::Ffi::Bind()
                                  .Ctx<ffi::ThreadPool>()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<int64_t>("num_sources")
                                  .Attr<Numbers>("lists")
                                  .Attr<Numbers>("rings"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_settle, Settle,
                              ffi::Ffi::Bind().RemainingArgs().RemainingRets());
XLA_FFI_DEFINE_HANDLER_SYMBOL(jsnn_distinct, Distinct,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>());
