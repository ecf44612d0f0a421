// COLLADA: the nodes of the scene, what they place, and the colours of its materials.
#include "geoul/scene/formats/mesh/dae.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace geoul::scene::mesh {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;

std::string_view without_hash(std::string_view url) { return url.substr(url.starts_with('#') ? 1 : 0); }

// Exactly n numbers as the text of an element; none for anything else.
template <std::size_t n>
std::optional<std::array<double, n>> numbers(pugi::xml_node element) {
  std::array<double, n> out{};
  Words words{element.text().get()};
  for (double& x : out) {
    if (!parse_number(words.next(), x)) return std::nullopt;
  }
  if (!words.next().empty()) return std::nullopt;
  return out;
}

Vec3d vector(const double* x) { return {x[0], x[1], x[2]}; }

// From the file's axes to z up (COLLADA 1.4.1 specification, up_axis: right, up and inward of each).
Affine z_up(std::string_view axis) {
  if (axis == "X_UP") return {{{0, -1, 0}, {0, 0, -1}, {1, 0, 0}}, {}};
  if (axis == "Z_UP") return {};
  return {{{1, 0, 0}, {0, 0, -1}, {0, 1, 0}}, {}};  // Y_UP, COLLADA's default
}

// One element of a node's transform; nothing for other elements. False where its numbers are not right.
bool read_step(pugi::xml_node element, Affine& X) {
  const std::string_view name = element.name();
  if (name == "translate") {
    const auto t = numbers<3>(element);
    if (t) X = X * Affine{Mat3d::identity(), vector(t->data())};
    return t.has_value();
  }
  if (name == "rotate") {
    const auto r = numbers<4>(element);
    if (!r) return false;
    const Vec3d axis = vector(r->data());
    if (norm(axis) == 0) return true;  // as others take it: no rotation
    X = X * Affine{rotation_matrix(exp_rotation((kDegree * (*r)[3] / norm(axis)) * axis)), {}};
    return true;
  }
  if (name == "scale") {
    const auto s = numbers<3>(element);
    if (s) X = X * Affine{{{(*s)[0], 0, 0}, {0, (*s)[1], 0}, {0, 0, (*s)[2]}}, {}};
    return s.has_value();
  }
  if (name == "matrix") {
    const auto m = numbers<16>(element);
    if (!m) return false;
    const double* a = m->data();  // by rows
    X = X * Affine{{vector(a), vector(a + 4), vector(a + 8)}, {a[3], a[7], a[11]}};
    return true;
  }
  if (name == "lookat") {
    const auto l = numbers<9>(element);
    if (!l) return false;
    const Vec3d eye = vector(l->data()), back = eye - vector(l->data() + 3), right = cross(vector(l->data() + 6), back);
    if (norm(back) == 0 || norm(right) == 0) return false;
    const Vec3d x = (1 / norm(right)) * right, z = (1 / norm(back)) * back, y = cross(z, x);
    X = X * Affine{{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}}, eye};
    return true;
  }
  return name != "skew";
}

// ---- materials ----

// The four numbers of <color>; white where it is a texture, which is not read.
std::optional<std::array<double, 4>> color_of(pugi::xml_node element) {
  const auto four = numbers<4>(element.child("color"));
  if (four) return four;
  const auto three = numbers<3>(element.child("color"));
  if (three) return std::array{(*three)[0], (*three)[1], (*three)[2], 1.0};
  if (element.child("texture")) return std::array{1.0, 1.0, 1.0, 1.0};
  return std::nullopt;
}

// Opacity by <transparent> and <transparency> (COLLADA 1.4.1 specification, FX: determining transparency).
double opacity_of(pugi::xml_node shading) {
  const pugi::xml_node transparent = shading.child("transparent");
  const auto color = color_of(transparent);
  const auto factor = numbers<1>(shading.child("transparency").child("float"));
  const double amount = factor ? (*factor)[0] : 1;
  // Exporters that know no opacity write a transparency of 0 alone and mean a solid surface.
  if (!color) return !transparent && amount > 0 ? amount : 1;
  const std::array<double, 4>& c = *color;
  const double luminance = 0.212671 * c[0] + 0.71516 * c[1] + 0.072169 * c[2];
  const std::string_view mode = transparent.attribute("opaque").as_string("A_ONE");
  const double a = amount * (mode.starts_with("RGB") ? luminance : c[3]);
  return mode.ends_with("ZERO") ? 1 - a : a;
}

// Linear diffuse colour of a <material>; none where it has none.
std::optional<std::array<float, 4>> diffuse(const DaeDocument& document, pugi::xml_node material) {
  const pugi::xml_node effect = document.find("effect", material.child("instance_effect").attribute("url").value());
  const pugi::xml_node technique = effect.child("profile_COMMON").child("technique");
  for (const char* shader : {"phong", "blinn", "lambert"}) {
    const pugi::xml_node shading = technique.child(shader);
    if (!shading) continue;
    const auto color = color_of(shading.child("diffuse"));
    if (!color) return std::nullopt;
    const auto unit = [](double x) { return std::isfinite(x) ? std::clamp(x, 0.0, 1.0) : 0.0; };
    return linear_color({unit((*color)[0]), unit((*color)[1]), unit((*color)[2]), unit(opacity_of(shading))});
  }
  return std::nullopt;
}

