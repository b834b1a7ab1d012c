// Distinct values of an array.

#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

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

}  // namespace
