#include <node_api.h>
#include <librdkafka/rdkafka.h>

// The lane: one shared object that is both a librdkafka plugin and an addon.

static napi_value version(napi_env env, napi_callback_info) {
  napi_value text;
  if (napi_create_string_utf8(env, rd_kafka_version_str(), NAPI_AUTO_LENGTH, &text) != napi_ok) return nullptr;
  return text;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "version", NAPI_AUTO_LENGTH, version, nullptr, &function) != napi_ok) return nullptr;
  if (napi_set_named_property(env, exports, "version", function) != napi_ok) return nullptr;
  return exports;
}
