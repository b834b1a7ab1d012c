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

#include <type_traits>

#include "dense.h"
#include "distinct.h"
#include "operands.h"
#include "sparse.h"

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
