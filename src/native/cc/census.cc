#include "evaluate.h"

// What holds or fails whatever a schema says, and when two values are one.

namespace dq {
namespace {

/// More names than this are looked up rather than held against each other.
constexpr size_t pairwiseMax = 8;

/// Deeper documents are left to ajv, whatever the limit: its own stack may not reach that far.
constexpr uint32_t nestingMax = 256;

} // namespace

bool Evaluator::enter() { return ++nesting_ <= limits_.depth && nesting_ <= nestingMax; }

Answer Evaluator::census(size_t at) {
  switch (document_.tag(at)) {
  case '{':
    return evaluateObject(nullptr, at, true);
  case '[':
    return evaluateArray(nullptr, at, true);
  case 'l':
  case 'u':
    return isPlainNumber(at) ? Answer::valid : Answer::unsure;
  default:
    return Answer::valid;
  }
}

/// No name twice among those from `from` on?
Answer Evaluator::censusNames(size_t from) {
  const size_t count = names_.size() - from;
  if (count <= pairwiseMax) {
    for (size_t one = from; one < names_.size(); one += 1) {
      for (size_t other = one + 1; other < names_.size(); other += 1) {
        if (names_[one] == names_[other]) return Answer::unsure;
      }
    }
    return Answer::valid;
  }
  size_t slots = 32;
  while (slots < count * 2) slots *= 2;
  nameSlots_.assign(slots, 0);
  for (size_t one = 0; one < count; one += 1) {
    size_t slot = names_[from + one].hash();
    for (; nameSlots_[slot & (slots - 1)] != 0; slot += 1) {
      if (!spend(1) || names_[from + nameSlots_[slot & (slots - 1)] - 1] == names_[from + one]) return Answer::unsure;
    }
    nameSlots_[slot & (slots - 1)] = static_cast<uint32_t>(one + 1);
  }
  return Answer::valid;
}

/// Valid: they are equal; refused: they differ.
Answer Evaluator::equal(const Tape &a, size_t atA, const Tape &b, size_t atB) {
  if (!spend(1)) return Answer::unsure;
  const char tag = a.tag(atA);
  if (a.isNumber(atA) && b.isNumber(atB)) return a.number(atA) == b.number(atB) ? Answer::valid : Answer::refused;
  if (tag != b.tag(atB)) return Answer::refused;
  if (tag == '"') {
    if (a.text(atA).size() != b.text(atB).size()) return Answer::refused;
    if (!spend(a.text(atA).size() / 16)) return Answer::unsure;
    return a.text(atA) == b.text(atB) ? Answer::valid : Answer::refused;
  }
  if (tag == '{') return equalObjects(a, atA, b, atB);
  if (tag != '[') return Answer::valid;
  size_t itemA = atA + 1;
  size_t itemB = atB + 1;
  const size_t endA = a.after(atA) - 1;
  const size_t endB = b.after(atB) - 1;
  for (; itemA < endA && itemB < endB; itemA = a.after(itemA), itemB = b.after(itemB)) {
    const Answer same = equal(a, itemA, b, itemB);
    if (same != Answer::valid) return same;
  }
  return itemA == endA && itemB == endB ? Answer::valid : Answer::refused;
}

Answer Evaluator::equalObjects(const Tape &a, size_t atA, const Tape &b, size_t atB) {
  const size_t endA = a.after(atA) - 1;
  const size_t endB = b.after(atB) - 1;
  size_t countA = 0;
  size_t countB = 0;
  for (size_t name = atB + 1; name < endB; name = b.after(name + 1)) countB += 1;
  for (size_t name = atA + 1; name < endA; name = a.after(name + 1), countA += 1) {
    size_t other = atB + 1;
    while (other < endB && b.text(other) != a.text(name)) {
      if (!spend(1)) return Answer::unsure;
      other = b.after(other + 1);
    }
    if (other == endB) return Answer::refused;
    const Answer same = equal(a, name + 1, b, other + 1);
    if (same != Answer::valid) return same;
  }
  return countA == countB ? Answer::valid : Answer::refused;
}

} // namespace dq
