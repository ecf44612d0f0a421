#include "geoul/scene/doctor/layer_units.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "geoul/scene/doctor/patient.h"

namespace geoul::scene::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostText = 16 << 20;  // [bytes] of a layer
constexpr std::size_t kMostLayers = 1000;

// The text of a layer; empty where it is none.
std::string layer_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMostText, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text.starts_with("#usda") ? text : std::string();
}

// Layers beside this one. A name in a string or a comment counts too: it must exist to matter.
std::vector<fs::path> layers_in(const std::string& text, const fs::path& folder) {
  std::vector<fs::path> out;
  for (const std::string& name : asset_names(text)) {
    const fs::path path = (folder / name).lexically_normal();
    const fs::path ending = path.extension();
    std::error_code failed;
    if ((ending == ".usda" || ending == ".usd") && fs::is_regular_file(path, failed)) out.push_back(path);
  }
  return out;
}

struct Root {
  std::string name;
  double meters = 0.01;
  std::string up = "Y";
  Severity units = Severity::kWarning, axes = Severity::kWarning;
};

void compare(const Root& root, const std::string& file, const LayerHeader& header, Diagnostics& diagnostics) {
  if (header.meters && std::abs(*header.meters - root.meters) > 1e-6 * root.meters) {
    const double factor = *header.meters / root.meters;
    diagnostics.add({root.units,
                     {file, header.meters_line, {}},
                     "units-differ",
                     "this layer is written in units of " + number(*header.meters) + " m, '" + root.name +
                         "', which uses it, in units of " + number(root.meters) + " m: what is in it comes out " +
                         number(factor > 1 ? factor : 1 / factor) + " times too " + (factor > 1 ? "small" : "large"),
                     "scale the prim that refers to it by " + number(factor) + ", or write both in one unit"});
  }
  if (!header.up.empty() && header.up != root.up) {
    diagnostics.add({root.axes,
                     {file, header.up_line, {}},
                     "up-axis-differs",
                     "this layer has up axis " + header.up + ", '" + root.name + "', which uses it, " + root.up +
                         ": what is in it lies on its side",
                     "turn the prim that refers to it by 90 degrees, or write both with one up axis"});
  }
}

}  // namespace

LayerHeader layer_header(std::string_view text) {
  LayerHeader out;
  int line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view content = text.substr(begin, end - begin);
    content.remove_prefix(std::min(content.find_first_not_of(" \t"), content.size()));
    if (content.starts_with("def ") || content.starts_with("over ") || content.starts_with("class ")) break;
    const std::size_t equals = content.find('=');
    if (equals != std::string_view::npos && content.starts_with("metersPerUnit")) {
      const double value = std::atof(std::string(content.substr(equals + 1, 40)).c_str());
      if (value > 0 && std::isfinite(value)) out.meters = value, out.meters_line = line;
    }
    if (equals != std::string_view::npos && content.starts_with("upAxis")) {
      const std::size_t quote = content.find('"', equals);
      if (quote != std::string_view::npos && quote + 1 < content.size())
        out.up = content[quote + 1], out.up_line = line;
    }
    begin = end + 1;
  }
  return out;
}

std::vector<std::string> asset_names(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t begin = text.find('@'); begin != std::string_view::npos;) {
    const std::size_t end = text.find('@', begin + 1);
    if (end == std::string_view::npos) break;
    const std::string_view name = text.substr(begin + 1, end - begin - 1);
    const bool usable =
        !name.empty() && name.size() < 1000 && name.find_first_of(std::string_view("\n\0", 2)) == name.npos;
    if (usable) out.emplace_back(name);
    begin = end;
  }
  return out;
}

void judge_layer_units(const std::string& file, Diagnostics& diagnostics) {
  const std::string text = layer_text(file);
  if (text.empty() || text.find("unitsResolve") != std::string::npos) return;
  const auto says = [&](const char* words) { return text.find(words) != std::string::npos; };
  const LayerHeader header = layer_header(text);
  Root root;
  root.name = fs::path(file).filename().string();
  root.meters = header.meters.value_or(root.meters);
  if (!header.up.empty()) root.up = header.up;
  if (says("xformOp:scale") || says("xformOp:transform")) root.units = Severity::kInfo;
  if (says("xformOp:rotate") || says("xformOp:orient") || says("xformOp:transform")) root.axes = Severity::kInfo;
  std::set<fs::path> seen = {fs::path(file).lexically_normal()};
  std::vector<fs::path> open = layers_in(text, fs::path(file).parent_path());
  for (std::size_t i = 0; i < open.size() && seen.size() < kMostLayers; ++i) {
    const fs::path layer = open[i];
    if (!seen.insert(layer).second) continue;
    const std::string below = layer_text(layer);
    if (below.empty()) continue;
    compare(root, layer.string(), layer_header(below), diagnostics);
    for (fs::path& next : layers_in(below, layer.parent_path())) open.push_back(std::move(next));
  }
}

}  // namespace geoul::scene::doctor
