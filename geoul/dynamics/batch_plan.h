// What the leaf files of a batch (batch_kernels_*.cpp) see of a model: plain numbers, no other headers, so that nothing
// compiled for one instruction set reaches another machine's code. Made by batch_plan.cpp.
#pragma once

#include <cstddef>

#include "geoul/dynamics/batch_contact_plan.h"

namespace geoul::dynamics {

// A row of lanes: the numbers of this many worlds side by side, 64 bytes.
template <class S>
inline constexpr int kRowWidth = 64 / static_cast<int>(sizeof(S));

// How a link's kernel frame stands on its parent's (batch_frames.h): X = Rz(turn) T(p) Rx(tilt), then the joint's own
// motion. A quarter is +90 degrees, a half 180; without "Away" p = 0, with it p.y = 0; both without turn.
enum class FrameKind {
  kSame,
  kQuarter,
  kBackQuarter,
  kHalf,
  kTilted,
  kSameAway,
  kQuarterAway,
  kBackQuarterAway,
  kHalfAway,
  kTiltedAway,
  kAny,    // turn, tilt and p as they come
  kSlide,  // the same, of a joint that slides
  kWhole,  // a matrix: roots and balls
};

struct BatchLink {
  int parent = -1;
  int motion = 0;  // LinkMotion
  FrameKind frame = FrameKind::kAny;
  int q = 0, v = 0, ball = -1;
  int slot = -1;       // where children sum up what they hand on; -1: the link has none
  bool opens = false;  // first to hand on to its parent
  bool massless = false;
  bool straight = false;     // it slides, and so do all before it: it never turns
  bool on_straight = false;  // it hangs on such a link, or on the world, and turns
  // what its joint law has, of one degree
  bool sprung = false, driven = false, saturates = false, bounded = false, hurried = false;
};

struct BatchTree {
  int begin = 0, end = 0, v_begin = 0, v_end = 0, q_begin = 0, q_end = 0;
  bool rubs = false;  // has joint friction
};

// Numbers of the model, shared by all worlds, in the precision of the lanes.
template <class S>
struct PlanNumbers {
  const S* parameters = nullptr;  // as ParameterLayout says
  const S* frames = nullptr;      // (nlink x FrameLayout::kSize)
  const S* laws = nullptr;        // (nv x LawLayout::kSize)
};
struct BatchPlan {
  const BatchLink* links = nullptr;
  const BatchTree* trees = nullptr;
  int nlink = 0, ntree = 0, nq = 0, nv = 0, nslot = 0, nball = 0;
  PlanNumbers<double> in_double;
  PlanNumbers<float> in_float;
  double h = 0;
  int max_iterations = 60;
  const BatchContactPlan* contact = nullptr;  // none: nothing touches

  const PlanNumbers<double>& numbers(double) const { return in_double; }
  const PlanNumbers<float>& numbers(float) const { return in_float; }
};

// Constants of a link's frame. Whole: rotation by rows, of X_PK where the joint is at zero.
struct FrameLayout {
  static constexpr int kCosTilt = 0, kSinTilt = 1, kCosTurn = 2, kSinTurn = 3;
  static constexpr int kOffset = 4;  // [rad] the joint turns by q + offset
  static constexpr int kWhole = 5;   // 9
  static constexpr int kSize = 14;
};

// Constants of a degree's law: JointLaw's, and what stands on the joint-space diagonal without and with its drive.
struct LawLayout {
  static constexpr int kDamping = 0, kStiffness = 1, kSpringPosition = 2, kDriveStiffness = 3, kDriveDamping = 4,
                       kDriveLimit = 5, kLower = 6, kUpper = 7, kVelocityLimit = 8, kArmature = 9, kPassive = 10,
                       kSloped = 11, kSize = 12;
};

// Where the parameters of one world stand.
struct ParameterLayout {
  static constexpr int kGravity = 0;  // 3
  // a link: p of its frame in its parent's (3), mass, first moment (3), inertia xx yy zz xy xz yz, all in kernel frames
  static constexpr int kLink = 13;
  static constexpr int link(int i) { return 3 + kLink * i; }
  static constexpr int friction(int nlink, int k) { return 3 + kLink * nlink + k; }
  static constexpr int contact_friction(int nlink, int nv) { return friction(nlink, nv); }  // scale of all coefficients
  static constexpr int size(int nlink, int nv) { return contact_friction(nlink, nv) + 1; }
};

// One row of lanes (or a part of it): element i of an array stands at [i * kRowWidth].
template <class S>
struct BatchRows {
  S *q, *v, *a, *tau;
  const S *effort, *target_q, *target_v;
  const S* parameters;  // none: those of the plan
  S* report;            // (3) passes, 1 where converged, 1 where finite
  S* warm = nullptr;    // as WarmLayout says, where there is contact
  void* context = nullptr;
  void (*alone)(void* context, int lane) = nullptr;  // steps one world of the rows by itself
};

template <class S>
struct BatchKernel {
  int width = 1;  // worlds that one call steps
  std::size_t (*scratch_bytes)(const BatchPlan& plan) = nullptr;
  // Steps the worlds at the front of the rows. scratch: aligned to 64 bytes, any content.
  void (*step)(const BatchPlan& plan, const BatchRows<S>& rows, int steps, void* scratch) = nullptr;
};

struct BatchKernels {
  BatchKernel<double> in_double;
  BatchKernel<float> in_float;
};
BatchKernels batch_kernels_baseline();
BatchKernels batch_kernels_avx2();    // x86-64 with AVX2
BatchKernels batch_kernels_avx512();  // x86-64 with AVX-512 F, DQ, VL, BW
// The same where things touch: plan.contact is there.
BatchKernel<double> contact_kernel_baseline();
BatchKernel<double> contact_kernel_avx2();
BatchKernel<double> contact_kernel_avx512();

}  // namespace geoul::dynamics
