#include "clients.h"

#include <cstring>
#include <map>
#include <mutex>

// The plugin half: librdkafka calls `conf_init` for every configuration that names this file in `plugin.library.paths`. The property
// `dataquarantine.lane` then names the client in this process; the user's `client.id` stays as it is.

namespace lane {

namespace {

constexpr const char* interceptor = "dataquarantine";
constexpr const char* nameProperty = "dataquarantine.lane";

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Client>> clients;
};

/** Never destroyed: librdkafka's threads may outlive the statics of a process that exits. */
Registry& registry() {
  static Registry& only = *new Registry();
  return only;
}

/** The name in one configuration. */
struct Naming {
  std::string name;
};

thread_local bool producing = false;

rd_kafka_resp_err_t onAcknowledgement(rd_kafka_t*, rd_kafka_message_t* message, void* opaque) {
  // A message that a call of `producev` refuses is acknowledged inside of that call, and refused by its result as well.
  if (!producing && message->_private) static_cast<Client*>(opaque)->acknowledgements.acknowledged(message);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t onDestroy(rd_kafka_t*, void* opaque) {
  static_cast<Client*>(opaque)->rk = nullptr;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t onNew(rd_kafka_t* rk, const rd_kafka_conf_t*, void* opaque, char*, size_t) {
  const std::string& name = static_cast<Naming*>(opaque)->name;
  if (name.empty()) return RD_KAFKA_RESP_ERR_NO_ERROR;
  auto client = std::make_shared<Client>();
  client->rk = rk;
  // The registry owns the client until it is forgotten: what is in flight is acknowledged after `on_destroy`, while the threads end.
  rd_kafka_resp_err_t error = rd_kafka_interceptor_add_on_destroy(rk, interceptor, onDestroy, client.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_type(rk) == RD_KAFKA_PRODUCER)
    error = rd_kafka_interceptor_add_on_acknowledgement(rk, interceptor, onAcknowledgement, client.get());
  Registry& all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  // On an error the client is not used, but what was added calls back all the same.
  all.clients[error == RD_KAFKA_RESP_ERR_NO_ERROR ? name : name + " (failed)"] = client;
  return error;
}

rd_kafka_conf_res_t onConfSet(rd_kafka_conf_t*, const char* name, const char* value, char*, size_t, void* opaque) {
  if (strcmp(name, nameProperty) != 0) return RD_KAFKA_CONF_UNKNOWN;
  static_cast<Naming*>(opaque)->name = value ? value : "";
  return RD_KAFKA_CONF_OK;
}

rd_kafka_resp_err_t onConfDestroy(void* opaque) {
  delete static_cast<Naming*>(opaque);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace

std::shared_ptr<Client> findClient(const std::string& name) {
  Registry& all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.clients.find(name);
  return found == all.clients.end() ? nullptr : found->second;
}

void forgetClient(const std::string& name) {
  Registry& all = registry();
  std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.clients.find(name);
  if (found != all.clients.end() && !found->second->rk) all.clients.erase(found);
}

Producing::Producing() { producing = true; }
Producing::~Producing() { producing = false; }

}  // namespace lane

/** librdkafka's door to a plugin. A copy of a configuration comes through here again, and is then told the name. */
extern "C" __attribute__((visibility("default"))) rd_kafka_resp_err_t conf_init(rd_kafka_conf_t* conf, void**, char*, size_t) {
  auto* naming = new lane::Naming();
  rd_kafka_resp_err_t error = rd_kafka_conf_interceptor_add_on_conf_destroy(conf, lane::interceptor, lane::onConfDestroy, naming);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    delete naming;
    return error;
  }
  error = rd_kafka_conf_interceptor_add_on_conf_set(conf, lane::interceptor, lane::onConfSet, naming);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  return rd_kafka_conf_interceptor_add_on_new(conf, lane::interceptor, lane::onNew, naming);
}
