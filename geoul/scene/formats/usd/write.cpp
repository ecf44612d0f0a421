// USDA writer: the scene as a tree of prims by the paths of what it holds, one small function a kind.
#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/usd/write_look.h"
#include "geoul/scene/formats/usd/write_text.h"
#include "geoul/scene/formats/usd/write_tree.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

using usd::Kind;
using usd::Node;
using usd::number;
using usd::quoted;
using usd::text_of;
using usd::Tree;
using usd::valid_name;

bool has_body_above(const Node& node) {
  for (const Node* p = node.parent; p; p = p->parent) {
    if (p->kind == Kind::kBody) return true;
  }
  return false;
}

// Eigenvectors of a symmetric matrix as a rotation, by Jacobi's method: R^T I R is diagonal.
void diagonalize(const Sym3d& inertia, Quatd& axes, Vec3d& moments) {
  Mat3d R = Mat3d::identity();
  Mat3d A = full(inertia);
  for (int sweep = 0; sweep < 60; ++sweep) {
    int p = 0, q = 1;
    for (const auto& [i, j] : {std::pair{0, 2}, std::pair{1, 2}}) {
      if (std::abs(A[i][j]) > std::abs(A[p][q])) p = i, q = j;
    }
    if (std::abs(A[p][q]) <= 1e-300) break;
    const double theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
    const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
    const double c = 1 / std::sqrt(t * t + 1), s = t * c;
    Mat3d G = Mat3d::identity();
    G[p][p] = c, G[q][q] = c, G[p][q] = s, G[q][p] = -s;
    A = transpose(G) * A * G;
    A[p][q] = A[q][p] = 0;
    R = R * G;
  }
  axes = quaternion(R);
  moments = {A.r0.x, A.r1.y, A.r2.z};
}

class Writer {
 public:
  Writer(const Scene& scene, const std::string& texture_folder) : scene_(scene), tree_(scene) {
    for (const std::string& name : usd::texture_names(scene)) files_.push_back("./" + texture_folder + "/" + name);
  }

  std::string run() {
    header();
    gravity();
    meshes();
    for (const auto& node : tree_.root.children) prim(*node, 0);
    return std::move(out_);
  }

 private:
  void line(int depth, const std::string& text) {
    out_.append(static_cast<std::size_t>(4 * depth), ' ');
    out_ += text;
    out_ += '\n';
  }
  std::string free_name(std::string name) const {
    while (tree_.root.by_name.count(name)) name += "_";
    return name;
  }

  void header() {
    const Vec3d& up = scene_.up;
    const char* axis = std::abs(up.z) >= std::abs(up.x) && std::abs(up.z) >= std::abs(up.y) ? "Z"
                       : std::abs(up.y) >= std::abs(up.x)                                   ? "Y"
                                                                                            : "X";
    line(0, "#usda 1.0");
    line(0, "(");
    line(1, "customLayerData = {");
    line(2, "string geoulName = " + quoted(scene_.name));
    line(1, "}");
    if (!tree_.root.children.empty()) {
      const std::string name = valid_name(scene_.name);
      line(1, "defaultPrim = " + quoted(tree_.root.by_name.count(name) ? name : tree_.root.children.front()->name));
    }
    line(1, "kilogramsPerUnit = 1");
    line(1, "metersPerUnit = 1");
    line(1, std::string("upAxis = \"") + axis + "\"");
    line(0, ")");
    line(0, "");
  }

  void gravity() {
    const double g = norm(scene_.gravity);
    line(0, "def PhysicsScene \"" + free_name("PhysicsScene") + "\"");
    line(0, "{");
    if (g > 0) line(1, "vector3f physics:gravityDirection = " + text_of((1 / g) * scene_.gravity));
    line(1, "float physics:gravityMagnitude = " + number(g));
    line(1, "custom double3 geoul:gravity = " + text_of(scene_.gravity));
    line(0, "}");
    line(0, "");
  }

