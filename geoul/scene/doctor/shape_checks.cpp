// Shapes by themselves: zero-size, mirrored-collider, uneven-collider.
#include <algorithm>
#include <cmath>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {
namespace {

constexpr double kUneven = 1e-3;  // largest and least factor differ by more: floats of matrices round to 1e-6

// What of a primitive is not positive, in words; empty where nothing is.
struct EmptySize {
  std::string of(std::initializer_list<std::pair<const char*, double>> sizes) const {
    for (const auto& [name, value] : sizes) {
      if (!(value > 0)) return std::string("its ") + name + " is " + number(value) + " m";
    }
    return {};
  }
  std::string operator()(const Box& b) const {
    return of({{"size along x", b.size.x}, {"size along y", b.size.y}, {"size along z", b.size.z}});
  }
  std::string operator()(const Sphere& s) const { return of({{"radius", s.radius}}); }
  std::string operator()(const Capsule& c) const {
    return c.height == 0 ? of({{"radius", c.radius}}) : of({{"radius", c.radius}, {"height", c.height}});
  }
  std::string operator()(const Cylinder& c) const { return of({{"radius", c.radius}, {"height", c.height}}); }
  std::string operator()(const Cone& c) const { return of({{"radius", c.radius}, {"height", c.height}}); }
  std::string operator()(const HeightField& f) const {
    return of({{"size along x", f.size_x}, {"size along y", f.size_y}});
  }
  std::string operator()(const Plane&) const { return {}; }
  std::string operator()(const TriangleMesh& m) const { return scale(m.scale); }
  std::string operator()(const ConvexHull& m) const { return scale(m.scale); }
  std::string scale(const Vec3d& s) const {
    return s.x == 0 || s.y == 0 || s.z == 0 ? "its scale is " + numbers(s) : "";
  }
};

// Writes the shape's scale into a mesh of its own.
std::string bake(Scene& scene, ShapeId id) {
  Shape& shape = scene.shapes[id.index()];
  const auto use = mesh_use(scene, shape);
  Mesh mesh = scene.meshes[use->mesh.index()];
  const Vec3d s = use->scale;
  for (Vec3<float>& v : mesh.vertices) v = {float(s.x * v.x), float(s.y * v.y), float(s.z * v.z)};
  for (auto* normals : {&mesh.normals, &mesh.corner_normals}) {
    for (Vec3<float>& n : *normals) {
      const Vec3d turned{n.x / s.x, n.y / s.y, n.z / s.z};  // by the inverse transpose
      n = Vec3<float>((1 / norm(turned)) * turned);
    }
  }
  if (s.x * s.y * s.z < 0) turn_triangles(mesh);
  scene.meshes.push_back(std::move(mesh));
  const MeshId own = MeshId::from_index(scene.meshes.size() - 1);
  if (use->hull) {
    shape.geometry = ConvexHull{own, {1, 1, 1}};
  } else {
    shape.geometry = TriangleMesh{own, {1, 1, 1}};
  }
  return "the scale " + numbers(s) + " written into a mesh of its own";
}

void judge_scale(const Patient& patient, ShapeId id, std::vector<Symptom>& out) {
  const Shape& shape = patient.scene.shapes[id.index()];
  const auto use = mesh_use(patient.scene, shape);
  if (!use || !shape.collides) return;
  // MJCF's ellipsoids are one sphere, stretched: as meant
  if (patient.scene.meshes[use->mesh.index()].path.ends_with("/meshes/unit_sphere")) return;
  const Vec3d& s = use->scale;
  const double x = std::abs(s.x), y = std::abs(s.y), z = std::abs(s.z);
  const double most = std::max({x, y, z}), least = std::min({x, y, z});
  if (!(least > 0) || !std::isfinite(most)) return;
  const auto say = [&](const char* code, const std::string& message) {
    out.push_back({{Severity::kInfo, patient.at(id), code, message,
                    std::string("export the mesh as it is used, or let --mend --only ") + code + " do it"},
                   [id](Scene& scene) { return bake(scene, id); }});
  };
  if (s.x * s.y * s.z < 0) {
    say("mirrored-collider", "it collides with a mesh that a scale of " + numbers(s) + " mirrors");
  } else if (most > (1 + kUneven) * least) {
    say("uneven-collider", "it collides with a mesh whose scale " + numbers(s) + " is not the same along all axes");
  }
}

}  // namespace

void check_shapes(const Patient& patient, std::vector<Symptom>& out) {
  for (std::size_t i = 0; i < patient.scene.shapes.size(); ++i) {
    const ShapeId id = ShapeId::from_index(i);
    const Shape& shape = patient.scene.shapes[i];
    if (const std::string what = std::visit(EmptySize{}, shape.geometry); !what.empty()) {
      // a collider without volume is refused by compile
      out.push_back({{shape.collides ? Severity::kError : Severity::kWarning, patient.at(id), "zero-size",
                      what + ": there is nothing to see or touch", "write its size in metres, or remove the shape"},
                     {}});
    }
    judge_scale(patient, id, out);
  }
}

}  // namespace geoul::scene::doctor
