// Where the files are that an SDF file names: included models and meshes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoul::scene::sdf {

struct Lookup {
  std::optional<std::string> file;  // a regular file, or a folder where `folders` allows one
  std::string code;                 // otherwise: path-escape, not-found or address, and what to say
  std::string failure;
  std::string mend;
};

// uri      as the file writes it: model://name/path, file://path, a relative path, or the name of a model
// here     folder of the file that names it
// search   folders of models, asked before SDF_PATH, GZ_SIM_RESOURCE_PATH and GAZEBO_MODEL_PATH
// folders  whether a folder will do
Lookup find_file(std::string_view uri, const std::string& here, const std::vector<std::string>& search, bool folders);

}  // namespace geoul::scene::sdf