  // Every mesh once, in a class that the shapes refer to.
  void meshes() {
    mesh_class_ = free_name("Meshes");
    if (scene_.meshes.empty()) return;
    line(0, "class \"" + mesh_class_ + "\"");
    line(0, "{");
    for (std::size_t i = 0; i < scene_.meshes.size(); ++i) {
      line(1, "def Mesh \"mesh_" + std::to_string(i) + "\"");
      line(1, "{");
      mesh_content(scene_.meshes[i], 2);
      line(1, "}");
    }
    line(0, "}");
    line(0, "");
  }
  void mesh_content(const Mesh& mesh, int depth) {
    line(depth, "custom string geoul:source = " + quoted(mesh.path));
    line(depth, "uniform token subdivisionScheme = \"none\"");
    std::string counts, indices, points, normals;
    for (const auto& t : mesh.triangles) {
      counts += counts.empty() ? "3" : ", 3";
      for (const std::uint32_t v : t) indices += (indices.empty() ? "" : ", ") + std::to_string(v);
    }
    for (const auto& p : mesh.vertices) points += (points.empty() ? "" : ", ") + text_of(p);
    for (const auto& n : mesh.normals) normals += (normals.empty() ? "" : ", ") + text_of(n);
    line(depth, "int[] faceVertexCounts = [" + counts + "]");
    line(depth, "int[] faceVertexIndices = [" + indices + "]");
    line(depth, "point3f[] points = [" + points + "]");
    if (!normals.empty() && mesh.corner_normals.empty()) {
      line(depth, "normal3f[] normals = [" + normals + "] (");
      line(depth + 1, "interpolation = \"vertex\"");
      line(depth, ")");
    }
    usd::write_mesh_look(mesh, depth, lines());
  }
  usd::Lines lines() {
    return [this](int depth, const std::string& text) { line(depth, text); };
  }

  void prim(const Node& node, int depth) {
    switch (node.kind) {
      case Kind::kPlain: open("Xform", node, {}, depth); break;
      case Kind::kBody: body(node, depth); break;
      case Kind::kJoint: joint(node, depth); break;
      case Kind::kShape: shape(node, depth); break;
      case Kind::kSite: site(node, depth); break;
      case Kind::kCamera: camera(node, depth); break;
      case Kind::kLight: light(node, depth); break;
      case Kind::kMaterial: material(node, depth); break;
    }
    for (const auto& below : node.children) {
      line(0, "");
      prim(*below, depth + 1);
    }
    line(depth, "}");
    if (depth == 0) line(0, "");
  }

  void open(const char* type, const Node& node, const std::vector<std::string>& apis, int depth,
            const std::string& extra = {}) {
    const bool fields = !apis.empty() || !extra.empty();
    line(depth, "def " + std::string(type) + (*type ? " " : "") + quoted(node.name) + (fields ? " (" : ""));
    if (!apis.empty()) {
      std::string list;
      for (const std::string& api : apis) list += (list.empty() ? "" : ", ") + quoted(api);
      line(depth + 1, "prepend apiSchemas = [" + list + "]");
    }
    if (!extra.empty()) line(depth + 1, extra);
    if (fields) line(depth, ")");
    line(depth, "{");
  }

  void pose(const Posed& X, const Vec3d& scale, bool reset, int depth) {
    std::string order = reset ? "\"!resetXformStack!\"" : "";
    const auto add = [&](const std::string& declaration, const char* op) {
      line(depth, declaration);
      order += std::string(order.empty() ? "" : ", ") + "\"" + op + "\"";
    };
    if (!(X.p == Vec3d{})) add("double3 xformOp:translate = " + text_of(X.p), "xformOp:translate");
    if (!(X.R == Quatd{})) add("quatd xformOp:orient = " + text_of(X.R), "xformOp:orient");
    if (!(scale == Vec3d{1, 1, 1})) add("double3 xformOp:scale = " + text_of(scale), "xformOp:scale");
    if (!order.empty()) line(depth, "uniform token[] xformOpOrder = [" + order + "]");
  }

