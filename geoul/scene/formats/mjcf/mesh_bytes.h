// Meshes as MuJoCo takes them: points and faces of an OBJ, also without faces, and MuJoCo's own MSH.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "geoul/scene/geometry.h"

namespace geoul::scene::mjcf {

// v and f lines of an OBJ, vertices as written; polygons are cut into triangles. Without a face: points only. None, and
// what is wrong in `failure`, where a line breaks the format.
std::optional<Mesh> read_obj(std::string_view text, std::size_t max_vertices, std::string& failure);

// MSH: int32 counts of vertices, normals, texture coordinates and faces, then float32 and int32 data.
std::optional<Mesh> read_msh(std::string_view bytes, std::string& failure);

}  // namespace geoul::scene::mjcf
