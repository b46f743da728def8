#include "headers.h"

#include <cstring>

#include "../packed-headers.h"
#include "slab.h"

namespace lane {

namespace {

/**
 * librdkafka gives a name as a C string, although a name may hold a NUL. It keeps name, NUL, value and NUL in one piece (its
 * rdkafka_header.c), so the value tells where the name ends. A null value tells nothing: there a name ends at its first NUL.
 */
size_t lengthOfName(const char* name, const void* value) {
  const size_t shortest = strlen(name);
  if (!value) return shortest;
  const char* end = static_cast<const char*>(value) - 1;
  return end > name + shortest && *end == '\0' ? static_cast<size_t>(end - name) : shortest;
}

}  // namespace

bool readHeaders(const rd_kafka_message_t* message, std::vector<HeaderView>* headers) {
  headers->clear();
  rd_kafka_headers_t* list = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_message_headers(message, &list);
  if (error == RD_KAFKA_RESP_ERR__NOENT) return true;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  HeaderView header{};
  for (size_t index = 0;; index++) {
    if (rd_kafka_header_get_all(list, index, &header.name, &header.value, &header.valueBytes) != RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    header.nameBytes = lengthOfName(header.name, header.value);
    headers->push_back(header);
  }
}

size_t packedBytes(const std::vector<HeaderView>& headers) {
  size_t bytes = 0;
  for (const HeaderView& header : headers) bytes += 8 + header.nameBytes + header.valueBytes;
  return bytes;
}

void packHeaders(const std::vector<HeaderView>& headers, uint8_t* at) {
  for (const HeaderView& header : headers) {
    writeInt32(at, static_cast<int32_t>(header.nameBytes));
    memcpy(at + 4, header.name, header.nameBytes);
    at += 4 + header.nameBytes;
    writeInt32(at, header.value ? static_cast<int32_t>(header.valueBytes) : -1);
    if (header.valueBytes > 0) memcpy(at + 4, header.value, header.valueBytes);
    at += 4 + header.valueBytes;
  }
}

rd_kafka_headers_t* unpackHeaders(const uint8_t* start, size_t bytes) {
  if (bytes == 0) return nullptr;
  rd_kafka_headers_t* list = rd_kafka_headers_new(8);
  const bool whole = packed::eachHeader(start, bytes, [&](const packed::Header& header) {
    const auto nameBytes = static_cast<ssize_t>(header.name.size());
    const auto valueBytes = static_cast<ssize_t>(header.valueBytes);
    return rd_kafka_header_add(list, header.name.data(), nameBytes, header.value, valueBytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
  });
  if (whole) return list;
  rd_kafka_headers_destroy(list);
  return nullptr;
}

}  // namespace lane
