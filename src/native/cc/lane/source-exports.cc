#include "exports.h"
#include "napi-tools.h"
#include "source.h"

namespace lane {

namespace {

/** One fill on its way through the thread pool. The references keep the slab's memory. */
struct Fill {
  Source* source = nullptr;
  SlabEnd slab;
  int32_t waitMs = 0;
  size_t countBefore = 0;
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  napi_ref source_ref = nullptr;
  napi_ref bytes_ref = nullptr;
};

void dropFill(napi_env env, Fill* fill) {
  if (fill->source_ref) (void)napi_delete_reference(env, fill->source_ref);
  if (fill->bytes_ref) (void)napi_delete_reference(env, fill->bytes_ref);
  if (fill->work) (void)napi_delete_async_work(env, fill->work);
  delete fill;
}

void runFill(napi_env, void* data) {
  auto* fill = static_cast<Fill*>(data);
  fill->source->fill(&fill->slab, fill->waitMs);
}

/** Sets `name` to a list with an object for each of `items`, which `describe` fills. */
template <typename Item, typename Describe>
napi_status setList(napi_env env, napi_value result, const char* name, const std::vector<Item>& items, Describe describe) {
  napi_value list;
  napi_status status = napi_create_array_with_length(env, items.size(), &list);
  for (size_t index = 0; status == napi_ok && index < items.size(); index++) {
    napi_value object;
    status = napi_create_object(env, &object);
    if (status == napi_ok) status = describe(object, items[index]);
    if (status == napi_ok) status = napi_set_element(env, list, static_cast<uint32_t>(index), object);
  }
  return status == napi_ok ? napi_set_named_property(env, result, name, list) : status;
}

napi_status setErrors(napi_env env, napi_value result, const std::vector<ClientError>& errors) {
  return setList(env, result, "errors", errors, [env](napi_value object, const ClientError& error) {
    const napi_status status = setNumber(env, object, "code", error.code);
    return status == napi_ok ? setText(env, object, "message", error.text) : status;
  });
}

napi_status setStops(napi_env env, napi_value result, const std::vector<Stop>& stops) {
  return setList(env, result, "stops", stops, [env](napi_value object, const Stop& stop) {
    napi_status status = setNumber(env, object, "topic", stop.topic);
    if (status == napi_ok) status = setNumber(env, object, "partition", stop.partition);
    return status == napi_ok ? setNumber(env, object, "offset", static_cast<double>(stop.offset)) : status;
  });
}

napi_status describeFill(napi_env env, const Fill& fill, napi_value* result) {
  napi_status status = napi_create_object(env, result);
  if (status == napi_ok) status = setNumber(env, *result, "appended", static_cast<double>(fill.slab.count - fill.countBefore));
  if (status == napi_ok) status = setNumber(env, *result, "bytesUsed", static_cast<double>(fill.slab.bytesUsed));
  if (status == napi_ok) status = setNumber(env, *result, "carriedBytes", static_cast<double>(fill.source->carriedBytes()));
  if (status == napi_ok) status = setErrors(env, *result, fill.source->takeErrors());
  if (status == napi_ok) status = setStops(env, *result, fill.source->takeStops());
  return status;
}

void endFill(napi_env env, napi_status worked, void* data) {
  auto* fill = static_cast<Fill*>(data);
  fill->source->isBusy = false;
  napi_value result;
  // A status other than ok says that the environment goes down before the work began: nobody waits any more. Otherwise messages
  // are in the slab, and if that cannot be told, the process must not go on without them.
  if (worked == napi_ok) {
    napi_status status = describeFill(env, *fill, &result);
    if (status == napi_ok) status = napi_resolve_deferred(env, fill->deferred, result);
    if (status != napi_ok) napi_fatal_error("dataquarantine", NAPI_AUTO_LENGTH, "a fill cannot be told", NAPI_AUTO_LENGTH);
  }
  dropFill(env, fill);
}

napi_status readTopics(napi_env env, napi_value list, std::vector<std::string>* topics) {
  uint32_t length = 0;
  napi_status status = napi_get_array_length(env, list, &length);
  for (uint32_t index = 0; status == napi_ok && index < length; index++) {
    napi_value name;
    topics->emplace_back();
    status = napi_get_element(env, list, index, &name);
    if (status == napi_ok) status = readText(env, name, &topics->back());
  }
  return status;
}

/** Reads the four views of a slab, its count and its bytes used: arguments 1 to 6. */
napi_status readSlab(napi_env env, const Arguments<8>& arguments, SlabEnd* slab) {
  View<int32_t> rows;
  View<int32_t> schemas;
  View<uint8_t> answers;
  View<uint8_t> bytes;
  uint32_t count = 0;
  uint32_t bytesUsed = 0;
  napi_status status = readView(env, arguments[1], napi_int32_array, &rows);
  if (status == napi_ok) status = readView(env, arguments[2], napi_int32_array, &schemas);
  if (status == napi_ok) status = readView(env, arguments[3], napi_uint8_array, &answers);
  if (status == napi_ok) status = readView(env, arguments[4], napi_uint8_array, &bytes);
  if (status == napi_ok) status = napi_get_value_uint32(env, arguments[5], &count);
  if (status == napi_ok) status = napi_get_value_uint32(env, arguments[6], &bytesUsed);
  if (status != napi_ok) return status;
  slab->rowsMax = rows.length / rowWords;
  const bool fits = schemas.length >= slab->rowsMax && answers.length >= slab->rowsMax && count <= slab->rowsMax &&
                    bytes.length >= paddingBytes && bytesUsed <= bytes.length - paddingBytes;
  if (!fits) return napi_invalid_arg;
  slab->rows = reinterpret_cast<Row*>(rows.data);
  slab->schemas = schemas.data;
  slab->answers = answers.data;
  slab->bytes = bytes.data;
  slab->bytesMax = bytes.length - paddingBytes;
  slab->count = count;
  slab->bytesUsed = bytesUsed;
  return napi_ok;
}

napi_status readIdleSource(napi_env env, napi_value handle, Source** source) {
  const napi_status status = readHandle(env, handle, source);
  if (status != napi_ok) return status;
  return (*source)->isBusy ? napi_generic_failure : napi_ok;
}

}  // namespace

napi_value openSource(napi_env env, napi_callback_info info) {
  Arguments<2> arguments;
  std::string name;
  std::vector<std::string> topics;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readText(env, arguments[0], &name));
  LANE_CHECK(readTopics(env, arguments[1], &topics));
  std::shared_ptr<Client> client = findClient(name);
  rd_kafka_t* rk = client ? client->rk.load() : nullptr;
  Queue queue(rk ? rd_kafka_queue_get_consumer(rk) : nullptr);
  if (!queue) return raise(env, "no connected consumer has this name");
  napi_value handle;
  LANE_CHECK(newHandle(env, new Source(std::move(client), std::move(queue), std::move(topics)), &handle));
  return handle;
}

