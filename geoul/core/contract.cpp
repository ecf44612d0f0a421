#include "geoul/core/contract.h"

#include <string>

namespace geoul::core {

void fail_contract(const char* condition, const char* file, int line) {
  throw ContractError(std::string(file) + ":" + std::to_string(line) + ": expected " + condition);
}

}  // namespace geoul::core
