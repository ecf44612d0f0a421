// Diagnostics: everything that is wrong with a user's input, collected by readers and checks instead of
// stopping at the first. Printed one finding a line:
//   arm.urdf:118: error: joint 'elbow': axis has zero length; write axis xyz="0 0 1" or another direction
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/result.h"

namespace geoul {

enum class Severity { kInfo, kWarning, kError };

std::string_view to_string(Severity severity);

// Where in the user's data.
struct Location {
  std::string file;  // path as the user gave it; empty where the data came from no file
  int line = 0;      // from 1; 0 is unknown
  std::string path;  // USD path, joint or column name; empty where none fits
};

struct Finding {
  Severity severity = Severity::kError;
  Location where;
  std::string code;     // stable, machine-readable, kebab-case: "zero-axis"
  std::string message;  // what is wrong, with the offending value
  std::string mend;     // what to write instead; may be empty
};

// "file:line: error: path: message; mend"
std::string to_string(const Finding& finding);

class Diagnostics {
 public:
  void add(Finding finding);
  void error(Location where, std::string code, std::string message, std::string mend = {});
  void warning(Location where, std::string code, std::string message, std::string mend = {});
  void info(Location where, std::string code, std::string message, std::string mend = {});

  const std::vector<Finding>& findings() const { return findings_; }
  std::size_t error_count() const { return error_count_; }
  bool ok() const { return error_count_ == 0; }
  bool has(std::string_view code) const;

  // Errors of these codes are kept as findings and do not count as errors: readers go on with what was written, and who
  // asked for it judges and mends it. For errors after which the reader's result is still what the file says.
  void set_apart(std::vector<std::string> codes) { apart_ = std::move(codes); }

  // All findings, one a line.
  std::string text() const;
  // The first error as an Error of this code, with the number of further ones; needs !ok().
  Error to_error(ErrorCode code = ErrorCode::kBadInput) const;

  // Readers stop collecting after this many findings (a hostile file could name millions); the last one says so.
  static constexpr std::size_t kMaxFindings = 1000;

 private:
  std::vector<Finding> findings_;
  std::vector<std::string> apart_;
  std::size_t error_count_ = 0;
};

}  // namespace geoul
