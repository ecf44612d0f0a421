// The job "sim": a scene left to itself, live or as fast as possible.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "geoul/core/nearest.h"
#include "geoul/core/unix_time.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/live.h"
#include "geoul/runtime/serve.h"
#include "geoul/runtime/simulation.h"
#include "geoul/runtime/time_machine.h"

namespace geoul::runtime {
namespace {

constexpr std::array<std::pair<const char*, dynamics::Integrator>, 4> kIntegrators = {{
    {"implicit", dynamics::Integrator::kImplicit},
    {"euler", dynamics::Integrator::kSemiImplicitEuler},
    {"rk4", dynamics::Integrator::kRungeKutta4},
    {"symplectic", dynamics::Integrator::kSymplectic},
}};
constexpr double kHeadlessSeconds = 10;
constexpr Duration kRecordPeriod{10'000'000};

}  // namespace

std::vector<std::string> integrator_names() {
  std::vector<std::string> out;
  for (const auto& [name, value] : kIntegrators) out.emplace_back(name);
  return out;
}

Result<dynamics::StepOptions> step_options(double dt, const std::string& integrator) {
  const auto found = std::find_if(kIntegrators.begin(), kIntegrators.end(),
                                  [&](const auto& entry) { return integrator == entry.first; });
  if (found == kIntegrators.end()) {
    return Error{ErrorCode::kBadInput,
                 "there is no integrator '" + integrator + "'; " +
                     did_you_mean(integrator, integrator_names(), "take implicit, euler, rk4 or symplectic")};
  }
  if (!(dt >= 1e-7 && dt <= 1)) return Error{ErrorCode::kBadInput, "the step --dt must be from 1e-7 to 1 s"};
  dynamics::StepOptions out;
  out.dt = Duration::from_seconds(dt);
  out.integrator = found->second;
  return out;
}

Result<Report> simulate(const SimulateOptions& options, const JobOutput& output, Diagnostics& diagnostics) {
  const Result<dynamics::StepOptions> step = step_options(options.dt, options.integrator);
  if (!step) return step.error();
  if (!(options.seconds >= 0 && options.seconds <= 1e8))
    return Error{ErrorCode::kBadInput, "the length --seconds must be from 0 to 1e8 s"};
  std::optional<scene::Scene> scene = scene::read_scene(options.scene, options.read, diagnostics);
  if (!scene) return diagnostics.to_error();
  const std::optional<Twin> twin = make_twin(std::move(*scene), diagnostics);
  if (!twin) return diagnostics.to_error();

  SimulationOptions settings;
  settings.step = *step;
  const double seconds = options.seconds == 0 && options.headless ? kHeadlessSeconds : options.seconds;
  settings.length = settings.step.dt * std::llround(seconds / options.dt);
  Simulation simulation(*twin, settings);

  std::unique_ptr<Server> server;
  if (!options.headless) {
    Result<std::unique_ptr<Server>> started =
        start_server({options.host, options.port.value_or(8765), options.studio, options.access});
    if (!started) return started.error();
    server = std::move(started).value();
  }
  const Result<TwinServe> serve = twin_serve({}, options.serve_opcua, options.serve_ros);
  if (!serve) return serve.error();
  if (options.headless && (serve->opcua || serve->ros))
    return Error{ErrorCode::kBadInput,
                 "a simulation as fast as possible serves nobody: leave --headless or --serve-... out"};
  std::unique_ptr<TwinServer> twin_server;
  if (server) {
    auto started = start_twin_server(*serve, *twin, nullptr, simulation, *server);
    if (!started) return started.error();
    twin_server = std::move(started).value();
  }
  PublishRates rates;
  rates.record = std::max(kRecordPeriod, settings.step.dt);
  Publisher publisher(*twin, simulation, server.get(), rates);
  if (!options.record.empty()) {
    const Result<void> recording = publisher.start_recording(options.record);
    if (!recording) return recording.error();
  }
  if (output.say) {
    output.say("simulates " + options.scene + ": " + std::to_string(twin->scene.bodies.size()) +
               (twin->scene.bodies.size() == 1 ? " body, " : " bodies, ") + std::to_string(twin->model.nv) +
               " degrees of freedom, " + std::to_string(twin->welds.size()) + " fixed joints");
    if (!options.record.empty()) output.say("records   " + options.record);
  }
  if (server) say_where_to_look(*server, options.studio, output.say);

  std::optional<history::Store> store;
  std::unique_ptr<HistoryWriter> writer;
  if (!options.history.empty()) {
    history::StoreOptions place;
    place.catalogue = options.catalogue;
    Result<history::Store> opened = history::Store::open(options.history, place, true, unix_now(), diagnostics);
    if (!opened) return opened.error();
    store.emplace(std::move(*opened));
    HistoryWriter::Options history;
    history.scene = options.scene, history.name = twin->scene.name;
    auto started = HistoryWriter::start(*store, simulation, history, unix_now(), diagnostics);
    if (!started) return started.error();
    writer = std::move(*started);
    if (output.say) output.say("history   " + options.history + ", run " + std::to_string(writer->run()));
  }

  SteadyClock clock;
  LiveOptions live;
  live.stop = options.stop;
  live.loop.mode = options.headless ? ClockMode::kFreeRun : ClockMode::kRealTime;
  live.loop.at_end = options.headless ? AtEnd::kStop : AtEnd::kPause;
  live.on_words = output.say;
  live.twin_server = twin_server.get();
  live.on_status = [&](const ClockStatus& status) {
    for (const std::string& warning : simulation.take_warnings()) {
      if (output.say) output.say("warning: " + warning);
      publisher.publish_log(log::Level::kWarning, warning);
      if (writer) writer->event(1, "watch", warning);
    }
    if (output.table) output.table(status, simulation.figures());
  };
  live.on_end = [&] { return simulation.failed(); };
  const Time start = clock.now();
  run_live(simulation, publisher, server.get(), clock, live);
  for (const std::string& warning : simulation.take_warnings()) {
    if (output.say) output.say("warning: " + warning);
    if (writer) writer->event(1, "watch", warning);
  }
  if (writer) {
    if (const Result<void> finished = writer->finish(); !finished) return finished.error();
  }
  const double wall = (clock.now() - start).seconds();
  const Result<void> closed =
      publisher.recording_error() ? Result<void>(*publisher.recording_error()) : publisher.stop_recording();
  if (!closed) return closed.error();
  if (simulation.failed()) {
    return Error{ErrorCode::kBadInput, options.scene + ": the simulation became infinite after " +
                                           std::to_string(simulation.steps()) + " steps; " + simulation.cause()};
  }
  Report report = simulation.report();
  if (options.headless && wall > 0) {  // live, the wall clock sets the pace
    report.add("real-time factor", simulation.snapshot().state.time.seconds() / wall, "");
    report.add("steps per second", static_cast<double>(simulation.steps()) / wall, "1/s");
  }
  return report;
}

}  // namespace geoul::runtime
