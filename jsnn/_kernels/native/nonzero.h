// Indices of the values that are not zero.

#pragma once

#include <cstdint>
#include <cstring>

namespace {

template <class F>
using Vector __attribute__((vector_size(32))) = F;

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

}  // namespace
