#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

// The layout of a slab, as src/model/slab.ts has it. Little-endian, like every machine that Node runs on.

namespace lane {

/** One message: where it came from and where its bytes lie. Positions count from the start of the byte region; a length of -1 is null. */
struct Row {
  int64_t offset;
  int64_t timestamp;
  int32_t partition;
  int32_t topic;
  int32_t valueAt;
  int32_t valueBytes;
  int32_t keyAt;
  int32_t keyBytes;
  int32_t headersAt;
  int32_t headersBytes;
  int32_t epoch;
  int32_t reserved[3];
};
static_assert(sizeof(Row) == 64, "rowWords of src/model/slab.ts");
static_assert(offsetof(Row, partition) == 16 && offsetof(Row, valueAt) == 24 && offsetof(Row, headersBytes) == 44 && offsetof(Row, epoch) == 48,
              "column of src/model/slab.ts");

constexpr size_t rowWords = sizeof(Row) / sizeof(int32_t);
/** What a reader of JSON may read past a value; it belongs to the slab. */
constexpr size_t paddingBytes = 64;
constexpr uint8_t answerPending = 0;
constexpr int32_t noSchema = -1;

inline void writeInt32(uint8_t* at, int32_t value) { memcpy(at, &value, sizeof value); }

inline int32_t readInt32(const uint8_t* at) {
  int32_t value;
  memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace lane
