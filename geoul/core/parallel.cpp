#include "geoul/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "geoul/core/contract.h"

namespace geoul {

// One loop at a time. `generation` wakes the workers; each takes blocks from `next` until none is left.
struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable start;
  std::condition_variable done;
  std::uint64_t generation = 0;
  int busy = 0;
  bool stop = false;

  Function function = nullptr;
  void* context = nullptr;
  std::size_t n = 0;
  std::size_t block = 1;
  std::atomic<std::size_t> next{0};

  std::vector<std::thread> workers;

  void take_blocks() {
    for (std::size_t begin = next.fetch_add(block); begin < n; begin = next.fetch_add(block)) {
      function(context, begin, std::min(begin + block, n));
    }
  }

  void work() {
    std::uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex);
        start.wait(lock, [&] { return stop || generation != seen; });
        if (stop) return;
        seen = generation;
      }
      take_blocks();
      std::lock_guard lock(mutex);
      if (--busy == 0) done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : shared_(std::make_unique<Shared>()) {
  GEOUL_EXPECTS(threads >= 0);
  if (threads == 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int i = 1; i < threads; ++i) shared_->workers.emplace_back([shared = shared_.get()] { shared->work(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->start.notify_all();
  for (std::thread& worker : shared_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(shared_->workers.size()) + 1; }

void ThreadPool::run(std::size_t n, std::size_t block, Function function, void* context) {
  GEOUL_EXPECTS(block > 0);
  Shared& s = *shared_;
  if (s.workers.empty() || n <= block) {  // nothing to share out: same blocks, this thread
    for (std::size_t begin = 0; begin < n; begin += block) function(context, begin, std::min(begin + block, n));
    return;
  }
  {
    std::lock_guard lock(s.mutex);
    s.function = function;
    s.context = context;
    s.n = n;
    s.block = block;
    s.next.store(0);
    s.busy = static_cast<int>(s.workers.size());
    ++s.generation;
  }
  s.start.notify_all();
  s.take_blocks();
  std::unique_lock lock(s.mutex);
  s.done.wait(lock, [&] { return s.busy == 0; });
}

}  // namespace geoul
