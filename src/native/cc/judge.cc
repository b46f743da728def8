#include "catalog.h"
#include "test-doors.h"
#include <chrono>
#include <node_api.h>

// The validator addon: batches of messages against catalogs of schemas, in any thread. Catalogs belong to the environment that
// opened them and go when it does; nothing is shared between threads.

namespace {

/// Int32 words of a row and its columns: src/model/slab.ts.
constexpr size_t rowWords = 16;
enum Column { topicColumn = 5, valueAt = 6, valueBytes = 7, keyBytes = 9, headersAt = 10, headersBytes = 11 };
/// src/model/slab.ts, `answer`.
enum RowAnswer : uint8_t { pending = 0, valid = 1, tombstone = 3, refused = 4 };

/// One message in this many is timed, as in src/workers/native-judge.ts.
constexpr uint32_t sampleEvery = 256;

napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

template <typename T> bool typedArray(napi_env env, napi_value value, T *&data, size_t &length) {
  napi_typedarray_type type;
  void *start = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &start, nullptr, nullptr) != napi_ok) return false;
  data = static_cast<T *>(start);
  return true;
}

dq::Catalog *catalogOf(napi_env env, napi_value value) {
  void *catalog = nullptr;
  return napi_get_value_external(env, value, &catalog) == napi_ok ? static_cast<dq::Catalog *>(catalog) : nullptr;
}

template <size_t Count> bool argumentsOf(napi_env env, napi_callback_info info, napi_value (&values)[Count]) {
  size_t count = Count;
  return napi_get_cb_info(env, info, &count, values, nullptr, nullptr) == napi_ok && count == Count;
}

/// open(setup: Buffer): a catalog.
napi_value open(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  const char *setup;
  size_t bytes;
  if (!argumentsOf(env, info, arguments) || !typedArray(env, arguments[0], setup, bytes)) return fail(env, "open takes the setup's bytes");
  auto catalog = std::make_unique<dq::Catalog>();
  const std::string problem = catalog->open({setup, bytes});
  if (!problem.empty()) return fail(env, problem.c_str());
  napi_value external;
  const auto drop = [](napi_env, void *data, void *) { delete static_cast<dq::Catalog *>(data); };
  if (napi_create_external(env, catalog.get(), drop, nullptr, &external) != napi_ok) return fail(env, "the catalog has no place");
  catalog.release();
  return external;
}

/// What `judge` writes to and reads from: the columns of one slab, seen from this thread.
struct Columns {
  const int32_t *rows;
  const uint8_t *bytes;
  size_t bytesMax;
  uint8_t *answers;
  int32_t *schemas;
  int32_t *progress;
  double *samples;
  size_t samplesMax;
};

dq::Message messageOf(const Columns &columns, const int32_t *row) {
  return {columns.bytes + row[valueAt],
          static_cast<size_t>(row[valueBytes]),
          columns.bytes + row[headersAt],
          static_cast<size_t>(row[headersBytes]),
          static_cast<uint32_t>(row[topicColumn]),
          row[keyBytes] >= 0};
}

/// Do the row's value and headers lie within the slab's bytes, with what simdjson reads behind a value?
bool isWithin(const Columns &columns, const int32_t *row) {
  const auto within = [&](int32_t at, int32_t bytes) {
    return at >= 0 && bytes >= 0 && static_cast<size_t>(at) + static_cast<size_t>(bytes) + simdjson::SIMDJSON_PADDING <= columns.bytesMax;
  };
  return within(row[valueAt], row[valueBytes]) && within(row[headersAt], row[headersBytes]);
}

/// Judges one row; true if that is the last word on it.
bool judgeRow(dq::Catalog &catalog, const Columns &columns, uint32_t row) {
  // The row in hand, for whoever ends this thread (src/workers/judge-progress.ts).
  __atomic_store_n(columns.progress + 1, static_cast<int32_t>(row), __ATOMIC_RELAXED);
  __atomic_store_n(columns.progress, 1, __ATOMIC_RELEASE);
  const int32_t *words = columns.rows + row * rowWords;
  int32_t schema = -1;
  if (words[valueBytes] < 0) {
    columns.answers[row] = tombstone;
    columns.schemas[row] = -1;
    return true;
  }
  const dq::Answer answer = isWithin(columns, words) ? catalog.judge(messageOf(columns, words), schema) : dq::Answer::unsure;
  columns.answers[row] = answer == dq::Answer::valid ? valid : answer == dq::Answer::refused ? refused : pending;
  columns.schemas[row] = answer == dq::Answer::valid ? schema : -1;
  return answer == dq::Answer::valid;
}

/// The typed array at `name` of an object of them.
template <typename T> bool member(napi_env env, napi_value object, const char *name, T *&data, size_t &length) {
  napi_value value;
  return napi_get_named_property(env, object, name, &value) == napi_ok && typedArray(env, value, data, length);
}

