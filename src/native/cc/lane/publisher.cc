#include "publisher.h"

#include "headers.h"

namespace lane {

int32_t Publisher::openTopic(const std::string& name) {
  Topic topic(rd_kafka_topic_new(client_->rk, name.c_str(), nullptr));
  if (!topic) return -1;
  topics_.push_back(std::move(topic));
  return static_cast<int32_t>(topics_.size()) - 1;
}

rd_kafka_resp_err_t Publisher::send(int32_t topic, int32_t partition, const Row& row, const uint8_t* bytes, Bytes key, void* opaque) {
  rd_kafka_headers_t* headers = nullptr;
  if (row.headersBytes > 0) {
    headers = unpackHeaders(bytes + row.headersAt, static_cast<size_t>(row.headersBytes));
    if (!headers) return RD_KAFKA_RESP_ERR__BAD_MSG;
  }
  // A pointer says that there is a value, even an empty one; a null pointer makes a tombstone.
  const void* value = row.valueBytes < 0 ? nullptr : bytes + row.valueAt;
  const size_t valueBytes = row.valueBytes < 0 ? 0 : static_cast<size_t>(row.valueBytes);
  // The value is not copied: it stays where it is until its acknowledgement comes (see publisher.h).
  constexpr int copyNothing = 0;
  rd_kafka_resp_err_t error;
  {
    Producing producing;
    error = rd_kafka_producev(client_->rk, RD_KAFKA_V_RKT(topics_[static_cast<size_t>(topic)].get()), RD_KAFKA_V_PARTITION(partition),
                              RD_KAFKA_V_MSGFLAGS(copyNothing), RD_KAFKA_V_VALUE(const_cast<void*>(value), valueBytes),
                              RD_KAFKA_V_KEY(key.data, key.length), RD_KAFKA_V_TIMESTAMP(row.timestamp), RD_KAFKA_V_HEADERS(headers),
                              RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && headers) rd_kafka_headers_destroy(headers);
  return error;
}

void Publisher::close() {
  topics_.clear();
  client_.reset();
}

}  // namespace lane
