// Surface: what a shape looks like, from shader networks. Internal to the schema reader.
#pragma once

#include <array>
#include <string>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {

// Where the value of an input is: an attribute, or the output of a shader.
struct Input {
  const Prim* prim = nullptr;
  std::string name;
  bool shader = false;
};
// Follows connections through the inputs of materials and node graphs, at most 16 prims.
Input follow(const View& view, const Prim& prim, const std::string& name);

// The picture that an attribute names; -1 and a warning where there is none.
TextureId read_texture(View& view, const Prim& shader, const std::string& attribute);
// map.srgb, by the word of sourceColorSpace: of "auto", pictures of three channels of 8 bits are sRGB.
void read_color_space(const View& view, const std::string& word, TextureMap& map);
// A UsdUVTexture. False where the input keeps its constant; a map without texture: `fallback` counts.
bool read_map(View& view, const Input& in, TextureMap& map, std::array<float, 4>& fallback);

// The look of a material prim, or false where nothing of it is read.
bool read_surface(View& view, const Prim& material, Material& out);

}  // namespace geoul::scene::usd
