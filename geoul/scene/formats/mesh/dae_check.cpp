#include "geoul/scene/formats/mesh/dae_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <pugixml.hpp>
#include <vector>

namespace geoul::scene {
namespace {

constexpr int kMaxDepth = 200;  // of XML elements, and of nodes after instancing

// Graph of the <node> elements: children and instances.
struct NodeGraph {
  std::vector<std::vector<int>> next;
  std::vector<double> size;  // nodes after instancing
  std::vector<int> depth;

  enum class Outcome { kFine, kCycle, kTooDeep };

  // Depth first with a stack of its own; leaves size and depth of every node.
  Outcome measure() {
    const std::size_t n = next.size();
    size.assign(n, 0);
    depth.assign(n, 0);
    std::vector<char> state(n, 0);  // 0 new, 1 open, 2 done
    std::vector<std::pair<int, std::size_t>> stack;
    for (std::size_t root = 0; root < n; ++root) {
      if (state[root] != 0) continue;
      stack.push_back({static_cast<int>(root), 0});
      state[root] = 1;
      while (!stack.empty()) {
        auto& [node, done] = stack.back();
        const auto i = static_cast<std::size_t>(node);
        if (done < next[i].size()) {
          const auto child = static_cast<std::size_t>(next[i][done++]);
          if (state[child] == 1) return Outcome::kCycle;
          if (state[child] == 0) {
            state[child] = 1;
            stack.push_back({static_cast<int>(child), 0});
          }
          continue;
        }
        size[i] = 1;
        for (const int c : next[i]) {
          const auto child = static_cast<std::size_t>(c);
          size[i] += size[child];
          depth[i] = std::max(depth[i], depth[child] + 1);
        }
        if (depth[i] > kMaxDepth) return Outcome::kTooDeep;
        state[i] = 2;
        stack.pop_back();
      }
    }
    return Outcome::kFine;
  }
};

struct Instance {
  std::size_t from;
  std::string target;
};

// Visits every element once (pugixml walks without recursion) and gathers the graph.
struct Walker : pugi::xml_tree_walker {
  struct Open {
    int depth;
    int node;  // the nearest <node>, -1: none
    bool in_library;
  };
  NodeGraph graph;
  std::vector<Instance> instances;
  std::map<std::string, std::vector<int>> library_ids, names;
  std::vector<pugi::xml_node> accessors;
  std::map<std::string, unsigned long long> array_sizes;
  std::vector<Open> open{{-1, -1, false}};
  bool too_deep = false;
  bool bad_count = false;
  bool bad_index = false;
  unsigned long long max_count = 0;  // no array holds more items than the file has bytes

  bool for_each(pugi::xml_node& element) override {
    if (depth() > kMaxDepth) return too_deep = true, false;
    if (element.type() != pugi::node_element) return check_indices(element);
    if (element.attribute("count").as_ullong() > max_count) return bad_count = true, false;
    const std::string_view name = element.name();
    if (name == "accessor") accessors.push_back(element);
    if (name.ends_with("_array")) {
      const auto size = element.attribute("count").as_ullong();
      const auto [place, is_new] = array_sizes.try_emplace(element.attribute("id").value(), size);
      if (!is_new) place->second = std::min(place->second, size);
    }
    while (open.back().depth >= depth()) open.pop_back();
    const Open around = open.back();
    if (std::strcmp(element.name(), "library_nodes") == 0) {
      open.push_back({depth(), around.node, true});
    } else if (std::strcmp(element.name(), "node") == 0) {
      const int id = static_cast<int>(graph.next.size());
      graph.next.emplace_back();
      if (around.node >= 0) graph.next[static_cast<std::size_t>(around.node)].push_back(id);
      if (around.in_library) library_ids[element.attribute("id").value()].push_back(id);
      names[element.attribute("id").value()].push_back(id);
      names[element.attribute("name").value()].push_back(id);
      open.push_back({depth(), id, around.in_library});
    } else if (around.node >= 0 && std::strcmp(element.name(), "instance_node") == 0) {
      const char* url = element.attribute("url").value();
      instances.push_back({static_cast<std::size_t>(around.node), *url == '#' ? url + 1 : url});
    }
    return true;
  }

  // Whether every accessor stays within its array: assimp does not look. Counts are below max_count, so that
  // nothing overflows.
  bool accessors_fit() const {
    for (const pugi::xml_node accessor : accessors) {
      const char* source = accessor.attribute("source").value();
      const auto array = array_sizes.find(*source == '#' ? source + 1 : source);
      if (array == array_sizes.end()) continue;  // assimp refuses it
      const auto stride = accessor.attribute("stride").as_ullong(1), offset = accessor.attribute("offset").as_ullong();
      const auto params = accessor.select_nodes("param").size();
      if (stride > max_count || offset > max_count || params > std::max(stride, 1ull)) return false;
      if (offset + accessor.attribute("count").as_ullong() * stride > array->second) return false;
    }
    return true;
  }

