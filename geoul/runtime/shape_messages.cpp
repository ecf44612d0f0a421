#include "geoul/runtime/shape_messages.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "geoul/scene/formats/write/write.h"

namespace geoul::runtime {
namespace {

constexpr double kEndless = 20;  // [m] edge of a plane without a size

double to_srgb(double linear) {
  const double x = std::clamp(linear, 0.0, 1.0);
  return x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;  // IEC 61966-2-1
}

// Writes pose and colour of one shape into primitives.
class ShapeWriter {
 public:
  ShapeWriter(const scene::Scene& scene, const scene::Shape& shape, foxglove::SceneEntity& entity)
      : scene_(scene), X_BS_(shape.X_BS), entity_(entity) {
    const scene::Material material =
        shape.material.valid() ? scene.materials[shape.material.index()] : scene::Material{};
    color_.set_r(to_srgb(material.color[0]));
    color_.set_g(to_srgb(material.color[1]));
    color_.set_b(to_srgb(material.color[2]));
    color_.set_a(material.color[3]);
  }

  void operator()(const scene::Box& box) { add_box(box.size, 0); }
  void operator()(const scene::Sphere& sphere) { add_sphere(sphere.radius, 0); }
  void operator()(const scene::Capsule& capsule) {
    add_cylinder(capsule.radius, capsule.height, 1);
    add_sphere(capsule.radius, -capsule.height / 2);
    add_sphere(capsule.radius, capsule.height / 2);
  }
  void operator()(const scene::Cylinder& cylinder) { add_cylinder(cylinder.radius, cylinder.height, 1); }
  void operator()(const scene::Cone& cone) { add_cylinder(cone.radius, cone.height, 0); }
  void operator()(const scene::Plane& plane) {
    const double thickness = 1e-3;  // its upper face is the plane
    add_box({plane.size_x > 0 ? plane.size_x : kEndless, plane.size_y > 0 ? plane.size_y : kEndless, thickness},
            -thickness / 2);
  }
  void operator()(const scene::TriangleMesh& mesh) { add_mesh(mesh.mesh, mesh.scale); }
  void operator()(const scene::ConvexHull& hull) { add_mesh(hull.mesh, hull.scale); }
  void operator()(const scene::HeightField& field) { add_field(field); }

 private:
  void set_pose(foxglove::Pose& pose, double z) const {
    const Vec3d p = rotation_matrix(X_BS_.R) * Vec3d{0, 0, z} + X_BS_.p;
    pose.mutable_position()->set_x(p.x);
    pose.mutable_position()->set_y(p.y);
    pose.mutable_position()->set_z(p.z);
    pose.mutable_orientation()->set_x(X_BS_.R.x);
    pose.mutable_orientation()->set_y(X_BS_.R.y);
    pose.mutable_orientation()->set_z(X_BS_.R.z);
    pose.mutable_orientation()->set_w(X_BS_.R.w);
  }
  template <class Primitive>
  void set_common(Primitive& primitive, const Vec3d& size, double z) const {
    set_pose(*primitive.mutable_pose(), z);
    primitive.mutable_size()->set_x(size.x);
    primitive.mutable_size()->set_y(size.y);
    primitive.mutable_size()->set_z(size.z);
    *primitive.mutable_color() = color_;
  }
  void add_box(const Vec3d& size, double z) { set_common(*entity_.add_cubes(), size, z); }
  void add_sphere(double radius, double z) {
    set_common(*entity_.add_spheres(), {2 * radius, 2 * radius, 2 * radius}, z);
  }
  void add_cylinder(double radius, double height, double top) {
    foxglove::CylinderPrimitive& cylinder = *entity_.add_cylinders();
    set_common(cylinder, {2 * radius, 2 * radius, height}, 0);
    cylinder.set_bottom_scale(1);
    cylinder.set_top_scale(top);
  }
  static void add_point(foxglove::TriangleListPrimitive& list, double x, double y, double z) {
    foxglove::Point3& point = *list.add_points();
    point.set_x(x);
    point.set_y(y);
    point.set_z(z);
  }
  void add_mesh(scene::MeshId id, const Vec3d& scale) {
    if (!id.valid()) return;
    const scene::Mesh& mesh = scene_.meshes[id.index()];
    foxglove::TriangleListPrimitive& list = *entity_.add_triangles();
    set_pose(*list.mutable_pose(), 0);
    *list.mutable_color() = color_;
    for (const Vec3<float>& v : mesh.vertices) add_point(list, scale.x * v.x, scale.y * v.y, scale.z * v.z);
    for (const auto& triangle : mesh.triangles) {
      for (const std::uint32_t index : triangle) list.add_indices(index);
    }
  }
  void add_field(const scene::HeightField& field) {
    foxglove::TriangleListPrimitive& list = *entity_.add_triangles();
    set_pose(*list.mutable_pose(), 0);
    *list.mutable_color() = color_;
    const auto columns = static_cast<std::uint32_t>(field.columns);
    for (int r = 0; r < field.rows; ++r) {
      for (int c = 0; c < field.columns; ++c) {
        const double x = field.size_x * (static_cast<double>(c) / (field.columns - 1) - 0.5);
        const double y = field.size_y * (static_cast<double>(r) / (field.rows - 1) - 0.5);
        add_point(
            list, x, y,
            static_cast<double>(field.heights[static_cast<std::size_t>(r) * columns + static_cast<std::size_t>(c)]));
      }
    }
    for (std::uint32_t r = 0; r + 1 < static_cast<std::uint32_t>(field.rows); ++r) {
      for (std::uint32_t c = 0; c + 1 < columns; ++c) {
        const std::uint32_t a = r * columns + c, b = a + 1, d = a + columns, e = d + 1;
        for (const std::uint32_t index : {a, b, e, a, e, d}) list.add_indices(index);
      }
    }
  }

