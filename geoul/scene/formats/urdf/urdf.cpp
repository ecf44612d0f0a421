#include "geoul/scene/formats/urdf/urdf.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/formats/urdf/joints.h"
#include "geoul/scene/formats/urdf/links.h"
#include "geoul/scene/formats/urdf/srdf.h"
#include "geoul/scene/formats/urdf/xacro.h"

namespace geoul::scene {

std::optional<Scene> read_urdf_text(std::string_view text, const std::string& name, const UrdfOptions& options,
                                    Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  urdf::Document document(text, name, diagnostics);
  const pugi::xml_node robot = document.parse(options.max_bytes);
  if (!robot) return std::nullopt;

  Scene scene;
  scene.name = urdf::printable(robot.attribute("name").value());
  if (scene.name.empty()) {
    document.warning(robot, "", "missing-name", "the robot has no name; it is called 'robot'", "write name=\"...\"");
    scene.name = "robot";
  }
  document.check_children(robot, "robot",
                          {"*link", "*joint", "*material", "*gazebo", "*transmission", "*ros2_control"});
  const std::string root = "/" + urdf::Names().unique(scene.name);
  const urdf::LinkIds links = urdf::LinkReader(document, options, root, scene).read(robot);
  urdf::read_joints(document, robot, links, root, scene);
  // A joint that was refused would make roots of its own: the tree is judged when all joints are known.
  if (diagnostics.error_count() == errors_before) {
    urdf::finish_tree(document, robot, options.fixed_base, root, scene);
  } else if (scene.bodies.empty() && !robot.child("link")) {
    document.error(robot, "", "no-link", "the robot has no link", "write at least one <link>");
  }
  if (!options.srdf.empty()) {
    urdf::read_srdf(options.srdf, options.max_bytes, robot.attribute("name").value(), links, scene, diagnostics);
  }
  document.report_ignored();
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return scene;
}

std::optional<Scene> read_urdf(const std::string& file, const UrdfOptions& options, Diagnostics& diagnostics) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const bool regular = fs::is_regular_file(file, failed);
  std::ifstream stream;
  if (regular) stream.open(file, std::ios::binary);
  if (!regular || !stream) {
    diagnostics.error({file, 0, {}}, "not-found", regular ? "the file cannot be opened" : "there is no such file",
                      "check the path");
    return std::nullopt;
  }
  UrdfOptions all = options;
  if (all.srdf.empty()) {
    fs::path beside = fs::path(file).replace_extension(".srdf");
    if (beside.stem().extension() == ".urdf") beside = fs::path(file).replace_extension().replace_extension(".srdf");
    if (fs::is_regular_file(beside, failed)) all.srdf = beside.string();
  }
  if (fs::path(file).extension() == ".xacro") {
    const Result<std::string> made = urdf::run_xacro(file, options.xacro_arguments, options.max_bytes);
    if (made) return read_urdf_text(*made, file, all, diagnostics);
    diagnostics.error({file, 0, {}}, "xacro", made.error().message, "run: xacro FILE > robot.urdf");
    return std::nullopt;
  }
  std::string text;
  const auto size = fs::file_size(file, failed);
  if (!failed && size > options.max_bytes) {
    diagnostics.error({file, 0, {}}, "too-large", "the file has " + std::to_string(size) + " bytes",
                      "the limit is " + std::to_string(options.max_bytes));
    return std::nullopt;
  }
  text.assign(std::istreambuf_iterator<char>(stream), {});
  return read_urdf_text(text, file, all, diagnostics);
}

}  // namespace geoul::scene
