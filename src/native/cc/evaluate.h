#pragma once
#include "program.h"

namespace dq {

/// `refused` is a guess and `unsure` none: only `valid` is ever believed.
enum class Answer : uint8_t { refused, valid, unsure };

struct Limits {
  uint32_t depth = 128;
  uint32_t members = 100'000;
};

/// Runs programs over documents. One is used for many documents, one after the other, by one thread.
///
/// Whatever it says yes to, ajv says yes to. Every value is looked at once beside the schema, in the same walk where the schema
/// leads there (`first`): repeated and forbidden names, numbers that may read differently, nesting, the number of members. In doubt
/// it is unsure. It neither throws nor allocates by what a message says of itself.
class Evaluator {
public:
  explicit Evaluator(Limits limits) : limits_(limits) {}

  /// Judges the document's value at `at`, of a text of `bytes` bytes.
  Answer run(const Program &program, const Tape &document, size_t at, size_t bytes);

private:
  Answer evaluate(NodeNumber number, size_t at, bool first);
  Answer evaluateNode(const Node &node, size_t at, bool first);
  Answer evaluateOwn(const Node &node, size_t at, bool first);
  Answer evaluateObject(const ObjectRules *rules, size_t at, bool first);
  Answer evaluateMember(const ObjectRules &rules, size_t name, int32_t number, bool first);
  Answer evaluateWhole(const ObjectRules &rules, double count, const uint64_t *seen);
  Answer evaluateArray(const ArrayRules *rules, size_t at, bool first);
  Answer evaluateContains(const ArrayRules &rules, size_t at);
  Answer evaluateUnique(size_t at);
  Answer evaluateString(const StringRules &rules, std::string_view text);
  Answer evaluateNumber(const Node &node, double value);
  Answer evaluateValues(const Node &node, size_t at);
  Answer evaluateBranches(const Node &node, size_t at);
  Answer evaluateAnyOf(const std::vector<NodeNumber> &parts, size_t at);
  Answer evaluateOneOf(const std::vector<NodeNumber> &parts, size_t at);
  /// Looks at a value that no schema speaks of.
  Answer census(size_t at);
  Answer censusNames(size_t from);
  Answer equal(const Tape &a, size_t atA, const Tape &b, size_t atB);
  Answer equalObjects(const Tape &a, size_t atA, const Tape &b, size_t atB);
  bool enter();
  bool isPlainNumber(size_t at) const;
  bool spend(size_t steps) { return (steps_ -= static_cast<int64_t>(steps)) >= 0; }

  Limits limits_;
  const Program *program_ = nullptr;
  Tape document_;
  int64_t steps_ = 0;
  uint32_t calls_ = 0;
  uint32_t nesting_ = 0;
  uint64_t membersSeen_ = 0;
  /// Names of the open objects that no schema declares, the innermost object's last.
  std::vector<Key> names_;
  std::vector<uint32_t> nameSlots_;
};

} // namespace dq