  const scene::Scene& scene_;
  const Posed& X_BS_;
  foxglove::SceneEntity& entity_;
  foxglove::Color color_;
};

// Whether a shape's mesh looks as meant only with normals, pictures or colours of its corners.
bool needs_model(const scene::Scene& scene, const scene::Shape& shape) {
  scene::MeshId id;
  if (const auto* mesh = std::get_if<scene::TriangleMesh>(&shape.geometry)) id = mesh->mesh;
  if (const auto* hull = std::get_if<scene::ConvexHull>(&shape.geometry)) id = hull->mesh;
  if (!id.valid()) return false;
  const scene::Mesh& mesh = scene.meshes[id.index()];
  const auto pictures = [&](scene::MaterialId material) {
    if (!material.valid()) return false;
    const scene::Material& m = scene.materials[material.index()];
    return m.color_map.texture.valid() || m.normal_map.texture.valid() || m.emission_map.texture.valid() ||
           m.roughness_map.texture.valid() || m.occlusion_map.texture.valid() ||
           (m.mesh_colors && !mesh.colors.empty());
  };
  const auto& sets = shape.set_materials;
  return !mesh.corner_normals.empty() || !sets.empty() || pictures(shape.material) ||
         std::any_of(sets.begin(), sets.end(), pictures);
}

}  // namespace

bool ModelBytes::add(const scene::Scene& scene, const scene::Shape& shape, foxglove::SceneEntity& entity) {
  if (!needs_model(scene, shape) || used_ > kMostBytes) return false;
  Diagnostics notes;
  const std::optional<std::string> glb = scene::glb_of(scene, shape, notes);
  if (!glb || glb->size() > kMostBytes - used_) return false;
  used_ += glb->size();
  foxglove::ModelPrimitive& model = *entity.add_models();
  const Posed& X = shape.X_BS;
  model.mutable_pose()->mutable_position()->set_x(X.p.x);
  model.mutable_pose()->mutable_position()->set_y(X.p.y);
  model.mutable_pose()->mutable_position()->set_z(X.p.z);
  model.mutable_pose()->mutable_orientation()->set_x(X.R.x);
  model.mutable_pose()->mutable_orientation()->set_y(X.R.y);
  model.mutable_pose()->mutable_orientation()->set_z(X.R.z);
  model.mutable_pose()->mutable_orientation()->set_w(X.R.w);
  model.mutable_scale()->set_x(1);
  model.mutable_scale()->set_y(1);
  model.mutable_scale()->set_z(1);
  model.set_media_type("model/gltf-binary");
  model.set_data(*glb);
  return true;
}

void add_shape(const scene::Scene& scene, const scene::Shape& shape, ModelBytes& models,
               foxglove::SceneEntity& entity) {
  if (models.add(scene, shape, entity)) return;
  std::visit(ShapeWriter(scene, shape, entity), shape.geometry);
}

}  // namespace geoul::runtime
