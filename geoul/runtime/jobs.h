// What can be asked of Geoul, whole: run a site, simulate a scene, convert a scene (check.h: check and mend files). The
// command line and other ways in give options and show results; everything between is here.
// Errors: findings about the user's files go to Diagnostics; a Result's error is what else went wrong (a port in use, a
// folder that cannot be written). Nothing is written before all input was found to be right.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/dynamics/step.h"
#include "geoul/link/link.h"
#include "geoul/runtime/clock.h"
#include "geoul/runtime/report.h"
#include "geoul/scene/read.h"

namespace geoul::runtime {

using scene::ReadOptions;

// How a job speaks while it runs; each may be empty.
struct JobOutput {
  std::function<void(const std::string& line)> say;
  std::function<void(double fraction, const std::string& what)> progress;  // 0 to 1
  std::function<void(const ClockStatus&)> status;                          // five times a second
  // The same with the newest figures; of simulations.
  std::function<void(const ClockStatus&, const std::vector<ReportLine>&)> table;
};

// Who may look and steer.
struct AccessOptions {
  std::string folder;              // of users and certificate; empty: $XDG_STATE_HOME/geoul or ~/.local/state/geoul
  std::vector<std::string> names;  // further names that this machine is reached by: "twin.example.org"
};

struct RunOptions {
  std::string site;                   // site file
  std::string scene;                  // instead of the site's own; empty: that
  bool live = false;                  // follow the site's links, not its recordings; so is a site without recordings
  std::vector<std::string> links;     // "ID=URL[,key=value...]": other words for a link of the site
  bool check = false;                 // headless, as fast as possible, once
  std::optional<std::uint16_t> port;  // instead of the site's
  std::string host;                   // the same; empty: the site's
  std::string out;                    // folder for recording and report; empty: one is made
  bool write = true;                  // false: neither of the two
  std::string history;                // folder of the time machine, of a live site: see history_jobs.h; empty: none
  std::string catalogue;              // of it, as HistoryPlace::catalogue
  std::optional<std::uint64_t> keep_bytes = 20ull << 30;  // of it: the oldest segments go; none: all stay
  double speed = 1;
  std::string serve_opcua, serve_ros;  // the twin to others: "4840", "0" (serve.h: twin_serve); empty: as the site says
  std::string studio;                  // folder of the web application; empty: see find_studio
  AccessOptions access{};
  const std::atomic<bool>* stop = nullptr;
};

struct RunResult {
  Report report;
  std::string folder;  // where recording and report are; empty where nothing was written
};

Result<RunResult> run_site(const RunOptions& options, const JobOutput& output, Diagnostics& diagnostics);

struct SimulateOptions {
  std::string scene;
  scene::ReadOptions read;
  double seconds = 0;  // 0: without end, unless headless (10)
  double dt = 1e-3;
  std::string integrator = "implicit";  // of integrator_names()
  std::string record;                   // MCAP file; empty: none
  std::string history;                  // folder of the time machine: see history_jobs.h; empty: none
  std::string catalogue;                // of it, as HistoryPlace::catalogue
  std::optional<std::uint16_t> port;    // none: 8765
  std::string host = "127.0.0.1";
  bool headless = false;               // as fast as possible, without a server
  std::string serve_opcua, serve_ros;  // as RunOptions
  std::string studio;
  AccessOptions access{};
  const std::atomic<bool>* stop = nullptr;
};

std::vector<std::string> integrator_names();
// kBadInput for a dt [s] beyond 1e-7 to 1, or an integrator that there is not.
Result<dynamics::StepOptions> step_options(double dt, const std::string& integrator);
Result<Report> simulate(const SimulateOptions& options, const JobOutput& output, Diagnostics& diagnostics);

// Reads any scene and writes it as the ending of `out` says: .usda .usdz .urdf .sdf .xml (MJCF) .glb .gltf. What the
// format has no word for is a finding. Returns what was written, in words.
Result<std::string> convert(const std::string& in, const scene::ReadOptions& read, const std::string& out,
                            Diagnostics& diagnostics);

struct ProbeOptions {
  std::string url;                    // as in a site file: links.h
  std::vector<std::string> settings;  // "key=value": the link's other keys
  double patience = 5;                // [s]
};

// What a plant offers. kBadInput for words that are wrong, kUnavailable where nothing answers.
Result<std::vector<link::OfferedSignal>> probe_link(const ProbeOptions& options);
// [{name, type, unit, can_write, value, description}]
std::string to_json(const std::vector<link::OfferedSignal>& offered);

// A certificate that a plant's OPC UA server has shown and that nobody has trusted yet.
struct StrangeCertificate {
  std::string thumbprint;   // SHA-1, 40 hexadecimal digits: what OPC UA's tools show
  std::string description;  // one line
};

// Connects to a plant over OPC UA; none where its certificate is trusted already. kUnsupported for other protocols,
// kUnavailable where nothing answers, or where the certificate cannot be trusted as it is (expired).
Result<std::optional<StrangeCertificate>> look_at_certificate(const ProbeOptions& options);
// Trusts a certificate that look_at_certificate() has found; the file where it now lies.
Result<std::string> trust_certificate(const std::string& thumbprint);

struct SiteInitOptions {
  std::string scene;
  ProbeOptions plant;
  std::string out = "site.yaml";
  bool force = false;  // replaces what is there
};

// Writes a commented site file from a scene and what the plant offers, and returns what was bound, in words.
Result<std::string> init_site(const SiteInitOptions& options, Diagnostics& diagnostics);

// Folder of the built web application: `given`, the environment's GEOUL_STUDIO, or studio/dist of the source tree;
// none where there is no index.html.
std::optional<std::string> find_studio(const std::string& given);

std::string_view version();

}  // namespace geoul::runtime
