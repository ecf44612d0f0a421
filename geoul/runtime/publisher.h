// Publisher: tells what a running twin does, to live clients and to a recording, each at its own rate.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "geoul/core/result.h"
#include "geoul/history/mcap_writer.h"
#include "geoul/runtime/server/server.h"
#include "geoul/runtime/state_messages.h"

namespace geoul::runtime {

struct PublishRates {
  Duration frame{16'000'000};  // least wall time between poses and fixed joints sent to clients
  Duration sample{4'000'000};  // least wall time between joints and signals sent to clients
  Duration record{0};          // least time of the twin between recorded states; 0: every step
};

class Publisher {
 public:
  // server may be null: then nothing is served. All must outlive the publisher.
  Publisher(const Twin& twin, const Player& player, Server* server, PublishRates rates);

  // Records from now on, into a new file. kUnavailable where it cannot be written.
  Result<void> start_recording(const std::filesystem::path& file);
  // Closes the recording; nothing where there is none.
  Result<void> stop_recording();
  bool recording() const { return writer_.has_value(); }

  // The snapshot after a step or a leap. `force` sends it to clients whatever the rates. Only states later than all
  // recorded ones are recorded: a recording does not hold what is played twice.
  void publish_state(Time wall, bool force);
  // Records the newest state of a live player that shows its past.
  void record_newest();
  void publish_links(const std::vector<LinkStatus>& links, Time now);
  void publish_clock(const ClockStatus& status);
  void publish_report(const Report& report);
  void publish_log(log::Level level, std::string_view text);

  // The first error of the recording, which ended it.
  const std::optional<Error>& recording_error() const { return recording_error_; }

 private:
  void put_state(const Snapshot& snapshot, bool records, bool frame, bool sample);
  void send(TopicId topic, Time time, std::string bytes);
  void record(TopicId topic, Time time, std::string_view bytes);
  bool wanted(TopicId topic) const;
  bool is_to_record(Time time) const;

  const Twin& twin_;
  const Player& player_;
  Server* server_;
  PublishRates rates_;
  std::vector<std::uint32_t> channels_;  // by TopicId, on the server
  std::optional<history::McapWriter> writer_;
  std::vector<std::uint16_t> record_channels_;  // by TopicId, in the recording
  std::optional<Time> recorded_;                // last state
  std::optional<Time> frame_sent_, sample_sent_;
  std::optional<Error> recording_error_;
};

}  // namespace geoul::runtime
