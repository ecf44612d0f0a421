// Mends of mass properties.
#pragma once

#include <optional>
#include <span>

#include "geoul/scene/doctor/extent.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::doctor {

// The inertia nearest to a given one that a real distribution of mass can have. The second moments S = tr(I)/2 1 - I
// must not be negative (which is the triangle inequality); those below `thin`^2 of the largest are raised to that: the
// nearest in the Frobenius norm of S, with the same principal axes. A given one that is physical with a margin is kept
// to rounding. Where all are negative: a ball of the same trace.
// Source: Wensing, Kim, Slotine, IEEE RA-L 3(1), 2018, eq. 12 (S is their Sigma).
Sym3d nearest_physical_inertia(const Sym3d& inertia, double thin = 0.01);

// Volume (as mass: density 1) [m3], centre and inertia of all shapes that are solids together; in the frame A of
// Placed::X_AS. None where no shape is a solid (open meshes, planes). Where shapes overlap the overlap counts twice.
std::optional<MassProperties> solids(const Scene& scene, std::span<const Placed> shapes);

// The same distribution with another mass [kg].
MassProperties weighing(const MassProperties& solid, double mass);

}  // namespace geoul::scene::doctor
