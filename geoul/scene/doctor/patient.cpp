#include "geoul/scene/doctor/patient.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>

namespace geoul::scene::doctor {
namespace {

using Corners = std::array<std::uint32_t, 3>;

bool usable(const Mesh& mesh) {
  for (const Vec3<float>& v : mesh.vertices) {
    if (!std::isfinite(v.x) || !std::isfinite(v.y) || !std::isfinite(v.z)) return false;
  }
  return std::all_of(mesh.triangles.begin(), mesh.triangles.end(), [&](const Corners& t) {
    return std::max({t[0], t[1], t[2]}) < mesh.vertices.size();
  });
}

// For each vertex the first of those that stand where it stands.
std::vector<std::uint32_t> welded(const Mesh& mesh) {
  std::vector<std::uint32_t> order(mesh.vertices.size()), first(mesh.vertices.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto key = [&](std::uint32_t i) {
    const Vec3<float>& v = mesh.vertices[i];
    return std::array<float, 3>{v.x + 0.0f, v.y + 0.0f, v.z + 0.0f};  // negative zero is zero
  };
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto p = key(a), q = key(b);
    return p < q || (p == q && a < b);
  });
  for (std::size_t i = 0; i < order.size(); ++i) {
    first[order[i]] = i > 0 && key(order[i]) == key(order[i - 1]) ? first[order[i - 1]] : order[i];
  }
  return first;
}

}  // namespace

MeshFacts mesh_facts(const Mesh& mesh) {
  MeshFacts out;
  if (!usable(mesh)) {
    out.bad_indices = true;
    return out;
  }
  const std::vector<std::uint32_t> first = welded(mesh);
  std::vector<Corners> kept;
  kept.reserve(mesh.triangles.size());
  const Vec3d origin = mesh.vertices.empty() ? Vec3d{} : Vec3d(mesh.vertices[0]);
  for (const Corners& triangle : mesh.triangles) {
    Corners t{first[triangle[0]], first[triangle[1]], first[triangle[2]]};
    const Vec3d a = Vec3d(mesh.vertices[t[0]]) - origin, b = Vec3d(mesh.vertices[t[1]]) - origin,
                c = Vec3d(mesh.vertices[t[2]]) - origin;
    const double longest = std::max({norm(b - a), norm(c - b), norm(a - c)});
    if (!(norm(cross(b - a, c - a)) > 1e-9 * longest * longest)) {
      ++out.degenerate;
      if (t[0] == t[1] || t[1] == t[2] || t[2] == t[0]) continue;  // a sliver keeps the surface closed
    }
    out.volume += dot(a, cross(b, c)) / 6;
    std::rotate(t.begin(), std::min_element(t.begin(), t.end()), t.end());
    kept.push_back(t);
  }
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges, turned;
  for (const Corners& t : kept) {
    for (std::size_t k = 0; k < 3; ++k) {
      edges.push_back({t[k], t[(k + 1) % 3]});
      turned.push_back({t[(k + 1) % 3], t[k]});
    }
  }
  std::sort(edges.begin(), edges.end());
  std::sort(turned.begin(), turned.end());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> unmatched;
  std::set_difference(edges.begin(), edges.end(), turned.begin(), turned.end(), std::back_inserter(unmatched));
  out.open_edges = unmatched.size();
  std::sort(kept.begin(), kept.end());
  for (std::size_t i = 1; i < kept.size(); ++i) out.duplicate += kept[i] == kept[i - 1] ? 1 : 0;
  return out;
}

std::optional<MeshUse> mesh_use(const Scene& scene, const Shape& shape) {
  std::optional<MeshUse> use;
  if (const auto* m = std::get_if<TriangleMesh>(&shape.geometry)) use = {m->mesh, m->scale, false};
  if (const auto* h = std::get_if<ConvexHull>(&shape.geometry)) use = {h->mesh, h->scale, true};
  if (use && (!use->mesh.valid() || use->mesh.index() >= scene.meshes.size())) use.reset();
  return use;
}

