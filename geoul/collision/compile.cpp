// From the shapes of a scene to colliders.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <map>
#include <tuple>

#include "geoul/collision/collision.h"
#include "geoul/collision/derived.h"
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

// A mesh as one kind of shape, at one scale: prepared once, however many shapes show it.
struct MeshUse {
  int mesh = -1;
  Vec3d scale;
  int max_hulls = 0;  // 0: the surface, 1: the hull, more: a decomposition

  auto tie() const { return std::tuple(mesh, scale.x, scale.y, scale.z, max_hulls); }
  bool operator<(const MeshUse& other) const { return tie() < other.tie(); }
};
struct PreparedMesh {
  std::vector<Geometry> geometries;  // empty: flat
  Decomposition parts;               // without its hulls
  MeshReport report;
  std::shared_ptr<const TriangleTree> tree;
};

std::optional<MeshUse> mesh_use(const scene::Shape& shape) {
  if (const auto* surface = std::get_if<scene::TriangleMesh>(&shape.geometry)) {
    return MeshUse{surface->mesh.value, surface->scale, 0};
  }
  const auto* hull = std::get_if<scene::ConvexHull>(&shape.geometry);
  return hull ? std::optional(MeshUse{hull->mesh.value, hull->scale, hull->max_hulls}) : std::nullopt;
}

// Why a mesh cannot be prepared: a code and words; none where it can.
struct Flaw {
  const char* code;
  std::string what, mend;
};
std::optional<Flaw> flaw_of(const scene::Scene& scene, const MeshUse& use) {
  if (use.mesh < 0 || static_cast<std::size_t>(use.mesh) >= scene.meshes.size()) {
    return Flaw{"bad-id", "the shape names a mesh that does not exist", ""};
  }
  const scene::Mesh& mesh = scene.meshes[static_cast<std::size_t>(use.mesh)];
  const Vec3d& scale = use.scale;
  if (!finite(scale) || scale.x == 0 || scale.y == 0 || scale.z == 0) {
    return Flaw{finite(scale) ? "shape-volume" : "not-finite",
                "the scale of mesh '" + mesh.path + "' is (" + number(scale.x) + ", " + number(scale.y) + ", " +
                    number(scale.z) + ")",
                "write three finite factors that are not 0"};
  }
  if (mesh.vertices.empty() || mesh.triangles.empty()) {
    return Flaw{"mesh-empty", "mesh '" + mesh.path + "' has no triangles", "leave out the collider, or mend the file"};
  }
  for (std::size_t i = 0; i < mesh.vertices.size(); ++i) {
    const Vec3d v = Vec3d(mesh.vertices[i]);
    if (finite(Vec3d{v.x * scale.x, v.y * scale.y, v.z * scale.z})) continue;
    return Flaw{"not-finite", "vertex " + std::to_string(i) + " of mesh '" + mesh.path + "' is NaN or infinite",
                "mend the mesh"};
  }
  if (use.max_hulls < 0 || use.max_hulls > scene::ConvexHull::kMostHulls) {
    return Flaw{"hull-count", "the shape asks for " + std::to_string(use.max_hulls) + " hulls",
                "ask for 1 to " + std::to_string(scene::ConvexHull::kMostHulls)};
  }
  return std::nullopt;
}

// Needs a use without flaw.
PreparedMesh prepare_mesh(const scene::Scene& scene, const MeshUse& use, Cache* cache, ThreadPool* pool) {
  const scene::Mesh& mesh = scene.meshes[static_cast<std::size_t>(use.mesh)];
  const Vec3d& scale = use.scale;
  std::vector<Vec3d> points;
  points.reserve(mesh.vertices.size());
  for (const Vec3<float>& v : mesh.vertices) points.push_back({v.x * scale.x, v.y * scale.y, v.z * scale.z});
  PreparedMesh made;
  if (use.max_hulls == 1) {
    if (auto hull = derived_hull(points, cache)) made.geometries.push_back(std::move(*hull));
    return made;
  }
  std::vector<std::array<std::uint32_t, 3>> triangles = mesh.triangles;
  if (scale.x * scale.y * scale.z < 0) {  // a mirror image
    for (std::array<std::uint32_t, 3>& t : triangles) std::swap(t[1], t[2]);
  }
  if (use.max_hulls == 0) {
    made.tree = std::make_shared<const TriangleTree>(derived_tree(points, triangles, made.report, cache));
    return made;
  }
  std::erase_if(triangles, [&](const auto& t) { return std::max({t[0], t[1], t[2]}) >= points.size(); });
  made.parts = derived_parts(points, triangles, {.max_hulls = use.max_hulls}, cache, pool);
  for (const std::vector<Vec3d>& corners : made.parts.hulls) {
    if (auto hull = make_hull(corners)) made.geometries.push_back(std::move(*hull));
  }
  made.parts.hulls.clear();
  return made;
}

