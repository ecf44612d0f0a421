// Shapes of a scene as Foxglove's primitives. Internal to the messages.
#pragma once

#include <cstddef>

#include "foxglove/SceneEntity.pb.h"
#include "geoul/scene/scene.h"

namespace geoul::runtime {

// Shapes with textures, normals or colours of their own go as glTF, which Foxglove shows too: at most so many bytes in
// a message, those beyond as plain triangles of the material's colour.
class ModelBytes {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  // False, and nothing added, where the shape is of no such kind or does not fit any more.
  bool add(const scene::Scene& scene, const scene::Shape& shape, foxglove::SceneEntity& entity);

 private:
  std::size_t used_ = 0;
};

// Adds one shape, in its body's frame, to the entity. Colours: linear in the scene, sRGB in the message.
void add_shape(const scene::Scene& scene, const scene::Shape& shape, ModelBytes& models, foxglove::SceneEntity& entity);

}  // namespace geoul::runtime
