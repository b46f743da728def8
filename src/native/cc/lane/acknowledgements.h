#pragma once
#include <librdkafka/rdkafka.h>
#include <node_api.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace lane {

/** A message that was not delivered: its publication's slot, its index there, librdkafka's error. */
struct Failure {
  int32_t slot;
  int32_t index;
  int32_t code;
};

/**
 * Counts the acknowledgements of a producer by publication, on the threads that they come on. JavaScript hears of a publication
 * when nothing of it is on its way any more, and of failures; several of either in one call.
 *
 * A slot's count is one word: on its way in the lower half, delivered and not yet told in the upper. The sender holds the slot while
 * it sends, so a publication is not told as complete before the last of it was handed over.
 */
class Acknowledgements {
 public:
  static constexpr int slotsMax = 1 << 14;
  static constexpr int indexBits = 16;

  Acknowledgements() : counts_(new std::atomic<int64_t>[slotsMax]()) {}

  /** What a message carries so that its acknowledgement finds back. Never null: a message without one is not ours. */
  static void* opaqueOf(int32_t slot, int32_t index) {
    return reinterpret_cast<void*>((uintptr_t{1} << 31) | static_cast<uintptr_t>(slot) << indexBits | static_cast<uintptr_t>(index));
  }

  /** Says that `messages` are about to be on their way. */
  void hold(int32_t slot, int32_t messages) { counts_[slot].fetch_add(messages, std::memory_order_relaxed); }

  /** Takes back what was held and not sent. */
  void release(int32_t slot, int32_t messages);

  /** Called by librdkafka on its own threads, for every message that was delivered or failed. */
  void acknowledged(const rd_kafka_message_t* message);

  /** Empties what is to be told: for each told publication its slot and how many were delivered, then the failures. */
  void collect(std::vector<int32_t>* delivered, std::vector<Failure>* failures);

  /** From now on `wake` is called when there is something to collect; null: no more. It is called no more once this returns. */
  void setWake(napi_threadsafe_function wake);

 private:
  static constexpr int64_t onItsWay = 0xffffffff;
  static constexpr int64_t oneDelivered = int64_t{1} << 32;

  void wake();

  std::unique_ptr<std::atomic<int64_t>[]> counts_;
  std::mutex mutex_;
  std::vector<int32_t> complete_;
  std::vector<Failure> failures_;
  napi_threadsafe_function wake_ = nullptr;
  bool woken_ = false;
};

}  // namespace lane