  void body(const Node& node, int depth) {
    const Body& b = scene_.bodies[static_cast<std::size_t>(node.index)];
    std::string pairs;
    bool world = false;
    for (const auto& [x, y] : scene_.collision_exclusions) {
      if (x.value == node.index && y.valid()) {
        pairs += (pairs.empty() ? "<" : ", <") + tree_.bodies[y.index()]->path() + ">";
      }
      world = world || (x.value == node.index && !y.valid()) || (y.value == node.index && !x.valid());
    }
    std::vector<std::string> apis = {"PhysicsRigidBodyAPI", "PhysicsMassAPI"};
    if (!pairs.empty()) apis.push_back("PhysicsFilteredPairsAPI");
    open("Xform", node, apis, depth++);
    pose(b.X_WB, {1, 1, 1}, has_body_above(node), depth);
    mass(b.mass, depth);
    if (b.kinematic) line(depth, "bool physics:kinematicEnabled = 1");
    if (!b.gravity) line(depth, "custom bool geoul:gravity = 0");
    if (world) line(depth, "custom bool geoul:ignoresWorld = 1");
    if (!(b.V_WB.v == Vec3d{})) line(depth, "vector3f physics:velocity = " + text_of(b.V_WB.v));
    if (!(b.V_WB.w == Vec3d{})) {
      line(depth, "vector3f physics:angularVelocity = " + text_of((1 / kDegree) * b.V_WB.w));
      line(depth, "custom double3 geoul:angularVelocity = " + text_of(b.V_WB.w));
    }
    if (!pairs.empty()) line(depth, "rel physics:filteredPairs = [" + pairs + "]");
  }

  void mass(const MassProperties& m, int depth) {
    line(depth, "custom bool geoul:exactMass = 1");
    line(depth, "float physics:mass = " + number(m.mass));
    line(depth, "point3f physics:centerOfMass = " + text_of(m.center));
    const Sym3d& I = m.inertia;
    if (I == Sym3d{}) return;
    Quatd axes;
    Vec3d moments{I.xx, I.yy, I.zz};
    if (I.xy != 0 || I.xz != 0 || I.yz != 0) {
      diagonalize(I, axes, moments);
      line(depth, "custom double[] geoul:inertia = [" + number(I.xx) + ", " + number(I.yy) + ", " + number(I.zz) +
                      ", " + number(I.xy) + ", " + number(I.xz) + ", " + number(I.yz) + "]");
    }
    line(depth, "float3 physics:diagonalInertia = " + text_of(moments));
    line(depth, "quatf physics:principalAxes = " + text_of(axes));
  }

  void site(const Node& node, int depth) {
    open("Xform", node, {}, depth++);
    pose(scene_.sites[static_cast<std::size_t>(node.index)].X_BS, {1, 1, 1}, false, depth);
    line(depth, "custom bool geoul:site = 1");
  }

  void camera(const Node& node, int depth) {
    const Camera& c = scene_.cameras[static_cast<std::size_t>(node.index)];
    open("Camera", node, {}, depth++);
    pose(c.X_BC, {1, 1, 1}, false, depth);
    line(depth, "float verticalAperture = 24");
    line(depth, "float focalLength = " + number(12 / std::tan(c.vertical_fov / 2)));
    line(depth, "float2 clippingRange = (" + number(c.near) + ", " + number(c.far) + ")");
    line(depth, "custom double geoul:verticalFov = " + number(c.vertical_fov));
  }

  void material(const Node& node, int depth) {
    const Material& m = scene_.materials[static_cast<std::size_t>(node.index)];
    open("Material", node, {"PhysicsMaterialAPI"}, depth++);
    line(depth, "float physics:staticFriction = " + number(m.static_friction));
    line(depth, "float physics:dynamicFriction = " + number(m.dynamic_friction));
    line(depth, "float physics:restitution = " + number(m.restitution));
    line(depth, "float physics:density = " + number(m.density));
    line(depth, "token outputs:surface.connect = <" + node.path() + "/surface.outputs:surface>");
    usd::write_surface(m, node.path(), files_, depth, lines());
  }

  void light(const Node& node, int depth) {
    const Light& l = scene_.lights[static_cast<std::size_t>(node.index)];
    open(usd::light_type(l.kind), node,
         l.cone_angle > 0 ? std::vector<std::string>{"ShapingAPI"} : std::vector<std::string>{}, depth++);
    pose(l.X_BL, {1, 1, 1}, false, depth);
    usd::write_light(l, files_, depth, lines());
  }

  void shape(const Node& node, int depth);
  void joint(const Node& node, int depth);
  void joint_frames(const Joint& j, int depth);
  void joint_limits(const Joint& j, const std::string& low, const std::string& high, int depth);
  void joint_drive(const Joint& j, const std::string& name, int depth);
  void joint_custom(const Joint& j, int index, int depth);
  void height_field(const HeightField& field, int depth);

