// From the shapes of a scene to colliders.
#include <atomic>
#include <cmath>
#include <cstdio>

#include "geoul/collision/collision.h"
#include "geoul/collision/height_field.h"
#include "geoul/collision/mesh.h"
#include "geoul/collision/prepared.h"

namespace geoul::collision {
namespace {

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

// Bodies that fixed joints hold to the world: an open mesh on them is a wall, not a solid.
std::vector<bool> grounded_bodies(const scene::Scene& scene) {
  std::vector<bool> grounded(scene.bodies.size(), false);
  const auto is_grounded = [&](scene::BodyId b) { return !b.valid() || grounded[b.index()]; };
  const auto exists = [&](scene::BodyId b) { return !b.valid() || b.index() < grounded.size(); };
  for (bool changed = true; changed;) {
    changed = false;
    for (const scene::Joint& joint : scene.joints) {
      if (joint.type != scene::JointType::kFixed || !exists(joint.parent) || !exists(joint.child)) continue;
      if (is_grounded(joint.parent) == is_grounded(joint.child)) continue;
      grounded[(is_grounded(joint.parent) ? joint.child : joint.parent).index()] = true;
      changed = true;
    }
  }
  return grounded;
}

struct Compiler {
  const scene::Scene& scene;
  Diagnostics& diagnostics;
  std::vector<bool> grounded;

  Location where(const scene::Shape& shape) const {
    const Location body = shape.body.valid() ? scene.bodies[shape.body.index()].source : Location{};
    return {body.file, body.line, shape.path};
  }
  void error(const scene::Shape& shape, const char* code, std::string message, std::string mend) {
    diagnostics.error(where(shape), code, std::move(message), std::move(mend));
  }

