// For tests: the real cell of scenarios/ur3e_cell with links that deliver what they are told to.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "geoul/link/intake_link.h"
#include "geoul/runtime/live_mirror.h"
#include "geoul/runtime/mirror.h"

namespace geoul::runtime {

// Delivers what it is told to.
class ToldLink : public link::IntakeLink {
 public:
  explicit ToldLink(link::LinkOptions options) : IntakeLink(std::move(options)), intake(intake_) {}
  void start() override { intake.set_live(); }
  void stop() override { intake.set_stopped(); }
  Result<std::uint64_t> write(const std::string&, const link::Value&) override {
    return Error{ErrorCode::kUnsupported, "told links do not write"};
  }
  Result<std::vector<link::OfferedSignal>> browse(Duration) override { return std::vector<link::OfferedSignal>(); }

  link::Intake& intake;
};

// The real cell, with a link in the place of its recordings.
struct Cell {
  Time clock{1'700'000'000'000'000'000};
  Site site;
  std::optional<Twin> twin;
  ToldLink* link = nullptr;
  std::unique_ptr<LiveMirror> live;
  std::unique_ptr<Mirror> mirror;
  std::vector<BoundColumn> columns;

  explicit Cell(const std::function<void(Site&)>& change = {}, bool with_mirror = true) {
    Diagnostics diagnostics;
    site = read_site(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/site.yaml", diagnostics).value();
    site.judge.current.clear();
    LinkSpec spec;
    spec.id = site.sources.front().id;
    spec.period = site.sources.front().period;
    site.links = {spec};
    if (change) change(site);
    twin = load_twin(site.scene, diagnostics);
    std::optional<Bindings> bindings = bind(site, *twin, Feed::kLive, diagnostics);
    if (!bindings) throw std::runtime_error(diagnostics.text());
    columns = bindings->columns;
    if (with_mirror) {
      Bindings recorded = bind(site, *twin, Feed::kRecording, diagnostics).value();
      std::optional<Stream> stream = load_stream(site.sources.front(), recorded, diagnostics);
      mirror = std::make_unique<Mirror>(*twin, site, std::move(recorded), std::move(*stream));
    }
    make_live({});
  }

  // The live twin anew; without links, over one that is told.
  void make_live(LiveMirrorOptions options, std::vector<std::unique_ptr<link::Link>> links = {}) {
    Diagnostics diagnostics;
    Bindings bindings = bind(site, *twin, Feed::kLive, diagnostics).value();
    if (!options.now) options.now = [this] { return clock; };
    if (links.empty()) {
      links.push_back(std::make_unique<ToldLink>(link::LinkOptions{
          .id = site.links[0].id, .signals = LiveMirror::asked_of(site.links[0], bindings).names, .now = options.now}));
      link = static_cast<ToldLink*>(links.back().get());
    }
    live.reset();
    live = std::make_unique<LiveMirror>(*twin, site, std::move(bindings), std::move(links), std::move(options));
  }

  // Of the recording, which begins again at its end with the time running on.
  std::vector<link::Intake::Item> row(std::size_t k) const {
    const Stream& stream = mirror->stream();
    const std::size_t at = k % stream.rows();
    const Duration lap = stream.time.back() - stream.time.front() + Duration{40'000'000};
    const Time time = stream.time[at] + lap * static_cast<std::int64_t>(k / stream.rows());
    std::vector<link::Intake::Item> items;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      items.push_back(
          {static_cast<std::uint32_t>(c), stream.value(at, static_cast<int>(c)), link::Quality::kGood, time});
    }
    return items;
  }
  void deliver(std::size_t k) {
    clock = clock + Duration{40'000'000};
    link->intake.deliver(row(k));
  }
};

}  // namespace geoul::runtime
