#include "geoul/scene/formats/urdf/srdf.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace geoul::scene::urdf {
namespace {

using Pair = std::pair<std::int32_t, std::int32_t>;

struct SrdfReader {
  Document& document;
  const LinkIds& links;

  std::optional<std::int32_t> link(pugi::xml_node node, const char* attribute) {
    const std::string who = printable(node.name());
    const char* name = node.attribute(attribute).value();
    if (*name == 0) {
      document.error(node, who, "missing-attribute", "<" + who + "> has no " + attribute,
                     std::string("write ") + attribute + "=\"...\"");
      return std::nullopt;
    }
    const auto found = links.find(name);
    if (found != links.end()) return found->second.value;
    document.warning(node, who, "unknown-link", "the robot has no link '" + printable(name) + "'",
                     "write the SRDF of this robot");
    return std::nullopt;
  }

  std::optional<Pair> pair(pugi::xml_node node) {
    const auto a = link(node, "link1"), b = link(node, "link2");
    if (!a || !b) return std::nullopt;
    if (*a == *b) {
      document.error(node, printable(node.name()), "self-pair",
                     "both links are '" + printable(node.attribute("link1").value()) + "'", "name two links");
      return std::nullopt;
    }
    return Pair{std::min(*a, *b), std::max(*a, *b)};
  }
};

}  // namespace

void read_srdf_text(std::string_view text, const std::string& name, std::size_t max_bytes, const std::string& robot,
                    const LinkIds& links, Scene& scene, Diagnostics& diagnostics) {
  Document document(text, name, diagnostics);
  const pugi::xml_node root = document.parse(max_bytes);
  if (!root) return;
  if (robot != root.attribute("name").value()) {
    document.warning(
        root, "robot", "other-robot",
        "it is of robot '" + printable(root.attribute("name").value()) + "', not '" + printable(robot) + "'",
        "give the SRDF of this robot");
  }
  document.check_children(root, "robot", {"*disable_collisions", "*enable_collisions", "*disable_default_collisions"});
  SrdfReader reader{document, links};
  std::set<Pair> never;
  for (const pugi::xml_node node : root.children("disable_default_collisions")) {
    const auto one = reader.link(node, "link");
    if (!one) continue;
    for (const auto& [key, other] : links) {
      if (other.value != *one) never.insert({std::min(*one, other.value), std::max(*one, other.value)});
    }
  }
  for (const pugi::xml_node node : root.children("enable_collisions")) {
    if (const auto pair = reader.pair(node)) never.erase(*pair);
  }
  for (const pugi::xml_node node : root.children("disable_collisions")) {
    if (const auto pair = reader.pair(node)) never.insert(*pair);
  }
  for (const auto& [a, b] : never) scene.collision_exclusions.emplace_back(BodyId{a}, BodyId{b});
  document.report_ignored();
}

void read_srdf(const std::string& file, std::size_t max_bytes, const std::string& robot, const LinkIds& links,
               Scene& scene, Diagnostics& diagnostics) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  std::ifstream stream(file, std::ios::binary);
  if (failed || !stream) {
    diagnostics.error({file, 0, {}}, "not-found", "the file cannot be opened", "check the path");
    return;
  }
  if (size > max_bytes) {
    diagnostics.error({file, 0, {}}, "too-large", "the file has " + std::to_string(size) + " bytes",
                      "the limit is " + std::to_string(max_bytes));
    return;
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  read_srdf_text(text, file, max_bytes, robot, links, scene, diagnostics);
}

}  // namespace geoul::scene::urdf
