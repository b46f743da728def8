#include "exports.h"
#include "napi-tools.h"
#include "publisher.h"

namespace lane {

namespace {

napi_status newInt32Array(napi_env env, const int32_t* words, size_t count, napi_value* array) {
  void* data = nullptr;
  napi_value buffer;
  napi_status status = napi_create_arraybuffer(env, count * sizeof(int32_t), &data, &buffer);
  if (status != napi_ok) return status;
  if (count > 0) memcpy(data, words, count * sizeof(int32_t));
  return napi_create_typedarray(env, napi_int32_array, count, buffer, 0, array);
}

/** Runs on the main thread when there are reports: tells them to the callback that the publisher was opened with. */
void tellReports(napi_env env, napi_value callback, void* context, void*) {
  // Without an environment nobody listens any more.
  if (!env || !callback) return;
  auto* client = static_cast<std::shared_ptr<Client>*>(context);
  std::vector<int32_t> delivered;
  std::vector<Failure> failures;
  (*client)->acknowledgements.collect(&delivered, &failures);
  static_assert(sizeof(Failure) == 3 * sizeof(int32_t), "a failure is three words for JavaScript");
  napi_value arguments[2];
  napi_value self;
  napi_status status = newInt32Array(env, delivered.data(), delivered.size(), &arguments[0]);
  if (status == napi_ok) status = newInt32Array(env, reinterpret_cast<const int32_t*>(failures.data()), failures.size() * 3, &arguments[1]);
  if (status == napi_ok) status = napi_get_undefined(env, &self);
  if (status == napi_ok) status = napi_call_function(env, self, callback, 2, arguments, nullptr);
  // An exception of the callback is on its way by itself; reports that cannot be told would leave publications open for ever.
  if (status != napi_ok && status != napi_pending_exception) napi_fatal_error("dataquarantine", NAPI_AUTO_LENGTH, "reports were lost", NAPI_AUTO_LENGTH);
}

/** The function behind `wake` is gone, with the publisher or with the whole environment. */
void dropWake(napi_env, void*, void* context) {
  auto* client = static_cast<std::shared_ptr<Client>*>(context);
  (*client)->acknowledgements.setWake(nullptr);
  delete client;
}

napi_status readOpenPublisher(napi_env env, napi_value handle, Publisher** publisher) {
  const napi_status status = readHandle(env, handle, publisher);
  if (status != napi_ok) return status;
  return (*publisher)->isOpen() ? napi_ok : napi_closing;
}

/** What `send` is called with. */
struct Parcel {
  Publisher* publisher = nullptr;
  int32_t topic = 0;
  int32_t slot = 0;
  View<int32_t> table;
  View<uint8_t> bytes;
  View<int32_t> rows;
  View<int32_t> partitions;
  napi_value keys = nullptr;
  bool hasKeys = false;
  uint32_t from = 0;
  uint32_t to = 0;
};

napi_status readParcel(napi_env env, const Arguments<10>& arguments, Parcel* parcel) {
  napi_valuetype keys = napi_undefined;
  napi_status status = readOpenPublisher(env, arguments[0], &parcel->publisher);
  if (status == napi_ok) status = napi_get_value_int32(env, arguments[1], &parcel->topic);
  if (status == napi_ok) status = napi_get_value_int32(env, arguments[2], &parcel->slot);
  if (status == napi_ok) status = readView(env, arguments[3], napi_int32_array, &parcel->table);
  if (status == napi_ok) status = readView(env, arguments[4], napi_uint8_array, &parcel->bytes);
  if (status == napi_ok) status = readView(env, arguments[5], napi_int32_array, &parcel->rows);
  if (status == napi_ok) status = readView(env, arguments[6], napi_int32_array, &parcel->partitions);
  if (status == napi_ok) status = napi_typeof(env, arguments[7], &keys);
  if (status == napi_ok) status = napi_get_value_uint32(env, arguments[8], &parcel->from);
  if (status == napi_ok) status = napi_get_value_uint32(env, arguments[9], &parcel->to);
  if (status != napi_ok) return status;
  parcel->keys = arguments[7];
  parcel->hasKeys = keys == napi_object;
  const bool fits = parcel->publisher->hasTopic(parcel->topic) && parcel->slot >= 0 && parcel->slot < Acknowledgements::slotsMax &&
                    parcel->from <= parcel->to && parcel->to <= parcel->rows.length && parcel->to <= parcel->partitions.length &&
                    parcel->to <= size_t{1} << Acknowledgements::indexBits;
  return fits ? napi_ok : napi_invalid_arg;
}

/** Does the part lie within the slab's bytes? A length of -1 is null. */
bool isWithin(int32_t at, int32_t length, size_t bytes) {
  return length >= -1 && at >= 0 && static_cast<size_t>(at) <= bytes && (length <= 0 || static_cast<size_t>(length) <= bytes - static_cast<size_t>(at));
}

/** The row of a message, null when there is no such row or it points outside of its slab. */
const Row* rowOf(const Parcel& parcel, uint32_t index) {
  const int32_t number = parcel.rows.data[index];
  if (number < 0 || static_cast<size_t>(number) >= parcel.table.length / rowWords) return nullptr;
  const Row* row = reinterpret_cast<const Row*>(parcel.table.data) + number;
  const size_t bytes = parcel.bytes.length;
  const bool whole = isWithin(row->valueAt, row->valueBytes, bytes) && isWithin(row->keyAt, row->keyBytes, bytes) &&
                     isWithin(row->headersAt, row->headersBytes, bytes);
  return whole ? row : nullptr;
}

/** The message's key: the one that replaces it, or its own. */
napi_status keyOf(napi_env env, const Parcel& parcel, uint32_t index, const Row& row, Bytes* key) {
  *key = {row.keyBytes < 0 ? nullptr : parcel.bytes.data + row.keyAt, row.keyBytes < 0 ? 0 : static_cast<size_t>(row.keyBytes)};
  if (!parcel.hasKeys) return napi_ok;
  napi_value replacement;
  napi_valuetype type = napi_undefined;
  napi_status status = napi_get_element(env, parcel.keys, index, &replacement);
  if (status == napi_ok) status = napi_typeof(env, replacement, &type);
  if (status != napi_ok || type == napi_undefined) return status;
  View<uint8_t> view;
  status = readView(env, replacement, napi_uint8_array, &view);
  static const uint8_t nothing = 0;
  // An empty array may have no memory at all, and a null pointer would be a null key.
  if (status == napi_ok) *key = {view.data ? view.data : &nothing, view.length};
  return status;
}

}  // namespace

napi_value openPublisher(napi_env env, napi_callback_info info) {
  Arguments<2> arguments;
  std::string name;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readText(env, arguments[0], &name));
  std::shared_ptr<Client> client = findClient(name);
  rd_kafka_t* rk = client ? client->rk.load() : nullptr;
  if (!rk || rd_kafka_type(rk) != RD_KAFKA_PRODUCER) return raise(env, "no connected producer has this name");
  auto publisher = std::make_unique<Publisher>(client);
  auto context = std::make_unique<std::shared_ptr<Client>>(client);
  napi_value resource;
  LANE_CHECK(napi_create_string_utf8(env, "dataquarantine.reports", NAPI_AUTO_LENGTH, &resource));
  LANE_CHECK(napi_create_threadsafe_function(env, arguments[1], nullptr, resource, 0, 1, nullptr, dropWake, context.get(), tellReports,
                                             &publisher->wake));
  // From here on the function owns its context, and gives it back in `dropWake`.
  context->get()->acknowledgements.setWake(publisher->wake);
  napi_threadsafe_function wake = publisher->wake;
  (void)context.release();
  LANE_CHECK(napi_unref_threadsafe_function(env, wake));
  napi_value handle;
  LANE_CHECK(newHandle(env, publisher.release(), &handle));
  return handle;
}

