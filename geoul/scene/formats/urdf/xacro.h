// Runs the user's own `xacro` (of ROS, or PyPI xacro) over a .xacro file.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "geoul/core/result.h"

namespace geoul::scene::urdf {

// What `xacro FILE ARGUMENT...` of PATH prints, without a shell between. Errors: kNotFound where there is no such
// program, kBadInput with its first words where it fails, kUnavailable where it runs longer than 60 s or prints more
// than max_bytes.
Result<std::string> run_xacro(const std::string& file, const std::vector<std::string>& arguments,
                              std::size_t max_bytes);

}  // namespace geoul::scene::urdf
