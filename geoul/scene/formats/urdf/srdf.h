// Collision filters of SRDF (MoveIt's file beside a URDF): <disable_collisions>, <disable_default_collisions> and
// <enable_collisions> become pairs of bodies that never touch; groups, states, end effectors, virtual and passive
// joints are listed once each as info. Codes: docs/notes/urdf.md. Source: wiki.ros.org/srdf, MoveIt 2.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "geoul/scene/formats/urdf/links.h"

namespace geoul::scene::urdf {

// Adds to scene.collision_exclusions; each pair once. robot: the URDF's name, which the SRDF should share.
void read_srdf_text(std::string_view text, const std::string& name, std::size_t max_bytes, const std::string& robot,
                    const LinkIds& links, Scene& scene, Diagnostics& diagnostics);
void read_srdf(const std::string& file, std::size_t max_bytes, const std::string& robot, const LinkIds& links,
               Scene& scene, Diagnostics& diagnostics);

}  // namespace geoul::scene::urdf