napi_value hold(napi_env env, napi_callback_info info) {
  Arguments<4> arguments;
  Source* source = nullptr;
  uint32_t topic = 0;
  uint32_t partition = 0;
  int32_t epoch = 0;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readIdleSource(env, arguments[0], &source));
  LANE_CHECK(napi_get_value_uint32(env, arguments[1], &topic));
  LANE_CHECK(napi_get_value_uint32(env, arguments[2], &partition));
  LANE_CHECK(napi_get_value_int32(env, arguments[3], &epoch));
  if (!source->hold(topic, partition, epoch)) return raise(env, "no such topic or partition");
  return nullptr;
}

napi_value fill(napi_env env, napi_callback_info info) {
  Arguments<8> arguments;
  Source* source = nullptr;
  SlabEnd slab;
  int32_t waitMs = 0;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readIdleSource(env, arguments[0], &source));
  if (!source->isOpen()) return raise(env, "the source is closed");
  LANE_CHECK(readSlab(env, arguments, &slab));
  LANE_CHECK(napi_get_value_int32(env, arguments[7], &waitMs));
  auto* fill = new Fill();
  fill->source = source;
  fill->slab = slab;
  fill->countBefore = slab.count;
  fill->waitMs = waitMs;
  napi_value promise;
  napi_value resource;
  napi_status status = napi_create_reference(env, arguments[0], 1, &fill->source_ref);
  if (status == napi_ok) status = napi_create_reference(env, arguments[4], 1, &fill->bytes_ref);
  if (status == napi_ok) status = napi_create_promise(env, &fill->deferred, &promise);
  if (status == napi_ok) status = napi_create_string_utf8(env, "dataquarantine.fill", NAPI_AUTO_LENGTH, &resource);
  if (status == napi_ok) status = napi_create_async_work(env, nullptr, resource, runFill, endFill, fill, &fill->work);
  if (status == napi_ok) status = napi_queue_async_work(env, fill->work);
  if (status != napi_ok) {
    dropFill(env, fill);
    return raise(env);
  }
  source->isBusy = true;
  return promise;
}

napi_value closeSource(napi_env env, napi_callback_info info) {
  Arguments<1> arguments;
  Source* source = nullptr;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readIdleSource(env, arguments[0], &source));
  source->close();
  return nullptr;
}

}  // namespace lane
