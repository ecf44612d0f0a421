// For tests: waits for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace geoul::runtime {

// Whether the condition comes to hold within five seconds.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace geoul::runtime
