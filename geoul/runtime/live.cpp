#include "geoul/runtime/live.h"

#include <algorithm>

namespace geoul::runtime {
namespace {

constexpr Duration kStatusPeriod{200'000'000};

// Answers what clients have asked; true where the clock was changed.
bool answer_requests(Server& server, Loop& loop) {
  bool changed = false;
  for (const Request& request : server.take_requests()) {
    if (const auto* change = std::get_if<ParameterChange>(&request)) {
      server.finish(*change);
      continue;
    }
    const auto& call = std::get<ServiceCall>(request);
    const Result<ClockCommand> command = parse_clock_command(call.payload);
    if (!command) {
      server.fail(call, command.error().message);
      continue;
    }
    const Result<void> applied = loop.apply(*command);
    if (!applied) {
      server.fail(call, applied.error().message);
      continue;
    }
    server.respond(call, clock_message(loop.status()));
    changed = true;
  }
  return changed;
}

}  // namespace

void run_live(Player& player, Publisher& publisher, Server* server, WallClock& clock, const LiveOptions& options) {
  Loop loop(player, clock, options.loop);
  if (server) {
    const auto type = [](const MessageSchema& schema) -> ServiceType {
      return {schema.name, schema.encoding, schema.encoding, schema.data};
    };
    server->add_service(
        {0, "/clock/control", "geoul.ClockControl", type(clock_command_schema()), type(clock_schema())});
    server->on_request([&clock] { clock.wake(); });
  }
  int report_version = -1;
  Time next_status = clock.now();
  publisher.publish_state(clock.now(), true);
  while (!(options.stop && options.stop->load())) {
    const bool changed = server && answer_requests(*server, loop);
    const LoopTurn turn = loop.turn([&] { publisher.publish_state(clock.now(), false); });
    // What stands still is shown as it is: the last state of a burst, a leap, a pause.
    if (turn.leapt || turn.at_end || (turn.steps > 0 && loop.status().mode == ClockMode::kPaused)) {
      publisher.publish_state(clock.now(), true);
    }
    if (player.report_version() != report_version) {
      report_version = player.report_version();
      publisher.publish_report(player.report());
    }
    if (changed || turn.leapt || clock.now() >= next_status) {
      next_status = clock.now() + kStatusPeriod;
      publisher.publish_clock(loop.status());
      if (options.on_status) options.on_status(loop.status());
    }
    const bool over = turn.at_end && options.on_end && options.on_end();
    if (over || turn.finished) break;
    clock.wait_until(std::min(turn.wake, next_status));
  }
  if (server) server->on_request({});
}

}  // namespace geoul::runtime
