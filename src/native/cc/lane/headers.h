#pragma once
#include <librdkafka/rdkafka.h>

#include <cstddef>
#include <cstdint>
#include <vector>

// Headers between librdkafka's list and their packed form. Names are bytes; order and repeats stay.

namespace lane {

struct HeaderView {
  const char* name;
  size_t nameBytes;
  const void* value;
  size_t valueBytes;
};

/** Reads the headers of a consumed message into `headers`. False when librdkafka cannot read them. */
bool readHeaders(const rd_kafka_message_t* message, std::vector<HeaderView>* headers);

size_t packedBytes(const std::vector<HeaderView>& headers);

/** Writes them at `at`; the room was counted by {@link packedBytes}. */
void packHeaders(const std::vector<HeaderView>& headers, uint8_t* at);

/** A list for `rd_kafka_producev`, which takes it over. Null when the packed bytes are not whole. */
rd_kafka_headers_t* unpackHeaders(const uint8_t* start, size_t bytes);

}  // namespace lane