// All meshes of the scene's colliders. Many at a time; a decomposition shares out its own work.
std::map<MeshUse, PreparedMesh> prepare_meshes(const scene::Scene& scene, const CompileOptions& options) {
  constexpr std::size_t kManyTriangles = 20'000;  // below, threads would cost more than they save
  std::map<MeshUse, PreparedMesh> meshes;
  std::size_t triangles = 0;
  for (const scene::Shape& shape : scene.shapes) {
    const auto use = shape.collides ? mesh_use(shape) : std::nullopt;
    if (!use || flaw_of(scene, *use)) continue;
    if (meshes.try_emplace(*use).second) {
      triangles += scene.meshes[static_cast<std::size_t>(use->mesh)].triangles.size() * (use->max_hulls > 1 ? 100 : 1);
    }
  }
  if (meshes.empty()) return meshes;
  ThreadPool pool(triangles > kManyTriangles ? options.threads : 1);
  std::vector<std::pair<const MeshUse, PreparedMesh>*> plain;
  for (auto& entry : meshes) {
    if (entry.first.max_hulls > 1) {
      entry.second = prepare_mesh(scene, entry.first, options.cache, &pool);
    } else {
      plain.push_back(&entry);
    }
  }
  pool.parallel_for(plain.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      plain[i]->second = prepare_mesh(scene, plain[i]->first, options.cache, nullptr);
    }
  });
  return meshes;
}

struct Compiler {
  const scene::Scene& scene;
  Diagnostics& diagnostics;
  std::vector<bool> grounded;
  const std::map<MeshUse, PreparedMesh>& meshes;
  std::vector<Geometry> more = {};  // further convex parts of the shape at hand

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

  // The mesh that was prepared for a shape; none (and a finding) where it could not be.
  const PreparedMesh* prepared(const scene::Shape& shape) {
    const MeshUse use = *mesh_use(shape);
    if (const auto flaw = flaw_of(scene, use)) {
      error(shape, flaw->code, flaw->what, flaw->mend);
      return nullptr;
    }
    return &meshes.at(use);
  }

  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::ConvexHull& hull) {
    const PreparedMesh* made = prepared(shape);
    if (!made) return std::nullopt;
    const std::string& path = scene.meshes[hull.mesh.index()].path;
    if (made->geometries.empty()) {
      error(shape, "hull-flat", "the vertices of mesh '" + path + "' lie in one plane: their hull has no volume",
            "give it thickness, or use a thin box");
      return std::nullopt;
    }
    if (hull.max_hulls > 1) say(shape, path, *made);
    more.assign(made->geometries.begin() + 1, made->geometries.end());
    return made->geometries.front();
  }

  void say(const scene::Shape& shape, const std::string& path, const PreparedMesh& made) {
    const Decomposition& parts = made.parts;
    if (!parts.closed) {
      diagnostics.warning(where(shape), "mesh-open",
                          "mesh '" + path + "' is not closed: its " + std::to_string(made.geometries.size()) +
                              " hulls follow its surface, not a solid",
                          "close it");
      return;
    }
    diagnostics.info(where(shape), "decomposition",
                     "mesh '" + path + "' touches as " + std::to_string(made.geometries.size()) + " hulls of " +
                         number(100 * (parts.hull_volume / parts.solid_volume - 1)) + " % more volume");
  }

  std::optional<Geometry> geometry(const scene::Shape& shape, const scene::TriangleMesh& surface) {
    const PreparedMesh* ready = prepared(shape);
    if (!ready) return std::nullopt;
    const scene::Mesh& mesh = scene.meshes[surface.mesh.index()];
    const MeshReport& report = ready->report;
    const TriangleTree& tree = *ready->tree;
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
    made.mesh = ready->tree;
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

std::optional<CollisionModel> compile(const scene::Scene& scene, Diagnostics& diagnostics,
                                      const CompileOptions& options) {
  const std::size_t errors = diagnostics.error_count();
  const std::map<MeshUse, PreparedMesh> meshes = prepare_meshes(scene, options);
  if (const std::string note = options.cache ? options.cache->take_note() : std::string(); !note.empty()) {
    diagnostics.info({}, "cache", note + "; they are made anew each time");
  }
  Compiler compiler{scene, diagnostics, grounded_bodies(scene), meshes};
  CollisionModel model;
  model.nbody = static_cast<int>(scene.bodies.size());
  for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
    const scene::Shape& shape = scene.shapes[i];
    if (!shape.collides || !compiler.placed(shape)) continue;
    compiler.more.clear();
    std::optional<Geometry> geometry =
        std::visit([&](const auto& g) { return compiler.geometry(shape, g); }, shape.geometry);
    if (!geometry) continue;
    const auto add = [&](Geometry made) {
      model.colliders.push_back({scene::ShapeId{static_cast<int>(i)},
                                 shape.body,
                                 {normalized(shape.X_BS.R), shape.X_BS.p},
                                 static_cast<int>(model.geometries.size())});
      model.geometries.push_back(std::move(made));
    };
    add(std::move(*geometry));
    for (Geometry& part : compiler.more) add(std::move(part));
  }
  if (diagnostics.error_count() != errors) return std::nullopt;
  model.prepared = prepare(model);
  return model;
}

}  // namespace geoul::collision
