// Shapes of a scene as Foxglove's primitives. Internal to the messages.
#pragma once

#include "foxglove/SceneEntity.pb.h"
#include "geoul/scene/scene.h"

namespace geoul::runtime {

// Adds one shape, in its body's frame, to the entity. Colours: linear in the scene, sRGB in the message.
void add_shape(const scene::Scene& scene, const scene::Shape& shape, foxglove::SceneEntity& entity);

}  // namespace geoul::runtime
