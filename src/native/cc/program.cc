#include "program.h"

namespace dq {
namespace {

/// Reads one node after another. The first thing that it does not know ends the reading; what was read until then is thrown away.
class Reader {
public:
  Reader(const Tape &tape, Program &program) : tape_(tape), program_(program) {}

  std::string read(size_t at) {
    program_.tape = tape_;
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "patterns") eachItem(value, [&](size_t item) { readPattern(item); });
      else if (name == "nodes") nodeCount_ = tape_.count(value);
      else fail(name);
    });
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "nodes") eachItem(value, [&](size_t item) { readNode(item); });
    });
    if (program_.nodes.empty()) fail("nodes");
    return problem_;
  }

private:
  void fail(std::string_view what) {
    if (problem_.empty()) problem_ = "the native program is not understood: " + std::string(what);
  }

  template <typename Visit> void eachMember(size_t at, Visit visit) {
    if (tape_.tag(at) != '{') return fail("an object is missing");
    for (size_t name = at + 1, end = tape_.after(at) - 1; name < end; name = tape_.after(name + 1)) visit(tape_.text(name), name + 1);
  }

  template <typename Visit> void eachItem(size_t at, Visit visit) {
    if (tape_.tag(at) != '[') return fail("a list is missing");
    for (size_t item = at + 1, end = tape_.after(at) - 1; item < end; item = tape_.after(item)) visit(item);
  }

  double number(size_t at) {
    if (tape_.isNumber(at)) return tape_.number(at);
    fail("a number is missing");
    return 0;
  }

  /// A whole number below `limit`.
  uint32_t index(size_t at, size_t limit) {
    const double value = number(at);
    if (value >= 0 && value < static_cast<double>(limit)) return static_cast<uint32_t>(value);
    fail("a number is out of range");
    return 0;
  }

  NodeNumber node(size_t at) {
    if (tape_.tag(at) == 't') return anything;
    return static_cast<NodeNumber>(index(at, nodeCount_));
  }

  std::vector<NodeNumber> nodes(size_t at) {
    std::vector<NodeNumber> list;
    eachItem(at, [&](size_t item) { list.push_back(node(item)); });
    return list;
  }

  std::string_view text(size_t at) {
    if (tape_.tag(at) == '"') return tape_.text(at);
    fail("a text is missing");
    // Names are read in words, past their end.
    static constexpr char none[8] = {};
    return {none, 0};
  }

  void readPattern(size_t at) {
    program_.patterns.emplace_back();
    if (!program_.patterns.back().load(text(at))) fail("a pattern");
  }

  void readNode(size_t at) {
    program_.nodes.emplace_back();
    Node &node = program_.nodes.back();
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "kinds") node.kinds = static_cast<uint8_t>(index(value, 128));
      else if (name == "values") node.values = value;
      else if (name == "object") readObject(value, *(node.object = std::make_unique<ObjectRules>()));
      else if (name == "array") readArray(value, *(node.array = std::make_unique<ArrayRules>()));
      else if (name == "string") readString(value, *(node.string = std::make_unique<StringRules>()));
      else if (name == "number") readNumber(value, *(node.number = std::make_unique<NumberRules>()));
      else if (!readBranch(name, value, node)) fail(name);
    });
    if (node.values != 0) readValues(node);
    node.plain = node.values == 0 && node.string == nullptr && !node.branches;
  }

  void readValues(Node &node) {
    bool allTexts = true;
    eachItem(node.values, [&](size_t item) {
      program_.comparesObjects |= tape_.tag(item) == '{' || tape_.tag(item) == '[';
      allTexts &= tape_.tag(item) == '"';
    });
    if (!allTexts) return;
    node.texts = std::make_unique<NameTable>();
    node.texts->reserve(tape_.count(node.values));
    eachItem(node.values, [&](size_t item) { node.texts->add(tape_.text(item)); });
  }

  bool readBranch(std::string_view name, size_t value, Node &into) {
    into.branches = true;
    if (name == "allOf") into.allOf = nodes(value);
    else if (name == "anyOf") eachItem(value, [&](size_t item) { into.anyOf.push_back(nodes(item)); });
    else if (name == "oneOf") eachItem(value, [&](size_t item) { into.oneOf.push_back(nodes(item)); });
    else if (name == "not") into.none = nodes(value);
    else if (name == "if") eachItem(value, [&](size_t item) { readCondition(item, into); });
    else return false;
    return true;
  }

  void readCondition(size_t at, Node &into) {
    const std::vector<NodeNumber> parts = nodes(at);
    if (parts.size() != 3) return fail("if");
    into.conditions.push_back({parts[0], parts[1], parts[2]});
  }

  void readObject(size_t at, ObjectRules &rules) {
    // The names come first, since everything else refers to them by number.
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name != "names") return;
      rules.names.reserve(tape_.count(value));
      eachItem(value, [&](size_t item) { rules.names.add(text(item)); });
      if (rules.names.size() != tape_.count(value)) fail("a name is there twice");
      if (rules.names.size() > ObjectRules::namesMax) fail("too many names");
    });
    rules.follower.assign(rules.names.size() + 1, 0);
    rules.members.resize(rules.names.size());
    rules.required.assign((rules.names.size() + 63) / 64, 0);
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "names") return;
      if (name == "required") {
        for (const uint32_t number : numbersOfNames(value, rules)) rules.required[number / 64] |= uint64_t{1} << (number % 64);
      }