  // Whether a size is a positive number; says so where it is not.
  bool positive(const scene::Shape& shape, const char* name, double value) {
    if (!std::isfinite(value)) {
      error(shape, "not-finite", std::string(name) + " is NaN or infinite", "write a positive length in metres");
    } else if (!(value > 0)) {
      error(shape, "shape-volume", std::string(name) + " is " + number(value) + ": the shape has no volume",
            "write a positive length, or leave out the collider");
    }
    return std::isfinite(value) && value > 0;
  }

  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::Box& box) {
    bool ok = positive(shape, "the box's size along x", box.size.x);
    ok &= positive(shape, "the box's size along y", box.size.y);
    ok &= positive(shape, "the box's size along z", box.size.z);
    return ok ? std::optional(make_box(0.5 * box.size)) : std::nullopt;
  }
  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::Sphere& s) {
    return positive(shape, "the sphere's radius", s.radius) ? std::optional(make_sphere(s.radius)) : std::nullopt;
  }
  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::Capsule& c) {
    if (!positive(shape, "the capsule's radius", c.radius)) return std::nullopt;
    if (c.height == 0) return make_sphere(c.radius);
    return positive(shape, "the capsule's height", c.height) ? std::optional(make_capsule(c.radius, c.height / 2))
                                                             : std::nullopt;
  }
  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::Cylinder& c) {
    bool ok = positive(shape, "the cylinder's radius", c.radius);
    ok &= positive(shape, "the cylinder's height", c.height);
    return ok ? std::optional(make_cylinder(c.radius, c.height / 2)) : std::nullopt;
  }
  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::Cone& c) {
    bool ok = positive(shape, "the cone's radius", c.radius);
    ok &= positive(shape, "the cone's height", c.height);
    return ok ? std::optional(make_cone(c.radius, c.height / 2)) : std::nullopt;
  }
  std::optional<Geometry> geometry(const scene::Shape&, const scene::Plane&) { return make_plane(); }

  // The mesh's vertices times scale; none (and a finding) where there are none or they are not finite.
  std::optional<std::vector<Vec3d>> scaled(const scene::Shape& shape, scene::MeshId id, const Vec3d& scale) {
    if (!id.valid() || id.index() >= scene.meshes.size()) {
      error(shape, "bad-id", "the shape names a mesh that does not exist", "");
      return std::nullopt;
    }
    const scene::Mesh& mesh = scene.meshes[id.index()];
    if (!finite(scale) || scale.x == 0 || scale.y == 0 || scale.z == 0) {
      error(shape, finite(scale) ? "shape-volume" : "not-finite",
            "the scale of mesh '" + mesh.path + "' is (" + number(scale.x) + ", " + number(scale.y) + ", " +
                number(scale.z) + ")",
            "write three finite factors that are not 0");
      return std::nullopt;
    }
    if (mesh.vertices.empty() || mesh.triangles.empty()) {
      error(shape, "mesh-empty", "mesh '" + mesh.path + "' has no triangles",
            "leave out the collider, or mend the file");
      return std::nullopt;
    }
    std::vector<Vec3d> vertices;
    vertices.reserve(mesh.vertices.size());
    for (const Vec3<float>& v : mesh.vertices) {
      vertices.push_back({v.x * scale.x, v.y * scale.y, v.z * scale.z});
      if (finite(vertices.back())) continue;
      error(shape, "not-finite",
            "vertex " + std::to_string(vertices.size() - 1) + " of mesh '" + mesh.path + "' is NaN or infinite",
            "mend the mesh");
      return std::nullopt;
    }
    return vertices;
  }

  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::ConvexHull& hull) {
    const std::optional<std::vector<Vec3d>> points = scaled(shape, hull.mesh, hull.scale);
    if (!points) return std::nullopt;
    std::optional<Geometry> made = make_hull(*points);
    if (!made) {
      error(shape, "hull-flat",
            "the vertices of mesh '" + scene.meshes[hull.mesh.index()].path +
                "' lie in one plane: their hull has no volume",
            "give it thickness, or use a thin box");
    }
    return made;
  }

  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::TriangleMesh& surface) {
    const std::optional<std::vector<Vec3d>> points = scaled(shape, surface.mesh, surface.scale);
    if (!points) return std::nullopt;
    const scene::Mesh& mesh = scene.meshes[surface.mesh.index()];
    std::vector<std::array<std::uint32_t, 3>> triangles = mesh.triangles;
    if (surface.scale.x * surface.scale.y * surface.scale.z < 0) {  // a mirror image
      for (std::array<std::uint32_t, 3>& t : triangles) std::swap(t[1], t[2]);
    }
    MeshReport report;
    TriangleTree tree = make_triangle_tree(*points, triangles, report);
    if (tree.triangles.empty()) {
      error(shape, "mesh-empty", "mesh '" + mesh.path + "' has no triangle of any area",
            "leave out the collider, or mend the file");
      return std::nullopt;
    }
    say(shape, mesh, report, tree.closed);
    Geometry made;
    made.kind = Kind::kMesh;
    Bounds box;
    for (const Vec3d& v : tree.vertices) include(box, v);
    const double extent = norm(box.high - box.low);
    if (tree.closed && moves(shape) && !(report.volume > 1e-12 * extent * extent * extent)) {
      error(shape, "shape-volume",
            "mesh '" + mesh.path + "' is closed but holds no volume: its sides lie on each other",
            "give it thickness, or collide with a thin box");
      return std::nullopt;
    }
    for (const Vec3d& v : tree.vertices) made.bounding_radius = std::max(made.bounding_radius, norm(v));
    made.low = box.low, made.high = box.high;
    made.mesh = std::make_shared<const TriangleTree>(std::move(tree));
    return made;
  }

  bool moves(const scene::Shape& shape) const {
    return shape.body.valid() && !scene.bodies[shape.body.index()].kinematic && !grounded[shape.body.index()];
  }

  void say(const scene::Shape& shape, const scene::Mesh& mesh, const MeshReport& report, bool closed) {
    if (report.degenerate > 0) {
      diagnostics.warning(where(shape), "mesh-degenerate",
                          std::to_string(report.degenerate) + " of " + std::to_string(mesh.triangles.size()) +
                              " triangles of mesh '" + mesh.path +
                              "' have no area or name vertices that do not exist: left out",
                          "mend the mesh");
    }
    if (report.turned) {
      diagnostics.warning(where(shape), "mesh-inside-out",
                          "the triangles of mesh '" + mesh.path + "' run clockwise seen from outside: turned",
                          "reverse their order");
    }
    if (!closed && moves(shape)) {
      diagnostics.warning(where(shape), "mesh-open",
                          "mesh '" + mesh.path + "' moves and is not closed (" + std::to_string(report.open_edges) +
                              " edges without exactly two triangles): it has no inside",
                          "close it, or collide with its convex hull");
    }
  }

  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::HeightField& field) {
    bool ok = positive(shape, "the height field's size along x", field.size_x);
    ok &= positive(shape, "the height field's size along y", field.size_y);
    const std::size_t n = field.heights.size();
    if (field.columns < 2 || field.rows < 2 ||
        n / static_cast<std::size_t>(field.columns) != static_cast<std::size_t>(field.rows) ||
        n % static_cast<std::size_t>(field.columns) != 0 || n > (1u << 30)) {
      error(shape, "height-field-size",
            "the height field has " + std::to_string(field.columns) + " columns, " + std::to_string(field.rows) +
                " rows and " + std::to_string(n) + " heights",
            "give it columns x rows heights, at least 2 x 2");
      return std::nullopt;
    }
    HeightGrid grid{field.columns,
                    field.rows,
                    field.size_x / (field.columns - 1),
                    field.size_y / (field.rows - 1),
                    -field.size_x / 2,
                    -field.size_y / 2,
                    {field.heights.begin(), field.heights.end()},
                    0,
                    0};
    grid.low = Bounds::kInfinity, grid.high = -Bounds::kInfinity;
    for (const double h : grid.heights) {
      if (!std::isfinite(h)) {
        error(shape, "not-finite", "a height is NaN or infinite", "write finite heights");
        return std::nullopt;
      }
      grid.low = std::min(grid.low, h), grid.high = std::max(grid.high, h);
    }
    if (!ok) return std::nullopt;
    Geometry made;
    made.kind = Kind::kHeightField;
    made.low = {-field.size_x / 2, -field.size_y / 2, grid.low};
    made.high = {field.size_x / 2, field.size_y / 2, grid.high};
    made.bounding_radius = norm(max(abs(made.low), abs(made.high)));
    made.grid = std::make_shared<const HeightGrid>(std::move(grid));
    return made;
  }

  bool placed(const scene::Shape& shape) {
    if (shape.body.value < -1 || (shape.body.valid() && shape.body.index() >= scene.bodies.size())) {
      diagnostics.error({{}, 0, shape.path}, "bad-id", "the shape is on a body that does not exist", "");
      return false;
    }
    const double n = squared_norm(shape.X_BS.R);
    if (!finite(shape.X_BS.p) || !std::isfinite(n)) {
      error(shape, "not-finite", "the shape's pose holds NaN or infinity", "write finite numbers");
    } else if (!(std::abs(n - 1) < 1e-6)) {
      error(shape, "bad-rotation", "the shape's quaternion is not of unit length", "normalise it");
    } else {
      return true;
    }
    return false;
  }
};

