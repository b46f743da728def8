#pragma once
#include <librdkafka/rdkafka.h>
#include <node_api.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "clients.h"
#include "headers.h"
#include "slab.h"

namespace lane {

struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
using Queue = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;

/** The free end of a slab: where the next message goes, and how much room there is. */
struct SlabEnd {
  Row* rows = nullptr;
  int32_t* schemas = nullptr;
  uint8_t* answers = nullptr;
  uint8_t* bytes = nullptr;
  size_t rowsMax = 0;
  size_t bytesMax = 0;
  size_t count = 0;
  size_t bytesUsed = 0;
};

/** What the client reported in the place of a message. */
struct ClientError {
  int32_t code;
  std::string text;
};

/** A message that librdkafka cannot give as it came: its partition must stop before it. */
struct Stop {
  int32_t topic;
  int32_t partition;
  int64_t offset;
};

/**
 * The reading half: takes messages from a consumer's own queue and copies them into slabs. Taking them is the polling that
 * `max.poll.interval.ms` asks for, and serves the client's callbacks.
 *
 * It is used by one thread at a time: by the main thread, or by the one fill that is under way in the pool.
 */
class Source {
 public:
  static constexpr napi_type_tag tag = {0x6b1d0f7f9a6b4f3a, 0x8f0c6f8f27a1d0e1};

  Source(std::shared_ptr<Client> client, Queue queue, std::vector<std::string> topics);

  /**
   * The epoch in which the partition is held, 0 when it no longer is. What was taken in another epoch is left out from then on.
   * False when there is no such partition.
   */
  bool hold(size_t topic, size_t partition, int32_t epoch);

  /**
   * Appends what was carried; when nothing is carried any more, waits up to `waitMs` for a message and a little longer for more.
   * What does not fit is carried, in order.
   */
  void fill(SlabEnd* slab, int waitMs);

  /** Bytes of the next message that is carried, -1 if none is. */
  int64_t carriedBytes() const;

  std::vector<ClientError> takeErrors();
  std::vector<Stop> takeStops();

  bool isOpen() const { return queue_ != nullptr; }
  /** Lets go of the client. */
  void close();

  /** Is a fill under way? */
  bool isBusy = false;

 private:
  struct Carried {
    Message message;
    int32_t topic;
    int32_t epoch;
    size_t bytes;
    /** Its headers cannot be read: the partition stops when all before it are out. */
    bool isStop;
  };

  size_t take(size_t most, int waitMs);
  void receive(Message message);
  size_t topicOf(const rd_kafka_topic_t* topic);
  int32_t epochOf(size_t topic, int32_t partition) const;
  void appendCarried(SlabEnd* slab);
  void append(const Carried& carried, SlabEnd* slab);

  std::shared_ptr<Client> client_;
  Queue queue_;
  std::vector<std::string> topics_;
  std::vector<std::vector<int32_t>> epochs_;
  std::deque<Carried> carried_;
  std::vector<rd_kafka_message_t*> taken_;
  std::vector<HeaderView> headers_;
  std::vector<ClientError> errors_;
  std::vector<Stop> stops_;
  /** The topic object of the last message and its index: messages come in runs. */
  const rd_kafka_topic_t* lastTopic_ = nullptr;
  size_t lastTopicIndex_ = 0;
  /** What a message takes in a slab, on a moving average. */
  double bytesExpected_ = 256;
};

}  // namespace lane
