#include "acknowledgements.h"

namespace lane {

void Acknowledgements::release(int32_t slot, int32_t messages) {
  const int64_t before = counts_[slot].fetch_sub(messages, std::memory_order_acq_rel);
  if ((before & onItsWay) != messages) return;
  std::lock_guard<std::mutex> lock(mutex_);
  complete_.push_back(slot);
  wake();
}

void Acknowledgements::acknowledged(const rd_kafka_message_t* message) {
  const uintptr_t opaque = reinterpret_cast<uintptr_t>(message->_private);
  const int32_t slot = static_cast<int32_t>(opaque >> indexBits) & (slotsMax - 1);
  const int32_t index = static_cast<int32_t>(opaque & ((uintptr_t{1} << indexBits) - 1));
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const int64_t before = counts_[slot].fetch_add(oneDelivered - 1, std::memory_order_acq_rel);
    if ((before & onItsWay) != 1) return;
    std::lock_guard<std::mutex> lock(mutex_);
    complete_.push_back(slot);
    wake();
    return;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  failures_.push_back({slot, index, message->err});
  const int64_t before = counts_[slot].fetch_sub(1, std::memory_order_acq_rel);
  if ((before & onItsWay) == 1) complete_.push_back(slot);
  wake();
}

void Acknowledgements::collect(std::vector<int32_t>* delivered, std::vector<Failure>* failures) {
  std::vector<int32_t> complete;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    complete.swap(complete_);
    failures->swap(failures_);
    woken_ = false;
  }
  for (const int32_t slot : complete) {
    const int64_t count = counts_[slot].fetch_and(onItsWay, std::memory_order_acq_rel) >> 32;
    if (count == 0) continue;
    delivered->push_back(slot);
    delivered->push_back(static_cast<int32_t>(count));
  }
}

void Acknowledgements::setWake(napi_threadsafe_function wake) {
  std::lock_guard<std::mutex> lock(mutex_);
  wake_ = wake;
}

void Acknowledgements::wake() {
  if (woken_ || !wake_) return;
  // A queue without a limit takes every call; one that is closing needs no word any more.
  woken_ = napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

}  // namespace lane