  const Scene& scene_;
  Tree tree_;
  std::string mesh_class_;
  std::vector<std::string> files_;  // (ntexture) as they are named in the text
  std::string out_;
};

void Writer::height_field(const HeightField& field, int depth) {
  Mesh mesh;
  mesh.path = "height field";
  std::string heights;
  for (int r = 0; r < field.rows; ++r) {
    for (int c = 0; c < field.columns; ++c) {
      const float h = field.heights[static_cast<std::size_t>(r * field.columns + c)];
      heights += (heights.empty() ? "" : ", ") + number(h);
      mesh.vertices.push_back({static_cast<float>((c / (field.columns - 1.0) - 0.5) * field.size_x),
                               static_cast<float>((r / (field.rows - 1.0) - 0.5) * field.size_y), h});
      if (r == 0 || c == 0) continue;
      const auto v = static_cast<std::uint32_t>(r * field.columns + c);
      const auto w = static_cast<std::uint32_t>(field.columns);
      mesh.triangles.push_back({v - w - 1, v - w, v});
      mesh.triangles.push_back({v - w - 1, v, v - 1});
    }
  }
  mesh_content(mesh, depth);
  line(depth, "custom int geoul:columns = " + std::to_string(field.columns));
  line(depth, "custom int geoul:rows = " + std::to_string(field.rows));
  line(depth, "custom double2 geoul:extent = (" + number(field.size_x) + ", " + number(field.size_y) + ")");
  line(depth, "custom float[] geoul:heights = [" + heights + "]");
}

void Writer::shape(const Node& node, int depth) {
  const Shape& s = scene_.shapes[static_cast<std::size_t>(node.index)];
  std::vector<std::string> apis;
  if (s.material.valid()) apis.push_back("MaterialBindingAPI");
  if (s.collides) apis.push_back("PhysicsCollisionAPI");
  const auto* triangles = std::get_if<TriangleMesh>(&s.geometry);
  const auto* hull = std::get_if<ConvexHull>(&s.geometry);
  if (hull || (triangles && s.collides)) apis.push_back("PhysicsMeshCollisionAPI");
  const char* types[] = {"Cube", "Sphere", "Capsule", "Cylinder", "Cone", "Plane", "", "", "Mesh"};
  std::string reference;
  Vec3d scale{1, 1, 1};
  if (triangles || hull) {
    const MeshId mesh = triangles ? triangles->mesh : hull->mesh;
    scale = triangles ? triangles->scale : hull->scale;
    reference = "prepend references = </" + mesh_class_ + "/mesh_" + std::to_string(mesh.value) + ">";
  }
  if (const auto* box = std::get_if<Box>(&s.geometry)) scale = box->size;
  open(types[s.geometry.index()], node, apis, depth++, reference);
  pose(s.X_BS, scale, false, depth);
  const auto sizes = [&](double radius, double height) {
    line(depth, "uniform token axis = \"Z\"");
    line(depth, "double radius = " + number(radius));
    line(depth, "double height = " + number(height));
  };
  if (std::holds_alternative<Box>(s.geometry)) line(depth, "double size = 1");
  if (const auto* g = std::get_if<Sphere>(&s.geometry)) line(depth, "double radius = " + number(g->radius));
  if (const auto* g = std::get_if<Capsule>(&s.geometry)) sizes(g->radius, g->height);
  if (const auto* g = std::get_if<Cylinder>(&s.geometry)) sizes(g->radius, g->height);
  if (const auto* g = std::get_if<Cone>(&s.geometry)) sizes(g->radius, g->height);
  if (const auto* g = std::get_if<HeightField>(&s.geometry)) height_field(*g, depth);
  if (const auto* g = std::get_if<Plane>(&s.geometry)) {
    line(depth, "uniform token axis = \"Z\"");
    line(depth, "double width = " + number(g->size_x));
    line(depth, "double length = " + number(g->size_y));
  }
  if (hull && hull->max_hulls > 1) {
    line(depth, "uniform token physics:approximation = \"convexDecomposition\"");
  } else if (hull) {
    line(depth, "uniform token physics:approximation = \"convexHull\"");
  }
  if (triangles && s.collides) line(depth, "uniform token physics:approximation = \"none\"");
  if (s.material.valid()) line(depth, "rel material:binding = <" + tree_.materials[s.material.index()]->path() + ">");
  if (!s.visible) line(depth, "token visibility = \"invisible\"");
  for (std::size_t k = 1; k < s.set_materials.size(); ++k) {
    if (!s.set_materials[k].valid()) continue;
    line(0, "");
    line(depth, "over \"set_" + std::to_string(k) + "\" (");
    line(depth + 1, "prepend apiSchemas = [\"MaterialBindingAPI\"]");
    line(depth, ")");
    line(depth, "{");
    line(depth + 1, "rel material:binding = <" + tree_.materials[s.set_materials[k].index()]->path() + ">");
    line(depth, "}");
  }
}

