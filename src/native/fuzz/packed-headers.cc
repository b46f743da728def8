#include "../cc/packed-headers.h"
#include <cstdlib>
#include <memory>
#include <vector>

// The reader of packed headers, over any bytes: it never reads past them, and what it takes as whole is what packing would give.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly that size, so that a read past its end is noticed.
  const std::unique_ptr<uint8_t[]> bytes(new uint8_t[size]);
  if (size > 0) memcpy(bytes.get(), data, size);
  std::vector<uint8_t> again;
  const auto put = [&](const void* from, size_t count) {
    const auto* start = static_cast<const uint8_t*>(from);
    if (count > 0) again.insert(again.end(), start, start + count);
  };
  const auto putLength = [&](int32_t length) { put(&length, sizeof length); };
  size_t count = 0;
  const bool whole = packed::eachHeader(bytes.get(), size, [&](const packed::Header& header) {
    putLength(static_cast<int32_t>(header.name.size()));
    put(header.name.data(), header.name.size());
    putLength(header.value ? static_cast<int32_t>(header.valueBytes) : -1);
    put(header.value, header.valueBytes);
    count++;
    return true;
  });
  if (again.size() > size || (!again.empty() && memcmp(again.data(), bytes.get(), again.size()) != 0)) abort();
  if (whole != (again.size() == size)) abort();
  // A visitor that says no is the last to be asked.
  size_t asked = 0;
  const bool ended = packed::eachHeader(bytes.get(), size, [&](const packed::Header&) { return ++asked < 2; });
  if (asked > 2 || (ended && count >= 2)) abort();
  return 0;
}
