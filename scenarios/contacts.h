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

// A hand (body 0, kinematic, at the origin) with two fingers (1 and 2) on slides along x, whose position drives have
// their targets inside the standing cylinder (body 3; 34 mm diameter, 100 mm, 0.25 kg) that their pads of 60 x 60 mm
// hold: 2000 N/m, so 15 mm for 30 N. After IsaacLab, pull request 6357: a jaw's drive pushed through a cylinder of 34
// mm by 14.88 mm, whatever its effort.
struct Gripper {
  double force = 30;  // of each finger [N]
  double friction = 0.6;
};
Scene gripper(const Gripper& options);

// n balls of 20 mm radius and 33 g on a loose grid above a bowl (height field z = r^2, 1.2 m wide).
Scene bowl(int n);

// n bodies of every convex kind (boxes, balls, capsules, cylinders, cones, hulls; 0.05 to 5 kg, 20 to 60 mm), thrown
// together between four walls.
Scene heap(int n, double restitution, std::uint64_t seed);

// Painleve's rod: a slender rod of 1 m, 1 kg in the plane y = 0, whose lower end touches the ground and slides to +x at
// `speed`; `angle` [rad] between the rod and the ground, the upper end ahead where angle < pi / 2. Body 0.
Scene painleve_rod(double angle, double speed, double friction);

// SimBenchmark's cases. Rolling: a box of 20 x 20 x 1 m, 10 kg (body 0) on the ground (friction 0.4) under 25 balls of
// 0.5 m, 1 kg (friction 0.8). Bouncing: 49 balls of 0.1 m, 10 kg, centres 5 m up, e = 1, no friction.
Scene simbenchmark_rolling();
Scene simbenchmark_bouncing();

// Fast bodies without gravity; body 0 is the projectile.
Scene bullet_at_plate(double speed, double thickness);  // ball of 10 mm radius along x, plate (world) at x = 1
Scene rod_at_plate(double speed, double thickness);     // thin rod across its motion along x, plate (world) at x = 1
Scene bullets_that_meet(double speed, double offset);   // two balls of 10 mm, x = -1 and 1, `offset` apart in y
Scene spinning_blade(double rate);  // a blade of 1 m turns about z on a hinge; a ball (body 0) lies in its way at rest

}  // namespace geoul::scenarios
