// Reads SDFormat 1.4 to 1.12 (Gazebo's SDF): world and model files, with what they include. What it becomes:
//   bodies    a link each: "/model/link", "/world/model/sub/link"; without <inertial> it has SDF's 1 kg and 1 kg m2.
//             A link of a static model is welded to the world by "/model/joints/<link>_static"
//   joints    "/model/joints/joint". SDF counts positions from the written poses, so every joint starts at 0. A
//             universal or revolute2 joint is two revolute joints about a massless body "/model/<joint>_between", a
//             screw a revolute and a prismatic one ("<joint>_travel") with a coupling, a gearbox a coupling of two
//             joints that the file has beside it
//   sites     a <frame> each; cameras: sensors of type camera and depth_camera
//   contact   links of one model do not touch unless self_collide says so; collide_bitmask likewise
//   frames    pose relative_to, attached_to, expressed_in, placement_frame, "::" and merge as SDF 1.7 and later say
//   files     includes and meshes: by the file's own folder, then (by name: model://, a plain name) the folders above
//             the file, then `search`, SDF_PATH, GZ_SIM_RESOURCE_PATH and GAZEBO_MODEL_PATH. Names that lead out of
//             these folders are refused; nothing is fetched from a network
// Lights, actors, sensors, plug-ins, physics settings and what else is not used are listed once each as info.
// More in docs/notes/sdf.md, with all codes. Source: sdformat.org/spec, version 1.11.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {

struct SdfOptions {
  std::vector<std::string> search = {};  // folders that hold models, asked before the environment's
  bool load_meshes = true;               // false: mesh shapes are left out, with one info
  bool include_files = true;             // false: <include> is refused
  MeshOptions mesh = {};
  std::size_t max_bytes = std::size_t{64} << 20;  // of one file
  std::size_t max_elements = 200'000;  // links, joints, frames, models and shapes, includes counted each time
};

// The scene, or none where anything in the file is an error; all findings, with lines, go to diagnostics.
std::optional<Scene> read_sdf(const std::string& file, const SdfOptions& options, Diagnostics& diagnostics);

// Same from text (UTF-8). name is what findings say; other files are looked for from its folder.
std::optional<Scene> read_sdf_text(std::string_view text, const std::string& name, const SdfOptions& options,
                                   Diagnostics& diagnostics);

}  // namespace geoul::scene
