#include "geoul/scene/formats/write/mechanism.h"

#include <algorithm>
#include <cmath>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::write {
namespace {

class TreeMaker {
 public:
  TreeMaker(const Scene& scene, Mechanism& out) : scene_(scene), out_(out), used_(scene.joints.size(), 0) {}

  void run() {
    const std::size_t nbody = scene_.bodies.size();
    out_.nodes.resize(nbody);
    placed_.assign(nbody, 0);
    at_.resize(nbody + 1);
    for (std::size_t j = 0; j < scene_.joints.size(); ++j) {
      const Joint& joint = scene_.joints[j];
      if (!joint.enabled) continue;
      at_[slot(joint.parent)].push_back(static_cast<int>(j));
      at_[slot(joint.child)].push_back(static_cast<int>(j));
    }
    grow(-1);
    // Floating bodies: first those that are nobody's child, then whatever is left of rings.
    std::vector<char> child(nbody, 0);
    for (const Joint& joint : scene_.joints) {
      if (joint.enabled && joint.child.valid()) child[joint.child.index()] = 1;
    }
    for (const bool rings : {false, true}) {
      for (std::size_t b = 0; b < nbody; ++b) {
        if (placed_[b] || (child[b] && !rings)) continue;
        place(static_cast<int>(b), -1, Hinge{});
        grow(static_cast<int>(b));
      }
    }
    for (std::size_t j = 0; j < scene_.joints.size(); ++j) {
      if (scene_.joints[j].enabled && !used_[j]) out_.loops.push_back(static_cast<int>(j));
    }
  }

 private:
  static std::size_t slot(BodyId body) { return static_cast<std::size_t>(body.value + 1); }

  void place(int body, int parent, const Hinge& hinge) {
    const auto b = static_cast<std::size_t>(body);
    Node& node = out_.nodes[b];
    node.parent = parent;
    node.hinge = hinge;
    const TransformL X_WP = parent < 0 ? TransformL{} : out_.nodes[static_cast<std::size_t>(parent)].X_WB;
    if (hinge.type == JointType::kFree) {
      const TransformL X_WP_start =
          parent < 0 ? TransformL{} : precise(scene_.bodies[static_cast<std::size_t>(parent)].X_WB);
      node.X_PB = inverse(X_WP_start) * precise(scene_.bodies[b].X_WB);
    } else {
      node.X_PB = hinge.X_PJ * inverse(hinge.X_CJ);
    }
    node.X_WB = X_WP * node.X_PB;
    placed_[b] = 1;
    out_.order.push_back(body);
    if (parent < 0) {
      out_.roots.push_back(body);
    } else {
      out_.nodes[static_cast<std::size_t>(parent)].children.push_back(body);
    }
  }

  // Everything that hangs on a body (-1: the world), nearest first.
  void grow(int start) {
    std::vector<int> open{start};
    for (std::size_t k = 0; k < open.size(); ++k) {
      const int from = open[k];
      for (const int j : at_[static_cast<std::size_t>(from + 1)]) {
        const Joint& joint = scene_.joints[static_cast<std::size_t>(j)];
        const bool reversed = joint.child.value == from;
        const int to = reversed ? joint.parent.value : joint.child.value;
        if (used_[static_cast<std::size_t>(j)] || to < 0 || placed_[static_cast<std::size_t>(to)] ||
            joint.excluded_from_articulation || joint.by_equations) {
          continue;
        }
        used_[static_cast<std::size_t>(j)] = 1;
        Hinge hinge{j, reversed, joint.type, precise(joint.X_PJ), precise(joint.X_CJ), joint.axis};
        if (reversed) {
          std::swap(hinge.X_PJ, hinge.X_CJ);
          hinge.axis = -hinge.axis;
        }
        place(to, from, hinge);
        open.push_back(to);
      }
    }
  }

  const Scene& scene_;
  Mechanism& out_;
  std::vector<char> used_, placed_;
  std::vector<std::vector<int>> at_;  // joints at each body, the world first
};

}  // namespace

TransformL precise(const Posed& X) {
  return {rotation_matrix(normalized(Quat<long double>(X.R))), Vec3<long double>(X.p)};
}

