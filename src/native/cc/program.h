#pragma once
#include "formats.h"
#include "name-table.h"
#include "pattern.h"
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace dq {

/// What a value is; an integer is a number without a fraction, however it is written.
enum Kind : uint8_t { object = 1, array = 2, string = 4, fraction = 8, integer = 16, boolean = 32, null = 64 };

/// The number of a node; `anything` is the schema that takes every value.
using NodeNumber = int32_t;
constexpr NodeNumber anything = -1;

struct ObjectRules {
  /// Every name that the schema speaks of, declared in `properties` or required.
  NameTable names;
  struct Member {
    NodeNumber node = anything;
    bool declared = false;
  };
  /// By the number of the name.
  std::vector<Member> members;
  /// More names than this in one object are not for this engine.
  static constexpr size_t namesMax = 1024;
  /// A bit for each name, 64 in a word.
  std::vector<uint64_t> required;
  struct PatternRule {
    uint32_t pattern;
    NodeNumber node;
  };
  std::vector<PatternRule> patterns;
  NodeNumber additional = anything;
  NodeNumber propertyNames = anything;
  /// The number of the name that came after each one in the last object, the first one's at the end: whoever writes messages writes the
  /// names in one order. Only ever a guess.
  mutable std::vector<int32_t> follower;
  double membersMin = 0;
  double membersMax = std::numeric_limits<double>::infinity();
};

struct ArrayRules {
  std::vector<NodeNumber> prefix;
  NodeNumber items = anything;
  double itemsMin = 0;
  double itemsMax = std::numeric_limits<double>::infinity();
  bool unique = false;
  bool hasContains = false;
  NodeNumber contains = anything;
  double containsMin = 1;
  double containsMax = std::numeric_limits<double>::infinity();
};

struct StringRules {
  double lengthMin = 0;
  double lengthMax = std::numeric_limits<double>::infinity();
  std::vector<uint32_t> patterns;
  std::vector<Format> formats;
};

struct NumberRules {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  double above = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
  double multiple = 0;
};

struct Condition {
  NodeNumber test = anything;
  NodeNumber then = anything;
  NodeNumber otherwise = anything;
};

/// One schema: what it says of a value by its kind, and what it hands to other schemas for the same value.
struct Node {
  uint8_t kinds = 127;
  /// Index of an array on the program's own tape: the values that are allowed. 0: any.
  size_t values = 0;
  /// The allowed values where they are all texts.
  std::unique_ptr<NameTable> texts;
  /// Does nothing but `kinds` matter to a value that is neither number nor container?
  bool plain = false;
  std::unique_ptr<ObjectRules> object;
  std::unique_ptr<ArrayRules> array;
  std::unique_ptr<StringRules> string;
  std::unique_ptr<NumberRules> number;
  /// Are there schemas below that judge the same value?
  bool branches = false;
  std::vector<NodeNumber> allOf;
  std::vector<std::vector<NodeNumber>> anyOf;
  std::vector<std::vector<NodeNumber>> oneOf;
  std::vector<NodeNumber> none;
  std::vector<Condition> conditions;
};

/// A native program (src/registry/native-program) ready to run. It stands on the document that it was read from.
struct Program {
  Tape tape;
  std::vector<Node> nodes;
  std::vector<Pattern> patterns;
  /// May two objects be held against each other?
  bool comparesObjects = false;
};

/// Reads the program at `at`. What it does not know word for word it refuses, with a sentence for whoever changed one side alone:
/// "" is good.
std::string readProgram(const Tape &tape, size_t at, Program &program);

} // namespace dq
