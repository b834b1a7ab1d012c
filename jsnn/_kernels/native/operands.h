// Checks of the operands of a kernel, and its errors.

#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "nonzero.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

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

}  // namespace
