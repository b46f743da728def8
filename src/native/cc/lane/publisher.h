#pragma once
#include <librdkafka/rdkafka.h>
#include <node_api.h>

#include <memory>
#include <string>
#include <vector>

#include "clients.h"
#include "slab.h"

namespace lane {

struct TopicDeleter {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Topic = std::unique_ptr<rd_kafka_topic_t, TopicDeleter>;

/** Bytes that may be null, which empty ones are not. */
struct Bytes {
  const uint8_t* data;
  size_t length;
};

/** The writing half: hands rows of slabs to a producer's queue. Used on the main thread alone. */
class Publisher {
 public:
  static constexpr napi_type_tag tag = {0x52b7e0b8c35e4a0f, 0x9d7b1f0e5a6c2d43};

  explicit Publisher(std::shared_ptr<Client> client) : client_(std::move(client)) {}

  /** The number of a topic for {@link send}, -1 when librdkafka does not take its name. */
  int32_t openTopic(const std::string& name);

  /**
   * Hands one message over, never waiting for room. `opaque` comes back with its acknowledgement. Key and headers are copied; the value is
   * read where it lies until then, or until the client is destroyed. Whoever calls keeps `bytes` for so long: the open tickets of
   * RepairingPublisher do, which the function behind `wake` leads to, and then the disconnect that is waited for.
   */
  rd_kafka_resp_err_t send(int32_t topic, int32_t partition, const Row& row, const uint8_t* bytes, Bytes key, void* opaque);

  bool hasTopic(int32_t topic) const { return topic >= 0 && static_cast<size_t>(topic) < topics_.size(); }
  bool isOpen() const { return client_ && client_->rk; }
  Acknowledgements& acknowledgements() { return client_->acknowledgements; }

  /** Lets go of the client. */
  void close();

  napi_threadsafe_function wake = nullptr;

 private:
  std::shared_ptr<Client> client_;
  std::vector<Topic> topics_;
};

}  // namespace lane
