// A generic joint that no one type of ours is, as joints one behind another. Internal to the schema reader.
#pragma once

#include <array>
#include <functional>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {

// Degrees of freedom of a generic joint, as the limit and drive schemas name them.
inline constexpr std::array<const char*, 6> kGenericAxes = {"transX", "transY", "transZ", "rotX", "rotY", "rotZ"};

// The joints of a chain from `whole` (its ends, frames and flags) over the degrees of freedom that are not locked:
// translations along x, y, z, then rotations about x, y, z of the frame that those before turned (three rotations: one
// ball). Bodies of mass 0 stand between, where the bodies' poses put them at the start. `whole`'s ends never touch each
// other unless it says so. `one` finishes each joint: which degree of freedom it is (6: the ball).
void add_chain(View& view, const Prim& prim, const Joint& whole, const std::array<bool, 6>& locked,
               const std::function<void(Joint& joint, std::size_t axis)>& one);

}  // namespace geoul::scene::usd
