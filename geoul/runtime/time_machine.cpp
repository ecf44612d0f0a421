#include "geoul/runtime/time_machine.h"

#include <nlohmann/json.hpp>

#include "geoul/core/sha256.h"
#include "geoul/dynamics/snapshot.h"
#include "geoul/history/posix_file.h"
#include "geoul/runtime/jobs.h"

namespace geoul::runtime {
namespace {

constexpr std::uint64_t kMostSceneBytes = std::uint64_t{4} << 30;
constexpr int kIntegrators = 4;

std::string hex_of(std::uint64_t value) {
  char out[17];
  std::snprintf(out, sizeof(out), "%016llx", static_cast<unsigned long long>(value));
  return out;
}

Error no_setup(const std::string& why) { return {ErrorCode::kBadInput, "the run cannot be simulated again: " + why}; }

}  // namespace

std::string to_json(const RunSetup& setup) {
  const dynamics::StepOptions& o = setup.step;
  nlohmann::json out = {{"kind", "simulation"},
                        {"scene", setup.scene},
                        {"scene_sha256", setup.scene_sha256},
                        {"version", setup.version},
                        {"fingerprint", hex_of(setup.fingerprint)},
                        {"dt_ns", o.dt.ns},
                        {"integrator", static_cast<int>(o.integrator)},
                        {"max_iterations", o.max_iterations},
                        {"contact", o.contact},
                        {"contact_margin", o.contact_margin},
                        {"contact_tolerance", o.contact_tolerance},
                        {"contact_iterations", o.contact_iterations},
                        {"sleep_time", o.sleep_time},
                        {"sleep_velocity", o.sleep_velocity}};
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<RunSetup> parse_setup(const std::string& text) {
  RunSetup out;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    if (json.at("kind") != "simulation") return no_setup("it is no simulation");
    out.scene = json.at("scene"), out.scene_sha256 = json.at("scene_sha256"), out.version = json.at("version");
    out.fingerprint = std::stoull(json.at("fingerprint").get<std::string>(), nullptr, 16);
    dynamics::StepOptions& o = out.step;
    o.dt.ns = json.at("dt_ns");
    const int integrator = json.at("integrator");
    o.integrator = static_cast<dynamics::Integrator>(integrator);
    o.max_iterations = json.at("max_iterations"), o.contact = json.at("contact");
    o.contact_margin = json.at("contact_margin"), o.contact_tolerance = json.at("contact_tolerance");
    o.contact_iterations = json.at("contact_iterations");
    o.sleep_time = json.at("sleep_time"), o.sleep_velocity = json.at("sleep_velocity");
    if (o.dt.ns <= 0 || integrator < 0 || integrator >= kIntegrators || o.max_iterations <= 0)
      return no_setup("its settings are out of range");
  } catch (const std::exception& e) {
    return no_setup(std::string("its settings are no settings: ") + e.what());
  }
  return out;
}

Result<std::string> file_sha256(const std::string& file) {
  const Result<std::string> bytes = history::read_file(file, kMostSceneBytes);
  if (!bytes) return bytes.error();
  Sha256 hash;
  hash.add(*bytes);
  return hex(hash.finish());
}

// ---- HistoryWriter ----

Result<std::unique_ptr<HistoryWriter>> HistoryWriter::start(history::Store& store, Simulation& simulation,
                                                            const Options& options, Time now,
                                                            Diagnostics& diagnostics) {
  GEOUL_EXPECTS(options.snapshot_steps > 0);
  std::unique_ptr<HistoryWriter> out(new HistoryWriter(store, simulation, options));
  RunSetup setup;
  setup.scene = options.scene, setup.version = std::string(version());
  if (const Result<std::string> hash = file_sha256(options.scene)) setup.scene_sha256 = *hash;
  setup.step = simulation.stepped().world().options;
  setup.fingerprint = dynamics::hash_state(simulation.stepped().world().state);
  history::RunRow run;
  run.name = options.name, run.source = options.scene, run.started = now;
  run.setup.bytes = to_json(setup);
  Result<history::RunRow> begun = store.begin_run(std::move(run), diagnostics);
  if (!begun) return begun.error();
  out->run_ = std::move(*begun);
  Result<history::TimelineWriter> line = history::TimelineWriter::start(store.recorder());
  if (!line) return line.error();
  out->line_.emplace(std::move(*line));
  out->begin_ = simulation.snapshot().state.time;
  out->snapshot();
  if (out->error_) return *out->error_;
  simulation.observe(out.get());
  return out;
}

HistoryWriter::~HistoryWriter() {
  simulation_.observe(nullptr);
  if (!finished_) (void)finish();
}

void HistoryWriter::keep(const Error& error) {
  if (!error_) error_ = error;
}

void HistoryWriter::snapshot() {
  scratch_.clear();
  simulation_.stepped().save(scratch_);
  newest_ = simulation_.steps();
  const Result<std::uint64_t> done = line_->snapshot(*newest_, simulation_.snapshot().state.time, scratch_);
  if (!done) keep(done.error());
}

void HistoryWriter::stepped(const Simulation& simulation) {
  if (!error_ && !simulation.failed() && simulation.steps() % options_.snapshot_steps == 0) snapshot();
}

void HistoryWriter::took(const Simulation& simulation, const SimulationInput& input) {
  if (error_) return;
  const Result<std::uint64_t> done = line_->input(simulation.steps(), simulation.snapshot().state.time, encode(input));
  if (!done) keep(done.error());
}

void HistoryWriter::event(std::int64_t severity, const std::string& source, const std::string& text) {
  history::EntryRow row{0, run_.site, run_.id, simulation_.snapshot().state.time, severity, source, "log", text, {}};
  if (const Result<void> done = store_.catalogue().add(history::EntryKind::kEvent, {&row, 1}); !done)
    keep(done.error());
}

Result<void> HistoryWriter::finish() {
  if (std::exchange(finished_, true)) return error_ ? Result<void>(*error_) : Result<void>();
  if (!error_ && !simulation_.failed() && newest_ != simulation_.steps()) snapshot();
  const Result<void> ended = store_.end_run(begin_, simulation_.snapshot().state.time);
  if (!ended) keep(ended.error());
  return error_ ? Result<void>(*error_) : Result<void>();
}

// ---- TimeMachine ----

Result<TimeMachine> TimeMachine::open(history::Store& store, std::int64_t run, const Twin& twin) {
  Result<history::Timeline> line = history::Timeline::open(store, run);
  if (!line) return line.error();
  Result<RunSetup> setup = parse_setup(line->run().setup.bytes);
  if (!setup) return setup.error();
  TimeMachine out(std::move(*line), std::move(*setup), twin);
  const std::uint64_t here = dynamics::hash_state(out.world_->world().state);
  if (here != out.setup_.fingerprint) {
    return Error{
        ErrorCode::kBadInput,
        "run " + std::to_string(run) + " was made from " + out.setup_.scene + " by geoul " + out.setup_.version +
            ": this scene, or this build of geoul, starts with other bits; name the scene of then, or restore it"};
  }
  return out;
}

Result<const scene::State*> TimeMachine::seek(Time t) {
  if (t < begin() || t > end()) {
    return Error{ErrorCode::kNotFound, "run " + std::to_string(run().id) + " is known from " +
                                           short_number(begin().seconds()) + " to " + short_number(end().seconds()) +
                                           " s; " + short_number(t.seconds()) + " s is outside"};
  }
  // Steps are counted from the oldest snapshot, whose time is known.
  const std::uint64_t step = line_.first_step() + static_cast<std::uint64_t>((t - begin()).ns / dt().ns);
  const Time at = begin() + dt() * static_cast<std::int64_t>(step - line_.first_step());
  Result<history::TimelineSpan> span = line_.span(step, at);
  if (!span) return span.error();
  const bool forward = placed_ && world_->steps() >= span->snapshot.step && world_->steps() <= step;
  if (!forward) {
    placed_ = false;
    if (Result<void> done = world_->restore(span->snapshot.bytes); !done) return done.error();
    if (world_->steps() != span->snapshot.step)
      return Error{ErrorCode::kBadInput, "a snapshot is of another step than it says"};
  }
  placed_ = false;
  auto input = span->inputs.begin();
  while (input != span->inputs.end() && input->step < world_->steps()) ++input;
  while (world_->steps() < step) {
    for (; input != span->inputs.end() && input->step == world_->steps(); ++input) {
      const std::optional<SimulationInput> what = decode_input(input->bytes);
      const Result<void> taken = what ? world_->apply(*what) : Error{ErrorCode::kBadInput, "it is none"};
      if (!taken) {
        return Error{ErrorCode::kBadInput, "an input of step " + std::to_string(input->step) +
                                               " cannot be repeated: " + taken.error().message};
      }
    }
    world_->step();
  }
  world_->complete();
  placed_ = true;
  return &world_->world().state;
}

}  // namespace geoul::runtime
