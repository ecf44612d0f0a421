// Findings for other programs. The schema stands in docs/notes/doctor.md: fields are added, never renamed or removed.
#include <nlohmann/json.hpp>

#include "geoul/runtime/check.h"

namespace geoul::runtime {
namespace {

using Json = nlohmann::ordered_json;

const char* to_word(Mending mending) {
  switch (mending) {
    case Mending::kAutomatic: return "automatic";
    case Mending::kOnRequest: return "on-request";
    case Mending::kByHand: break;
  }
  return "by-hand";
}

Json to_json(const CheckedFinding& f) {
  return {{"severity", std::string(to_string(f.finding.severity))},
          {"file", f.finding.where.file},
          {"line", f.finding.where.line},
          {"path", f.finding.where.path},
          {"code", f.finding.code},
          {"message", f.finding.message},
          {"why", f.why},
          {"mend", f.finding.mend},
          {"remedy", to_word(f.mending)}};
}

Json to_json(const CheckedFile& file) {
  Json item;
  item["file"] = file.file;
  item["ok"] = file.ok;
  item["summary"] = file.summary;
  item["errors"] = file.count(Severity::kError);
  item["warnings"] = file.count(Severity::kWarning);
  item["notes"] = file.count(Severity::kInfo);
  item["findings"] = Json::array();
  for (const CheckedFinding& f : file.findings) item["findings"].push_back(to_json(f));
  item["parts"] = file.parts;
  return item;
}

}  // namespace

std::string to_json(const std::vector<CheckedFile>& files, const std::vector<std::string>& parts,
                    const Mended* mended) {
  Json out;
  out["files"] = Json::array();
  for (const CheckedFile& file : files) out["files"].push_back(to_json(file));
  out["parts"] = parts;
  if (mended) {
    Json changes = Json::array();
    for (const MendChange& c : mended->changes) {
      changes.push_back({{"code", c.code},
                         {"file", c.where.file},
                         {"line", c.where.line},
                         {"path", c.where.path},
                         {"change", c.words}});
    }
    out["mended"] = {{"file", mended->out}, {"changes", changes}};
    out["mended"]["after"] = mended->after ? to_json(*mended->after) : Json();
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace geoul::runtime
