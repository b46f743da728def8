#include "test-doors.h"
#include "formats.h"
#include "pattern.h"
#include <string>

namespace dq {

namespace {

/// The two arguments: a string and a Uint8Array. Throws, and returns false, if they are anything else.
bool takeArguments(napi_env env, napi_callback_info info, std::string &text, std::string_view &bytes) {
  size_t count = 2;
  napi_value arguments[2];
  size_t length = 0;
  napi_typedarray_type type;
  void *start = nullptr;
  bool good = napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok && count == 2;
  good = good && napi_get_value_string_utf8(env, arguments[0], nullptr, 0, &length) == napi_ok;
  if (good) {
    text.resize(length);
    good = napi_get_value_string_utf8(env, arguments[0], text.data(), length + 1, &length) == napi_ok;
  }
  good = good && napi_get_typedarray_info(env, arguments[1], &type, &length, &start, nullptr, nullptr) == napi_ok;
  if (good && type == napi_uint8_array) {
    bytes = {static_cast<const char *>(start), length};
    return true;
  }
  napi_throw_type_error(env, nullptr, "a string and a Uint8Array are asked for");
  return false;
}

napi_value answer(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value matchPattern(napi_env env, napi_callback_info info) {
  std::string table;
  std::string_view bytes;
  if (!takeArguments(env, info, table, bytes)) return nullptr;
  // A test asks one table about many texts.
  thread_local std::string loadedTable;
  thread_local Pattern pattern;
  if (table != loadedTable) {
    loadedTable.clear();
    if (pattern.load(table)) loadedTable = table;
  }
  if (!loadedTable.empty()) return answer(env, pattern.matches(bytes));
  napi_throw_error(env, nullptr, "this is not the table of a pattern");
  return nullptr;
}

napi_value checkFormat(napi_env env, napi_callback_info info) {
  std::string name;
  std::string_view bytes;
  if (!takeArguments(env, info, name, bytes)) return nullptr;
  Format format;
  if (formatNamed(name, format)) return answer(env, inFormat(format, bytes));
  napi_throw_error(env, nullptr, "this format is not checked here");
  return nullptr;
}

bool add(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

} // namespace

bool addTestDoors(napi_env env, napi_value exports) {
  return add(env, exports, "matchPattern", matchPattern) && add(env, exports, "checkFormat", checkFormat);
}

} // namespace dq
