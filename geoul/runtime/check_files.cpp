// The job "check".
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "geoul/dynamics/outlook.h"
#include "geoul/runtime/bindings.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/stream.h"

namespace geoul::runtime {
namespace {

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
  const std::optional<Bindings> bindings = bind(*site, *twin, diagnostics);
  if (!bindings) return std::nullopt;
  const std::optional<Stream> stream = load_stream(site->sources.front(), bindings->columns, diagnostics);
  if (!stream) return std::nullopt;
  return "site '" + site->name + "': " + words(*twin) + "; " + counted(stream->files(), "recording", "recordings") +
         " of " + counted(stream->rows(), "row", "rows") + " move " +
         counted(bindings->joints.size(), "joint", "joints");
}

}  // namespace

CheckedFile check_file(const std::string& file, const dynamics::StepOptions& step) {
  CheckedFile out;
  out.file = file;
  std::optional<std::string> summary;
  const std::string ending = extension(file);
  if (ending == ".yaml" || ending == ".yml") {
    summary = check_site(file, out.diagnostics);
  } else if (const std::optional<Twin> twin = load_twin(file, out.diagnostics)) {
    summary = words(*twin);
    dynamics::outlook(twin->scene, twin->model, step, out.diagnostics);
  }
  out.ok = summary.has_value() && out.diagnostics.ok();
  out.summary = summary.value_or("");
  return out;
}

std::string to_json(const std::vector<CheckedFile>& files) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const CheckedFile& file : files) {
    nlohmann::ordered_json item;
    item["file"] = file.file;
    item["ok"] = file.ok;
    item["summary"] = file.summary;
    item["findings"] = nlohmann::ordered_json::array();
    for (const Finding& finding : file.diagnostics.findings()) {
      item["findings"].push_back({{"severity", std::string(to_string(finding.severity))},
                                  {"file", finding.where.file},
                                  {"line", finding.where.line},
                                  {"path", finding.where.path},
                                  {"code", finding.code},
                                  {"message", finding.message},
                                  {"mend", finding.mend}});
    }
    out.push_back(item);
  }
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace geoul::runtime
