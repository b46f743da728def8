#pragma once
#include "evaluate.h"
#include "simdjson.h"

namespace dq {

/// One row of a slab as it concerns the judge.
struct Message {
  const uint8_t *value;
  size_t valueBytes;
  /// As src/model/header.ts packs them.
  const uint8_t *headers;
  size_t headersBytes;
  uint32_t topic;
  bool hasKey;
};

/// The judge of one catalog of schemas, with the rules of the topics and the limits (src/workers/native-setup.ts says in what form).
/// Its answers hold for the whole way of src/workers/slab-judge.ts: which schema, may the topic have it, does the value fit.
class Catalog {
public:
  Catalog() : evaluator_({}) {}

  /// Reads the setup; "" is good.
  std::string open(std::string_view setup);

  /// Judges a message that is no tombstone. `schema` is the number of the schema that judged, where the answer is not unsure.
  Answer judge(const Message &message, int32_t &schema);

  /// Judges a document by the schema of that number, whatever it names itself.
  Answer judgeBy(int32_t schema, const uint8_t *value, size_t bytes);

  /// The value's document alone; null if it cannot be read for sure. 64 bytes behind it must be readable.
  const simdjson::dom::document *parse(const uint8_t *value, size_t bytes);

private:
  struct Schema {
    std::unique_ptr<Program> program;
    /// A keyless message gets its key from the value, which is not done here.
    bool keyed = false;
  };
  struct Name {
    int32_t newest = -1;
    NameTable versions;
    std::vector<int32_t> numbers;
  };
  struct Topic {
    int32_t name = -1;
    bool strict = false;
    std::vector<bool> allowed;
  };
  /// A text where there is one, and whether there is: a null counts as none, anything else as a reference that is not known.
  enum class Part : uint8_t { none, text, other };
  struct Reference {
    Part part = Part::none;
    std::string_view text;
  };

  std::string readSetup(const Tape &tape, size_t at);
  void readNames(const Tape &tape, size_t at);
  void readTopic(const Tape &tape, size_t at);
  void readSchema(const Tape &tape, size_t at);
  int32_t schemaOf(const Message &message, const Tape &document) const;
  int32_t versionOf(int32_t name, const Reference &version) const;
  int32_t nameOf(std::string_view text) const;

  Evaluator evaluator_;
  double valueBytesMax_ = 0;
  double headersBytesMax_ = 0;
  NameTable names_;
  /// The name that was found last: most messages in a row have one.
  mutable int32_t lastName_ = -1;
  std::vector<Name> byName_;
  std::vector<Topic> topics_;
  std::vector<Schema> schemas_;
  simdjson::dom::parser setup_;
  simdjson::dom::parser parser_{parserBytesMax};
  /// Larger values are left to the other engine: reading one takes about seven times its size in memory, and keeps it.
  static constexpr size_t parserBytesMax = 4 << 20;
};

} // namespace dq
