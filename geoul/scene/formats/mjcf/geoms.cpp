// Geoms, sites and cameras.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/mjcf/tree.h"

namespace geoul::scene::mjcf {
namespace {

using urdf::printable;

// MuJoCo's order of the words.
enum GeomType { kPlane, kHField, kSphere, kCapsule, kEllipsoid, kCylinder, kBox, kMesh, kSdf };

constexpr double kSmall = 1e-14;

}  // namespace

// ---- sizes ----

bool TreeReader::from_to(const Node& node, const std::string& whom, std::vector<double>& size, int type, Posed& X) {
  const auto ends = document_.list(node, "fromto", whom, 6, 6);
  if (!ends) return false;
  if (type != kCapsule && type != kCylinder && type != kEllipsoid && type != kBox) {
    document_.error(*node.element, whom, "bad-fromto", "fromto is for capsules, cylinders, boxes and ellipsoids",
                    "write pos and size");
    return false;
  }
  const Vec3d a{(*ends)[0], (*ends)[1], (*ends)[2]}, b{(*ends)[3], (*ends)[4], (*ends)[5]};
  const double length = norm(a - b);
  if (!(length > kSmall)) {
    document_.error(*node.element, whom, "bad-fromto", "the two points of fromto are one", "write two points");
    return false;
  }
  X.p = 0.5 * (a + b);
  X.R = rotation_to(a - b);
  size.resize(3, 0);
  size[1] = length / 2;
  if (type == kEllipsoid || type == kBox) size[2] = size[1], size[1] = size[0];
  return true;
}

std::optional<Geometry> TreeReader::sized(const Node& node, int type, const std::vector<double>& size,
                                          const std::string& whom, std::optional<Vec3d>& ellipsoid) {
  const std::size_t needed = type == kSphere ? 1 : type == kCapsule || type == kCylinder ? 2 : 3;
  if (size.size() < needed ||
      *std::min_element(size.begin(), size.begin() + static_cast<std::ptrdiff_t>(needed)) <= 0) {
    document_.error(*node.element, whom, "bad-size", "the geom needs " + std::to_string(needed) + " positive sizes",
                    "write half lengths and radii in metres: size=\"...\"");
    return std::nullopt;
  }
  switch (type) {
    case kSphere: return Sphere{size[0]};
    case kCapsule: return Capsule{size[0], 2 * size[1]};
    case kCylinder: return Cylinder{size[0], 2 * size[1]};
    case kBox: return Box{{2 * size[0], 2 * size[1], 2 * size[2]}};
    default: break;
  }
  ellipsoid = Vec3d{size[0], size[1], size[2]};
  return ConvexHull{assets_.unit_sphere(), *ellipsoid};
}

// A primitive in the place of a mesh: by the box of its inertia, or its bounding box along its principal axes.
std::optional<Geometry> TreeReader::fitted(const Node& node, int type, const Scope& scope, const std::string& whom,
                                           Posed& X_BG, std::optional<Vec3d>& ellipsoid) {
  const std::string name = document_.text(node, "mesh");
  MeshAsset* mesh = assets_.mesh(*scope.model, name);
  if (mesh == nullptr) {
    document_.error(*node.element, whom, "unknown-mesh", "there is no mesh '" + printable(name) + "' in <asset>",
                    "define it in <asset>");
    return std::nullopt;
  }
  if (!mesh->readable) return std::nullopt;
  mesh->make_solid();
  const auto& solid = mesh->solid;
  if (!solid) {
    document_.error(*node.element, whom, "mesh-volume", "the mesh '" + printable(name) + "' has no volume to fit",
                    "write <mesh inertia=\"shell\"/>, or a size");
    return std::nullopt;
  }
  const Principal& principal = mesh->principal;
  const Vec3d& m = principal.moments;
  const auto half = [&](double twice) { return 0.5 * std::sqrt(std::max(0.0, 6 * twice / solid->volume)); };
  Vec3d box{half(m.y + m.z - m.x), half(m.x + m.z - m.y), half(m.x + m.y - m.z)}, center;
  std::vector<double> size{box.x, box.y, box.z};
  const double scale = document_.number(node, "fitscale", whom, 1);
  if (scope.model->compiler.fit_box) {
    center = 0.5 * (mesh->low + mesh->high);
    box = 0.5 * (mesh->high - mesh->low);
    const double across = std::max(box.x, box.y);
    if (type == kSphere) size = {std::max(across, box.z)};
    if (type == kCylinder) size = {across, box.z};
    if (type == kCapsule) size = {across, box.z - across};
    if (type == kBox || type == kEllipsoid) size = {box.x, box.y, box.z};
  } else {
    const double across = (box.x + box.y) / 2;
    if (type == kSphere) size = {(box.x + box.y + box.z) / 3};
    if (type == kCylinder) size = {across, box.z};
    if (type == kCapsule) size = {across, std::max(0.0, box.z - across / 2)};
  }
  for (double& s : size) s *= scale;
  X_BG = compose(X_BG, {quaternion(principal.axes), solid->center + principal.axes * center});
  return sized(node, type, size, whom, ellipsoid);
}

std::optional<Geometry> TreeReader::primitive(const Node& node, int type, const Scope& scope, const std::string& whom,
                                              Posed& X_BG, std::optional<Vec3d>& ellipsoid) {
  auto size = document_.list(node, "size", whom, 1, 3).value_or(std::vector<double>{});
  // A geom's own fromto beats its class's pose; a class's fromto is beaten by the geom's own pos.
  const bool own_pose = node.element->attributes.contains("pos") && !node.element->attributes.contains("fromto");
  Posed X_FG = read_pose(document_, scope.model->compiler, node, whom);
  if (!own_pose && document_.has(node, "fromto") && !from_to(node, whom, size, type, X_FG)) return std::nullopt;
  X_BG = compose(X_BG, X_FG);
  if (type != kMesh && document_.has(node, "mesh")) return fitted(node, type, scope, whom, X_BG, ellipsoid);
  if (type == kPlane) {
    size.resize(2, 0);
    return Plane{2 * std::max(size[0], 0.0), 2 * std::max(size[1], 0.0)};
  }
  if (type == kHField) {
    const std::string name = document_.text(node, "hfield");
    auto field = assets_.height_field(*scope.model, name);
    if (!field && !assets_.has_field(*scope.model, name)) {
      document_.error(*node.element, whom, "unknown-hfield", "there is no hfield '" + printable(name) + "' in <asset>",
                      "define it in <asset>");
    }
    if (!field) return std::nullopt;
    field_box_ = {field->field.size_x, field->field.size_y, 2 * field->half_height};
    return std::move(field->field);
  }
  return sized(node, type, size, whom, ellipsoid);
}

// ---- mass ----

std::optional<Solid> TreeReader::solid_of(const Node& node, const Geometry& geometry,
                                          const std::optional<Vec3d>& ellipsoid, const std::string& whom) {
  const bool shell = document_.flag(node, "shellinertia", whom, false);
  const bool field = std::holds_alternative<HeightField>(geometry);
  if (field && shell) return shell_of_box(field_box_);
  if (ellipsoid) return shell ? shell_of_ellipsoid(*ellipsoid) : solid_of_ellipsoid(*ellipsoid);
  if (shell) {
    if (const auto* s = std::get_if<Sphere>(&geometry)) return shell_of_sphere(s->radius);
    if (const auto* c = std::get_if<Capsule>(&geometry)) return shell_of_capsule(c->radius, c->height);
    if (const auto* c = std::get_if<Cylinder>(&geometry)) return shell_of_cylinder(c->radius, c->height);
    if (const auto* b = std::get_if<Box>(&geometry)) return shell_of_box(b->size);
    return std::nullopt;
  }
  const auto mass = solid_mass(scene_, field ? Geometry{Box{field_box_}} : geometry, 1);
  if (!mass) return std::nullopt;
  return Solid{mass->mass, mass->center, mass->inertia};
}

void TreeReader::weigh(const Node& node, const std::string& whom, const Posed& X_BG, const std::optional<Solid>& solid,
                       MassProperties& sum) {
  const double density = document_.number(node, "density", whom, 1000);
  const double given = document_.number(node, "mass", whom, -1);
  if (density < 0 || (document_.has(node, "mass") && given < 0)) {
    document_.error(*node.element, whom, "negative-mass", "the mass or density is negative", "write a number >= 0");
    return;
  }
  if (!solid || !(solid->volume > 0)) return;
  // A mass of the geom's own beats a density, one of its class does too.
  const double scale = document_.has(node, "mass") ? given / solid->volume : density;
  MassProperties own{scale * solid->volume, solid->center, scaled(scale, solid->inertia)};
  if (!(own.mass > kSmall)) return;
  own = moved(X_BG, own);
  sum = sum.mass > 0 ? combine(sum, own) : own;
}

// ---- geoms ----

MaterialId TreeReader::surface(const Node& node, const Scope& scope, const std::string& whom, bool touches) {
  Look look;
  const std::string material = document_.text(node, "material");
  if (!material.empty() && !assets_.look(*scope.model, material, look)) {
    document_.error(*node.element, whom, "unknown-material",
                    "there is no material '" + printable(material) + "' in <asset>", "define it in <asset>");
  }
  if (const auto rgba = document_.list(node, "rgba", whom, 4, 4)) {
    std::copy(rgba->begin(), rgba->end(), look.rgba.begin());
  }
  std::vector<double> friction = document_.list(node, "friction", whom, 1, 3).value_or(std::vector<double>{});
  constexpr double kDefaults[] = {1, 0.005, 0.0001};
  for (std::size_t i = friction.size(); i < 3; ++i) friction.push_back(kDefaults[i]);
  if (*std::min_element(friction.begin(), friction.end()) < 0) {
    document_.error(*node.element, whom, "bad-value", "friction is negative", "write numbers >= 0");
    friction = {0, 0, 0};
  }
  const int condim = document_.integer(node, "condim", whom, 3);
  if (condim != 1 && condim != 3 && condim != 4 && condim != 6) {
    document_.error(*node.element, whom, "bad-value", "condim is " + std::to_string(condim), "write 1, 3, 4 or 6");
  }
  // A contact has the larger condim of its two geoms, so one of 1 slides without friction on its like only.
  tree_.sliding = tree_.sliding || (condim >= 3 && touches);
  return assets_.material(look, {friction[0], condim >= 4 ? friction[1] : 0, condim == 6 ? friction[2] : 0});
}

void TreeReader::read_geom(const Element& element, const Posed& X_BF, const Parent& body, const Scope& scope,
                           bool weighs, MassProperties& mass) {
  if (!document_.take(element, 1)) return;
  const Node node = scope.model->node(document_, element, "geom", scope.childclass);
  const std::string whom = who(element);
  int type = document_.word(node, "type", whom,
                            {"plane", "hfield", "sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh", "sdf"});
  if (type < 0) type = document_.has(node, "mesh") && document_.find(node, "type") == nullptr ? kMesh : kSphere;
  if (type == kSdf) {
    document_.error(element, whom, "not-supported", "geoms of signed distance plug-ins are not read", "use a mesh");
    return;
  }
  if (type == kPlane && !body.is_static) {
    document_.error(element, whom, "moving-plane", "a plane is on a body that moves",
                    "put it on the world, or use a box");
    return;
  }
  const int group = document_.integer(node, "group", whom, 0);
  weighs = weighs && group >= scope.model->compiler.group_least && group <= scope.model->compiler.group_most;
  const auto mask = [&](const char* attribute) {
    const int value = document_.integer(node, attribute, whom, 1);
    return static_cast<std::uint32_t>(value);
  };
  const ShapeMask bits{{}, mask("contype"), mask("conaffinity")};
  Shape shape;
  shape.body = body.id;
  shape.visible = group >= 0 && group <= 2;
  shape.collides = bits.type != 0 || bits.affinity != 0;
  shape.material = surface(node, scope, whom, shape.collides);
  const std::string written = scope.name(document_.text({&element, nullptr}, "name"));
  constexpr const char* kKinds[] = {"plane", "hfield", "sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh"};
  const std::string name = written.empty() ? kKinds[type] : written;
  const auto add = [&](const Shape& made) {
    scene_.shapes.push_back(made);
    scene_.shapes.back().path = body.path + "/" + body.names->unique(name);
    if (made.collides) {
      tree_.masks.push_back(bits);
      tree_.masks.back().shape = ShapeId::from_index(scene_.shapes.size() - 1);
    }
  };
  Posed X_BG = X_BF;
  if (type != kMesh) {
    std::optional<Vec3d> ellipsoid;
    const auto geometry = primitive(node, type, scope, whom, X_BG, ellipsoid);
    if (!geometry) return;
    shape.geometry = *geometry;
    shape.X_BS = X_BG;
    add(shape);
    if (weighs) weigh(node, whom, X_BG, solid_of(node, *geometry, ellipsoid, whom), mass);
    return;
  }
  const std::string asset = document_.text(node, "mesh");
  MeshAsset* mesh = assets_.mesh(*scope.model, asset);
  if (mesh == nullptr) {
    document_.error(element, whom, "unknown-mesh", "there is no mesh '" + printable(asset) + "' in <asset>",
                    "define it in <asset>");
    return;
  }
  const bool has_mass = !document_.has(node, "mass") || document_.number(node, "mass", whom, 0) > 0;
  if (!mesh->readable) {
    if (weighs && has_mass && document_.number(node, "density", whom, 1000) > 0) {
      document_.refuse(element, whom, "mesh-mass",
                       "the mass of its body comes from the mesh '" + printable(asset) + "', which could not be read",
                       "write an <inertial> for the body");
    }
    return;
  }
  X_BG = compose(X_BF, read_pose(document_, scope.model->compiler, node, whom));
  shape.X_BS = X_BG;
  const bool touches = shape.collides;
  if (touches) {  // its hull touches
    Shape hull = shape;
    hull.geometry = ConvexHull{mesh->mesh, mesh->scale, document_.options().max_hulls};
    hull.visible = shape.visible && !mesh->surface;
    add(hull);
  }
  if (mesh->surface && (shape.visible || !touches)) {
    shape.collides = false;
    shape.geometry = TriangleMesh{mesh->mesh, mesh->scale};
    add(shape);
  }
  if (!weighs) return;
  mesh->make_solid();
  if (!mesh->solid && has_mass) {
    document_.error(element, whom, "mesh-volume", "the mesh '" + printable(asset) + "' has no positive volume",
                    "turn its triangles to the outside, close it, or write <mesh inertia=\"shell\"/>");
    return;
  }
  weigh(node, whom, X_BG, mesh->solid, mass);
}

// ---- sites and cameras ----

void TreeReader::read_site(const Element& element, const Posed& X_BF, const Parent& body, const Scope& scope) {
  if (!document_.take(element, 1)) return;
  const Node node = scope.model->node(document_, element, "site", scope.childclass);
  const std::string whom = who(element);
  Posed X_FS = read_pose(document_, scope.model->compiler, node, whom);
  std::vector<double> unused;
  if (document_.has(node, "fromto")) from_to(node, whom, unused, kCapsule, X_FS);
  const std::string name = scope.name(document_.text({&element, nullptr}, "name"));
  Site site;
  site.path = body.path + "/" + body.names->unique(name.empty() ? "site" : name);
  site.body = body.id;
  site.X_BS = compose(X_BF, X_FS);
  scene_.sites.push_back(site);
  if (!name.empty() && !tree_.sites.try_emplace(name, SiteId::from_index(scene_.sites.size() - 1)).second) {
    document_.error(element, whom, "duplicate-name", "there are two sites of the name '" + printable(name) + "'",
                    "give every site a name of its own");
  }
}

void TreeReader::read_camera(const Element& element, const Posed& X_BF, const Parent& body, const Scope& scope) {
  if (!document_.take(element, 1)) return;
  const Node node = scope.model->node(document_, element, "camera", scope.childclass);
  const std::string whom = who(element);
  const int mode = document_.word(node, "mode", whom, {"fixed", "track", "trackcom", "targetbody", "targetbodycom"});
  if (mode > 0) {
    document_.info(element, whom, "camera-mode", "the camera does not follow; it is fixed to its body");
  }
  const std::string name = scope.name(document_.text({&element, nullptr}, "name"));
  Camera camera;
  camera.path = body.path + "/" + body.names->unique(name.empty() ? "camera" : name);
  camera.body = body.id;
  camera.X_BC = compose(X_BF, read_pose(document_, scope.model->compiler, node, whom));
  const double fovy = document_.number(node, "fovy", whom, 45);
  if (fovy > 0 && fovy < 180) camera.vertical_fov = fovy / 180 * std::numbers::pi;
  scene_.cameras.push_back(camera);
}

}  // namespace geoul::scene::mjcf
