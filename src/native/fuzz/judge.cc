#include "../cc/catalog.h"
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

// The validator over any program and any document. Input: the text of a program, a line feed, the bytes of a document. Besides what the
// sanitizers see: an answer is the same when the question is asked again, or in another memory; what is valid is JSON; and the step budget
// ends every question (the fuzzer's own limit of time says whether it does).

namespace {

constexpr const char *before = R"({"valueBytes":1048576,"depth":32,"keys":1000,"headerBytes":4096,"names":[["d",0,["1.0.0",0]]],"topics":[[0,false,[]]],"schemas":[[false,)";
constexpr const char *behind = "]]}";

/// A copy with nothing behind it but the padding that every reader of JSON is promised.
std::unique_ptr<uint8_t[]> padded(const uint8_t *data, size_t size, uint8_t padding) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[size + simdjson::SIMDJSON_PADDING]);
  if (size > 0) memcpy(copy.get(), data, size);
  memset(copy.get() + size, padding, simdjson::SIMDJSON_PADDING);
  return copy;
}

void expect(bool holds) {
  if (!holds) abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const auto *end = size > 0 ? static_cast<const uint8_t *>(memchr(data, '\n', size)) : nullptr;
  if (end == nullptr) return 0;
  const size_t programBytes = static_cast<size_t>(end - data);
  const std::string program(reinterpret_cast<const char *>(data), programBytes);
  // The frame around the program is the addon's own: only what is one JSON value takes the program's place in it.
  simdjson::dom::parser parser;
  if (parser.parse(program).error() != simdjson::SUCCESS) return 0;
  const auto catalog = std::make_unique<dq::Catalog>();
  if (!catalog->open(before + program + behind).empty()) return 0;
  const size_t bytes = size - programBytes - 1;
  const auto document = padded(end + 1, bytes, ' ');
  const dq::Answer answer = catalog->judgeBy(0, document.get(), bytes);
  expect(catalog->judgeBy(0, document.get(), bytes) == answer);
  const auto elsewhere = padded(end + 1, bytes, '"');
  expect(catalog->judgeBy(0, elsewhere.get(), bytes) == answer);
  int32_t schema = -1;
  const dq::Message message{document.get(), bytes, nullptr, 0, 0, true};
  const dq::Answer asMessage = catalog->judge(message, schema);
  // A message may name another schema; where it does not, the answer is the document's.
  expect(asMessage == answer || schema < 0);
  if (answer == dq::Answer::valid) expect(parser.parse(document.get(), bytes, false).error() == simdjson::SUCCESS);
  return 0;
}
