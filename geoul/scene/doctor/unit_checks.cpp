// Units and axes: millimetres, mesh-millimetres, gravity-up.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {
namespace {

constexpr double kThousand = 1000;
constexpr double kHuge = 10;           // [m] half of the parts of a machine are no larger
constexpr double kThin = 1e-4;         // [kg/m3] of a part in its box; air has 1.2
constexpr double kMostBeside = 100;    // a mesh beside the median of the scene's other lengths
constexpr double kLeastBeside = 0.01;  // the same once it is divided by 1000

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Every length of the scene times k; masses stay.
void scale_lengths(Scene& scene, double k) {
  const auto scale = [k](Vec3d& v) { v = k * v; };
  for (Body& b : scene.bodies) {
    scale(b.X_WB.p), scale(b.V_WB.v), scale(b.mass.center);
    Sym3d& I = b.mass.inertia;
    I = {k * k * I.xx, k * k * I.yy, k * k * I.zz, k * k * I.xy, k * k * I.xz, k * k * I.yz};
  }
  for (Joint& j : scene.joints) {
    scale(j.X_PJ.p), scale(j.X_CJ.p);
    if (j.type != JointType::kPrismatic) continue;
    j.lower *= k, j.upper *= k, j.velocity_limit *= k, j.spring_position *= k;
    j.drive.target_position *= k, j.drive.target_velocity *= k;
    if (j.position) *j.position *= k;
    if (j.velocity) *j.velocity *= k;
  }
  for (Spring& s : scene.springs) scale(s.p_A), scale(s.p_B), s.rest_length *= k;
  for (Site& s : scene.sites) scale(s.X_BS.p);
  for (Camera& c : scene.cameras) scale(c.X_BC.p);
  for (Mesh& m : scene.meshes) {
    for (Vec3<float>& v : m.vertices) v = Vec3<float>(k * Vec3d(v));
  }
  struct Scale {
    double k;
    void operator()(Box& b) const { b.size = k * b.size; }
    void operator()(Sphere& s) const { s.radius *= k; }
    void operator()(Capsule& c) const { c.radius *= k, c.height *= k; }
    void operator()(Cylinder& c) const { c.radius *= k, c.height *= k; }
    void operator()(Cone& c) const { c.radius *= k, c.height *= k; }
    void operator()(Plane& p) const { p.size_x *= k, p.size_y *= k; }
    void operator()(TriangleMesh&) const {}
    void operator()(ConvexHull&) const {}
    void operator()(HeightField& f) const {
      f.size_x *= k, f.size_y *= k;
      for (float& h : f.heights) h = static_cast<float>(k * h);
    }
  };
  for (Shape& s : scene.shapes) {
    scale(s.X_BS.p);
    std::visit(Scale{k}, s.geometry);
  }
}

// The whole model in millimetres: half of what moves is larger than a house and lighter than air.
bool judge_model(const Patient& patient, std::vector<Symptom>& out) {
  std::vector<double> sizes, densities;
  for (const RigidGroup& group : patient.groups) {
    if (group.shapes.empty() || !(group.mass > 0) || !(group.reach.volume() > 0)) continue;
    sizes.push_back(group.reach.diagonal());
    densities.push_back(group.mass / group.reach.volume());
  }
  if (sizes.empty() || !(median(sizes) > kHuge) || !(median(densities) < kThin)) return false;
  out.push_back({{Severity::kWarning, patient.at(BodyId{0}), "millimetres",
                  "half of its parts are more than " + number(median(sizes)) + " m across and weigh less than " +
                      number(median(densities)) + " kg/m3: lengths are in millimetres, it seems",
                  "write metres (USD: metersPerUnit = 0.001), or let --mend --only millimetres divide all lengths by "
                  "1000; masses stay"},
                 [](Scene& scene) {
                   scale_lengths(scene, 1 / kThousand);
                   return std::string("all lengths divided by 1000, inertias by a million");
                 }});
  return true;
}

// Whether a scene has the name that read_scene gives to a mesh file: the file's, other characters as "_".
bool is_named_after(const std::string& name, const std::string& file) {
  std::string stem = file.substr(file.rfind('/') + 1);
  stem.resize(std::min(stem.rfind('.'), stem.size()));
  for (char& c : stem) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name == stem || name == "_" + stem;
}

// A file that is one mesh, of a kind that knows no unit, and large for a part.
void judge_alone(const Patient& patient, std::vector<Symptom>& out) {
  const Scene& scene = patient.scene;
  if (scene.bodies.size() > 1 || !scene.joints.empty() || scene.shapes.empty()) return;
  Bounds reach;
  for (const Shape& shape : scene.shapes) {
    const auto use = mesh_use(scene, shape);
    if (!use || !has_extent(scene, shape.geometry)) return;
    const std::string& file = scene.meshes[use->mesh.index()].path;
    const std::string ending = file.substr(std::min(file.rfind('.'), file.size()));
    if (ending != ".stl" && ending != ".obj" && ending != ".STL" && ending != ".OBJ") return;
    if (!is_named_after(scene.name, file)) return;
    reach.include(bounds(scene, {&shape, transform(shape.X_BS)}));
  }
  if (!(reach.diagonal() > kHuge)) return;
  out.push_back({{Severity::kInfo, patient.at(ShapeId{0}), "mesh-millimetres",
                  "it is " + number(reach.diagonal()) +
                      " m across, as a file without units is read; most programs "
                      "that draw parts write millimetres",
                  "scale it by 0.001 where it is used, or let --mend --only mesh-millimetres do it"},
                 [](Scene& s) {
                   constexpr double k = 1 / kThousand;
                   scale_lengths(s, k);
                   for (Body& b : s.bodies) {  // of given density, so the mass goes with the volume
                     Sym3d& I = b.mass.inertia;
                     b.mass.mass *= k * k * k;
                     I = {k * k * k * I.xx, k * k * k * I.yy, k * k * k * I.zz,
                          k * k * k * I.xy, k * k * k * I.xz, k * k * k * I.yz};
                   }
                   return std::string("the mesh scaled by 0.001, its density kept");
                 }});
}

// Meshes a thousand times larger than everything beside them.
void judge_meshes(const Patient& patient, std::vector<Symptom>& out) {
  const Scene& scene = patient.scene;
  std::vector<std::pair<ShapeId, double>> meshes;
  std::vector<double> lengths;
  for (const Joint& j : scene.joints) {
    for (const Vec3d& p : {j.X_PJ.p, j.X_CJ.p}) {
      if (norm(p) > 0 && std::isfinite(norm(p))) lengths.push_back(norm(p));
    }
  }
  for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
    const Shape& shape = scene.shapes[i];
    const bool on_body = shape.body.valid() && shape.body.index() < scene.bodies.size();
    if (!on_body || !has_extent(scene, shape.geometry)) continue;
    const double size = bounds(scene, {&shape, transform(shape.X_BS)}).diagonal();
    lengths.push_back(size);
    const RigidGroup& group = patient.group(shape.body);
    if (mesh_use(scene, shape) && (group.jointed || !group.held)) meshes.push_back({ShapeId::from_index(i), size});
  }
  const double usual = median(lengths);
  for (const auto& [id, size] : meshes) {
    if (!(size > kMostBeside * usual) || !(size / kThousand > kLeastBeside * usual)) continue;
    out.push_back({{Severity::kWarning, patient.at(id), "mesh-millimetres",
                    "its mesh is " + number(size) + " m across; half of the lengths beside it are below " +
                        number(usual) + " m: it is in millimetres, it seems",
                    "scale it by 0.001, or let --mend --only mesh-millimetres do it"},
                   [id = id](Scene& s) {
                     std::visit(
                         [](auto& g) {
                           if constexpr (requires { g.scale; }) g.scale = (1 / kThousand) * g.scale;
                         },
                         s.shapes[id.index()].geometry);
                     return std::string("mesh scaled by 0.001");
                   }});
  }
}

void judge_gravity(const Patient& patient, std::vector<Symptom>& out) {
  const Scene& scene = patient.scene;
  const double g = norm(scene.gravity), up = norm(scene.up);
  if (!(g > 0) || !(up > 0)) return;
  const double along = dot(scene.gravity, scene.up) / (g * up);
  const Location where{scene.bodies.empty() ? "" : scene.bodies[0].source.file, 0, "/" + scene.name};
  const std::string both = "gravity is " + numbers(scene.gravity) + " m/s2 and up is " + numbers(scene.up);
  if (along > 0.5) {
    out.push_back({{Severity::kWarning, where, "gravity-up", both + ": things fall upwards",
                    "reverse gravity, or correct the up axis"},
                   {}});
  } else if (std::abs(along) < 0.1) {
    out.push_back({{Severity::kWarning, where, "gravity-up", both + ": things fall sideways",
                    "let gravity point against the up axis; a Y-up and a Z-up file were mixed, it seems"},
                   {}});
  }
}

}  // namespace

void check_units(const Patient& patient, std::vector<Symptom>& out) {
  if (!judge_model(patient, out)) judge_meshes(patient, out);
  judge_alone(patient, out);
  judge_gravity(patient, out);
}

}  // namespace geoul::scene::doctor