// ---- nodes ----

// A geometry that a node places, and which part of the mesh each of its groups goes to.
struct Use {
  pugi::xml_node element;
  const std::vector<DaeGroup>* groups = nullptr;  // after it was read
  std::vector<std::size_t> parts = {};            // (groups)
};

struct Node {
  Affine X;  // in its parent
  std::vector<int> below;
  std::vector<Use> uses;
};

class Walker {
 public:
  Walker(const Source& source, DaeDocument& document) : source_(source), document_(document), geometries_(document) {}

  MaybeParts run() {
    const pugi::xml_node root = document_.xml.child("COLLADA"), asset = root.child("asset");
    double meter = 1;
    if (const pugi::xml_attribute written = asset.child("unit").attribute("meter")) {
      if (!parse_number(Words{written.value()}.next(), meter) || !(meter > 0) || !std::isfinite(meter)) {
        return document_.fail(asset.child("unit"), "meter is no positive number"), std::nullopt;
      }
    }
    Affine top = source_.options.apply_up_axis ? z_up(Words{asset.child("up_axis").text().get()}.next()) : Affine{};
    top.A = meter * top.A;
    const pugi::xml_node scene =
        document_.find("visual_scene", root.child("scene").child("instance_visual_scene").attribute("url").value());
    if (!scene) return document_.fail(root, "its <scene> shows no <visual_scene>"), std::nullopt;
    if (!read_nodes()) return std::nullopt;
    std::vector<Open> open;
    for (const pugi::xml_node child : scene.children("node")) open.push_back({index_.at(child.hash_value()), 1, top});
    std::reverse(open.begin(), open.end());
    if (!walk(open)) return std::nullopt;
    return finish(source_, std::move(parts_));
  }

 private:
  struct Open {
    int node;
    int depth;
    Affine X;
  };

  bool read_nodes() {
    for (std::size_t i = 0; i < document_.nodes.size(); ++i) {
      index_.emplace(document_.nodes[i].hash_value(), static_cast<int>(i));
    }
    nodes_.resize(document_.nodes.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const pugi::xml_node child : document_.nodes[i].children()) {
        if (!read_child(child, nodes_[i])) return false;
      }
    }
    return true;
  }

  bool read_child(pugi::xml_node child, Node& node) {
    const std::string_view name = child.name();
    if (name == "node") {
      node.below.push_back(index_.at(child.hash_value()));
    } else if (name == "instance_node") {
      const pugi::xml_node there = document_.find("node", child.attribute("url").value());
      if (there) {
        node.below.push_back(index_.at(there.hash_value()));
      } else {
        document_.leave_out(child, "there is no <node> " + std::string(child.attribute("url").value()));
      }
    } else if (name == "instance_geometry" || name == "instance_controller") {
      node.uses.push_back({child});
    } else if (!read_step(child, node.X)) {
      return document_.fail(child, "<" + std::string(name) + "> cannot be read as a transform");
    }
    return true;
  }

  bool walk(std::vector<Open>& open) {
    std::size_t count = 0;
    while (!open.empty()) {
      const Open at = open.back();
      open.pop_back();
      Node& node = nodes_[static_cast<std::size_t>(at.node)];
      count += 1 + node.uses.size();
      if (count + open.size() + node.below.size() > source_.options.max_nodes) {
        source_.fail("mesh-too-large", "there are more than " + std::to_string(source_.options.max_nodes) + " nodes",
                     "join the parts of the mesh");
        return false;
      }
      if (at.depth > DaeDocument::kMaxDepth) {
        return document_.fail(document_.nodes[static_cast<std::size_t>(at.node)],
                              "nodes nest deeper than " + std::to_string(DaeDocument::kMaxDepth) +
                                  "; an <instance_node> may lead back to its own node");
      }
      const Affine X = at.X * node.X;
      for (Use& use : node.uses) {
        if (!place(use, X)) return false;
      }
      for (std::size_t k = node.below.size(); k-- > 0;) open.push_back({node.below[k], at.depth + 1, X});
    }
    return true;
  }

  bool place(Use& use, const Affine& X) {
    if (!use.groups && !prepare(use)) return false;
    for (std::size_t i = 0; i < use.groups->size(); ++i) {
      const Mesh& mesh = (*use.groups)[i].mesh;
      vertices_ += mesh.vertices.size();
      if (vertices_ > source_.options.max_vertices) return source_.too_many(" vertices"), false;
      append(mesh, X, parts_[use.parts[i]].mesh);
    }
    return true;
  }

  // Reads what is used, and finds the material of each group.
  bool prepare(Use& use) {
    static const std::vector<DaeGroup> kNothing;
    use.groups = &kNothing;
    const char* url = use.element.attribute("url").value();
    pugi::xml_node geometry = document_.find("geometry", url);
    if (const pugi::xml_node controller = document_.find("controller", url); !geometry && controller) {
      // A skin or morph stands as its geometry is written.
      const pugi::xml_node skin = controller.child("skin") ? controller.child("skin") : controller.child("morph");
      geometry = document_.find("geometry", skin.attribute("source").value());
    }
    if (!geometry) {
      document_.leave_out(use.element, "there is no <geometry> " + std::string(url));
      return true;
    }
    const std::vector<DaeGroup>* groups = geometries_.read(geometry);
    if (!groups) return false;
    use.groups = groups;
    std::map<std::string_view, pugi::xml_node> bound;
    pugi::xml_node first;
    for (const pugi::xml_node bind :
         use.element.child("bind_material").child("technique_common").children("instance_material")) {
      const pugi::xml_node material = document_.find("material", bind.attribute("target").value());
      if (!first) first = material;
      bound.emplace(bind.attribute("symbol").value(), material);
    }
    for (const DaeGroup& group : *groups) {
      const auto found = bound.find(group.symbol);
      // What is bound to no material has that of its neighbours, else the one that its symbol names.
      const pugi::xml_node material = found != bound.end() ? found->second
                                      : first              ? first
                                                           : document_.find("material", group.symbol);
      use.parts.push_back(part_of(material));
    }
    return true;
  }

  std::size_t part_of(pugi::xml_node material) {
    const auto [at, fresh] = part_of_.try_emplace(material.hash_value(), parts_.size());
    if (fresh) parts_.emplace_back().color = diffuse(document_, material);
    return at->second;
  }

  const Source& source_;
  DaeDocument& document_;
  DaeGeometries geometries_;
  std::map<std::size_t, int> index_;  // of nodes_, by the hash of their element
  std::vector<Node> nodes_;
  std::map<std::size_t, std::size_t> part_of_;  // by the hash of the material
  std::vector<MeshPart> parts_;
  std::size_t vertices_ = 0;
};

}  // namespace

