#include "geoul/runtime/oversight/adviser.h"

namespace geoul::runtime::oversight {

Adviser::Adviser(const Twin& twin, AdviceOptions options)
    : twin_(twin), options_(options), thread_([this] { work(); }) {}

Adviser::~Adviser() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<void> Adviser::ask(AdviceRequest request) {
  const std::lock_guard lock(mutex_);
  if (requests_.size() >= kMostWaiting)
    return Error{ErrorCode::kUnavailable, "8 questions are being rehearsed already; ask again when one is answered"};
  requests_.push_back(std::move(request));
  wake_.notify_all();
  return {};
}

std::vector<Adviser::Answer> Adviser::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

std::size_t Adviser::open() const {
  const std::lock_guard lock(mutex_);
  return requests_.size() + (busy_ ? 1 : 0);
}

void Adviser::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return ends_ || !requests_.empty(); });
    if (ends_) return;
    AdviceRequest request = std::move(requests_.front());
    requests_.pop_front();
    busy_ = true;
    lock.unlock();
    Result<Advice> advice = advise(twin_, request, options_);
    lock.lock();
    busy_ = false;
    answers_.push_back({request.id, std::move(advice)});
  }
}

}  // namespace geoul::runtime::oversight
