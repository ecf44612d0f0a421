// Mechanisms with closed loops, couplings and springs, with known answers: IFToMM multibody benchmarks A02 to A05 and
// others. Sources: docs/notes/dynamics.md.
#pragma once

#include "scenarios/mechanics.h"

namespace geoul::scenarios {

// N-four-bar (A02): n + 1 pillars and n beams of 1 kg and 1 m, hinged about z, every pillar on the ground, gravity -y,
// upright, beams moving at +1 m/s in x. Redundant everywhere, singular when it lies flat.
Scene four_bar_windows(int n);
// One window whose beam is cut in two halves that a fixed joint closes. Energy 20.4533 J.
Scene welded_window();

// Andrews' squeezing mechanism (A03): seven bodies in the plane, three closures at one point, one spring; torque 0.033
// N.m about "/crank".
Scene andrews();

// Bricard's mechanism (A04): five rods of 1 m, six hinges; one closure row is always redundant.
Scene bricard();

// Flyball governor (A05): shaft, slider, two rods with balls, two stiff springs.
Scene governor();

// Planar four-bar 0.4 / 1.0 / 0.8 / 1.2 m of 1 kg/m, its coupler in two halves closed by a weld, crank at 2 pi rad/s
// (W4).
Scene crank_rocker();

// Cart of 1e-6 kg on a rail and a bob of 1 kg on a massless rod of 1 m, from the horizontal.
Scene light_cart_pole();

// Two discs on parallel axes geared 1 : -ratio; a disc and a sliding rack coupled by its radius.
Scene gear_pair(double ratio);
Scene rack_and_pinion(double radius);

}  // namespace geoul::scenarios
