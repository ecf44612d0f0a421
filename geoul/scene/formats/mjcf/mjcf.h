// Reads MJCF (MuJoCo's XML). What it becomes:
//   bodies    "/model/body". A body without joints is fixed to its parent; a mocap body is kinematic. A body with
//             several joints hangs on a chain of massless bodies "/model/body__joint", first joint outermost
//   joints    "/model/joints/name". A joint's position is MuJoCo's qpos: hinge and slide count from `ref` at the
//             written pose, a free joint is the body's pose in the world, a ball its rotation in the parent
//   shapes    "/model/body/geom"; of the world "/model/world/geom". Groups 0 to 2 are visible. A mesh that touches
//             is two shapes: its surface, seen, and its convex hull, which is what MuJoCo lets touch
//   mass      from <inertial> or from geoms, by MuJoCo's rules (inertiafromgeom, inertiagrouprange, boundmass,
//             boundinertia, balanceinertia, settotalmass; mesh inertia legacy, exact, convex and shell)
//   loops     weld and connect become fixed and spherical joints; linear equalities of joints and of fixed tendons
//             mimics and couplings; spatial tendons between two sites that only spring and damp become springs
//   drives    motor, position, velocity and affine general actuators of one joint; limits of force as effort limits
//   start     a keyframe (the first, or the one named), otherwise qpos0
// Includes, attached models and assets are read from the file's own folder or below it, or below `root`.
// What MuJoCo does beyond this is listed as findings: once each as info where it does not change the motion, as a
// warning where it does, as an error (with `partial`: a warning) where the mechanism would be another one: other
// spatial tendons, polynomials of joints. flex, composite and plug-in bodies are always errors. More in
// docs/notes/mjcf.md, with all codes. Source: mujoco.readthedocs.io, XML reference (3.3 to 4.0).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {

struct MjcfOptions {
  std::string root = {};                     // folder that other files may be read from; empty: the file's own
  std::optional<std::string> keyframe = {};  // start state; none: the first keyframe
  bool use_keyframe = true;                  // false: start at qpos0, whatever keyframes there are
  bool partial = false;                      // read what there is, without the couplings that cannot be said
  bool load_meshes = true;                   // false: mesh shapes are left out, with one info
  MeshOptions mesh = {};
  int max_hulls = 1;  // what meshes touch with: 1 the hull, as in MuJoCo; more: a convex decomposition
  std::size_t max_bytes = std::size_t{64} << 20;  // of all XML files together
  std::size_t max_elements = 300'000;             // of the tree, replicas counted
};

// The scene, or none where anything in the file is an error; all findings, with lines, go to diagnostics.
std::optional<Scene> read_mjcf(const std::string& file, const MjcfOptions& options, Diagnostics& diagnostics);

// Same from text (UTF-8). name is what findings say; other files are looked for from its folder, and none is read
// where it has none and no root is given.
std::optional<Scene> read_mjcf_text(std::string_view text, const std::string& name, const MjcfOptions& options,
                                    Diagnostics& diagnostics);

}  // namespace geoul::scene
