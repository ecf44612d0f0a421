// The job "check" on one file, and its mends.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "geoul/dynamics/outlook.h"
#include "geoul/runtime/bindings.h"
#include "geoul/runtime/check.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/stream.h"
#include "geoul/scene/doctor/doctor.h"
#include "geoul/scene/doctor/layer_units.h"
#include "geoul/scene/formats/write/write.h"

namespace geoul::runtime {
namespace {

namespace doctor = scene::doctor;

std::string extension(const std::string& file) {
  std::string out = std::filesystem::path(file).extension().string();
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string counted(std::size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string words(const Twin& twin) {
  std::size_t groups = 0;
  for (const dynamics::Group& group : twin.model.groups) groups += group.bodies.empty() ? 0 : 1;
  return counted(twin.scene.bodies.size(), "body", "bodies") + " in " + counted(groups, "rigid group", "rigid groups") +
         ", " + counted(twin.moving.size(), "moving joint", "moving joints") + ", " +
         counted(twin.welds.size(), "fixed joint", "fixed joints") + ", " +
         counted(twin.scene.shapes.size(), "shape", "shapes");
}

std::optional<std::string> check_site(const std::string& file, Diagnostics& diagnostics) {
  const std::optional<Site> site = read_site(file, diagnostics);
  if (!site) return std::nullopt;
  const std::optional<Twin> twin = load_twin(site->scene, diagnostics);
  if (!twin) return std::nullopt;
  if (!site->links.empty()) {
    const std::optional<Bindings> followed = bind(*site, *twin, Feed::kLive, diagnostics);
    if (!followed) return std::nullopt;
    if (site->sources.empty()) {
      return "site '" + site->name + "': " + words(*twin) + "; " + counted(followed->joints.size(), "joint", "joints") +
             " moved by " + counted(site->links.size(), "link", "links");
    }
  }
  const std::optional<Bindings> bindings = bind(*site, *twin, Feed::kRecording, diagnostics);
  if (!bindings) return std::nullopt;
  const std::optional<Stream> stream = load_stream(site->sources.front(), *bindings, diagnostics);
  if (!stream) return std::nullopt;
  return "site '" + site->name + "': " + words(*twin) + "; " + counted(stream->files(), "recording", "recordings") +
         " of " + counted(stream->rows(), "row", "rows") + " move " +
         counted(bindings->joints.size(), "joint", "joints");
}

// Reads with the errors that can be mended kept apart.
std::optional<scene::Scene> read_patient(const std::string& file, const scene::ReadOptions& options,
                                         Diagnostics& diagnostics) {
  diagnostics.set_apart(doctor::mendable_errors());
  std::optional<scene::Scene> scene = scene::read_scene(file, options, diagnostics);
  // Only the URDF reader says which body a missing mesh belongs to.
  if (scene && extension(file) != ".urdf" && diagnostics.has("mesh-not-found")) {
    for (scene::Body& body : scene->bodies) body.shapes_missing = true;
  }
  return scene;
}

// Codes under which a finding says what one of another code says better.
bool said_better(const std::string& code, const Codes& said) {
  static const std::map<std::string, std::string> kBetter = {{"shape-volume", "zero-size"},
                                                             {"start-outside-limits", "beyond-limit"}};
  const auto better = kBetter.find(code);
  return (doctor::is_own(code) && said.contains(code)) || (better != kBetter.end() && said.contains(better->second));
}

// How much a finding of someone else weighs here. Notes are: what changes a colour; what follows from URDF's having no
// start position; open or flat triangles of colliders, which most robots have; frames without mass, which compile
// refuses where they matter.
Severity weight(const Finding& finding, const std::string& ending) {
  if (finding.severity != Severity::kWarning) return finding.severity;
  static const Codes kNotes = {"material-conflict", "mimic-ignored", "mesh-open",
                               "mesh-degenerate",   "no-mass",       "no-inertia"};
  const bool note = kNotes.contains(finding.code) || (finding.code == "beyond-limit" && ending == ".urdf");
  return note ? Severity::kInfo : Severity::kWarning;
}

struct Collector {
  const CheckOptions& options;
  std::string ending;
  CheckedFile& out;

  void add(Finding finding, bool mendable) {
    if (options.ignore.contains(finding.code)) return;
    finding.severity = weight(finding, ending);
    const doctor::Code* code = doctor::find_code(finding.code);
    const bool automatic = code && code->remedy == doctor::Remedy::kAutomatic;
    const Mending mending = !mendable ? Mending::kByHand : automatic ? Mending::kAutomatic : Mending::kOnRequest;
    out.findings.push_back({std::move(finding), code ? std::string(code->why) : "", mending});
  }
};

// Errors first; findings of one code together, codes and findings in the order in which they came.
void sort_findings(std::vector<CheckedFinding>& findings) {
  std::map<std::pair<int, std::string>, std::size_t> first;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    first.try_emplace({-static_cast<int>(findings[i].finding.severity), findings[i].finding.code}, i);
  }
  std::stable_sort(findings.begin(), findings.end(), [&](const CheckedFinding& a, const CheckedFinding& b) {
    const auto key = [&](const CheckedFinding& f) {
      const int weight = -static_cast<int>(f.finding.severity);
      return std::pair{weight, first.at({weight, f.finding.code})};
    };
    return key(a) < key(b);
  });
}

void note_parts(const scene::Scene& scene, CheckedFile& out) {
  std::set<std::string> files;
  for (const scene::Mesh& mesh : scene.meshes) files.insert(mesh.path);
  for (const scene::Body& body : scene.bodies) files.insert(body.source.file);
  for (const Location& where : scene.joint_sources) files.insert(where.file);
  std::error_code failed;
  for (const std::string& file : files) {
    if (file != out.file && std::filesystem::is_regular_file(file, failed)) out.parts.push_back(file);
  }
}

// Two bodies of one mechanism that start inside each other, and the shapes' names.
struct NamedOverlap {
  scene::BodyId first, second;
  std::string a, b;
};

std::vector<NamedOverlap> excludable_overlaps(const scene::Scene& scene, const dynamics::Model& model,
                                              const dynamics::StepOptions& step) {
  std::vector<NamedOverlap> out;
  for (const dynamics::Overlap& overlap : dynamics::deep_overlaps(model, step)) {
    const scene::Shape &a = scene.shapes[overlap.a.index()], &b = scene.shapes[overlap.b.index()];
    if (overlap.one_mechanism && a.body.valid() && b.body.valid()) out.push_back({a.body, b.body, a.path, b.path});
  }
  return out;
}

void check_scene(const std::string& file, const CheckOptions& options, CheckedFile& out) {
  Collector collect{options, extension(file), out};
  Diagnostics reading, running;
  std::optional<scene::Scene> scene = read_patient(file, options.read, reading);
  if (scene && (collect.ending == ".usda" || collect.ending == ".usd")) doctor::judge_layer_units(file, reading);
  std::vector<doctor::Symptom> symptoms;
  std::vector<NamedOverlap> overlaps;
  if (scene) {
    symptoms = doctor::examine(*scene);
    note_parts(*scene, out);
    // What the compiler would refuse and has one right answer is mended in memory, so that all else is judged too.
    Codes refused;
    for (const doctor::Symptom& s : symptoms) {
      if (s.finding.severity == Severity::kError && s.mend) refused.insert(s.finding.code);
    }
    if (!refused.empty()) doctor::treat(*scene, refused);
    if (const std::optional<Twin> twin = make_twin(std::move(*scene), running)) {
      out.summary = words(*twin);
      dynamics::outlook(twin->scene, twin->model, options.step, running);
      overlaps = excludable_overlaps(twin->scene, twin->model, options.step);
    }
  }
  Codes said;
  for (const doctor::Symptom& s : symptoms) said.insert(s.finding.code);
  for (const Finding& f : running.findings()) {
    if (f.code == "beyond-limit") said.insert(f.code);
  }
  for (const Finding& f : reading.findings()) {
    if (!said_better(f.code, said)) collect.add(f, false);
  }
  for (const doctor::Symptom& s : symptoms) collect.add(s.finding, static_cast<bool>(s.mend));
  for (const Finding& f : running.findings()) {
    if (f.code != "beyond-limit" && said_better(f.code, said)) continue;
    const bool mendable = f.code == "deep-overlap" && std::any_of(overlaps.begin(), overlaps.end(), [&](const auto& o) {
                            return f.message.starts_with("'" + o.a + "' and '" + o.b + "' ");
                          });
    collect.add(f, mendable);
  }
}

// Pairs of one mechanism that start inside each other never touch.
std::vector<MendChange> exclude_overlaps(scene::Scene& scene, const dynamics::StepOptions& step) {
  std::vector<MendChange> changes;
  Diagnostics ignored;
  const std::optional<dynamics::Model> model = dynamics::compile(scene, ignored);
  if (!model) return changes;
  std::set<std::pair<int, int>> pairs;
  for (const NamedOverlap& overlap : excludable_overlaps(scene, *model, step)) {
    if (!pairs.insert(std::minmax(overlap.first.value, overlap.second.value)).second) continue;
    scene.collision_exclusions.push_back({overlap.first, overlap.second});
    const scene::Body& body = scene.bodies[overlap.first.index()];
    changes.push_back({"deep-overlap",
                       {body.source.file, body.source.line, body.path},
                       "never touches " + scene.bodies[overlap.second.index()].path + " any more"});
  }
  return changes;
}

std::optional<Error> refuse(const std::string& out, const Codes& only) {
  if (const std::string ending = extension(out); !scene::writes_scene(out) || ending == ".glb" || ending == ".gltf") {
    return Error{
        ErrorCode::kUnsupported,
        out + ": mended copies are written as .usda, .usdz, .urdf, .sdf or .xml (MJCF)" + "; name the file so"};
  }
  for (const std::string& code : only) {
    const doctor::Code* known = doctor::find_code(code);
    if (known && known->remedy != doctor::Remedy::kByHand) continue;
    return Error{ErrorCode::kBadInput, "--only " + code + ": " +
                                           (known ? "nothing can mend this but a person"
                                                  : "there is no mend of this name; see docs/notes/doctor.md")};
  }
  return std::nullopt;
}

}  // namespace

std::size_t CheckedFile::count(Severity severity) const {
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [&](const CheckedFinding& f) { return f.finding.severity == severity; }));
}

