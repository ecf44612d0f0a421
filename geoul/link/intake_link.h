// What links have in common beyond their protocol: deliveries go through an Intake (IntakeLink), and the traffic is one
// thread's (ThreadLink).
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "geoul/link/intake.h"
#include "geoul/link/tcp.h"

namespace geoul::link {

class IntakeLink : public Link {
 public:
  void take(std::vector<Update>& updates) override { intake_.take(updates); }
  void take_outcomes(std::vector<WriteOutcome>& outcomes) override { intake_.take_outcomes(outcomes); }
  LinkHealth health() const override { return intake_.health(); }
  void on_delivery(std::function<void()> wake) override { intake_.on_delivery(std::move(wake)); }

 protected:
  explicit IntakeLink(LinkOptions options) : intake_(std::move(options)) {}

  Intake intake_;
};

// Derived classes call stop() in their destructor: the thread uses what they hold.
class ThreadLink : public IntakeLink {
 public:
  void start() final {
    GEOUL_EXPECTS(!thread_.joinable() && !stopping_);
    thread_ = std::thread([this] { run(); });
  }
  void stop() final {
    stopping_ = true;
    stop_.raise();
    wake_.raise();
    if (thread_.joinable()) thread_.join();
    intake_.set_stopped();
  }

 protected:
  using IntakeLink::IntakeLink;

  virtual void run() = 0;  // in the thread, until stopping_

  Interrupt stop_, wake_;  // both raised by stop(); wake_ also by whoever has work for the thread
  std::atomic<bool> stopping_ = false;

 private:
  std::thread thread_;
};

}  // namespace geoul::link
