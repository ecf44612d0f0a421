// Text of XML files with numbers that read back as the same doubles, and mesh files beside them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::write {

std::string text(double value);
std::string text(const Vec3d& v);                              // "x y z"
std::string quaternion_text(const Quatd& q);                   // "w x y z"
std::string rpy_text(const Quatd& q);                          // fixed-axis roll, pitch, yaw
std::string screen_color(const std::array<float, 4>& linear);  // "r g b a", sRGB

class Xml {
 public:
  using Attributes = std::initializer_list<std::pair<const char*, std::string>>;

  void open(const std::string& name, Attributes attributes = {});
  void close();
  void leaf(const std::string& name, Attributes attributes = {});
  void value(const std::string& name, const std::string& content, Attributes attributes = {});
  const std::string& str() const { return out_; }

 private:
  void start(const std::string& name, Attributes attributes);
  std::string out_ = "<?xml version=\"1.0\"?>\n";
  std::vector<std::string> open_;
};

// Mesh files in "<stem>_meshes" beside the file, each written when first asked for.
class MeshFiles {
 public:
  MeshFiles(const Scene& scene, const std::string& file);
  // Name relative to the file's folder: "robot_meshes/tool.obj".
  Result<std::string> name(MeshId mesh);
  // The same for a mesh that is not in the scene.
  Result<std::string> name(const Mesh& mesh, const std::string& stem);

 private:
  Result<std::string> save(const Mesh& mesh, const std::string& stem);
  const Scene& scene_;
  std::string folder_, relative_;
  std::map<std::int32_t, std::string> done_;
  std::map<std::string, int> names_;
};

// Surface of a height field or cone as a mesh; `around` faces where it is round.
Mesh height_field_mesh(const HeightField& field);
Mesh cone_mesh(const Cone& cone, int around);

}  // namespace geoul::scene::write
