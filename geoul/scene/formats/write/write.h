// Writes a scene as URDF, MJCF, SDF or glTF. What the target has no word for is a finding (warnings; info where it does
// not change how the mechanism moves), so that a file that means less is never made in silence. Poses that the targets
// count from are those of all joints at 0. Codes: docs/notes/writers.md.
//   URDF  a tree of links; frames of links become their joints' frames. Pairs that never touch go into an SRDF file
//   MJCF  bodies in bodies, equalities, tendons and actuators; a keyframe holds the start
//   SDF   1.11: a world with one model, loops included; massless links that are fixed become frames
//   glTF  a .glb or .gltf of what is visible, bodies as nodes, with normals, textures and colours of meshes
//
// Textures, materials of face sets and lights go into USD; glTF has no lights here, and the others no textures (an info
// finding). Meshes go as .obj into the folder "<stem>_meshes" beside the file; colours are written for the screen
// (sRGB), but linear in glTF. Errors: kUnavailable where a file cannot be written, kUnsupported where nothing could be
// said.
#pragma once

#include <optional>
#include <string>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {

// Scenes as the readers make them: ids must be valid. By the file's ending: these, .usda or .usdz (kUnsupported for
// others); whether there is a writer for it.
Result<void> write_scene(const Scene& scene, const std::string& file, Diagnostics& notes);
bool writes_scene(const std::string& file);
Result<void> write_urdf(const Scene& scene, const std::string& file, Diagnostics& notes);
Result<void> write_mjcf(const Scene& scene, const std::string& file, Diagnostics& notes);
Result<void> write_sdf(const Scene& scene, const std::string& file, Diagnostics& notes);
Result<void> write_gltf(const Scene& scene, const std::string& file, Diagnostics& notes);

// One shape in its own frame with its look as the bytes of a .glb (y is up in it, as glTF has it: turn it by 90 degrees
// about x). None where nothing of it is seen, or above 4 GiB. O(vertices and bytes of its textures).
std::optional<std::string> glb_of(const Scene& scene, const Shape& shape, Diagnostics& notes);

}  // namespace geoul::scene
