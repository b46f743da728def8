#pragma once
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <string>

#include "acknowledgements.h"

namespace lane {

/** A client of the process that loaded the plugin and said its name: what the lane knows of it. */
struct Client {
  /** Null once the client is being destroyed. */
  std::atomic<rd_kafka_t*> rk{nullptr};
  Acknowledgements acknowledgements;
};

/** The living client of that name, null if there is none. */
std::shared_ptr<Client> findClient(const std::string& name);

/** Lets go of a client that has been destroyed: its threads have ended, and nobody calls back any more. */
void forgetClient(const std::string& name);

/** While one of these lives, acknowledgements on this thread are answers to the call that is just being made, and not counted. */
class Producing {
 public:
  Producing();
  ~Producing();
  Producing(const Producing&) = delete;
  Producing& operator=(const Producing&) = delete;
};

}  // namespace lane
