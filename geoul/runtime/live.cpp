#include "geoul/runtime/live.h"

#include <algorithm>

#include "geoul/core/unix_time.h"
#include "geoul/runtime/links.h"

namespace geoul::runtime {
namespace {

constexpr Duration kStatusPeriod{200'000'000};

constexpr const char* kClockService = "/clock/control";
constexpr const char* kDragService = "/drag";

struct Services {
  std::uint32_t clock = 0, drag = 0;
};

Result<std::string> steer(Loop& loop, const std::string& payload) {
  const Result<ClockCommand> command = parse_clock_command(payload);
  if (!command) return command.error();
  const Result<void> applied = loop.apply(*command);
  if (!applied) return applied.error();
  return clock_message(loop.status());
}

Result<std::string> drag(Player& player, std::uint64_t client, const std::string& payload) {
  const Result<std::optional<Drag>> command = parse_drag_command(payload);
  if (!command) return command.error();
  if (!command->has_value()) {
    player.release(client);
  } else if (const Result<void> done = player.drag(client, **command); !done) {
    return done.error();
  }
  return player.drags() ? drags_message(*player.drags(), player.snapshot().state.time) : std::string();
}

// Answers what clients have asked; true where the clock was changed.
bool answer_requests(Server& server, const Services& services, Loop& loop, Player& player) {
  bool changed = false;
  for (const Request& request : server.take_requests()) {
    if (const auto* change = std::get_if<ParameterChange>(&request)) {
      server.finish(*change);
    } else if (const auto* left = std::get_if<ClientLeft>(&request)) {
      player.release(left->client);
    } else {
      const auto& call = std::get<ServiceCall>(request);
      const bool steers = call.service_id == services.clock;
      Result<std::string> answer = steers ? steer(loop, call.payload) : drag(player, call.client, call.payload);
      if (!answer) {
        server.fail(call, answer.error().message);
        continue;
      }
      server.respond(call, std::move(answer).value());
      changed = changed || steers;
    }
  }
  return changed;
}

}  // namespace

void run_live(Player& player, Publisher& publisher, Server* server, WallClock& clock, const LiveOptions& options) {
  Loop loop(player, clock, options.loop);
  Services services;
  if (server) {
    const auto type = [](const MessageSchema& schema) -> ServiceType {
      return {schema.name, schema.encoding, schema.encoding, schema.data};
    };
    services.clock = server->add_service({0, kClockService, "geoul.ClockControl", type(clock_command_schema()),
                                          type(clock_schema()), access::Action::kSteerClock});
    services.drag = server->add_service({0, kDragService, "geoul.DragControl", type(drag_command_schema()),
                                         type(drags_schema()), access::Action::kDrag});
    server->on_request([&clock] { clock.wake(); });
  }
  player.on_delivery([&clock] { clock.wake(); });
  int report_version = -1;
  Time next_status = clock.now();
  publisher.publish_state(clock.now(), true);
  while (!(options.stop && options.stop->load())) {
    const bool changed = server && answer_requests(*server, services, loop, player);
    const LoopTurn turn =
        loop.turn([&] { publisher.publish_state(clock.now(), false); }, [&] { publisher.record_newest(); });
    for (const PlayerWords& words : player.take_words()) {
      publisher.publish_log(words.level, words.text);
      if (options.on_words) options.on_words(words.text);
    }
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
      if (player.is_live()) publisher.publish_links(player.links(), unix_now());
      if (options.on_status) options.on_status(loop.status());
    }
    const bool over = turn.at_end && options.on_end && options.on_end();
    if (over || turn.finished) break;
    clock.wait_until(std::min(turn.wake, next_status));
  }
  if (server) server->on_request({});
  player.on_delivery({});
}

}  // namespace geoul::runtime
