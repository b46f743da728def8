#include "headers.h"

#include <cstring>

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

rd_kafka_headers_t* unpackHeaders(const uint8_t* packed, size_t bytes) {
  rd_kafka_headers_t* list = rd_kafka_headers_new(8);
  for (size_t at = 0; at < bytes;) {
    const int32_t nameBytes = bytes - at < 8 ? -1 : readInt32(packed + at);
    if (nameBytes < 0 || static_cast<size_t>(nameBytes) > bytes - at - 8) break;
    const char* name = reinterpret_cast<const char*>(packed + at + 4);
    at += 4 + static_cast<size_t>(nameBytes);
    const int32_t valueBytes = readInt32(packed + at);
    at += 4;
    if (valueBytes < -1 || (valueBytes > 0 && static_cast<size_t>(valueBytes) > bytes - at)) break;
    const uint8_t* value = valueBytes < 0 ? nullptr : packed + at;
    if (rd_kafka_header_add(list, name, nameBytes, value, valueBytes < 0 ? 0 : valueBytes) != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    at += valueBytes < 0 ? 0 : static_cast<size_t>(valueBytes);
    if (at == bytes) return list;
  }
  rd_kafka_headers_destroy(list);
  return nullptr;
}

}  // namespace lane
