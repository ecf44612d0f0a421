// Logging, for the rim only (runtime, cli): libraries return errors and reports instead of printing them.
// One line an event on standard error: "12:04:31.208 warning  message".
#pragma once

#include <string_view>

namespace geoul::log {

enum class Level { kDebug, kInfo, kWarning, kError };

void set_level(Level least);
void debug(std::string_view message);
void info(std::string_view message);
void warning(std::string_view message);
void error(std::string_view message);

}  // namespace geoul::log
