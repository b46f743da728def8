#include "catalog.h"
#include "packed-headers.h"
#include <algorithm>

namespace dq {
namespace {

template <typename Visit> void eachMember(const Tape &tape, size_t at, Visit visit) {
  for (size_t name = at + 1, end = tape.after(at) - 1; name < end; name = tape.after(name + 1)) visit(tape.text(name), name + 1);
}

template <typename Visit> void eachItem(const Tape &tape, size_t at, Visit visit) {
  for (size_t item = at + 1, end = tape.after(at) - 1; item < end; item = tape.after(item)) visit(item);
}

Tape tapeOf(const simdjson::dom::document &document) { return {document.tape.get(), document.string_buf.get()}; }

/// Index of a document's value: the first word is its root.
constexpr size_t rootValue = 1;

/// Names of schemas are shorter (src/registry/schema-file.ts).
constexpr size_t nameBytesMax = 128;

/// A limit may be set higher than anything can be counted.
uint32_t countOf(double limit) { return static_cast<uint32_t>(std::min(limit, 4e9)); }

} // namespace

std::string Catalog::open(std::string_view setup) {
  const auto document = setup_.parse(setup.data(), setup.size());
  if (document.error() != simdjson::SUCCESS) return simdjson::error_message(document.error());
  return readSetup(tapeOf(setup_.doc), rootValue);
}

/// The setup is this addon's own package's: its form is taken for granted, but for the programs.
std::string Catalog::readSetup(const Tape &tape, size_t at) {
  std::string problem;
  Limits limits;
  eachMember(tape, at, [&](std::string_view name, size_t value) {
    if (name == "valueBytes") valueBytesMax_ = tape.number(value);
    else if (name == "headerBytes") headersBytesMax_ = tape.number(value);
    else if (name == "depth") limits.depth = countOf(tape.number(value));
    else if (name == "keys") limits.members = countOf(tape.number(value));
    else if (name == "names") readNames(tape, value);
    else if (name == "topics") eachItem(tape, value, [&](size_t item) { readTopic(tape, item); });
    else if (name == "schemas") eachItem(tape, value, [&](size_t item) { readSchema(tape, item); });
    else problem = "the setup is not understood: " + std::string(name);
  });
  evaluator_ = Evaluator(limits);
  return problem;
}

/// `[name, newest, [version, number, …]]` each.
void Catalog::readNames(const Tape &tape, size_t at) {
  names_.reserve(tape.count(at));
  eachItem(tape, at, [&](size_t item) {
    size_t part = item + 1;
    names_.add(tape.text(part));
    byName_.emplace_back();
    Name &name = byName_.back();
    part = tape.after(part);
    name.newest = static_cast<int32_t>(tape.number(part));
    part = tape.after(part);
    name.versions.reserve(tape.count(part) / 2);
    for (size_t version = part + 1, end = tape.after(part) - 1; version < end; version = tape.after(tape.after(version))) {
      name.versions.add(tape.text(version));
      name.numbers.push_back(static_cast<int32_t>(tape.number(tape.after(version))));
    }
  });
}

/// `[default name's number or -1, strict, [allowed names' numbers]]`.
void Catalog::readTopic(const Tape &tape, size_t at) {
  Topic topic;
  size_t part = at + 1;
  topic.name = static_cast<int32_t>(tape.number(part));
  part = tape.after(part);
  topic.strict = tape.tag(part) == 't';
  topic.allowed.resize(byName_.size());
  eachItem(tape, tape.after(part), [&](size_t item) { topic.allowed[static_cast<size_t>(tape.number(item))] = true; });
  topics_.push_back(std::move(topic));
}

/// `[keyed, program or null]`.
void Catalog::readSchema(const Tape &tape, size_t at) {
  Schema schema;
  const size_t keyed = at + 1;
  schema.keyed = tape.tag(keyed) == 't';
  if (tape.tag(keyed + 1) != 'n') {
    schema.program = std::make_unique<Program>();
    // A program of another build: the schema is left to the other engine, and all others go on.
    if (!readProgram(tape, keyed + 1, *schema.program).empty()) schema.program = nullptr;
  }
  schemas_.push_back(std::move(schema));
}

const simdjson::dom::document *Catalog::parse(const uint8_t *value, size_t bytes) {
  // simdjson skips a byte order mark, JSON.parse refuses it.
  if (bytes == 0 || value[0] == 0xef) return nullptr;
  return parser_.parse(value, bytes, false).error() == simdjson::SUCCESS ? &parser_.doc : nullptr;
}

Answer Catalog::judge(const Message &message, int32_t &schema) {
  if (static_cast<double>(message.headersBytes) > headersBytesMax_) return Answer::unsure;
  if (static_cast<double>(message.valueBytes) > valueBytesMax_) return Answer::unsure;
  const simdjson::dom::document *document = parse(message.value, message.valueBytes);
  if (document == nullptr) return Answer::unsure;
  const Tape tape = tapeOf(*document);
  schema = schemaOf(message, tape);
  if (schema < 0) return Answer::unsure;
  const Schema &chosen = schemas_[static_cast<size_t>(schema)];
  if (chosen.program == nullptr || (chosen.keyed && !message.hasKey)) return Answer::unsure;
  return evaluator_.run(*chosen.program, tape, rootValue, message.valueBytes);
}

Answer Catalog::judgeBy(int32_t schema, const uint8_t *value, size_t bytes) {
  const Schema &chosen = schemas_[static_cast<size_t>(schema)];
  if (chosen.program == nullptr || static_cast<double>(bytes) > valueBytesMax_) return Answer::unsure;
  const simdjson::dom::document *document = parse(value, bytes);
  return document == nullptr ? Answer::unsure : evaluator_.run(*chosen.program, tapeOf(*document), rootValue, bytes);
}

/// The number of the schema that judges: headers win over members, those over the topic's default. -1 where that is not plain.
int32_t Catalog::schemaOf(const Message &message, const Tape &document) const {
  Reference headerName, headerVersion, memberName, memberVersion;
  const bool whole = packed::eachHeader(message.headers, message.headersBytes, [&](const packed::Header &header) {
    // The last of a name counts. A null value names nothing that could be found, as an empty one does.
    const std::string_view value(reinterpret_cast<const char *>(header.value), header.valueBytes);
    if (header.name == "dq.schema") headerName = {Part::text, value};
    else if (header.name == "dq.schema.version") headerVersion = {Part::text, value};
    return true;
  });
  if (!whole) return -1;
  if (document.tag(rootValue) == '{') {
    int found = 0;
    static const Key schemaMember(std::string_view("_schema\0", 7)), versionMember(std::string_view("_schema_version", 15));
    for (size_t name = rootValue + 1, end = document.after(rootValue) - 1; name < end && found < 2; name = document.after(name + 1)) {
      const Key key(document.text(name));
      Reference *member = key == schemaMember ? &memberName : key == versionMember ? &memberVersion : nullptr;
      if (member == nullptr) continue;
      found += 1;
      const char tag = document.tag(name + 1);
      *member = tag == '"' ? Reference{Part::text, document.text(name + 1)} : Reference{tag == 'n' ? Part::none : Part::other, {}};
    }
  }
  const Topic &topic = topics_[message.topic];
  const Reference &named = headerName.part != Part::none ? headerName : memberName;
  if (named.part == Part::other) return -1;
  const int32_t name = named.part == Part::none ? topic.name : nameOf(named.text);
  if (name < 0 || (topic.strict && !topic.allowed[static_cast<size_t>(name)])) return -1;
  // A version in the value speaks of the schema in the value: it says nothing where a header names another one.
  const bool sameSubject = headerName.part == Part::none || memberName.part == Part::none ||
                           (memberName.part == Part::text && memberName.text == headerName.text);
  if (headerVersion.part != Part::none) return versionOf(name, headerVersion);
  return versionOf(name, sameSubject ? memberVersion : Reference{});
}

int32_t Catalog::versionOf(int32_t name, const Reference &version) const {
  const Name &known = byName_[static_cast<size_t>(name)];
  if (version.part == Part::none) return known.newest;
  if (version.part == Part::other) return -1;
  for (size_t number = 0; number < known.versions.size(); number += 1) {
    if (known.versions[number].text == version.text) return known.numbers[number];
  }
  return -1;
}

int32_t Catalog::nameOf(std::string_view text) const {
  if (lastName_ >= 0 && names_[static_cast<size_t>(lastName_)].text == text) return lastName_;
  // A header's bytes may end where its memory does, so they are copied before they are read in words.
  char padded[nameBytesMax + sizeof(uint64_t)] = {};
  if (text.size() > nameBytesMax) return -1;
  memcpy(padded, text.data(), text.size());
  return lastName_ = names_.find(Key({padded, text.size()}));
}

} // namespace dq