Posed rounded(const TransformL& X) { return {normalized(Quatd(quaternion(X.R))), Vec3d(X.p)}; }

Followers followers(const Scene& scene) {
  Followers out{scene.mimics, 0};
  std::vector<char> follows(scene.joints.size(), 0), leads(scene.joints.size(), 0);
  for (const Mimic& m : scene.mimics) follows[m.joint.index()] = leads[m.source.index()] = 1;
  for (const Coupling& c : scene.couplings) {
    bool said = false;
    for (std::size_t k = 0; k < 2 && c.terms.size() == 2 && !said; ++k) {
      const auto& [joint, weight] = c.terms[k];
      const auto& [source, other] = c.terms[1 - k];
      const std::size_t j = joint.index(), s = source.index();
      if (j == s || weight == 0 || follows[j] || leads[j] || follows[s] || !scene.joints[j].enabled ||
          !scene.joints[s].enabled) {
        continue;
      }
      double sum = 0;
      for (const auto& [id, each] : c.terms) sum += each * scene.joints[id.index()].position.value_or(0);
      out.mimics.push_back({joint, source, -other / weight, c.offset.value_or(sum) / weight});
      follows[j] = leads[s] = 1;
      said = true;
    }
    out.left += said ? 0 : 1;
  }
  return out;
}

std::string leaf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == ':'; }, '_');
  return name.empty() ? "_" : name;
}

Mechanism mechanism(const Scene& scene, bool one_space) {
  Mechanism out;
  TreeMaker(scene, out).run();
  urdf::Names bodies, joints, sites;
  bodies.reserve("world");
  joints.reserve("world");
  sites.reserve("world");
  sites.reserve("surroundings");  // SDF: names of the models beside them
  sites.reserve(leaf(scene.name));
  for (const Body& body : scene.bodies) {
    out.bodies.push_back(bodies.unique(leaf(body.path)));
    sites.reserve(out.bodies.back());  // sites of a URDF are links
    if (one_space) joints.reserve(out.bodies.back());
  }
  for (const Joint& joint : scene.joints) {
    out.joints.push_back(joints.unique(leaf(joint.path)));
    if (one_space) sites.reserve(out.joints.back());
  }
  for (const Site& site : scene.sites) out.sites.push_back(sites.unique(leaf(site.path)));
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    const Posed zero = rounded(out.nodes[b].X_WB);
    const Posed& start = scene.bodies[b].X_WB;
    out.moved = out.moved || norm(zero.p - start.p) > 1e-9 || angle_between(zero.R, start.R) > 1e-9;
  }
  return out;
}

void Lacks::add(Severity severity, const char* code, const std::string& what, const std::string& mend) {
  for (Entry& entry : entries_) {
    if (entry.code == code && entry.what == what) {
      ++entry.count;
      return;
    }
  }
  entries_.push_back({severity, code, what, mend, 1});
}

void Lacks::report() {
  for (const Entry& e : entries_) {
    notes_.add({e.severity, {file_, 0, {}}, e.code, e.what + " (" + std::to_string(e.count) + ")", e.mend});
  }
}

void lack_looks(const Scene& scene, Lacks& lacks) {
  const auto info = [&](const char* code, const char* what) {
    lacks.add(Severity::kInfo, code, what, "write USD or glTF");
  };
  for (const Material& m : scene.materials) {
    for (const TextureMap* map : {&m.color_map, &m.opacity_map, &m.metallic_map, &m.roughness_map, &m.emission_map,
                                  &m.occlusion_map, &m.normal_map}) {
      if (map->texture.valid()) info("texture", "textures are left out");
    }
  }
  for (const Shape& shape : scene.shapes) {
    if (!shape.set_materials.empty()) info("face-material", "materials of single faces are left out");
  }
  for (const Mesh& mesh : scene.meshes) {
    if (!mesh.colors.empty()) info("mesh-color", "colours of the corners of meshes are left out");
  }
  for (std::size_t i = 0; i < scene.lights.size(); ++i) {
    lacks.add(Severity::kInfo, "light", "lights are left out", "write USD");
  }
}

}  // namespace geoul::scene::write
