// libFuzzer target: any bytes as a stream of frames and as one message of the OPC UA gateway. What is read must keep
// the reader's promises. seeds: geoul/link/opcua/testdata/good
#include <cstdint>
#include <cstdlib>

#include "geoul/link/opcua/messages.h"

namespace {

void look(std::string_view payload) {
  using namespace geoul::link;
  const auto message = opcua::parse_message(payload);
  if (!message) {
    if (message.error().message.empty()) std::abort();
    return;
  }
  if (const auto* updates = std::get_if<opcua::Updates>(&*message)) {
    for (const auto& item : updates->items) {
      if (static_cast<int>(item.quality) > 2 || (item.time && item.time->ns < 0)) std::abort();
    }
  }
  if (const auto* reply = std::get_if<opcua::Reply>(&*message)) {
    if (reply->error && !(reply->values.empty() && reply->offered.empty())) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  look(text);
  geoul::link::opcua::FrameReader whole, pieces;
  std::vector<std::string> one, many;
  const bool ok = static_cast<bool>(whole.feed(text, one));
  bool still = true;
  for (std::size_t at = 0; at < size && still; at += 7)
    still = static_cast<bool>(pieces.feed(text.substr(at, 7), many));
  if (ok != still || one != many) std::abort();
  for (const std::string& payload : one) {
    if (payload.empty() || payload.size() > geoul::link::opcua::kMaxFrameBytes) std::abort();
    look(payload);
  }
  return 0;
}
