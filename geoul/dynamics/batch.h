// Batch: N worlds of one model with states, parameters and actions of their own, stepped together.
//   lanes    open trees (joint laws and contact of convex shapes included): one world a SIMD lane,
//            Integrator::kImplicit, formulas of step(); nothing sleeps
//   scalar   loops, meshes, restitution, springs, prescribed links, weightless parts, other integrators: step() world
//   by world
// A world's result has the same bits for any number of threads, any position in the batch, any neighbours and any lane
// set of the same precision. In double it equals step() to rounding. See docs/notes/batches.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

enum class LaneSet { kBaseline, kAvx2, kAvx512 };  // 2, 4, 8 doubles; 4, 8, 16 floats
enum class BatchPrecision { kDouble, kFloat32 };   // kFloat32: lanes only; relative error of a step about 1e-6

bool lanes_supported(LaneSet set);  // by this machine and build
LaneSet widest_lanes();
const char* to_string(LaneSet set);

struct BatchOptions {
  StepOptions step;  // step.pool spreads worlds over its threads
  BatchPrecision precision = BatchPrecision::kDouble;
  LaneSet lanes = widest_lanes();
};

// Mass that a body carries more: a payload.
struct AddedMass {
  scene::BodyId body;
  scene::MassProperties mass;  // in the body's frame; mass >= 0, inertia 0: a point
};

// What one world has different from the model.
struct WorldParameters {
  Vec3d gravity;                       // [m/s2]
  std::vector<double> mass_scale;      // (nbody) > 0, of mass and inertia; or empty: 1
  std::vector<double> joint_friction;  // (nv) Coulomb >= 0 [N.m, N]; or empty: the model's
  double contact_friction = 1;         // scale >= 0 of every coefficient of contact friction
  double geometry_scale = 1;           // 0.5 to 2, of all lengths of bodies and joint frames, masses kept; lanes only
  std::vector<AddedMass> added = {};   // after mass_scale, before geometry_scale; on bodies that move
};

enum class WorldFault : std::uint8_t {
  kNone,
  kBadAction,  // a control that is not finite
  kNotFinite,  // the step left the finite numbers
};

struct BatchReport {
  bool in_lanes = false;
  BatchPrecision precision = BatchPrecision::kDouble;
  int faults = 0;       // worlds that did not step: see Batch::fault
  int unconverged = 0;  // worlds whose joint laws or contacts were not solved
  int iterations = 1;   // most passes that one world needed
  int alone = 0;        // world-steps in contact that lanes left to step()
};

// One world out of a batch, or all of it: plain arrays.
struct ScalarWorld {
  Data data;
  scene::State state, before;
  Controls controls;
};
template <class S>
struct LaneAllocator {  // 64-byte rows
  using value_type = S;
  LaneAllocator() = default;
  template <class U>
  explicit LaneAllocator(const LaneAllocator<U>&) {}
  S* allocate(std::size_t n) { return static_cast<S*>(::operator new (n * sizeof(S), std::align_val_t{64})); }
  void deallocate(S* p, std::size_t) { ::operator delete (p, std::align_val_t{64}); }
  bool operator==(const LaneAllocator&) const { return true; }
};
template <class S>
using LaneArray = std::vector<S, LaneAllocator<S>>;

struct BatchSnapshot {
  std::variant<LaneArray<double>, LaneArray<float>, std::vector<ScalarWorld>> worlds;
  std::vector<Model> varied;          // of scalar worlds with parameters of their own
  std::vector<int> varied_of;         // (worlds) into varied; -1: the model
  std::vector<Time> time;             // (worlds)
  std::vector<WorldFault> fault;      // (worlds)
  std::vector<signed char> unsolved;  // (worlds)
  bool parameters = false;            // lanes read parameters world by world
};
struct WorldSnapshot {
  std::variant<std::vector<double>, ScalarWorld> world;  // every number of the world's lane
  std::vector<Model> varied;                             // none or one
  Time time;
  bool parameters = false;
};

class Batch {
 public:
  // N worlds at the model's start. Errors: kBadInput (worlds < 1, dt), kUnsupported (float32 where the model needs the
  // scalar step; a lane set that this machine lacks).
  static Result<Batch> make(Model model, int worlds, const BatchOptions& options);
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  int worlds() const;
  bool in_lanes() const;
  const Model& model() const;

  // One world's numbers: q (nq), v (nv); controls (nv) each. Nothing is allocated.
  void write_state(int world, std::span<const double> q, std::span<const double> v);
  void read_state(int world, std::span<double> q, std::span<double> v) const;
  void read_efforts(int world, std::span<double> a, std::span<double> tau) const;  // of the last step
  void write_controls(int world, std::span<const double> effort, std::span<const double> target_position,
                      std::span<const double> target_velocity);
  Time time(int world) const;
  // kBadInput where a number is out of its range; kUnsupported where the scalar worlds cannot.
  Result<void> set_parameters(int world, const WorldParameters& parameters);

  // All worlds by `steps` steps of options.step.dt under constant controls. Allocates nothing. A world with a fault
  // keeps its state and its time; the others go on. It steps again once its controls are finite.
  BatchReport step(int steps = 1);
  WorldFault fault(int world) const;
  // "world 7: effort[2] is not finite: ..."; empty where there is no fault.
  std::string fault_message(int world) const;

  BatchSnapshot snapshot() const;
  void restore(const BatchSnapshot& snapshot);  // of this batch, or of one made alike
  WorldSnapshot snapshot(int world) const;
  void restore(int world, const WorldSnapshot& snapshot);
  void fork(int from, int to);  // world `to` becomes a copy: state, parameters, controls

 private:
  struct Impl;
  explicit Batch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::dynamics
