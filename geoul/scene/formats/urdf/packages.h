// Where the file of a mesh is: package://, file://, absolute and relative names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace geoul::scene::urdf {

struct Lookup {
  std::optional<std::string> file;  // a regular file that exists
  std::string failure;              // otherwise: what was not found, and the remedy
  std::string mend;
};

// uri       as the URDF writes it
// folder    of the URDF file
// packages  name of a package, its folder: asked first, then folders around `folder`, then ROS_PACKAGE_PATH and
//           AMENT_PREFIX_PATH
Lookup find_mesh(std::string_view uri, const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& packages);

}  // namespace geoul::scene::urdf