else if (name == "properties") readProperties(value, rules);
      else if (name == "patterns") eachItem(value, [&](size_t item) { readPatternRule(item, rules); });
      else if (name == "additional") rules.additional = node(value);
      else if (name == "propertyNames") rules.propertyNames = node(value);
      else if (name == "min") rules.membersMin = number(value);
      else if (name == "max") rules.membersMax = number(value);
      else fail(name);
    });
  }

  std::vector<uint32_t> numbersOfNames(size_t at, const ObjectRules &rules) {
    std::vector<uint32_t> numbers;
    eachItem(at, [&](size_t item) {
      const uint32_t number = index(item, rules.names.size());
      if (problem_.empty()) numbers.push_back(number);
    });
    return numbers;
  }

  /// By the number of the name; null where the name is not declared.
  void readProperties(size_t at, ObjectRules &rules) {
    size_t number = 0;
    eachItem(at, [&](size_t item) {
      if (number >= rules.members.size()) return fail("properties");
      ObjectRules::Member &member = rules.members[number++];
      member.declared = tape_.tag(item) != 'n';
      if (member.declared) member.node = node(item);
    });
  }

  void readPatternRule(size_t at, ObjectRules &rules) {
    size_t part = at + 1;
    if (tape_.tag(at) != '[' || tape_.count(at) != 2) return fail("a pattern of names");
    const uint32_t pattern = index(part, program_.patterns.size());
    rules.patterns.push_back({pattern, node(tape_.after(part))});
  }

  void readArray(size_t at, ArrayRules &rules) {
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "prefix") rules.prefix = nodes(value);
      else if (name == "items") rules.items = node(value);
      else if (name == "min") rules.itemsMin = number(value);
      else if (name == "max") rules.itemsMax = number(value);
      else if (name == "unique") rules.unique = program_.comparesObjects = true;
      else if (name == "contains") rules.contains = node(value), rules.hasContains = true;
      else if (name == "containsMin") rules.containsMin = number(value);
      else if (name == "containsMax") rules.containsMax = number(value);
      else fail(name);
    });
  }

  void readString(size_t at, StringRules &rules) {
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "min") rules.lengthMin = number(value);
      else if (name == "max") rules.lengthMax = number(value);
      else if (name == "patterns") eachItem(value, [&](size_t item) { rules.patterns.push_back(index(item, program_.patterns.size())); });
      else if (name == "formats") eachItem(value, [&](size_t item) { readFormat(item, rules); });
      else fail(name);
    });
  }

  void readFormat(size_t at, StringRules &rules) {
    Format format;
    if (!formatNamed(text(at), format)) return fail("a format");
    rules.formats.push_back(format);
  }

  void readNumber(size_t at, NumberRules &rules) {
    eachMember(at, [&](std::string_view name, size_t value) {
      if (name == "min") rules.min = number(value);
      else if (name == "max") rules.max = number(value);
      else if (name == "above") rules.above = number(value);
      else if (name == "below") rules.below = number(value);
      else if (name == "multiple") rules.multiple = number(value);
      else fail(name);
    });
  }

  const Tape tape_;
  Program &program_;
  size_t nodeCount_ = 0;
  std::string problem_;
};

} // namespace

std::string readProgram(const Tape &tape, size_t at, Program &program) {
  Reader reader(tape, program);
  return reader.read(at);
}

} // namespace dq
