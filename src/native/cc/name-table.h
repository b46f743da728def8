#pragma once
#include "tape.h"
#include <vector>

namespace dq {

/// Finds a name among those that were added, by its number in the order of adding. The texts must outlive the table.
class NameTable {
public:
  static constexpr int32_t none = -1;

  /// So few keys are compared faster than one is hashed.
  static constexpr size_t fewKeys = 4;

  void reserve(size_t count) {
    size_t slots = 4;
    while (slots < count * 3) slots *= 2;
    slots_.assign(slots, none);
    keys_.reserve(count);
  }

  /// The number of the name, a new one unless it is there already. No more names than were reserved.
  int32_t add(std::string_view text) {
    const Key key(text);
    const int32_t known = find(key);
    if (known != none) return known;
    size_t slot = key.hash() & (slots_.size() - 1);
    while (slots_[slot] != none) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<int32_t>(keys_.size());
    keys_.push_back(key);
    return slots_[slot];
  }

  int32_t find(const Key &key) const {
    if (keys_.size() <= fewKeys) {
      for (size_t number = 0; number < keys_.size(); number += 1) {
        if (keys_[number] == key) return static_cast<int32_t>(number);
      }
      return none;
    }
    for (size_t slot = key.hash();; slot += 1) {
      const int32_t number = slots_[slot & (slots_.size() - 1)];
      if (number == none || keys_[static_cast<size_t>(number)] == key) return number;
    }
  }

  size_t size() const { return keys_.size(); }
  const Key &operator[](size_t number) const { return keys_[number]; }

private:
  std::vector<int32_t> slots_;
  std::vector<Key> keys_;
};

} // namespace dq
