// Kernel frames of a batch: of each link a frame K that differs from its model frame L by a turn about and a shift
// along their common z axis, chosen so that the constant part of a joint is a tilt about x and a shift without y where
// that can be (Denavit and Hartenberg's four numbers; Khalil and Kleinfinger 1986 for trees). Then rotations act in
// planes, and quarters are moves. q, v, a and efforts are the same in both frames.
#pragma once

#include <vector>

#include "geoul/dynamics/batch_plan.h"
#include "geoul/dynamics/model.h"

namespace geoul::dynamics {

// One link's. P is the parent's kernel frame, or the world.
struct KernelFrame {
  Transformd X_LK;  // constant
  FrameKind kind = FrameKind::kAny;
  double cos_tilt = 1, sin_tilt = 0, cos_turn = 1, sin_turn = 0;
  double offset = 0;                // [rad] the joint turns by q + offset
  Mat3d whole = Mat3d::identity();  // kWhole: R_PK where the joint is at zero (a turn: at -offset)
  Vec3d p;                          // origin, in P turned by `turn` (kWhole: in P)
};

std::vector<KernelFrame> kernel_frames(const Model& model);  // (nlink)

}  // namespace geoul::dynamics
