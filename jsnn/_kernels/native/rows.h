// Operands of several presentations.

#pragma once

#include <cstdint>

namespace {

// An operand with one row for each presentation, or one for all of them.
template <class T>
struct Rows {
  const T* first;
  int64_t stride;
  const T* operator[](int64_t row) const { return first + row * stride; }
};

}  // namespace
