// UsdGeom shapes and meshes, with scale baked into sizes.
#include <cmath>
#include <map>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

const double kHalfRoot = std::sqrt(0.5);

// Rotation that takes z to the axis of a shape, or to a side of a cube.
struct Axis {
  int index = 2;
  Quatd R;
};

Axis shape_axis(const View& view, const Prim& prim) {
  const std::string axis = view.token(prim, "axis").value_or("Z");
  if (axis == "X") return {0, {kHalfRoot, 0, kHalfRoot, 0}};
  if (axis == "Y") return {1, {kHalfRoot, -kHalfRoot, 0, 0}};
  if (axis != "Z") view.error(prim, "axis", "bad-token", "axis '" + axis + "' is none of X, Y, Z", "write X, Y or Z");
  return {};
}

bool diagonal(const Mat3d& S, double slack) {
  double size = 0, off = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) (i == j ? size : off) = std::fmax(i == j ? size : off, std::abs(S[i][j]));
  }
  return off <= slack * size;
}
bool alike(double a, double b) { return std::abs(a - b) <= 1e-6 * std::fmax(std::abs(a), std::abs(b)); }

// One factor for scales that should be equal; a round shape does not stay round otherwise.
double round_scale(const View& view, const Prim& prim, double a, double b, bool collides) {
  a = std::abs(a), b = std::abs(b);
  if (a == b) return a;
  if (alike(a, b)) return std::sqrt(a * b);
  const std::string message = "a " + prim.type_name + " is scaled by different factors across its round section";
  const char* mend = "scale it alike in all directions, or write it as a Mesh";
  if (collides) {
    view.error(prim, "", "non-uniform-scale", message, mend);
  } else {
    view.warning(prim, "", "non-uniform-scale", message + "; their geometric mean is drawn", mend);
  }
  return std::sqrt(a * b);
}

// The box along the mesh's axes that holds it, or the sphere about the middle of that box; `local` goes to the middle.
Geometry bounds(const Mesh& mesh, const Vec3d& scale, const std::string& how, Frame& local) {
  Vec3d low{kUnlimited, kUnlimited, kUnlimited}, high = -1.0 * low;
  const auto point = [&](const Vec3<float>& v) { return Vec3d{scale.x * v.x, scale.y * v.y, scale.z * v.z}; };
  for (const Vec3<float>& v : mesh.vertices) {
    const Vec3d p = point(v);
    low = {std::fmin(low.x, p.x), std::fmin(low.y, p.y), std::fmin(low.z, p.z)};
    high = {std::fmax(high.x, p.x), std::fmax(high.y, p.y), std::fmax(high.z, p.z)};
  }
  if (mesh.vertices.empty()) low = high = {};
  const Vec3d middle = 0.5 * (low + high);
  double radius = 0;
  for (const Vec3<float>& v : mesh.vertices) radius = std::fmax(radius, norm(point(v) - middle));
  local.X.p = local.X.p + rotation_matrix(local.X.R) * middle;
  if (how == "boundingCube") return Box{high - low};
  return Sphere{radius};
}
constexpr int kDecompositionHulls = 32;  // UsdPhysics leaves the number open; 32 is what PhysX takes

std::optional<Geometry> mesh_geometry(View& view, const Prim& prim, const std::vector<const Prim*>& subsets,
                                      Frame& local, bool collides) {
  const bool shear = !diagonal(local.S, 0);
  const std::vector<const void*> key = mesh_sources(view, prim, subsets);
  MeshId id;
  if (const auto found = view.meshes.find(key); !shear && found != view.meshes.end()) {
    id = found->second;
  } else {
    std::optional<Mesh> mesh = read_mesh(view, prim, subsets, shear ? &local : nullptr);
    if (!mesh) return std::nullopt;
    id = MeshId::from_index(view.scene.meshes.size());
    view.scene.meshes.push_back(std::move(*mesh));
    if (!shear) view.meshes[key] = id;
  }
  const Vec3d scale = shear ? Vec3d{1, 1, 1} : Vec3d{local.S.r0.x, local.S.r1.y, local.S.r2.z};
  if (!collides && !prim.has_api("PhysicsMeshCollisionAPI")) return TriangleMesh{id, scale};
  const std::string how = view.token(prim, "physics:approximation").value_or("none");
  if (how == "none" || how == "meshSimplification") {
    if (how != "none")
      view.warning(prim, "physics:approximation", "approximation", "the mesh itself is used instead of " + how);
    return TriangleMesh{id, scale};
  }
  if (how == "convexHull") return ConvexHull{id, scale};
  if (how == "boundingCube" || how == "boundingSphere") return bounds(view.scene.meshes[id.index()], scale, how, local);
  if (how == "convexDecomposition") return ConvexHull{id, scale, kDecompositionHulls};
  if (how == "sdf") {
    view.warning(prim, "physics:approximation", "approximation", "the mesh itself is used instead of sdf",
                 "write convexHull or none");
    return TriangleMesh{id, scale};
  }
  view.error(prim, "physics:approximation", "bad-token", "there is no approximation '" + how + "'",
             "write none, convexHull, convexDecomposition, boundingCube, boundingSphere or meshSimplification");
  return TriangleMesh{id, scale};
}

