// What the USDA writer says of looks: surfaces with their textures, what meshes hold by corner, lights.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::usd {

using Lines = std::function<void(int depth, const std::string& text)>;

// A name for each texture, each used once, that its file ends in: "oak.png".
std::vector<std::string> texture_names(const Scene& scene);

// Shaders of a material, below its prim at `path`; files (ntexture) as they are named in the text.
void write_surface(const Material& material, const std::string& path, const std::vector<std::string>& files, int depth,
                   const Lines& line);
// Normals, coordinates and colours by corner, and the sets of faces, in a Mesh prim.
void write_mesh_look(const Mesh& mesh, int depth, const Lines& line);
// Type of prim, and its inputs.
const char* light_type(Light::Kind kind);
void write_light(const Light& light, const std::vector<std::string>& files, int depth, const Lines& line);

}  // namespace geoul::scene::usd
