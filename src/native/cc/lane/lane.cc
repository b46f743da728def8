#include <malloc.h>
#include <stdlib.h>

#include <librdkafka/rdkafka.h>

#include "clients.h"
#include "exports.h"
#include "napi-tools.h"

// The lane: one shared object that is both a librdkafka plugin (clients.cc) and an addon. The official client stays in charge of
// configuration, group, commits and errors; only the bytes of messages take this way. For the main thread alone.

namespace lane {

napi_value forget(napi_env env, napi_callback_info info) {
  Arguments<1> arguments;
  std::string name;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readText(env, arguments[0], &name));
  forgetClient(name);
  return nullptr;
}

napi_value errorText(napi_env env, napi_callback_info info) {
  Arguments<1> arguments;
  int32_t code = 0;
  napi_value text;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(napi_get_value_int32(env, arguments[0], &code));
  LANE_CHECK(napi_create_string_utf8(env, rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)), NAPI_AUTO_LENGTH, &text));
  return text;
}

napi_value version(napi_env env, napi_callback_info) {
  napi_value text;
  LANE_CHECK(napi_create_string_utf8(env, rd_kafka_version_str(), NAPI_AUTO_LENGTH, &text));
  return text;
}

}  // namespace lane

/**
 * What one thread of librdkafka's takes, another gives back. With an arena for every thread, the default, each keeps the most that it
 * ever held: 40 MB more at full speed. And what is large (slabs of loads) lies between small pieces in a heap that then cannot shrink,
 * unless it goes back to the system at once. What is smaller than that (the client's requests, and its answers of 512 KiB a partition)
 * comes and goes hundreds of times a second, and memory that comes anew each time is paid for in page faults. Who sets the variables
 * knows better; where the image's jemalloc is, this turns nothing.
 */
static void limitMemory() {
#ifdef __GLIBC__
  constexpr int largeBytes = 8 << 20;
  constexpr int idleBytesMax = 64 << 20;
  if (!getenv("MALLOC_ARENA_MAX")) (void)mallopt(M_ARENA_MAX, 2);
  if (!getenv("MALLOC_MMAP_THRESHOLD_")) (void)mallopt(M_MMAP_THRESHOLD, largeBytes);
  if (!getenv("MALLOC_TRIM_THRESHOLD_")) (void)mallopt(M_TRIM_THRESHOLD, idleBytesMax);
#endif
}

NAPI_MODULE_INIT() {
  limitMemory();
  const napi_property_descriptor functions[] = {
#define LANE_EXPORT(name) {#name, nullptr, lane::name, nullptr, nullptr, nullptr, napi_default, nullptr}
      LANE_EXPORT(version),       LANE_EXPORT(errorText), LANE_EXPORT(openSource), LANE_EXPORT(hold), LANE_EXPORT(fill),
      LANE_EXPORT(closeSource),   LANE_EXPORT(openPublisher), LANE_EXPORT(openTopic), LANE_EXPORT(send),
      LANE_EXPORT(closePublisher), LANE_EXPORT(forget),
#undef LANE_EXPORT
  };
  LANE_CHECK(napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions));
  return exports;
}
