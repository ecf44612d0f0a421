// Worlds that are saved and restored go on with the same bits.
#include "geoul/dynamics/snapshot.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "geoul/core/random.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/contacts.h"
#include "scenarios/loops.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

std::vector<std::uint64_t> hashes(World& world, int steps) {
  std::vector<std::uint64_t> out;
  for (int i = 0; i < steps; ++i) {
    step(world);
    out.push_back(hash_state(world.state));
  }
  return out;
}

// Saved after each `every` steps; restored into a fresh world, and into one that is somewhere else.
void check(const scene::Scene& scene, const StepOptions& options, int every, int rounds) {
  World world(scene), other(scene);
  world.options = other.options = options;
  hashes(other, 17);
  for (int round = 0; round < rounds; ++round) {
    std::string bytes;
    save(world, bytes);
    const std::uint64_t here = hash_state(world.state);
    const std::vector<std::uint64_t> wanted = hashes(world, every);
    World fresh(scene);
    fresh.options = options;
    for (World* w : {&fresh, &other}) {
      ASSERT_TRUE(restore(bytes, *w));
      ASSERT_EQ(hash_state(w->state), here);
      ASSERT_EQ(hashes(*w, every), wanted) << scene.name << " round " << round;
    }
  }
}

TEST(Snapshot, OfTreesAndLoopsGoesOnWithTheSameBits) {
  for (const Integrator integrator :
       {Integrator::kImplicit, Integrator::kSemiImplicitEuler, Integrator::kRungeKutta4, Integrator::kSymplectic}) {
    StepOptions options;
    options.integrator = integrator;
    for (const scene::Scene& scene : {random_tree(8, 3, true), arm7(), andrews(), four_bar_windows(3)})
      check(scene, options, 60, 3);
  }
}

TEST(Snapshot, OfContactImpactsAndSleepGoesOnWithTheSameBits) {
  scene::Scene fast = heap(12, 0.5, 9);
  for (std::size_t b = 0; b < fast.bodies.size(); b += 5) fast.bodies[b].V_WB.v.z = -200;  // divides steps
  StepOptions options;
  check(fast, options, 80, 4);
  check(bowl(10), options, 80, 4);
  options.sleep_time = 0.05;
  options.sleep_velocity = 1e-4;
  const scene::Scene sleepy = tower(4, 1, 2);
  check(sleepy, options, 300, 4);
  World world(sleepy);
  world.options = options;
  hashes(world, 600);
  EXPECT_GT(world.data.contact->sleep.count, 0);  // or it was no test
}

TEST(Snapshot, KeepsCommandsAndWrenches) {
  World world(random_tree(8, 2, true)), other(random_tree(8, 2, true));
  Random random(4);
  for (double& effort : world.controls.effort) effort = random.normal();
  world.controls.wrenches.assign(static_cast<std::size_t>(world.model.nbody), {{0.1, 0, 0}, {0, 0, 1}});
  hashes(world, 20);
  std::string bytes;
  save(world, bytes);
  ASSERT_TRUE(restore(bytes, other));
  EXPECT_EQ(hashes(world, 20), hashes(other, 20));
}

TEST(Snapshot, OfAnotherWorldOrDamagedIsRefusedOrHarmless) {
  World world(heap(4, 0.5, 1)), other(heap(5, 0.5, 1));
  hashes(world, 150);
  std::string bytes;
  save(world, bytes);
  EXPECT_FALSE(restore(bytes, other));
  EXPECT_FALSE(restore({}, world));
  for (std::size_t size = 0; size < bytes.size(); size += 31)
    ASSERT_FALSE(restore(std::string_view(bytes).substr(0, size), world));
  EXPECT_FALSE(restore(bytes + "x", world));
  Random random(2);
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string image = bytes;
    const auto at = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(bytes.size())));
    image[at] = static_cast<char>(image[at] ^ 1 << random.integer(8));
    if (!restore(image, world))
      ++refused;
    else
      step(world);
  }
  EXPECT_GT(refused, 0);
  ASSERT_TRUE(restore(bytes, world));
}

}  // namespace
}  // namespace geoul::dynamics