  // assimp reads <p>, <vcount> and <v> with a loop that never passes a character that is in no integer.
  bool check_indices(pugi::xml_node text) {
    const char* parent = text.parent().name();
    const bool holds_indices =
        std::strcmp(parent, "p") == 0 || std::strcmp(parent, "vcount") == 0 || std::strcmp(parent, "v") == 0;
    bad_index = holds_indices && std::strspn(text.value(), "0123456789 \t\r\n") != std::strlen(text.value());
    return !bad_index;
  }

  // assimp looks for the id among <library_nodes>, then for any node of that id or name: all of these count.
  // False where the edges alone would be too many.
  bool add_instances(std::size_t max_edges) {
    std::size_t edges = 0;
    for (const Instance& instance : instances) {
      const auto in_library = library_ids.find(instance.target);
      const auto& found = in_library != library_ids.end() ? in_library->second : names[instance.target];
      edges += found.size();
      if (edges > max_edges) return false;
      auto& next = graph.next[instance.from];
      next.insert(next.end(), found.begin(), found.end());
    }
    return true;
  }
};

int line_of(std::string_view bytes, std::ptrdiff_t offset) {
  const auto end = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(offset, 0, std::ssize(bytes)));
  return 1 + static_cast<int>(std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
}

}  // namespace

std::optional<DaeHeader> check_dae(std::string_view bytes, const std::string& name, std::size_t max_nodes,
                                   Diagnostics& diagnostics) {
  const Location file{name, 0, {}};
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(bytes.data(), bytes.size());
  if (!parsed) {
    diagnostics.error({name, line_of(bytes, parsed.offset), {}}, "bad-mesh",
                      std::string("the XML is broken: ") + parsed.description(), "export the file again");
    return std::nullopt;
  }
  const pugi::xml_node root = document.child("COLLADA");
  if (!root) {
    diagnostics.error(file, "bad-mesh", "there is no <COLLADA> element", "give a COLLADA (.dae) file");
    return std::nullopt;
  }
  Walker walker;
  walker.max_count = bytes.size();
  document.traverse(walker);
  if (walker.bad_index) {
    diagnostics.error(file, "bad-mesh", "an index of <p>, <vcount> or <v> is not a whole number >= 0",
                      "export the file again");
    return std::nullopt;
  }
  if (walker.bad_count) {
    diagnostics.error(file, "bad-mesh", "a count is larger than the file", "export the file again");
    return std::nullopt;
  }
  if (walker.too_deep) {
    diagnostics.error(file, "bad-mesh", "elements nest deeper than " + std::to_string(kMaxDepth), "flatten the nodes");
    return std::nullopt;
  }
  if (!walker.accessors_fit()) {
    diagnostics.error(file, "bad-mesh", "an <accessor> reaches beyond its array", "export the file again");
    return std::nullopt;
  }
  bool small = walker.graph.next.size() <= max_nodes && walker.add_instances(max_nodes);
  if (small) {
    switch (walker.graph.measure()) {
      case NodeGraph::Outcome::kCycle:
        diagnostics.error(file, "bad-mesh", "an <instance_node> leads back to its own node", "remove the instance");
        return std::nullopt;
      case NodeGraph::Outcome::kTooDeep:
        diagnostics.error(file, "bad-mesh", "nodes nest deeper than " + std::to_string(kMaxDepth), "flatten the nodes");
        return std::nullopt;
      case NodeGraph::Outcome::kFine: break;
    }
    double total = 0;
    for (const double size : walker.graph.size) total = std::max(total, size);
    small = total <= static_cast<double>(max_nodes);
  }
  if (!small) {
    diagnostics.error(file, "mesh-too-large", "there are more than " + std::to_string(max_nodes) + " nodes",
                      "join the parts of the mesh");
    return std::nullopt;
  }

  DaeHeader header;
  const pugi::xml_node asset = root.child("asset");
  if (const pugi::xml_attribute meter = asset.child("unit").attribute("meter")) {
    header.meter = meter.as_double();
    if (!(header.meter > 0) || !std::isfinite(header.meter)) {
      diagnostics.error(file, "bad-mesh", "the unit is '" + std::string(meter.value()).substr(0, 40) + "' metres",
                        "write <unit meter=\"1\"/> or another positive length");
      return std::nullopt;
    }
  }
  const std::string up = asset.child("up_axis").text().get();
  header.up_axis = up == "Z_UP" ? UpAxis::kZ : up == "X_UP" ? UpAxis::kX : UpAxis::kY;
  return header;
}

}  // namespace geoul::scene
