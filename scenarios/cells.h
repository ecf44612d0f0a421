// Cells with shapes around what moves, for futures and planning: distances and paths have known or checkable answers.
#pragma once

#include "scenarios/mechanics.h"

namespace geoul::scenarios {

// A shape that collides; body may be kWorld.
void add_collider(Scene& scene, BodyId body, const Posed& X_BS, const scene::Geometry& geometry);

// A cart of `mass` [kg] on a rail along `axis`, limit 1000 N, with a ball of 0.1 m that collides; drive as given.
Scene cart(double mass, const Vec3d& axis, double stiffness = 0, double damping = 0);

// The seven-joint arm with capsules along its links, over a table, beside a post and a shelf: 7 + 7 convex shapes that
// may meet.
Scene arm7_cell();

}  // namespace geoul::scenarios