// The token of an axis; empty where it is none.
std::string axis_token(const Vec3d& a) {
  return a == Vec3d{1, 0, 0} ? "X" : a == Vec3d{0, 1, 0} ? "Y" : a == Vec3d{0, 0, 1} ? "Z" : "";
}

void Writer::joint_frames(const Joint& j, int depth) {
  Posed P = j.X_PJ, C = j.X_CJ;
  const bool has_axis = velocity_size(j.type) == 1 || j.type == JointType::kPlanar;
  if (has_axis && axis_token(j.axis).empty()) {
    const Vec3d& a = j.axis;
    const Quatd turn = a.z < -0.999999999 ? Quatd{0, 1, 0, 0} : normalized(Quatd{1 + a.z, -a.y, a.x, 0});  // z to a
    P.R = P.R * turn, C.R = C.R * turn;
  }
  if (j.parent.valid()) line(depth, "rel physics:body0 = <" + tree_.bodies[j.parent.index()]->path() + ">");
  if (j.child.valid()) line(depth, "rel physics:body1 = <" + tree_.bodies[j.child.index()]->path() + ">");
  line(depth, "point3f physics:localPos0 = " + text_of(P.p));
  line(depth, "quatf physics:localRot0 = " + text_of(P.R));
  line(depth, "point3f physics:localPos1 = " + text_of(C.p));
  line(depth, "quatf physics:localRot1 = " + text_of(C.R));
}

void Writer::joint_limits(const Joint& j, const std::string& low, const std::string& high, int depth) {
  const double unit = j.type == JointType::kPrismatic ? 1 : kDegree;
  const auto limit = [&](const std::string& name, const char* exact, double x) {
    if (std::isinf(x)) return;
    line(depth, "float " + name + " = " + number(x / unit));
    if (unit * (x / unit) != x) line(depth, std::string("custom double ") + exact + " = " + number(x));
  };
  limit(low, "geoul:lowerLimit", j.lower);
  limit(high, "geoul:upperLimit", j.upper);
}

bool has_drive(const Joint& j) {
  const Drive& d = j.drive;
  return velocity_size(j.type) == 1 && (d.stiffness != 0 || d.damping != 0 || d.target_position != 0 ||
                                        d.target_velocity != 0 || !std::isinf(d.max_force));
}

void Writer::joint_drive(const Joint& j, const std::string& name, int depth) {
  if (!has_drive(j)) return;
  const double unit = j.type == JointType::kPrismatic ? 1 : kDegree;
  const Drive& d = j.drive;
  const std::string prefix = "float drive:" + name + ":physics:";
  line(depth, "uniform token drive:" + name + ":physics:type = \"force\"");
  line(depth, prefix + "stiffness = " + number(d.stiffness * unit));
  line(depth, prefix + "damping = " + number(d.damping * unit));
  line(depth, prefix + "targetPosition = " + number(d.target_position / unit));
  line(depth, prefix + "targetVelocity = " + number(d.target_velocity / unit));
  if (!std::isinf(d.max_force)) line(depth, prefix + "maxForce = " + number(d.max_force));
  if (unit == 1) return;
  line(depth, "custom double[] geoul:drive = [" + number(d.stiffness) + ", " + number(d.damping) + ", " +
                  number(d.target_position) + ", " + number(d.target_velocity) + "]");
}