// ---- document ----

bool DaeDocument::open() {
  const pugi::xml_parse_result parsed = xml.load_buffer(source.bytes.data(), source.bytes.size());
  if (!parsed) {
    const auto end = std::clamp<std::ptrdiff_t>(parsed.offset, 0, std::ssize(source.bytes));
    const auto newlines = std::count(source.bytes.begin(), source.bytes.begin() + end, '\n');
    source.fail("bad-mesh", std::string("the XML is broken: ") + parsed.description(), "export the file again",
                1 + static_cast<int>(newlines));
    return false;
  }
  if (!xml.child("COLLADA")) {
    source.fail("bad-mesh", "there is no <COLLADA> element", "give a COLLADA (.dae) file");
    return false;
  }
  int depth = 0;
  pugi::xml_node at = xml.child("COLLADA");
  while (at) {  // depth first, without recursion
    if (at.type() == pugi::node_element) {
      const char* id = at.attribute("id").value();
      if (*id) by_id.try_emplace({at.name(), id}, at);
      if (std::strcmp(at.name(), "node") == 0) nodes.push_back(at);
    }
    if (at.first_child()) {
      at = at.first_child();
      if (++depth > kMaxDepth) return fail(at.parent(), "elements nest deeper than " + std::to_string(kMaxDepth));
      continue;
    }
    while (depth > 0 && !at.next_sibling()) at = at.parent(), --depth;
    at = depth > 0 ? at.next_sibling() : pugi::xml_node{};
  }
  return true;
}

pugi::xml_node DaeDocument::find(std::string_view element, std::string_view url) const {
  const auto found = by_id.find({element, without_hash(url)});
  return found == by_id.end() ? pugi::xml_node{} : found->second;
}

int DaeDocument::line(pugi::xml_node node) const {
  const std::ptrdiff_t offset = node.offset_debug();
  if (offset < 0) return 0;
  const auto end = std::min(offset, std::ssize(source.bytes));
  return 1 + static_cast<int>(std::count(source.bytes.begin(), source.bytes.begin() + end, '\n'));
}

bool DaeDocument::fail(pugi::xml_node at, std::string message) const {
  source.fail("bad-mesh", "<" + std::string(at.name()) + ">: " + std::move(message), "export the file again", line(at));
  return false;
}

void DaeDocument::leave_out(pugi::xml_node at, std::string message) const {
  if (++left_out > kMaxLeftOut) return;
  source.diagnostics.warning({source.name, line(at), {}}, "mesh-incomplete",
                             "<" + std::string(at.name()) + ">: " + std::move(message) + "; the rest is read",
                             "export the file again if it is missed");
}

MaybeParts read_dae(const Source& source) {
  DaeDocument document(source);
  if (!document.open()) return std::nullopt;
  return Walker(source, document).run();
}

}  // namespace geoul::scene::mesh
