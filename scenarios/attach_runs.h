// Joints made and broken while the world runs, with what is to be judged. Tests run them short, bench at full length.
#pragma once

#include <cstdint>

#include "geoul/dynamics/world.h"

namespace geoul::scenarios {

struct AttachRun {
  int changes = 0;      // joints made and broken
  int refused = 0;      // of them, by an error
  double slip = 0;      // farthest that an attached body moves against what holds it [m]
  double turn = 0;      // and turns [rad]
  double jump = 0;      // largest change of a body's pose at a change of the joints [m, rad]
  double momentum = 0;  // largest change of linear and angular momentum at one, relative; of free-floating worlds
  double loss = 0;      // largest error of a reported loss of energy, by the bodies' own energies [relative]
  bool solved = true;   // every step converged and stayed finite
};

// Eight boxes adrift, welded and hinged to each other and set free at random, `pairs` times each.
AttachRun run_random_pairs(int pairs, std::uint64_t seed);

// The reference page's grasp: a driven two-link arm swings an object of `mass` [kg] that it took 0.1 m from its tip.
AttachRun run_grasp(double mass, double seconds);

// W6: a box of 2 kg is welded to the end of a moving six-joint arm, and released after 5 s.
AttachRun run_weld_to_moving_arm();

// A seven-joint arm lays its tool into a rack, takes another one and swings it; slip is that of the tool's centre
// point in the flange.
AttachRun run_tool_change();

// Two machines adrift, each a hull with a driven arm, meet and lock.
AttachRun run_docking();

// A part goes from the hand of one seven-joint arm to that of another; for half a second both hold it.
AttachRun run_hand_over();

}  // namespace geoul::scenarios
