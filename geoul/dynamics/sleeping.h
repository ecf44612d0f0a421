// Sleeping: islands that touch each other and stand still are held where they are, at no cost, until something changes.
// What tips the balance of exactness: a body sleeps only when it and all that it touches, down to the ground, stayed
// below StepOptions::sleep_velocity (1e-8 m/s, of any point) for sleep_time; so sleep takes away what is left of a
// solver's tolerance, never a motion. A sleeper has v = a = 0 and keeps its q to the last bit, and
// its contacts stay in ContactData::contacts with their forces.
// It wakes, with all that fell asleep with it, in the step in which
//   an awake body comes within the contact margin or may reach it within the step,
//   a command, a drive's target, a wrench on its bodies, or gravity differs from when it fell asleep (any bit),
//   somebody wrote its q or v,
//   wake() is called: for whom writes the model's parameters (masses, friction, laws) in place.
// Islands with prescribed links never sleep, nor does what touches them. The memory is part of ContactData, which a
// copy of Data copies: State and Data together restart exactly.
#pragma once

#include <cstdint>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/scene/ids.h"

namespace geoul::scene {
struct State;
}

namespace geoul::dynamics {

struct Controls;
struct Data;
struct Model;
struct StepOptions;

struct Sleep {
  std::vector<std::int64_t> still;  // (nisland) for how long it has been slow [ns]
  std::vector<int> group;           // (nisland) the first island of those that fell asleep together; -1: awake
  std::vector<char> rests;          // (nbody) 1: it sleeps, or stands on the world
  int count = 0;                    // sleeping islands
  // When it fell asleep; of sleeping islands only.
  std::vector<double> q;                                         // (nq)
  std::vector<double> effort, target_position, target_velocity;  // (nv)
  std::vector<double> wrench;                                    // (6 nbody) moment, force
  Vec3d gravity;
  std::vector<int> root, ready;  // (nisland) memory
};

Sleep make_sleep(const Model& model);
// Wakes what changed since it fell asleep.
void wake_disturbed(const Model& model, const Controls& controls, const scene::State& state, Data& data);
// Wakes what an awake body touches (data.contact->collision.manifolds); whether anything woke.
bool wake_touched(const Model& model, Data& data);
// After a step, bodies placed: counts, and lets sleep what has been still.
void fall_asleep(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                 scene::State& state);
// Wakes a body and all that fell asleep with it; or all bodies.
void wake(const Model& model, scene::BodyId body, Data& data);
void wake(const Model& model, Data& data);
bool asleep(const Model& model, scene::BodyId body, const Data& data);

}  // namespace geoul::dynamics
