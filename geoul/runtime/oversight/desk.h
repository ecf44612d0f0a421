// Desk: where people and programs meet the judgement of a running twin: its lists are published when they change, and
// what is asked of it over the services /alarms/acknowledge ... is answered. Of the loop; nothing in it waits.
#pragma once

#include <functional>

#include "geoul/runtime/oversight/oversight.h"
#include "geoul/runtime/publisher.h"

namespace geoul::runtime::oversight {

class Desk {
 public:
  // server may be null: then nobody asks. All must outlive it.
  Desk(Oversight& oversight, Publisher& publisher, Server* server);

  // Publishes what has changed. on_words: told what the log should say, which is published too.
  void publish(Time now, const std::function<void(const PlayerWords&)>& on_words);
  // Answers a call of one of its services; false where it is none of them.
  bool answer(const ServiceCall& call, Time now);

 private:
  Oversight& oversight_;
  Publisher& publisher_;
  Server* server_;
  std::uint32_t acknowledge_ = 0, ask_ = 0;
  std::uint64_t alarms_ = 0, advice_ = 0;  // versions that were published
  Time estimated_;
};

}  // namespace geoul::runtime::oversight
