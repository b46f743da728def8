#include "evaluate.h"
#include <algorithm>
#include <cmath>

namespace dq {
namespace {

/// Evaluations inside each other. ajv's own calls are fewer, and far from the end of its stack by then.
constexpr uint32_t callsMax = 512;

/// Beyond it doubles do not tell neighbouring integers apart.
constexpr int64_t safeInteger = int64_t{1} << 53;

/// Steps that every message may take, and more for each byte of it: milliseconds. Patterns are linear and take few.
constexpr int64_t stepsBase = 65'536;
constexpr int64_t stepsPerByte = 8;

const Key forbidden(std::string_view("__proto__", 9));

/// Names that ajv's comparison of values asks an object for as if they were methods: with them it differs, or breaks down.
bool isRisky(std::string_view name) { return name == "constructor" || name == "valueOf" || name == "toString"; }

/// The kind of a value by its tag; 0 for numbers and containers.
uint8_t scalarKind(char tag) {
  if (tag == '"') return string;
  if (tag == 't' || tag == 'f') return boolean;
  return tag == 'n' ? null : 0;
}

Answer answerOf(bool holds) { return holds ? Answer::valid : Answer::refused; }

/// Fewer characters than `max`, more than `min`? A character takes one to four bytes, so most texts need no counting.
bool lengthFits(std::string_view text, double min, double max) {
  const double bytes = static_cast<double>(text.size());
  if (bytes <= max && bytes >= min * 4) return true;
  size_t characters = 0;
  for (const char byte : text) characters += (byte & 0xc0) != 0x80;
  const double length = static_cast<double>(characters);
  return length >= min && length <= max;
}

} // namespace

Answer Evaluator::run(const Program &program, const Tape &document, size_t at, size_t bytes) {
  program_ = &program;
  document_ = document;
  steps_ = stepsBase + static_cast<int64_t>(bytes) * stepsPerByte;
  calls_ = 0;
  nesting_ = 0;
  membersSeen_ = 0;
  names_.clear();
  return evaluate(0, at, true);
}

Answer Evaluator::evaluate(NodeNumber number, size_t at, bool first) {
  if (number == anything) return first ? census(at) : Answer::valid;
  const Node &node = program_->nodes[static_cast<size_t>(number)];
  if (node.plain) {
    const uint8_t kind = scalarKind(document_.tag(at));
    if (kind != 0) return answerOf(node.kinds & kind);
  }
  return evaluateNode(node, at, first);
}

Answer Evaluator::evaluateNode(const Node &node, size_t at, bool first) {
  if (!spend(1) || calls_ == callsMax) return Answer::unsure;
  calls_ += 1;
  Answer answer = evaluateOwn(node, at, first);
  if (answer == Answer::valid && node.values != 0) answer = evaluateValues(node, at);
  if (answer == Answer::valid && node.branches) answer = evaluateBranches(node, at);
  calls_ -= 1;
  return answer;
}

Answer Evaluator::evaluateOwn(const Node &node, size_t at, bool first) {
  const char tag = document_.tag(at);
  if (tag == '{') {
    if (!(node.kinds & object)) return Answer::refused;
    return node.object || first ? evaluateObject(node.object.get(), at, first) : Answer::valid;
  }
  if (tag == '[') {
    if (!(node.kinds & array)) return Answer::refused;
    return node.array || first ? evaluateArray(node.array.get(), at, first) : Answer::valid;
  }
  const uint8_t kind = scalarKind(tag);
  if (kind == 0) return isPlainNumber(at) ? evaluateNumber(node, document_.number(at)) : Answer::unsure;
  if (!(node.kinds & kind)) return Answer::refused;
  return kind == string && node.string ? evaluateString(*node.string, document_.text(at)) : Answer::valid;
}

/// The number of a name, tried first where the last object had it: after the name of that number. `before` moves on.
inline int32_t findName(const ObjectRules &rules, const Key &key, int32_t &before) {
  if (rules.names.size() == 0) return NameTable::none;
  int32_t &guess = rules.follower[static_cast<size_t>(before + 1)];
  if (rules.names[static_cast<size_t>(guess)] == key) return before = guess;
  const int32_t number = rules.names.find(key);
  if (number != NameTable::none) before = guess = number;
  return number;
}

bool Evaluator::isPlainNumber(size_t at) const {
  if (document_.tag(at) == 'd') return true;
  const auto value = static_cast<int64_t>(document_.words[at + 1]);
  return document_.tag(at) == 'l' && value <= safeInteger && value >= -safeInteger;
}

Answer Evaluator::evaluateNumber(const Node &node, double value) {
  if ((node.kinds & (integer | fraction)) != (integer | fraction)) {
    const bool whole = std::trunc(value) == value;
    if (!(node.kinds & (whole ? integer : fraction))) return Answer::refused;
  }
  if (!node.number) return Answer::valid;
  const NumberRules &rules = *node.number;
  if (!(value >= rules.min && value <= rules.max && value > rules.above && value < rules.below)) return Answer::refused;
  if (rules.multiple == 0) return Answer::valid;
  // As ajv computes it: the quotient must be whole. Its way to find out ends to be plain where doubles stop to hold every integer.
  const double quotient = value / rules.multiple;
  if (std::fabs(quotient) > static_cast<double>(safeInteger)) return Answer::unsure;
  return answerOf(std::trunc(quotient) == quotient);
}

Answer Evaluator::evaluateString(const StringRules &rules, std::string_view text) {
  if (!lengthFits(text, rules.lengthMin, rules.lengthMax)) return Answer::refused;
  if (rules.patterns.empty() && rules.formats.empty()) return Answer::valid;
  if (!spend(text.size() / 16 * (rules.patterns.size() + rules.formats.size()))) return Answer::unsure;
  for (const uint32_t pattern : rules.patterns) {
    if (!program_->patterns[pattern].matches(text)) return Answer::refused;
  }
  for (const Format format : rules.formats) {
    if (!inFormat(format, text)) return Answer::refused;
  }
  return Answer::valid;
}

Answer Evaluator::evaluateObject(const ObjectRules *rules, size_t at, bool first) {
  const uint32_t count = document_.count(at);
  if (!spend(count)) return Answer::unsure;
  if (first && (count == Tape::countMax || !enter() || (membersSeen_ += count) > limits_.members)) return Answer::unsure;
  const size_t namesFrom = names_.size();
  uint64_t seen[ObjectRules::namesMax / 64];
  if (rules != nullptr) std::fill_n(seen, rules->required.size(), 0);
  Answer answer = Answer::valid;
  int32_t before = NameTable::none;
  const size_t end = document_.after(at) - 1;
  for (size_t name = at + 1; name < end && answer == Answer::valid; name = document_.after(name + 1)) {
    const Key key(document_.text(name));
    if (first && program_->comparesObjects && isRisky(key.text)) return Answer::unsure;
    const int32_t number = rules == nullptr ? NameTable::none : findName(*rules, key, before);
    if (number != NameTable::none) {
      uint64_t &word = seen[number / 64];
      const uint64_t bit = uint64_t{1} << (number % 64);
      if (word & bit) return Answer::unsure;
      word |= bit;
    } else if (first) {
      if (key == forbidden) return Answer::unsure;
      names_.push_back(key);
    }
    answer = rules == nullptr ? census(name + 1) : evaluateMember(*rules, name, number, first);
  }
  if (answer == Answer::valid && rules != nullptr) answer = evaluateWhole(*rules, count, seen);
  if (answer == Answer::valid && first && names_.size() > namesFrom + 1) answer = censusNames(namesFrom);
  if (names_.size() != namesFrom) names_.erase(names_.begin() + static_cast<ptrdiff_t>(namesFrom), names_.end());
  if (first) nesting_ -= 1;
  return answer;
}

Answer Evaluator::evaluateMember(const ObjectRules &rules, size_t name, int32_t number, bool first) {
  const size_t value = name + 1;
  bool judged = false;
  Answer answer = Answer::valid;
  if (number != NameTable::none && rules.members[static_cast<size_t>(number)].declared) {
    answer = evaluate(rules.members[static_cast<size_t>(number)].node, value, first);
    judged = true;
  }
  for (const ObjectRules::PatternRule &rule : rules.patterns) {
    const std::string_view text = document_.text(name);
    if (answer != Answer::valid) return answer;
    if (!spend(1 + text.size() / 16)) return Answer::unsure;
    if (!program_->patterns[rule.pattern].matches(text)) continue;
    answer = evaluate(rule.node, value, first && !judged);
    judged = true;
  }
  if (answer == Answer::valid && !judged) answer = evaluate(rules.additional, value, first);
  if (answer == Answer::valid && rules.propertyNames != anything) answer = evaluate(rules.propertyNames, name, false);
  return answer;
}

/// What an object's rules say of it as a whole, once it is known which names it has.
Answer Evaluator::evaluateWhole(const ObjectRules &rules, double count, const uint64_t *seen) {
  if (count < rules.membersMin || count > rules.membersMax) return Answer::refused;
  for (size_t word = 0; word < rules.required.size(); word += 1) {
    if ((seen[word] & rules.required[word]) != rules.required[word]) return Answer::refused;
  }
  return Answer::valid;
}

Answer Evaluator::evaluateArray(const ArrayRules *rules, size_t at, bool first) {
  const uint32_t count = document_.count(at);
  if (first && (count == Tape::countMax || !enter())) return Answer::unsure;
  if (!spend(count)) return Answer::unsure;
  if (rules != nullptr && (count < rules->itemsMin || count > rules->itemsMax)) return Answer::refused;
  Answer answer = Answer::valid;
  const size_t end = document_.after(at) - 1;
  size_t index = 0;
  for (size_t item = at + 1; item < end && answer == Answer::valid; item = document_.after(item), index += 1) {
    if (rules == nullptr) answer = census(item);
    else answer = evaluate(index < rules->prefix.size() ? rules->prefix[index] : rules->items, item, first);
  }
  if (first) nesting_ -= 1;
  if (answer == Answer::valid && rules != nullptr && rules->hasContains) answer = evaluateContains(*rules, at);
  if (answer == Answer::valid && rules != nullptr && rules->unique) answer = evaluateUnique(at);
  return answer;
}

Answer Evaluator::evaluateContains(const ArrayRules &rules, size_t at) {
  double found = 0;
  const size_t end = document_.after(at) - 1;
  for (size_t item = at + 1; item < end; item = document_.after(item)) {
    const Answer answer = evaluate(rules.contains, item, false);
    if (answer == Answer::unsure) return answer;
    if (answer == Answer::valid) found += 1;
  }
  return answerOf(found >= rules.containsMin && found <= rules.containsMax);
}

Answer Evaluator::evaluateUnique(size_t at) {
  const size_t end = document_.after(at) - 1;
  for (size_t item = at + 1; item < end; item = document_.after(item)) {
    for (size_t other = document_.after(item); other < end; other = document_.after(other)) {
      const Answer same = equal(document_, item, document_, other);
      if (same != Answer::refused) return same == Answer::valid ? Answer::refused : Answer::unsure;
    }
  }
  return Answer::valid;
}

Answer Evaluator::evaluateValues(const Node &node, size_t at) {
  if (node.texts != nullptr) {
    return answerOf(document_.tag(at) == '"' && node.texts->find(Key(document_.text(at))) != NameTable::none);
  }
  const Tape &allowed = program_->tape;
  const size_t end = allowed.after(node.values) - 1;
  for (size_t value = node.values + 1; value < end; value = allowed.after(value)) {
    const Answer same = equal(document_, at, allowed, value);
    if (same != Answer::refused) return same;
  }
  return Answer::refused;
}

Answer Evaluator::evaluateBranches(const Node &node, size_t at) {
  for (const NodeNumber part : node.allOf) {
    const Answer answer = evaluate(part, at, false);
    if (answer != Answer::valid) return answer;
  }
  for (const std::vector<NodeNumber> &parts : node.anyOf) {
    const Answer answer = evaluateAnyOf(parts, at);
    if (answer != Answer::valid) return answer;
  }
  for (const std::vector<NodeNumber> &parts : node.oneOf) {
    const Answer answer = evaluateOneOf(parts, at);
    if (answer != Answer::valid) return answer;
  }
  for (const NodeNumber part : node.none) {
    const Answer answer = evaluate(part, at, false);
    if (answer == Answer::unsure) return answer;
    if (answer == Answer::valid) return Answer::refused;
  }
  for (const Condition &condition : node.conditions) {
    const Answer test = evaluate(condition.test, at, false);
    if (test == Answer::unsure) return test;
    const Answer answer = evaluate(test == Answer::valid ? condition.then : condition.otherwise, at, false);
    if (answer != Answer::valid) return answer;
  }
  return Answer::valid;
}

Answer Evaluator::evaluateAnyOf(const std::vector<NodeNumber> &parts, size_t at) {
  for (const NodeNumber part : parts) {
    const Answer answer = evaluate(part, at, false);
    if (answer != Answer::refused) return answer;
  }
  return Answer::refused;
}

Answer Evaluator::evaluateOneOf(const std::vector<NodeNumber> &parts, size_t at) {
  size_t found = 0;
  for (const NodeNumber part : parts) {
    const Answer answer = evaluate(part, at, false);
    if (answer == Answer::unsure) return answer;
    if (answer == Answer::valid) found += 1;
  }
  return answerOf(found == 1);
}

} // namespace dq
