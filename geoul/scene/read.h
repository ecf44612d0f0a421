// Reading a scene file with what may be asked for beside what it says; read_scene(file, diagnostics) stands in scene.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/scene/scene.h"

namespace geoul::scene {

struct ReadOptions {
  std::vector<std::string> xacro_arguments = {};  // of a .xacro file: "name:=value"
  std::string srdf = {};                          // of a .urdf or .xacro file: instead of the one beside it
  // Of every mesh that touches: 0 its surface, 1 its hull, more a convex decomposition; none: as the file says.
  std::optional<int> max_hulls = {};
};

// As read_scene(file, diagnostics). An option that has no meaning for the file is an error (bad-option).
std::optional<Scene> read_scene(const std::string& file, const ReadOptions& options, Diagnostics& diagnostics);

}  // namespace geoul::scene
