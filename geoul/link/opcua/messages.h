// Frames and messages between the twin and its OPC UA gateway (gateway/opcua): four bytes of length (little-endian),
// then that many bytes of JSON. The list of messages stands in docs/notes/link_opcua.md; both sides are of one version,
// which the gateway's first message says. What breaks the form is an error: the gateway is then ended and started anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/link.h"

namespace geoul::link::opcua {

constexpr std::size_t kMaxFrameBytes = std::size_t{16} << 20;  // the same in gateway/opcua/src/frames.mjs
constexpr int kProtocol = 1;

// Splits a stream of bytes. Keeps at most one frame.
class FrameReader {
 public:
  // Appends the payloads that these bytes complete. kBadInput: a frame of no or too many bytes; nothing can follow.
  Result<void> feed(std::string_view bytes, std::vector<std::string>& payloads);

 private:
  std::string waiting_;
};

// The payload with its length in front; needs at most kMaxFrameBytes.
std::string frame(std::string_view payload);

// What the gateway says. Indices of signals are as it sent them: whoever asked knows how many there are.
struct Hello {
  int protocol = 0;
  std::string node, library;  // versions
};
struct Pong {
  std::uint64_t n = 0;
};
struct Live {
  std::string peer;
};
struct Down {
  std::string problem;
};
struct Problem {
  std::string text;                    // empty: it is no more
  std::vector<std::uint32_t> signals;  // that it is about
};
struct Units {
  std::vector<std::pair<std::uint32_t, std::string>> items;  // signal, and the unit that the plant says
};
struct UpdateItem {
  std::uint32_t signal = 0;
  Quality quality = Quality::kBad;
  std::optional<Value> value;  // none: the plant sent none
  std::optional<Time> time;    // of the source
};
struct Updates {
  std::uint64_t lost = 0;  // since the last one
  std::vector<UpdateItem> items;
};
struct Event {
  std::string from;  // as it was asked for
  std::string source, type, message;
  std::optional<Time> time;
  int severity = 0;  // 1 to 1000
};
struct Login {
  std::uint64_t id = 0;
  std::string user, password;
};
struct Sessions {
  int count = 0;
};
struct Reply {
  std::uint64_t id = 0;
  std::optional<Error> error;
  bool whole = true;                    // false: there was more than was asked for
  std::vector<OfferedSignal> offered;   // of browse
  std::vector<UpdateItem> samples;      // of history; signal is 0
  std::vector<Value> values;            // of call
  std::string url;                      // of serve
  std::vector<std::string> namespaces;  // of serve
};
using Message = std::variant<Hello, Pong, Live, Down, Problem, Units, Updates, Event, Login, Sessions, Reply>;

// One payload. kBadInput: no JSON, nested deeper than any message is, or a message without what it must have.
Result<Message> parse_message(std::string_view payload);

// The fields "kind" and "value" of a value, as the gateway takes them: "kind":1,"value":"42".
std::string value_fields(const Value& value);
// Text as JSON, with its quotes; bytes that are no UTF-8 are replaced.
std::string json_text(std::string_view text);

}  // namespace geoul::link::opcua
