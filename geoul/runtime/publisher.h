// Publisher: tells what a running twin does, to live clients and to a recording, each at its own rate.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/history/mcap_writer.h"
#include "geoul/runtime/server/server.h"
#include "geoul/runtime/state_messages.h"

namespace geoul::runtime {

struct PublishRates {
  Duration live{500'000};     // least wall time between two messages of a topic to programs: rows of 1 kHz all pass
  double share = 0.1;         // of the loop's time that making and sending the messages of one topic may take
  Duration time{16'000'000};  // least wall time between two messages of the clock's time alone
  Duration record{0};         // least time of the twin between recorded states; 0: every step
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

  // The snapshot after a step or a leap: sent at once, topic by topic, where its subscribers may have another message
  // (web pages take fewer than programs: Channel::page_period), else by flush(). `force` sends it whatever the rates.
  // Only states later than all recorded ones are recorded: a recording does not hold what is played twice.
  void publish_state(Time wall, bool force);
  // Sends the newest of what publish_state() held back and is due now.
  void flush(Time wall);
  // When flush() next has something to do; none where nothing waits.
  std::optional<Time> due() const;
  // Records the newest state of a live player that shows its past.
  void record_newest();
  void publish_links(const std::vector<LinkStatus>& links, Time now);
  void publish_events(const std::vector<TwinEvent>& events);
  void publish_clock(const ClockStatus& status);
  void publish_report(const Report& report);
  void publish_log(log::Level level, std::string_view text);
  // A message that another module made, recorded too.
  void publish(TopicId topic, std::string bytes);
  // Whether anybody takes it: else it need not be made.
  bool wants(TopicId topic) const;

  // The first error of the recording, which ended it.
  const std::optional<Error>& recording_error() const { return recording_error_; }

 private:
  struct Stream {
    Time due;            // wall: not before
    bool waits = false;  // a newer state than the last one sent
  };
  using Make = std::function<std::string()>;
  void for_each_state_topic(const Snapshot& snapshot, const std::function<void(TopicId, const Make&)>& visit) const;
  bool send_state(TopicId topic, Time wall, bool force, const Snapshot& snapshot, const Make& make, std::string& bytes);
  void send(TopicId topic, Time time, std::string bytes);
  void record(TopicId topic, Time time, std::string_view bytes);
  bool is_to_record(Time time) const;

  const Twin& twin_;
  const Player& player_;
  Server* server_;
  PublishRates rates_;
  std::vector<std::uint32_t> channels_;  // by TopicId, on the server
  std::optional<history::McapWriter> writer_;
  std::vector<std::uint16_t> record_channels_;  // by TopicId, in the recording
  std::optional<Time> recorded_;                // last state
  std::vector<Stream> streams_;                 // by TopicId
  std::optional<Time> time_sent_;
  std::optional<Error> recording_error_;
};

}  // namespace geoul::runtime
