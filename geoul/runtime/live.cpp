#include "geoul/runtime/live.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
bool answer_requests(Server& server, const Services& services, Loop& loop, Player& player,
                     const std::function<bool(const ServiceCall&)>& on_call) {
  bool changed = false;
  for (const Request& request : server.take_requests()) {
    if (const auto* change = std::get_if<ParameterChange>(&request)) {
      server.finish(*change);
    } else if (const auto* left = std::get_if<ClientLeft>(&request)) {
      player.release(left->client);
    } else {
      const auto& call = std::get<ServiceCall>(request);
      if (on_call && on_call(call)) continue;
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

void publish_links(const Player& player, Publisher& publisher, TwinServer* twin_server) {
  const std::vector<LinkStatus> links = player.links();
  publisher.publish_links(links, unix_now());
  if (twin_server) twin_server->set_links(links);
}

// The site's parameters are those signals whose names begin so: "parameter/payload" is the server's "/payload".
void publish_parameters(const Player& player, Server& server, std::vector<double>& known) {
  constexpr std::string_view kFront = "parameter";
  const std::vector<link::SignalInfo>& names = player.signals();
  const std::vector<SignalValue>& values = player.newest().signals;
  known.resize(names.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
    const double value = values[i].measured;
    if (!names[i].name.starts_with("parameter/") || !std::isfinite(value) || value == known[i]) continue;
    known[i] = value;
    server.set_parameter({names[i].name.substr(kFront.size()), value}, false);
  }
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
  int report_version = -1, event_version = 0;
  const auto speak = [&](const std::vector<PlayerWords>& all) {
    for (const PlayerWords& words : all) {
      publisher.publish_log(words.level, words.text);
      if (options.on_words) options.on_words(words.text);
    }
  };
  if (options.twin_server) options.twin_server->publish(player.newest());
  Time told = player.newest().state.time;  // to the twin's other servers
  Time next_status = clock.now();
  std::vector<double> parameters;  // as the server has them
  publisher.publish_state(clock.now(), true);
  while (!(options.stop && options.stop->load())) {
    const bool changed = server && answer_requests(*server, services, loop, player, options.on_call);
    const LoopTurn turn =
        loop.turn([&] { publisher.publish_state(clock.now(), false); }, [&] { publisher.record_newest(); });
    if (options.twin_server && player.newest().state.time != told) {
      told = player.newest().state.time;
      options.twin_server->publish(player.newest());
    }
    speak(player.take_words());
    // What stands still is shown as it is: the last state of a burst, a leap, a pause.
    if (turn.leapt || turn.at_end || (turn.steps > 0 && loop.status().mode == ClockMode::kPaused)) {
      publisher.publish_state(clock.now(), true);
    }
    if (player.report_version() != report_version) {
      report_version = player.report_version();
      publisher.publish_report(player.report());
    }
    if (player.event_version() != event_version) {
      event_version = player.event_version();
      publisher.publish_events(player.events());
    }
    if (options.on_turn) options.on_turn();
    if (changed || turn.leapt || clock.now() >= next_status) {
      next_status = clock.now() + kStatusPeriod;
      publisher.publish_clock(loop.status());
      if (player.is_live()) publish_links(player, publisher, options.twin_server);
      if (options.twin_server) speak(options.twin_server->take_words());
      if (server) publish_parameters(player, *server, parameters);
      if (options.on_status) options.on_status(loop.status());
    }
    const bool over = turn.at_end && options.on_end && options.on_end();
    if (over || turn.finished) break;
    publisher.flush(clock.now());
    clock.wait_until(std::min({turn.wake, next_status, publisher.due().value_or(next_status)}));
  }
  if (server) server->on_request({});
  player.on_delivery({});
}

}  // namespace geoul::runtime
