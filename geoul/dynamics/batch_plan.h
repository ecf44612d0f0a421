// What the leaf files of a batch (batch_kernels_*.cpp) see of a model: plain numbers, no other headers, so that nothing
// compiled for one instruction set reaches another machine's code. Made by batch.cpp.
#pragma once

#include <cstddef>

#include "geoul/dynamics/batch_contact_plan.h"

namespace geoul::dynamics {

// A row of lanes: the numbers of this many worlds side by side, 64 bytes.
template <class S>
inline constexpr int kRowWidth = 64 / static_cast<int>(sizeof(S));

// How a link's joint frame stands on its parent: the rotation is a permutation of axes known to the compiler, or not.
enum class FrameKind { kGeneral, kSame, kCycle, kBackCycle, kQuarter, kBackQuarter };

struct BatchLink {
  int parent = -1;
  int motion = 0;  // LinkMotion
  FrameKind frame = FrameKind::kGeneral;
  int q = 0, v = 0, ball = -1;
  int slot = -1;        // where children sum up what they hand on; -1: the link has none
  int opens_slot = -1;  // first to hand on to its parent: it opens the parent's slot
  bool massless = false;
};

struct BatchTree {
  int begin = 0, end = 0, v_begin = 0, v_end = 0, q_begin = 0, q_end = 0;
};

// Numbers of the model, shared by all worlds.
struct BatchPlan {
  const BatchLink* links = nullptr;
  const BatchTree* trees = nullptr;
  int nlink = 0, ntree = 0, nq = 0, nv = 0, nslot = 0, nball = 0;
  const double* rotation = nullptr;    // (nlink x 9) of X_PF, by rows
  const double* parameters = nullptr;  // (nparameter) as ParameterLayout says
  double h = 0;
  int max_iterations = 60;
  const BatchContactPlan* contact = nullptr;  // none: nothing touches
};

// Where the parameters of one world stand.
struct ParameterLayout {
  static constexpr int kGravity = 0;  // 3
  static constexpr int kLink = 13;    // a link: p of X_PF (3), mass, first moment (3), inertia xx yy zz xy xz yz
  static constexpr int kLaw = 11;     // a degree: the numbers of JointLaw in their order
  static constexpr int link(int i) { return 3 + kLink * i; }
  static constexpr int law(int nlink, int k) { return 3 + kLink * nlink + kLaw * k; }
  static constexpr int contact_friction(int nlink, int nv) { return law(nlink, nv); }  // scale of every coefficient
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
