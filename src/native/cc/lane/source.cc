#include "source.h"

#include <algorithm>
#include <cstring>

namespace lane {

namespace {

/**
 * How long a fill that has its first message gathers more. Without this pause a steady trickle comes in batches of a few messages,
 * and the broker drowns in the small requests that follow from them (DECISIONS.md).
 */
constexpr int gatherMs = 2;
/** No more than this is taken at once, so that the memory of a batch is bounded by what fits a slab and a little more. */
constexpr size_t takenMax = 4096;
/** Far beyond what a cluster can have; a number beyond is a mistake, not a partition. */
constexpr size_t partitionMax = 1 << 20;

}  // namespace

Source::Source(std::shared_ptr<Client> client, Queue queue, std::vector<std::string> topics)
    : client_(std::move(client)), queue_(std::move(queue)), topics_(std::move(topics)), epochs_(topics_.size()) {
  taken_.resize(takenMax);
}

bool Source::hold(size_t topic, size_t partition, int32_t epoch) {
  if (topic >= epochs_.size() || partition > partitionMax) return false;
  std::vector<int32_t>& epochs = epochs_[topic];
  if (partition >= epochs.size()) epochs.resize(partition + 1, 0);
  epochs[partition] = epoch;
  // The client may have made its topic anew, at the same address as another one's.
  lastTopic_ = nullptr;
  return true;
}

void Source::fill(SlabEnd* slab, int waitMs) {
  appendCarried(slab);
  // Without any room this is a call to poll: the member must stay in its group however much is carried.
  if (!carried_.empty() && slab->rowsMax > 0) return;
  // A message more than what should fit shows that the slab is full. Without room for rows, one is taken all the same: this polls.
  const double fitting = static_cast<double>(slab->bytesMax - slab->bytesUsed) / bytesExpected_;
  const size_t most = std::min({slab->rowsMax - slab->count, static_cast<size_t>(fitting) + 1, takenMax});
  const size_t count = take(std::max<size_t>(most, 1), waitMs);
  for (size_t index = 0; index < count; index++) receive(Message(taken_[index]));
  appendCarried(slab);
}

/** Fills `taken_`; returns how many came. */
size_t Source::take(size_t most, int waitMs) {
  ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), waitMs, taken_.data(), 1);
  if (count == 1 && most > 1) {
    const ssize_t more = rd_kafka_consume_batch_queue(queue_.get(), std::min(waitMs, gatherMs), taken_.data() + 1, most - 1);
    if (more > 0) count += more;
  }
  return count > 0 ? static_cast<size_t>(count) : 0;
}

/** Puts a message behind those that are carried, or leaves it out because it is not ours to take. */
void Source::receive(Message message) {
  if (message->err) {
    errors_.push_back({message->err, rd_kafka_message_errstr(message.get())});
    return;
  }
  const size_t topic = topicOf(message->rkt);
  const int32_t epoch = epochOf(topic, message->partition);
  // Messages of a partition that was given back can still arrive; its owner has them too.
  if (epoch == 0) return;
  if (!readHeaders(message.get(), &headers_)) {
    carried_.push_back({std::move(message), static_cast<int32_t>(topic), epoch, 0, true});
    return;
  }
  const size_t bytes = message->len + message->key_len + packedBytes(headers_);
  bytesExpected_ += (static_cast<double>(bytes) - bytesExpected_) / 64;
  bytesExpected_ = std::max(bytesExpected_, 1.0);
  carried_.push_back({std::move(message), static_cast<int32_t>(topic), epoch, bytes, false});
}

/** The index of the topic, beyond all when it is none of ours. */
size_t Source::topicOf(const rd_kafka_topic_t* topic) {
  if (topic == lastTopic_) return lastTopicIndex_;
  const char* name = rd_kafka_topic_name(topic);
  lastTopic_ = topic;
  lastTopicIndex_ = static_cast<size_t>(std::find(topics_.begin(), topics_.end(), name) - topics_.begin());
  return lastTopicIndex_;
}

int32_t Source::epochOf(size_t topic, int32_t partition) const {
  if (topic >= epochs_.size()) return 0;
  const std::vector<int32_t>& epochs = epochs_[topic];
  return static_cast<size_t>(partition) < epochs.size() ? epochs[static_cast<size_t>(partition)] : 0;
}

void Source::appendCarried(SlabEnd* slab) {
  for (; !carried_.empty(); carried_.pop_front()) {
    const Carried& next = carried_.front();
    const auto topic = static_cast<size_t>(next.topic);
    if (epochOf(topic, next.message->partition) != next.epoch) continue;
    if (next.isStop) {
      // Those before it are out; those behind it are of no epoch from now on.
      stops_.push_back({next.topic, next.message->partition, next.message->offset});
      hold(topic, static_cast<size_t>(next.message->partition), 0);
      continue;
    }
    if (slab->count == slab->rowsMax || next.bytes > slab->bytesMax - slab->bytesUsed) return;
    append(next, slab);
  }
}

void Source::append(const Carried& carried, SlabEnd* slab) {
  const rd_kafka_message_t& message = *carried.message;
  size_t at = slab->bytesUsed;
  Row& row = slab->rows[slab->count];
  row.offset = message.offset;
  rd_kafka_timestamp_type_t type;
  row.timestamp = rd_kafka_message_timestamp(&message, &type);
  row.partition = message.partition;
  row.topic = carried.topic;
  row.epoch = carried.epoch;
  row.valueAt = static_cast<int32_t>(at);
  row.valueBytes = message.payload ? static_cast<int32_t>(message.len) : -1;
  if (message.len > 0) memcpy(slab->bytes + at, message.payload, message.len);
  at += message.len;
  row.keyAt = static_cast<int32_t>(at);
  row.keyBytes = message.key ? static_cast<int32_t>(message.key_len) : -1;
  if (message.key_len > 0) memcpy(slab->bytes + at, message.key, message.key_len);
  at += message.key_len;
  row.headersAt = static_cast<int32_t>(at);
  row.headersBytes = static_cast<int32_t>(slab->bytesUsed + carried.bytes - at);
  if (row.headersBytes > 0 && readHeaders(&message, &headers_)) packHeaders(headers_, slab->bytes + at);
  slab->schemas[slab->count] = noSchema;
  slab->answers[slab->count] = answerPending;
  slab->bytesUsed += carried.bytes;
  slab->count += 1;
}

int64_t Source::carriedBytes() const { return carried_.empty() ? -1 : static_cast<int64_t>(carried_.front().bytes); }

std::vector<ClientError> Source::takeErrors() {
  std::vector<ClientError> errors;
  errors.swap(errors_);
  return errors;
}

std::vector<Stop> Source::takeStops() {
  std::vector<Stop> stops;
  stops.swap(stops_);
  return stops;
}

void Source::close() {
  carried_.clear();
  queue_.reset();
  client_.reset();
}

}  // namespace lane