Patient::Patient(const Scene& s)
    : scene(s), shapes_of(s.bodies.size()), joints_of(s.bodies.size()), first_user(s.meshes.size()) {
  const auto exists = [&](BodyId b) { return b.valid() && b.index() < s.bodies.size(); };
  for (std::size_t i = 0; i < s.shapes.size(); ++i) {
    if (exists(s.shapes[i].body)) shapes_of[s.shapes[i].body.index()].push_back(ShapeId::from_index(i));
    const auto use = mesh_use(s, s.shapes[i]);
    // a collider before what is only seen
    if (!use) continue;
    ShapeId& user = first_user[use->mesh.index()];
    if (!user.valid() || (s.shapes[i].collides && !s.shapes[user.index()].collides)) user = ShapeId::from_index(i);
  }
  for (std::size_t i = 0; i < s.joints.size(); ++i) {
    if (!s.joints[i].enabled) continue;
    for (const BodyId b : {s.joints[i].parent, s.joints[i].child}) {
      if (exists(b)) joints_of[b.index()].push_back(JointId::from_index(i));
    }
  }
  for (const Mesh& mesh : s.meshes) meshes.push_back(mesh_facts(mesh));
  find_groups();
}

void Patient::find_groups() {
  group_of.assign(scene.bodies.size(), -1);
  std::vector<BodyId> open;
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    if (group_of[b] >= 0) continue;
    const int g = static_cast<int>(groups.size());
    groups.emplace_back();
    RigidGroup& group = groups.back();
    open.assign(1, BodyId::from_index(b));
    group_of[b] = g;
    while (!open.empty()) {
      const BodyId id = open.back();
      open.pop_back();
      group.bodies.push_back(id);
      const Body& body = scene.bodies[id.index()];
      group.held = group.held || body.kinematic;
      group.shapes_known = group.shapes_known && !body.shapes_missing;
      group.mass += body.mass.mass;
      for (const JointId j : joints_of[id.index()]) {
        const Joint& joint = scene.joints[j.index()];
        if (joint.type != JointType::kFixed) {
          group.jointed = true;
          continue;
        }
        const BodyId other = joint.parent == id ? joint.child : joint.parent;
        if (!other.valid()) group.held = true;
        if (!other.valid() || other.index() >= group_of.size() || group_of[other.index()] >= 0) continue;
        group_of[other.index()] = g;
        open.push_back(other);
      }
    }
    std::sort(group.bodies.begin(), group.bodies.end(), [](BodyId x, BodyId y) { return x.value < y.value; });
    for (const BodyId id : group.bodies) {
      const Transformd X_WB = transform(scene.bodies[id.index()].X_WB);
      for (const ShapeId shape : shapes_of[id.index()]) {
        const Shape& s = scene.shapes[shape.index()];
        if (!has_extent(scene, s.geometry)) continue;
        group.shapes.push_back({&s, X_WB * transform(s.X_BS)});
        group.reach.include(bounds(scene, group.shapes.back()));
      }
    }
  }
}

std::vector<Placed> Patient::own_shapes(BodyId body, bool colliding) const {
  std::vector<Placed> out;
  for (const ShapeId id : shapes_of[body.index()]) {
    const Shape& shape = scene.shapes[id.index()];
    if (shape.collides == colliding && has_extent(scene, shape.geometry))
      out.push_back({&shape, transform(shape.X_BS)});
  }
  return out;
}

Location Patient::at(BodyId body) const {
  const Body& b = scene.bodies[body.index()];
  return {b.source.file, b.source.line, b.path};
}

Location Patient::at(JointId joint) const {
  Location where = joint.index() < scene.joint_sources.size() ? scene.joint_sources[joint.index()] : Location{};
  where.path = scene.joints[joint.index()].path;
  return where;
}

Location Patient::at(ShapeId shape) const {
  const Shape& s = scene.shapes[shape.index()];
  const bool on_body = s.body.valid() && s.body.index() < scene.bodies.size();
  const Location body = on_body ? scene.bodies[s.body.index()].source : Location{};
  return {body.file, body.line, s.path};
}

Location Patient::at(MeshId mesh) const {
  const ShapeId user = first_user[mesh.index()];
  return user.valid() ? at(user) : Location{{}, 0, scene.meshes[mesh.index()].path};
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", x);
  return text;
}

std::string numbers(const Vec3d& v) { return "(" + number(v.x) + ", " + number(v.y) + ", " + number(v.z) + ")"; }

std::string counted(std::size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string listed(const std::vector<std::string>& names, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) out += (i > 0 ? ", " : "") + names[i];
  if (names.size() > most) out += " and " + std::to_string(names.size() - most) + " more";
  return out;
}

}  // namespace geoul::scene::doctor
