// Preconditions at module boundaries: always on, a broken one throws ContractError.
// Inside loops use plain assert.
#pragma once

#include <stdexcept>

namespace geoul {

// A caller broke a documented precondition. The message names the condition, the file and the line.
class ContractError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace core {
[[noreturn]] void fail_contract(const char* condition, const char* file, int line);
}  // namespace core

}  // namespace geoul

#define GEOUL_EXPECTS(condition) \
  ((condition) ? static_cast<void>(0) : ::geoul::core::fail_contract(#condition, __FILE__, __LINE__))
