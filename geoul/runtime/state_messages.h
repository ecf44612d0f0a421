// The twin as messages: Foxglove's schemas where they have one, geoul.proto elsewhere. Each function makes one message,
// serialised, ready for a channel. Frames: "world", and every body under its path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/log.h"
#include "geoul/core/result.h"
#include "geoul/runtime/clock.h"
#include "geoul/runtime/player.h"
#include "geoul/runtime/protocol/schemas.h"
#include "geoul/runtime/report.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

// One entity a body with its visible shapes, and "world" for the rest. Shapes without an end are cut to 20 m.
std::string scene_message(const Twin& twin, Time time);
std::string model_message(const Twin& twin);
std::string transforms_message(const Twin& twin, const scene::State& state);
std::string joints_message(const Twin& twin, const Snapshot& snapshot);
std::string fixed_joints_message(const Twin& twin, const Snapshot& snapshot);
std::string signals_message(const std::vector<link::SignalInfo>& names, const Snapshot& snapshot);
std::string clock_message(const ClockStatus& status);
std::string report_message(const Report& report, Time time);
std::string contacts_message(const dynamics::World& world);
std::string wrenches_message(const Twin& twin, const Snapshot& snapshot);
std::string drags_message(const Drags& drags, Time time);
// Ages and pauses count from `now`.
std::string links_message(const std::vector<LinkStatus>& links, Time now);
std::string events_message(const std::vector<TwinEvent>& events, Time time);
std::string log_message(log::Level level, std::string_view text, Time time);

// A geoul.ClockCommand as bytes; kBadInput where it is none.
Result<ClockCommand> parse_clock_command(std::string_view bytes);

// A geoul.DragCommand as bytes: none where it lets go; kBadInput where it is none.
Result<std::optional<Drag>> parse_drag_command(std::string_view bytes);

// A topic and the schema of its messages.
struct Topic {
  std::string name;
  MessageSchema schema;
  bool latched = false;
  Duration page_period{0};  // of a state: see Channel; 0: every message counts
};
enum class TopicId {
  kScene,
  kModel,
  kTransforms,
  kJoints,
  kFixedJoints,
  kSignals,
  kClock,
  kReport,
  kLog,
  kContacts,
  kWrenches,
  kResiduals,
  kDrags,
  kLinks,
  kEvents,
  kAlarms,
  kEstimates,
  kAdvice,
  kCommands,
};
std::vector<Topic> topics();  // in the order of TopicId
MessageSchema clock_command_schema();
MessageSchema clock_schema();
MessageSchema drag_command_schema();
MessageSchema drags_schema();

}  // namespace geoul::runtime
