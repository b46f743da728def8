#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// The packed form of a message's headers, src/model/header.ts: for each an int32 length and the name, an int32 length (-1: null) and the
// value. Little-endian, like every machine that Node runs on.

namespace packed {

struct Header {
  std::string_view name;
  /// Null where the header's value is: an empty value is not.
  const uint8_t* value;
  size_t valueBytes;
};

/// Calls `visit` with each header, which says whether to go on. False if it said no, or if the bytes are not whole.
template <typename Visit>
bool eachHeader(const uint8_t* at, size_t bytes, Visit visit) {
  const auto takeLength = [&](int32_t* length) {
    if (bytes < sizeof *length) return false;
    memcpy(length, at, sizeof *length);
    at += sizeof *length;
    bytes -= sizeof *length;
    return *length >= -1 && (*length < 0 || static_cast<size_t>(*length) <= bytes);
  };
  while (bytes > 0) {
    int32_t length;
    if (!takeLength(&length) || length < 0) return false;
    Header header{{reinterpret_cast<const char*>(at), static_cast<size_t>(length)}, nullptr, 0};
    at += length;
    bytes -= static_cast<size_t>(length);
    if (!takeLength(&length)) return false;
    if (length >= 0) {
      header.value = at;
      header.valueBytes = static_cast<size_t>(length);
      at += header.valueBytes;
      bytes -= header.valueBytes;
    }
    if (!visit(header)) return false;
  }
  return true;
}

}  // namespace packed
