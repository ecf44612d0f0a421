// The jobs "link probe" and "site init": what a plant offers, and a site file made from it.
#include <nlohmann/json.hpp>
#include <regex>

#include "geoul/core/unix_time.h"
#include "geoul/link/opcua/opcua_link.h"
#include "geoul/runtime/files.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/links.h"
#include "geoul/runtime/site_draft.h"

namespace geoul::runtime {
namespace {

Result<LinkSpec> spec_of(const ProbeOptions& options) {
  LinkSpec spec;
  spec.id = "plant";
  spec.url = options.url;
  spec.folder = ".";
  for (const std::string& setting : options.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      return Error{ErrorCode::kBadInput, "'" + setting + "' is no setting; write key=value, as in the site file"};
    spec.options[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return spec;
}

}  // namespace

Result<std::vector<link::OfferedSignal>> probe_link(const ProbeOptions& options) {
  const Result<LinkSpec> spec = spec_of(options);
  if (!spec) return spec.error();
  Result<std::unique_ptr<link::Link>> link = make_link(*spec, {}, unix_now);
  if (!link) return link.error();
  Result<std::vector<link::OfferedSignal>> offered = (*link)->browse(Duration::from_seconds(options.patience));
  (*link)->stop();
  return offered;
}

Result<std::optional<StrangeCertificate>> look_at_certificate(const ProbeOptions& options) {
  if (!options.url.starts_with("opc.tcp:")) {
    return Error{ErrorCode::kUnsupported,
                 "'" + options.url +
                     "': only servers of OPC UA (opc.tcp://) are trusted by hand; for mqtts:// "
                     "give the authority's certificate as ca_file"};
  }
  const Result<std::vector<link::OfferedSignal>> offered = probe_link(options);
  if (offered) return std::optional<StrangeCertificate>();
  const std::string& words = offered.error().message;
  static const std::regex kPrint("thumbprint ([0-9a-fA-F]{40})");
  std::smatch found;
  if (words.find("is not trusted yet") == std::string::npos || !std::regex_search(words, found, kPrint))
    return offered.error();
  const std::size_t begin = words.find('('), end = words.find(')');
  return std::optional<StrangeCertificate>({found[1], words.substr(begin + 1, end - begin - 1)});
}

Result<std::string> trust_certificate(const std::string& thumbprint) {
  const std::string folder = link::default_opcua_state_folder();
  if (folder.empty())
    return Error{ErrorCode::kUnavailable, "there is no folder for certificates: set HOME or XDG_STATE_HOME"};
  return link::trust_opcua_certificate(folder, thumbprint);
}

std::string to_json(const std::vector<link::OfferedSignal>& offered) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const link::OfferedSignal& s : offered) {
    out.push_back({{"name", s.name},
                   {"type", link::to_string(s.type)},
                   {"unit", s.unit},
                   {"can_write", s.can_write},
                   {"value", s.value},
                   {"description", s.description}});
  }
  // what a plant sends need not be UTF-8
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<std::string> init_site(const SiteInitOptions& options, Diagnostics& diagnostics) {
  if (!options.force && std::filesystem::exists(options.out))
    return Error{ErrorCode::kBadInput, "'" + options.out + "' is there already; give --force to replace it"};
  const std::optional<Twin> twin = load_twin(options.scene, diagnostics);
  if (!twin) return diagnostics.to_error();
  const Result<LinkSpec> spec = spec_of(options.plant);
  if (!spec) return spec.error();
  const Result<std::vector<link::OfferedSignal>> offered = probe_link(options.plant);
  if (!offered) return offered.error();
  const std::filesystem::path folder = std::filesystem::absolute(options.out).parent_path();
  const std::string scene =
      std::filesystem::relative(std::filesystem::absolute(options.scene), folder).generic_string();
  const SiteDraft draft = draft_site(*twin, scene, *spec, *offered);
  const Result<void> written = write_file(options.out, draft.text);
  if (!written) return written.error();
  return draft.summary;
}

}  // namespace geoul::runtime
