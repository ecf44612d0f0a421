// libFuzzer target: a first line is the topic, the rest the payload. Every reader of the MQTT link gets both, after
// sound births, so that data and commands meet metrics; what is read must be written and read again the same.
#include <cstdint>
#include <cstdlib>

#include "geoul/link/mqtt/host_state.h"
#include "geoul/link/mqtt/plain_topics.h"
#include "geoul/link/mqtt/sparkplug_host.h"

namespace {

using namespace geoul;
using namespace geoul::link;

void check_round_trip(std::string_view bytes) {
  SparkplugPayload payload, again;
  if (!decode(bytes, payload)) return;
  std::string written, rewritten;
  encode(payload, written);
  if (!decode(written, again)) std::abort();
  encode(again, rewritten);
  if (written != rewritten) std::abort();
  for (const SparkplugMetric& metric : payload.metrics) {
    const auto value = from_wire(metric.value, metric.type);
    if (value && !is_signal(metric.type)) std::abort();
    if (value && static_cast<ValueType>(value->index()) != value_type(metric.type) &&
        metric.type != SparkplugType::kUInt64 && metric.type != SparkplugType::kDateTime) {
      std::abort();
    }
  }
}

std::string birth() {
  SparkplugPayload payload;
  payload.seq = 0;
  for (std::uint64_t i = 1; i < 16; ++i) {
    SparkplugMetric& metric = payload.metrics.emplace_back();
    metric.name = "m";
    if (i > 1) metric.name = std::string_view("mmmmmmmmmmmmmmmm").substr(0, i);
    metric.alias = i;
    metric.type = static_cast<SparkplugType>(i);
  }
  std::string bytes;
  encode(payload, bytes);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const std::size_t end = std::min(text.find('\n'), size);
  const std::string_view topic = text.substr(0, end), payload = text.substr(std::min(size, end + 1));
  check_round_trip(payload);
  check_round_trip(text);
  (void)parse_host_state(payload);
  if (const auto parsed = parse_sparkplug_topic(topic); parsed && to_topic(*parsed) != topic) std::abort();

  Time clock{1'700'000'000'000'000'000};
  Intake intake({.id = "fuzz", .signals = {"plant/cell/m", "plant/cell/robot/m"}, .now = [&clock] { return clock; }});
  SparkplugHost host(intake, {.learn_all = true});
  static const std::string kBirth = birth();
  host.connected();
  host.message("spBv1.0/plant/NBIRTH/cell", kBirth);
  host.message(topic, payload);
  host.message(topic, payload);
  clock = clock + Duration{10'000'000'000};
  host.tick();
  std::vector<Update> updates;
  intake.take(updates);
  for (const Update& update : updates) {
    if (update.signal >= 2) std::abort();
  }
  (void)host.offered();

  if (const auto name = parse_plain_name(topic)) {
    Intake plain_intake({.id = "fuzz", .signals = {std::string(topic)}, .now = [&clock] { return clock; }});
    PlainTopics plain(plain_intake, {.time_pointer = "/timestamp"});
    plain.message(name->topic, payload, false);
    std::map<std::string, OfferedSignal> offered;
    browse_plain(name->topic, payload, offered);
    for (const auto& [key, signal] : offered) {
      if (name->pointer.empty() && !parse_plain_name(key)) std::abort();
    }
  }
  return 0;
}
