// Adviser: rehearses in a thread of its own, so that the loop that follows the plant never waits for a future.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "geoul/runtime/oversight/advise.h"

namespace geoul::runtime::oversight {

class Adviser {
 public:
  static constexpr std::size_t kMostWaiting = 8;

  // The twin must outlive it.
  Adviser(const Twin& twin, AdviceOptions options);
  ~Adviser();
  Adviser(const Adviser&) = delete;
  Adviser& operator=(const Adviser&) = delete;

  // kUnavailable, in words, where kMostWaiting wait already.
  Result<void> ask(AdviceRequest request);
  // What became of each request since the last call, in their order.
  struct Answer {
    std::string id;
    Result<Advice> advice;
  };
  std::vector<Answer> take();
  // Requests that are waiting or under way.
  std::size_t open() const;

 private:
  void work();

  const Twin& twin_;
  AdviceOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<AdviceRequest> requests_;
  std::vector<Answer> answers_;
  bool busy_ = false, ends_ = false;
  std::thread thread_;
};

}  // namespace geoul::runtime::oversight