std::unique_ptr<const CollisionModel::Prepared> prepare(const CollisionModel& model) {
  static std::atomic<std::uint64_t> stamps{0};
  auto prepared = std::make_unique<CollisionModel::Prepared>();
  prepared->stamp = ++stamps;
  prepared->X_WC.resize(model.colliders.size());
  prepared->fixed_bounds.resize(model.colliders.size());
  std::vector<Bounds> boxes;
  for (std::size_t i = 0; i < model.colliders.size(); ++i) {
    const Collider& collider = model.colliders[i];
    const Geometry& geometry = model.geometries[static_cast<std::size_t>(collider.geometry)];
    const bool is_plane = geometry.kind == Kind::kPlane, is_fixed = !collider.body.valid();
    (is_plane ? prepared->planes : is_fixed ? prepared->fixed : prepared->moving).push_back(static_cast<int>(i));
    if (!is_fixed) continue;
    prepared->X_WC[i] = collider.X_BC;
    prepared->fixed_bounds[i] = bounds_of(geometry, collider.X_BC);
    if (!is_plane) boxes.push_back(prepared->fixed_bounds[i]);
  }
  build(prepared->fixed_tree, boxes, 2);
  return prepared;
}

}  // namespace

CollisionModel::CollisionModel() = default;
CollisionModel::CollisionModel(CollisionModel&&) noexcept = default;
CollisionModel& CollisionModel::operator=(CollisionModel&&) noexcept = default;
CollisionModel::~CollisionModel() = default;

std::optional<CollisionModel> compile(const scene::Scene& scene, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  Compiler compiler{scene, diagnostics, grounded_bodies(scene)};
  CollisionModel model;
  model.nbody = static_cast<int>(scene.bodies.size());
  for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
    const scene::Shape& shape = scene.shapes[i];
    if (!shape.collides || !compiler.placed(shape)) continue;
    std::optional<Geometry> geometry =
        std::visit([&](const auto& g) { return compiler.geometry(shape, g); }, shape.geometry);
    if (!geometry) continue;
    model.colliders.push_back({scene::ShapeId{static_cast<int>(i)},
                               shape.body,
                               {normalized(shape.X_BS.R), shape.X_BS.p},
                               static_cast<int>(model.geometries.size())});
    model.geometries.push_back(std::move(*geometry));
  }
  if (diagnostics.error_count() != errors) return std::nullopt;
  model.prepared = prepare(model);
  return model;
}

}  // namespace geoul::collision
