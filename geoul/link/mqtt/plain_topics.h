// Plain MQTT: one topic, one value, or one topic, one JSON document of values. No network here; not for several threads
// at once.
//
// A signal is "topic", whose payload is the value as text or as JSON, or "topic#/json/pointer" (RFC 6901), one value in
// a JSON document. Wildcards are refused: a signal is one value.
//   text      a number in decimal, true or false; everything else is text, as far as it is UTF-8
//   quality   good; uncertain where the broker had kept the message (its age is unknown); bad for null and for numbers
//             that are not finite
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/intake.h"

namespace geoul::link {

struct PlainOptions {
  std::string time_pointer = {};  // where a JSON document has its time: "/timestamp"; empty: it has none
  double time_unit = 1e-3;        // [s] of one unit of that number, since the UNIX epoch
  std::string browse_filter = "#";
};

struct PlainName {
  std::string topic, pointer;  // pointer empty: the whole payload
};
// kBadInput: wildcards, an empty topic, a pointer that does not begin with '/' or has a bad escape.
Result<PlainName> parse_plain_name(std::string_view name);

class PlainTopics {
 public:
  // Needs signals that parse_plain_name() takes. The intake must outlive it.
  PlainTopics(Intake& intake, PlainOptions options);
  std::vector<std::string> filters() const;
  void message(std::string_view topic, std::string_view payload, bool retained);
  std::uint64_t malformed() const { return malformed_; }

  static constexpr std::size_t kMaxPayloadBytes = std::size_t{4} << 20;

 private:
  struct Bound {
    std::string pointer;
    std::uint32_t signal = 0;
  };
  void fault(std::string_view topic, const std::string& what);

  Intake& intake_;
  PlainOptions options_;
  std::map<std::string, std::vector<Bound>, std::less<>> topics_;
  std::uint64_t malformed_ = 0;
};

// The payload that writes a value: its text, or a JSON document with it at the pointer.
std::string plain_payload(const Value& value, const std::string& pointer);

// The signals that a message of a topic could be, appended to `signals` up to kMaxBrowsed.
void browse_plain(std::string_view topic, std::string_view payload, std::map<std::string, OfferedSignal>& signals);
inline constexpr std::size_t kMaxBrowsed = 100'000;

}  // namespace geoul::link