// geoul:heights (rows x columns) [m], geoul:columns, geoul:rows, geoul:extent (x, y) [m] on a Mesh of the same surface.
std::optional<Geometry> height_field(const View& view, const Prim& prim) {
  HeightField field;
  const Value::Reals* heights = view.reals(prim, "geoul:heights", 1);
  const Value::Reals* extent = view.reals(prim, "geoul:extent", 2);
  const Value::Integers* columns = view.integers(prim, "geoul:columns");
  const Value::Integers* rows = view.integers(prim, "geoul:rows");
  const bool sized =
      heights && extent && extent->size() == 2 && columns && columns->size() == 1 && rows && rows->size() == 1;
  if (!sized || columns->front() < 2 || rows->front() < 2 || columns->front() > 65536 || rows->front() > 65536 ||
      heights->size() != static_cast<std::size_t>(columns->front() * rows->front())) {
    view.error(prim, "geoul:heights", "bad-height-field",
               "a height field needs geoul:columns x geoul:rows heights, at "
               "least 2 x 2, and geoul:extent",
               "write all four, or none and a plain Mesh");
    return std::nullopt;
  }
  field.columns = static_cast<int>(columns->front());
  field.rows = static_cast<int>(rows->front());
  field.size_x = (*extent)[0], field.size_y = (*extent)[1];
  for (const double h : *heights) field.heights.push_back(static_cast<float>(h));
  return field;
}

// Sizes in units times the scale times metres per unit; `local` gets the rotation of the axis.
std::optional<Geometry> geometry_of(View& view, const Prim& prim, const std::vector<const Prim*>& subsets, Frame& local,
                                    bool collides) {
  if (prim.type_name == "Mesh" && view.stage.attribute(prim, "geoul:heights")) return height_field(view, prim);
  if (prim.type_name == "Mesh") return mesh_geometry(view, prim, subsets, local, collides);
  if (!diagonal(local.S, 1e-5)) {  // floats of rotations round to 1e-7
    const char* message = "is sheared by the scales above it, so it keeps no shape of its kind";
    if (collides) {
      view.error(prim, "", "sheared", message, "scale below the rotation, or write it as a Mesh");
    } else {
      view.warning(prim, "", "sheared", message, "scale below the rotation, or write it as a Mesh");
    }
  }
  const Vec3d s{std::abs(local.S.r0.x), std::abs(local.S.r1.y), std::abs(local.S.r2.z)};
  const double m = view.meters;
  if (prim.type_name == "Cube") {
    const double size = m * view.positive(prim, "size", 2);
    return Box{{size * s.x, size * s.y, size * s.z}};
  }
  if (prim.type_name == "Sphere") {
    const double xy = round_scale(view, prim, s.x, s.y, collides);
    return Sphere{m * view.positive(prim, "radius", 1) * (xy == s.z ? xy : round_scale(view, prim, xy, s.z, collides))};
  }
  const Axis axis = shape_axis(view, prim);
  const double along = s[axis.index];
  const double a = s[(axis.index + 1) % 3], b = s[(axis.index + 2) % 3];
  if (prim.type_name == "Cone" && local.S[axis.index][axis.index] < 0) {
    local.X.R = local.X.R * (axis.index == 0 ? Quatd{0, 0, 1, 0} : Quatd{0, 1, 0, 0});  // upside down
  }
  if (axis.index != 2) local.X.R = local.X.R == Quatd{} ? axis.R : local.X.R * axis.R;
  if (prim.type_name == "Plane") {
    // Width along x (z for axis X), length along y (z for axis Y).
    return Plane{m * view.positive(prim, "width", 2) * (axis.index == 0 ? s.z : s.x),
                 m * view.positive(prim, "length", 2) * (axis.index == 1 ? s.z : s.y)};
  }
  const double across = round_scale(view, prim, a, b, collides);
  if (prim.type_name == "Capsule") {
    const double radius = m * view.positive(prim, "radius", 0.5);
    const double r = across == along ? across : round_scale(view, prim, across, along, collides);
    return Capsule{radius * r, m * view.positive(prim, "height", 1) * along};
  }
  const double radius = m * view.positive(prim, "radius", 1) * across;
  const double height = m * view.positive(prim, "height", 2) * along;
  if (prim.type_name == "Cylinder") return Cylinder{radius, height};
  return Cone{radius, height};
}

