// OpenUSD files with the UsdGeom, UsdShade and UsdPhysics schemas, read into a Scene (.usda, .usdc, .usd, .usdz) and
// written from one (.usda, .usdz).
// What is read: see stage.h for composition; rigid bodies, mass, colliders, materials and their textures, joints,
// drives, limits, collision groups, filtered pairs, cameras, lights. What is not and would change the meaning is a
// finding that says so.
//
// Attributes of our own, where the schema has no word; SI units and radians, whatever the units of the file:
//   joint  float or double geoul:effortLimit velocityLimit damping friction armature stiffness springPosition,
//          geoul:position velocity (start of a one-degree joint), bool geoul:continuous,
//          rel geoul:mimicSource, geoul:mimicMultiplier mimicOffset
//   Xform  bool geoul:site = true: a named frame (scene Site) on the body it is in
//   body   bool geoul:gravity = false: no gravity on this body; bool geoul:ignoresWorld: never touches the world;
//          bool geoul:exactMass: nothing of the mass comes from colliders
//   Mesh   geoul:heights columns rows extent: a height field; string geoul:source: where the mesh came from
// Exact forms beside the schema's values, used only where they agree: geoul:lowerLimit upperLimit drive
// angularVelocity (joint and body, radians), geoul:inertia (xx yy zz xy xz yz), geoul:verticalFov.
//
// Frames: positions are not rotated for upAxis (Scene::up says it); lengths become metres, masses kilograms. Velocities
// are in the space in which the prim's own transform is written. `quatf` and other floats are read as double.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {

// By what is in the file: text or binary, whatever its ending but .usdz.
// All problems of the file and of the files that it names go to diagnostics, with file:line or prim path; none is
// returned where there was an error. Does not call validate(). O(size of the files + number of prims).
std::optional<Scene> read_usd(const std::string& file, Diagnostics& diagnostics);

// The same from memory. `name` stands in messages; other files are found beside it.
std::optional<Scene> read_usda_text(std::string_view text, const std::string& name, Diagnostics& diagnostics);

// The scene as one .usda file, in metres and kilograms; reading it gives the same scene, number for number, except:
//   - joint frames whose axis is not +x, +y or +z are turned so that it is +z, to rounding;
//   - names that USD does not allow, or that are used twice, are changed; shapes, sites and cameras stand below their
//     body; bodies, joints and shapes come in the order of the tree of their names;
//   - materials and meshes that no shape uses are left out; the units of the file it came from are lost.
// Rotations of joints are written as quatf, the schema's type, with all digits of a double: this reader keeps them,
// others round them to float. The same scene gives the same text. Textures are named as files of `texture_folder`;
// numbers that a texture takes the place of become the schema's defaults, angles of lights and textures round.
std::string usda_text(const Scene& scene, const std::string& texture_folder = "textures");

// Writes usda_text() to a file beside `file`, then renames it: a failure leaves nothing half-written. Textures go into
// the folder "<stem>_textures" beside it.
Result<void> write_usda(const Scene& scene, const std::string& file);

// The same as a package (.usdz): the text, with all meshes in it, and the textures.
Result<void> write_usdz(const Scene& scene, const std::string& file);

}  // namespace geoul::scene