void Writer::joint_custom(const Joint& j, int index, int depth) {
  if (!j.enabled) line(depth, "bool physics:jointEnabled = 0");
  if (j.collision_enabled) line(depth, "bool physics:collisionEnabled = 1");
  if (j.excluded_from_articulation) line(depth, "uniform bool physics:excludeFromArticulation = 1");
  if (!std::isinf(j.break_force)) line(depth, "float physics:breakForce = " + number(j.break_force));
  if (!std::isinf(j.break_torque)) line(depth, "float physics:breakTorque = " + number(j.break_torque));
  const auto custom = [&](const char* name, double x, double otherwise) {
    if (x != otherwise) line(depth, std::string("custom double geoul:") + name + " = " + number(x));
  };
  custom("effortLimit", j.effort_limit, kUnlimited);
  custom("velocityLimit", j.velocity_limit, kUnlimited);
  custom("damping", j.damping, 0);
  custom("friction", j.friction, 0);
  custom("armature", j.armature, 0);
  custom("stiffness", j.stiffness, 0);
  custom("springPosition", j.spring_position, 0);
  if (j.position) line(depth, "custom double geoul:position = " + number(*j.position));
  if (j.velocity) line(depth, "custom double geoul:velocity = " + number(*j.velocity));
  if (j.type == JointType::kContinuous) line(depth, "custom bool geoul:continuous = 1");
  for (const Mimic& m : scene_.mimics) {
    if (m.joint.value != index) continue;
    line(depth, "rel geoul:mimicSource = <" + tree_.joints[m.source.index()]->path() + ">");
    line(depth, "custom double geoul:mimicMultiplier = " + number(m.multiplier));
    line(depth, "custom double geoul:mimicOffset = " + number(m.offset));
  }
}

void Writer::joint(const Node& node, int depth) {
  const Joint& j = scene_.joints[static_cast<std::size_t>(node.index)];
  const std::string token = axis_token(j.axis).empty() ? "Z" : axis_token(j.axis);
  std::vector<std::string> apis, locks;
  const char* type = "PhysicsJoint";
  switch (j.type) {
    case JointType::kFixed: type = "PhysicsFixedJoint"; break;
    case JointType::kRevolute:
    case JointType::kContinuous: type = "PhysicsRevoluteJoint"; break;
    case JointType::kPrismatic: type = "PhysicsPrismaticJoint"; break;
    case JointType::kSpherical: type = "PhysicsSphericalJoint"; break;
    case JointType::kPlanar:
      for (const char* other : {"X", "Y", "Z"}) {
        locks.push_back(other == token ? std::string("trans") + other : std::string("rot") + other);
      }
      break;
    case JointType::kFree: break;
  }
  for (const std::string& lock : locks) apis.push_back("PhysicsLimitAPI:" + lock);
  const std::string drive = j.type == JointType::kPrismatic ? "linear" : "angular";
  if (has_drive(j)) apis.push_back("PhysicsDriveAPI:" + drive);
  open(type, node, apis, depth++);
  joint_frames(j, depth);
  if (velocity_size(j.type) == 1) {
    line(depth, "uniform token physics:axis = \"" + token + "\"");
    joint_limits(j, "physics:lowerLimit", "physics:upperLimit", depth);
    joint_drive(j, drive, depth);
  }
  for (const std::string& lock : locks) {  // low above high: locked
    line(depth, "float limit:" + lock + ":physics:low = 1");
    line(depth, "float limit:" + lock + ":physics:high = -1");
  }
  joint_custom(j, node.index, depth);
}

}  // namespace

std::string usda_text(const Scene& scene, const std::string& texture_folder) {
  return Writer(scene, texture_folder).run();
}

Result<void> write_usda(const Scene& scene, const std::string& file) {
  const std::filesystem::path whole(file);
  const std::string folder = whole.stem().string() + "_textures";
  if (!scene.textures.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(whole.parent_path() / folder, failed);
    const std::vector<std::string> names = usd::texture_names(scene);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string picture = (whole.parent_path() / folder / names[i]).string();
      const Result<void> written = write_atomically(picture, *scene.textures[i].bytes);
      if (!written) return written;
    }
  }
  return write_atomically(file, usda_text(scene, folder));
}

}  // namespace geoul::scene