/// judge(catalog, columns, from, to): how many rows are left to the other engine.
napi_value judge(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  Columns columns;
  size_t ignored;
  size_t rowsMax;
  uint32_t from, to;
  if (!argumentsOf(env, info, arguments)) return fail(env, "judge takes four arguments");
  dq::Catalog *catalog = catalogOf(env, arguments[0]);
  if (catalog == nullptr || !member(env, arguments[1], "rows", columns.rows, rowsMax) ||
      !member(env, arguments[1], "bytes", columns.bytes, columns.bytesMax) || !member(env, arguments[1], "answers", columns.answers, ignored) ||
      !member(env, arguments[1], "schemas", columns.schemas, ignored) || !member(env, arguments[1], "progress", columns.progress, ignored) ||
      !member(env, arguments[1], "samples", columns.samples, columns.samplesMax) ||
      napi_get_value_uint32(env, arguments[2], &from) != napi_ok || napi_get_value_uint32(env, arguments[3], &to) != napi_ok) {
    return fail(env, "judge takes a catalog, the columns of a slab and two rows");
  }
  if (size_t{to} * rowWords > rowsMax) return fail(env, "the slab has fewer rows");
  using Clock = std::chrono::steady_clock;
  uint32_t left = 0;
  size_t samples = 0;
  for (uint32_t row = from; row < to; row += 1) {
    const bool sampled = row % sampleEvery == 0;
    const auto started = sampled ? Clock::now() : Clock::time_point();
    const bool done = judgeRow(*catalog, columns, row);
    left += !done;
    if (!sampled || !done || columns.schemas[row] < 0 || samples * 2 + 2 >= columns.samplesMax) continue;
    columns.samples[samples * 2 + 1] = columns.schemas[row];
    columns.samples[samples * 2 + 2] = std::chrono::duration<double>(Clock::now() - started).count();
    samples += 1;
  }
  columns.samples[0] = static_cast<double>(samples);
  napi_value count;
  return napi_create_uint32(env, left, &count) == napi_ok ? count : nullptr;
}

/// judgeDocument(catalog, document): what the first schema says of a document that lies in no slab.
napi_value judgeDocument(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  const uint8_t *document;
  size_t bytes;
  dq::Catalog *catalog;
  if (!argumentsOf(env, info, arguments) || !typedArray(env, arguments[1], document, bytes) || !(catalog = catalogOf(env, arguments[0]))) {
    return fail(env, "judgeDocument takes a catalog and a document");
  }
  std::string padded(bytes + simdjson::SIMDJSON_PADDING, ' ');
  if (bytes > 0) memcpy(padded.data(), document, bytes);
  const dq::Answer answer = catalog->judgeBy(0, reinterpret_cast<const uint8_t *>(padded.data()), bytes);
  napi_value number;
  return napi_create_uint32(env, static_cast<uint32_t>(answer), &number) == napi_ok ? number : nullptr;
}

/// parseOnly(catalog, columns, from, to): how many values simdjson reads. What the bench holds judging against.
napi_value parseOnly(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  const int32_t *rows;
  const uint8_t *bytes;
  size_t ignored;
  uint32_t from, to;
  dq::Catalog *catalog;
  if (!argumentsOf(env, info, arguments) || !(catalog = catalogOf(env, arguments[0])) ||
      !member(env, arguments[1], "rows", rows, ignored) || !member(env, arguments[1], "bytes", bytes, ignored) ||
      napi_get_value_uint32(env, arguments[2], &from) != napi_ok || napi_get_value_uint32(env, arguments[3], &to) != napi_ok) {
    return fail(env, "parseOnly takes a catalog, the columns of a slab and two rows");
  }
  uint32_t readable = 0;
  for (uint32_t row = from; row < to; row += 1) {
    const int32_t *words = rows + row * rowWords;
    if (words[valueBytes] >= 0) readable += catalog->parse(bytes + words[valueAt], static_cast<size_t>(words[valueBytes])) != nullptr;
  }
  napi_value count;
  return napi_create_uint32(env, readable, &count) == napi_ok ? count : nullptr;
}

napi_value version(napi_env env, napi_callback_info) {
  napi_value text;
  return napi_create_string_utf8(env, SIMDJSON_VERSION, NAPI_AUTO_LENGTH, &text) == napi_ok ? text : nullptr;
}

} // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char *name;
    napi_callback call;
  } functions[] = {{"version", version}, {"open", open}, {"judge", judge}, {"judgeDocument", judgeDocument}, {"parseOnly", parseOnly}};
  for (const auto &[name, call] : functions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function) != napi_ok) return nullptr;
    if (napi_set_named_property(env, exports, name, function) != napi_ok) return nullptr;
  }
  return dq::addTestDoors(env, exports) ? exports : nullptr;
}
