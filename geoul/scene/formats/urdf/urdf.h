// Reads URDF robot descriptions. Every link becomes a body (also without mass: dynamics decides what to do with it),
// every joint a joint whose frame is the child link's frame (X_PJ is <origin>, X_CJ the identity).
//   paths     "/robot/link", joints "/robot/joints/joint", shapes "/robot/link/visual_0"; characters that a USD path
//             does not allow become "_", names stay unique
//   base      a link named "world" and, with fixed_base, the root link are welded to the world by a fixed joint
//             "/robot/joints/<root>_to_world"; a floating joint stays floating. Without fixed_base the root floats
//   start     all joint positions zero, mimicking joints at their offset; body poses by forward kinematics
//   mimic     chains are resolved, so that every source moves by itself
//   meshes    package:// by the folders given, then the folders around the file, then ROS_PACKAGE_PATH and
//             AMENT_PREFIX_PATH. A mesh that is not found is a warning and its shape is left out; one that is found
//             and broken is an error. A collision mesh is its surface (TriangleMesh)
//   colours   are taken as sRGB; a <material> of the visual beats the colours of a mesh file
//   srdf      disable_collisions and their kin become pairs of bodies that never touch (srdf.h)
//   xacro     a .xacro file is put through the user's own program `xacro`, where PATH has one
// <gazebo>, <transmission> and <ros2_control> are skipped; what else is not used (safety_controller, calibration,
// texture, unknown elements) is listed once each as info. More in docs/notes/urdf.md, with all codes.
// Source: wiki.ros.org/urdf/XML.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {

struct UrdfOptions {
  std::vector<std::pair<std::string, std::string>> packages = {};  // name of a ROS package, its folder
  bool fixed_base = true;
  bool load_meshes = true;  // false: shapes that are meshes are left out, with one info
  std::string srdf = {};    // SRDF file with pairs that never touch; empty: the one beside the file, of the same stem
  std::vector<std::string> xacro_arguments = {};  // of a .xacro file: "name:=value"
  MeshOptions mesh = {};
  int max_hulls = 0;  // collision meshes: 0 the surface as written, 1 its hull, more a convex decomposition
  std::size_t max_bytes = std::size_t{64} << 20;
};

// The scene, or none where anything in the file is an error; all findings, with lines, go to diagnostics.
std::optional<Scene> read_urdf(const std::string& file, const UrdfOptions& options, Diagnostics& diagnostics);

// Same from text (UTF-8), with options.srdf only where it is given. name is what findings say; relative mesh paths are
// looked for from its folder.
std::optional<Scene> read_urdf_text(std::string_view text, const std::string& name, const UrdfOptions& options,
                                    Diagnostics& diagnostics);

}  // namespace geoul::scene
