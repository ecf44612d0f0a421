// One line of a command's log: what happened to a command, who made it happen, and what it takes to know it again after
// a crash. The chain and the plant's end write these and are made anew from them. Who runs them keeps the lines on a
// disk and in the audit trail; this module knows no files.
//   sequence  time [ns]  event  command  actor  words  field...  crc    parted by tabs, one record a line
// \t \n \\ stand for tab, end of line, backslash; crc: CRC-32 of the line before its last tab, 8 hexadecimal digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/time.h"

namespace geoul::decision::chain {

enum class Event : std::uint8_t {
  // of the chain
  kProposed,      // fields: those of encode(Proposal)
  kRehearsed,     // in the twin; words: the predicted consequence
  kChecked,       // by the safety filter
  kApproved,      // by one actor
  kReleased,      // by as many as the policy asks for
  kSent,          // fields: sequence at the plant
  kAcknowledged,  // fields: time of the plant at which it was applied
  kClosed,        // verified against the plant's response
  kRollingBack,   // fields: sequence at the plant, payload
  kRolledBack,
  kRefused,
  kExpired,
  kWithdrawn,
  kDistrusted,  // the twin and the plant part: nothing is sent
  kTrusted,
  // of the plant's end
  kEpoch,    // fields: epoch
  kOutcome,  // fields: sequence, outcome, time of the plant
};
inline constexpr int kEventCount = 17;
std::string_view to_string(Event event);

struct Record {
  std::int64_t sequence = 0;  // of the log, from 1
  Time time;
  Event event = Event::kProposed;
  std::string command, actor, words;
  std::vector<std::string> fields;
};

// With the end of line.
std::string encode(const Record& record);

// Reads lines, in any bytes. Findings: "record-line" (no such record, or its CRC is wrong), "record-order" (sequences
// do not rise by one), "record-size" (beyond kMostRecordBytes), "record-torn" (a warning: the last line has no end, it
// was never acknowledged). Stops at the first error: what follows a hole must not be believed.
inline constexpr std::size_t kMostRecordBytes = 64 << 10, kMostFields = 256;
std::vector<Record> read_records(std::string_view text, const std::string& name, Diagnostics& diagnostics);

// Decimal text of a whole number; false where it is none.
bool parse_integer(std::string_view text, std::int64_t& out);

}  // namespace geoul::decision::chain
