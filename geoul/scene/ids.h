// Ids of what a scene holds: indices into the arrays of Scene.
#pragma once

#include "geoul/core/id.h"

namespace geoul::scene {

using BodyId = Id<struct BodyTag>;  // -1 (default): the world
using JointId = Id<struct JointTag>;
using ShapeId = Id<struct ShapeTag>;
using MaterialId = Id<struct MaterialTag>;  // -1: none
using MeshId = Id<struct MeshTag>;
using SiteId = Id<struct SiteTag>;
using TextureId = Id<struct TextureTag>;  // -1: none
using CameraId = Id<struct CameraTag>;

inline constexpr BodyId kWorld{};

}  // namespace geoul::scene