bool is_read(const std::string& type) {
  for (const char* name : {"Cube", "Sphere", "Capsule", "Cylinder", "Cone", "Plane", "Mesh"}) {
    if (type == name) return true;
  }
  return false;
}

bool is_other_geometry(const std::string& type) {
  for (const char* name : {"Points", "BasisCurves", "NurbsCurves", "NurbsPatch", "HermiteCurves", "TetMesh",
                           "Capsule_1", "Cylinder_1", "Volume"}) {
    if (type == name) return true;
  }
  return false;
}

// One finding for each file: what touches has one material, that of the whole mesh.
void report_subsets(const View& view) {
  std::map<std::string, std::pair<const Prim*, int>> files;
  for (const Prim& prim : view.stage.prims()) {
    if (prim.type_name != "GeomSubset" || prim.parent < 0) continue;
    const Prim& mesh = view.stage.prims()[static_cast<std::size_t>(prim.parent)];
    const Prim* own = bound_material(view, prim, {"physics", ""});
    if (!own || own == bound_material(view, mesh, {"physics", ""})) continue;
    if (!own->has_api("PhysicsMaterialAPI") || !mesh.has_api("PhysicsCollisionAPI")) continue;
    ++files.emplace(prim.where().file, std::pair{&prim, 0}).first->second.second;
  }
  for (const auto& [file, first] : files) {
    view.warning(*first.first, "", "subset-material",
                 std::to_string(first.second) + " GeomSubset prims of this file bind a physics material: where it " +
                     "touches, the whole Mesh has the material that it binds itself",
                 "split the Mesh by physics material");
  }
}

}  // namespace

void read_shapes(View& view) {
  report_subsets(view);
  for (const Prim& prim : view.stage.prims()) {
    const bool collides =
        prim.has_api("PhysicsCollisionAPI") && view.flag(prim, "physics:collisionEnabled").value_or(true);
    if (!is_read(prim.type_name)) {
      if (is_other_geometry(prim.type_name)) {
        view.warning(prim, "", "not-read", prim.type_name + " is not read: it is neither seen nor touched",
                     "write it as a Mesh");
      } else if (collides) {
        view.warning(prim, "", "collider-without-shape", "PhysicsCollisionAPI on a prim that is no shape that is read",
                     "apply it to a Cube, Sphere, Capsule, Cylinder, Cone, Plane or Mesh");
      }
      continue;
    }
    const Placement& place = view.placement(prim);
    Frame local = place.in_body;
    const std::vector<const Prim*> subsets =
        prim.type_name == "Mesh" ? material_subsets(view, prim) : std::vector<const Prim*>{};
    const std::optional<Geometry> geometry = geometry_of(view, prim, subsets, local, collides);
    if (!geometry) continue;
    Shape shape;
    shape.path = prim.path;
    shape.body = place.body;
    shape.X_BS = local.X;
    shape.geometry = *geometry;
    shape.visible = place.visible;
    shape.collides = collides;
    shape.material = read_material(view, prim);
    if (!subsets.empty()) shape.set_materials.push_back({});
    for (const Prim* subset : subsets) shape.set_materials.push_back(read_material(view, *subset));
    const bool own = !prim.has_api("PhysicsRigidBodyAPI");  // the mass API of a body is read with the body
    view.masses.push_back(own && view.applies(prim, "PhysicsMassAPI", "physics:mass")
                              ? view.kilograms * view.positive(prim, "physics:mass", 0)
                              : 0);
    const double density =
        own && view.applies(prim, "PhysicsMassAPI", "physics:density") ? view.positive(prim, "physics:density", 0) : 0;
    view.densities.push_back(density * view.kilograms / (view.meters * view.meters * view.meters));
    view.scene.shapes.push_back(std::move(shape));
  }
}

}  // namespace geoul::scene::usd