bool CheckedFile::has(std::string_view code) const {
  return std::any_of(findings.begin(), findings.end(), [&](const CheckedFinding& f) { return f.finding.code == code; });
}

CheckedFile check_file(const std::string& file, const CheckOptions& options) {
  CheckedFile out;
  out.file = file;
  const std::string ending = extension(file);
  if (ending == ".yaml" || ending == ".yml") {
    Diagnostics diagnostics;
    out.summary = check_site(file, diagnostics).value_or("");
    Collector collect{options, ending, out};
    for (const Finding& f : diagnostics.findings()) collect.add(f, false);
  } else {
    check_scene(file, options, out);
  }
  sort_findings(out.findings);
  out.ok = out.count(Severity::kError) == 0;
  return out;
}

Result<Mended> mend_file(const std::string& file, const std::string& out, const Codes& only,
                         const CheckOptions& options, Diagnostics& diagnostics) {
  if (const auto refused = refuse(out, only)) return *refused;
  std::error_code failed;
  if (std::filesystem::equivalent(file, out, failed)) {
    return Error{ErrorCode::kBadInput, out + ": this is the file to be mended; give the copy another name"};
  }
  std::optional<scene::Scene> scene = read_patient(file, options.read, diagnostics);
  if (!scene) return diagnostics.to_error();
  Mended mended;
  for (doctor::Change& c : doctor::treat(*scene, only)) mended.changes.push_back({c.code, c.where, std::move(c.words)});
  if (only.contains("deep-overlap")) {
    for (MendChange& c : exclude_overlaps(*scene, options.step)) mended.changes.push_back(std::move(c));
  }
  if (mended.changes.empty()) return mended;
  const Result<void> written = scene::write_scene(*scene, out, diagnostics);
  if (!written) return written.error();
  mended.out = out;
  CheckOptions of_copy = options;
  of_copy.read = {};  // the copy holds what they brought
  mended.after = check_file(out, of_copy);
  return mended;
}

}  // namespace geoul::runtime
