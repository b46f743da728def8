#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dq {

/// A document as simdjson leaves it (doc/tape.md of its sources): one word or two a value, strings in a buffer of their own. A value
/// is known by the index of its first word. Nothing here looks past the end: simdjson wrote the words, and wrote them whole.
struct Tape {
  const uint64_t *words = nullptr;
  const uint8_t *strings = nullptr;

  char tag(size_t at) const { return static_cast<char>(words[at] >> 56); }
  uint64_t payload(size_t at) const { return words[at] & 0xffffffffffffff; }

  /// The index after a value, however much it holds.
  size_t after(size_t at) const {
    switch (tag(at)) {
    case '{':
    case '[':
      return static_cast<uint32_t>(words[at]);
    case 'l':
    case 'u':
    case 'd':
      return at + 2;
    default:
      return at + 1;
    }
  }

  /// Members of an object or items of an array. At `countMax` the true count is not known.
  uint32_t count(size_t at) const { return static_cast<uint32_t>(payload(at) >> 32); }
  static constexpr uint32_t countMax = 0xffffff;

  std::string_view text(size_t at) const {
    const uint8_t *start = strings + payload(at);
    uint32_t bytes;
    memcpy(&bytes, start, sizeof bytes);
    return {reinterpret_cast<const char *>(start) + sizeof bytes, bytes};
  }

  bool isNumber(size_t at) const { return tag(at) == 'l' || tag(at) == 'u' || tag(at) == 'd'; }

  double number(size_t at) const {
    const uint64_t word = words[at + 1];
    if (tag(at) == 'l') return static_cast<double>(static_cast<int64_t>(word));
    if (tag(at) == 'u') return static_cast<double>(word);
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
  }
};

/// A string in a form that is compared in a few instructions: its first and its last eight bytes, which are all of it up to sixteen.
/// The bytes must lie in a string buffer of simdjson, or have eight more behind them: short strings are read past their end.
struct Key {
  uint64_t head = 0;
  uint64_t tail = 0;
  std::string_view text;

  explicit Key(std::string_view string) : text(string) {
    memcpy(&head, string.data(), sizeof head);
    if (string.size() >= 8) memcpy(&tail, string.data() + string.size() - 8, sizeof tail);
    else head &= (uint64_t{1} << (8 * string.size())) - 1;
  }

  bool operator==(const Key &other) const {
    if (head != other.head || tail != other.tail || text.size() != other.text.size()) return false;
    return text.size() <= 16 || memcmp(text.data(), other.text.data(), text.size()) == 0;
  }

  /// Good enough for names that schemas declare. Whoever makes names up to collide is stopped by the step budget.
  uint32_t hash() const {
    uint64_t mixed = (head ^ text.size()) * 0x9e3779b97f4a7c15 + tail * 0xc2b2ae3d27d4eb4f;
    mixed ^= mixed >> 29;
    return static_cast<uint32_t>((mixed * 0xbf58476d1ce4e5b9) >> 32);
  }
};

} // namespace dq
