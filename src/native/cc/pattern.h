#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dq {

/// One deterministic automaton over bytes. State 0 rejects for good, state 1 accepts for good.
class Automaton {
public:
  /// Takes the automaton at the front of `bytes` and cuts it off. False if anything in it lies out of bounds.
  bool load(std::string_view &bytes);
  bool matches(std::string_view text) const;

private:
  uint32_t start = 0;
  uint32_t firstAccepting = 0;
  uint32_t classes = 0;
  uint8_t classOf[256] = {};
  std::vector<uint16_t> next;
};

/// A pattern that registry/native-program/pattern-dfa.ts compiled; the form of its table stands there.
class Pattern {
public:
  /// Takes a table in base64. False if it is not one: then the pattern matches nothing.
  bool load(std::string_view table);
  /// Whether `text`, well-formed UTF-8, matches. Linear in its length, without allocation.
  bool matches(std::string_view text) const;

private:
  std::vector<Automaton> automata;
};

} // namespace dq
