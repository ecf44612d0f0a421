// Deterministic parallel loops: [0, n) is cut into blocks of a size that the caller fixes, never the thread
// count, so results that are written per block and combined in index order have the same bits on any machine.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace geoul {

// A fixed set of worker threads. parallel_for allocates nothing and may be called from one thread at a time.
class ThreadPool {
 public:
  // threads  how many work on a loop, the caller included; at least 1 (0: one a core)
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  // Calls body(begin, end) for every block of `block` indices of [0, n); returns when all are done.
  // body must not throw; blocks run in any order, on any thread.
  template <class Body>
  void parallel_for(std::size_t n, std::size_t block, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run(
        n, block,
        [](void* context, std::size_t begin, std::size_t end) { (*static_cast<Plain*>(context))(begin, end); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Function = void (*)(void* context, std::size_t begin, std::size_t end);
  void run(std::size_t n, std::size_t block, Function function, void* context);

  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace geoul
