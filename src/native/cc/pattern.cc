#include "pattern.h"
#include <string>
#include <utility>

namespace dq {

namespace {

constexpr uint32_t automataMax = 64;
constexpr uint32_t statesMax = 65535;

bool takeNumber(std::string_view &bytes, uint32_t &value) {
  if (bytes.size() < 4) return false;
  value = 0;
  for (int index = 3; index >= 0; index--) value = value << 8 | static_cast<uint8_t>(bytes[index]);
  bytes.remove_prefix(4);
  return true;
}

int base64Digit(char digit) {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52;
  if (digit == '+') return 62;
  return digit == '/' ? 63 : -1;
}

bool decodeBase64(std::string_view text, std::string &bytes) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char character : text) {
    const int digit = base64Digit(character);
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return true;
}

} // namespace

bool Automaton::load(std::string_view &bytes) {
  uint32_t states = 0;
  if (!takeNumber(bytes, states) || !takeNumber(bytes, classes) || !takeNumber(bytes, start)) return false;
  if (!takeNumber(bytes, firstAccepting)) return false;
  if (states < 2 || states > statesMax || classes < 1 || classes > 256 || start >= states || firstAccepting < 2) return false;
  const size_t entries = static_cast<size_t>(states) * classes;
  if (bytes.size() < sizeof classOf || (bytes.size() - sizeof classOf) / 2 < entries) return false;
  for (size_t byte = 0; byte < sizeof classOf; byte++) {
    classOf[byte] = static_cast<uint8_t>(bytes[byte]);
    if (classOf[byte] >= classes) return false;
  }
  bytes.remove_prefix(sizeof classOf);
  next.resize(entries);
  for (size_t entry = 0; entry < entries; entry++) {
    next[entry] = static_cast<uint16_t>(static_cast<uint8_t>(bytes[2 * entry]) | static_cast<uint8_t>(bytes[2 * entry + 1]) << 8);
    if (next[entry] >= states) return false;
  }
  bytes.remove_prefix(entries * 2);
  return true;
}

bool Automaton::matches(std::string_view text) const {
  uint32_t state = start;
  for (const char byte : text) {
    if (state < 2) return state == 1;
    state = next[state * classes + classOf[static_cast<uint8_t>(byte)]];
  }
  return state == 1 || state >= firstAccepting;
}

bool Pattern::load(std::string_view table) {
  std::string decoded;
  automata.clear();
  if (!decodeBase64(table, decoded)) return false;
  std::string_view bytes = decoded;
  uint32_t count = 0;
  if (!takeNumber(bytes, count) || count < 1 || count > automataMax) return false;
  std::vector<Automaton> loaded(count);
  for (Automaton &automaton : loaded) {
    if (!automaton.load(bytes)) return false;
  }
  if (!bytes.empty()) return false;
  automata = std::move(loaded);
  return true;
}

bool Pattern::matches(std::string_view text) const {
  if (automata.empty()) return false;
  for (const Automaton &automaton : automata) {
    if (!automaton.matches(text)) return false;
  }
  return true;
}

} // namespace dq