napi_value openTopic(napi_env env, napi_callback_info info) {
  Arguments<2> arguments;
  Publisher* publisher = nullptr;
  std::string name;
  napi_value number;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readOpenPublisher(env, arguments[0], &publisher));
  LANE_CHECK(readText(env, arguments[1], &name));
  const int32_t topic = publisher->openTopic(name);
  if (topic < 0) return raise(env, rd_kafka_err2str(rd_kafka_last_error()));
  LANE_CHECK(napi_create_int32(env, topic, &number));
  return number;
}

napi_value send(napi_env env, napi_callback_info info) {
  Arguments<10> arguments;
  Parcel parcel;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readParcel(env, arguments, &parcel));
  Publisher& publisher = *parcel.publisher;
  Acknowledgements& acknowledgements = publisher.acknowledgements();
  const int32_t asked = static_cast<int32_t>(parcel.to - parcel.from);
  // One more than is sent, so that the slot is not complete before the last message is handed over.
  acknowledgements.hold(parcel.slot, asked + 1);
  int32_t taken = 0;
  int32_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  napi_status status = napi_ok;
  for (uint32_t index = parcel.from; index < parcel.to; index++) {
    const Row* row = rowOf(parcel, index);
    Bytes key{};
    status = row ? keyOf(env, parcel, index, *row, &key) : napi_invalid_arg;
    if (status != napi_ok) break;
    void* opaque = Acknowledgements::opaqueOf(parcel.slot, static_cast<int32_t>(index));
    code = publisher.send(parcel.topic, parcel.partitions.data[index], *row, parcel.bytes.data, key, opaque);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    taken += 1;
  }
  acknowledgements.release(parcel.slot, asked - taken + 1);
  LANE_CHECK(status);
  const int32_t words[] = {taken, code};
  napi_value sent;
  LANE_CHECK(newInt32Array(env, words, 2, &sent));
  return sent;
}

napi_value closePublisher(napi_env env, napi_callback_info info) {
  Arguments<1> arguments;
  Publisher* publisher = nullptr;
  LANE_CHECK(arguments.read(env, info));
  LANE_CHECK(readOpenPublisher(env, arguments[0], &publisher));
  publisher->acknowledgements().setWake(nullptr);
  publisher->close();
  LANE_CHECK(napi_release_threadsafe_function(publisher->wake, napi_tsfn_abort));
  return nullptr;
}

}  // namespace lane
