// Things that touch, with known answers. Gravity 9.81 m/s2 along -z. Sources: docs/notes/contact.md.
#pragma once

#include "scenarios/mechanics.h"

namespace geoul::scenarios {

struct Touch {
  double friction = 0.5, restitution = 0;
};

// A shape of that geometry at the body's frame, which collides; on kWorld where body is invalid.
void add_shape(Scene& scene, BodyId body, const scene::Geometry& geometry, const Touch& touch, const Posed& X_BS = {});
// A solid box or ball that collides.
BodyId add_solid_box(Scene& scene, const std::string& path, double mass, const Vec3d& size, const Vec3d& p,
                     const Touch& touch);
BodyId add_ball(Scene& scene, const std::string& path, double mass, double radius, const Vec3d& p, const Touch& touch);
Scene ground(const Touch& touch);

// A box of 1 kg resting on a plane inclined by `angle` [rad] about y; downhill is +x of the plane.
Scene box_on_slope(double angle, double friction);
// n boxes of 0.2 m on each other, mass[i] = first * growth^i.
Scene tower(int n, double first, double growth);
// A ball of 0.1 m radius, 1 kg, whose lowest point is 1 m above the ground.
Scene bouncing_ball(double restitution);
// A ball on the ground, thrown along x at `speed` without spin.
Scene rolling_ball(double speed, double friction);

}  // namespace geoul::scenarios
