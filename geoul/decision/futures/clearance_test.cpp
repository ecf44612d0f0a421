// Clearance against a closed form, and against measuring every pair at every place.
#include "geoul/decision/futures/clearance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/collision/collision.h"
#include "geoul/core/random.h"
#include "geoul/dynamics/contacts.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

TEST(Clearance, OfABallAndAWallIsTheirGap) {
  scene::Scene scene = cart(1, {1, 0, 0});
  add_collider(scene, scene::kWorld, {{}, {1, 0, 0}}, scene::Box{{0.2, 1, 1}});
  const dynamics::Model model = dynamics::compiled(scene);
  dynamics::Data data = make_data(model);
  const scene::State state = make_state(model);
  const ClearanceModel clearance_model = make_clearance(model, state);
  ASSERT_EQ(clearance_model.pairs.size(), 1u);
  ClearanceTrack track = make_track(clearance_model);
  ClearanceScratch scratch = make_scratch(clearance_model);
  for (const double x : {0.0, 0.2, 0.5, 0.3, 0.75, 0.9}) {
    forward_kinematics(model, std::vector<double>{x}, std::vector<double>{0}, data);
    look(clearance_model, model, data, scratch, track);
    ClearanceTrack fresh = make_track(clearance_model);
    EXPECT_NEAR(clearance(clearance_model, model, data, scratch, fresh), 0.8 - x, 1e-9);
  }
  EXPECT_NEAR(track.least, -0.1, 1e-9);
  EXPECT_EQ(pair_name(clearance_model, model, track.pair), "/cart and the world");
}

// The bounds leave pairs unmeasured; the least distance must be that of measuring all, at every place of a random walk.
TEST(Clearance, IsThatOfMeasuringEveryPair) {
  const dynamics::Model model = dynamics::compiled(arm7_cell());
  dynamics::Data data = make_data(model);
  scene::State state = make_state(model);
  const ClearanceModel clearance_model = make_clearance(model, state);
  ASSERT_GT(clearance_model.pairs.size(), 40u);
  for (std::uint64_t walk = 0; walk < 5; ++walk) {
    Random random(walk);
    ClearanceTrack track = make_track(clearance_model);
    ClearanceScratch scratch = make_scratch(clearance_model);
    std::vector<double> q(7), towards(7);
    const std::vector<double> v(7);
    double least = 1e9;
    for (int k = 0; k < 400; ++k) {
      if (k % 40 == 0) {
        for (double& t : towards) t = random.uniform(-2.5, 2.5);
      }
      for (std::size_t i = 0; i < 7; ++i) q[i] += 0.03 * (towards[i] - q[i]);
      forward_kinematics(model, q, v, data);
      look(clearance_model, model, data, scratch, track);
      state.q = q;
      place_bodies(model, data, state);
      for (const ClearanceModel::Pair& pair : clearance_model.pairs)
        least = std::min(least, collision::distance(*model.contact->geometry, pair.a, pair.b, state.X_WB).distance);
      ASSERT_NEAR(track.least, least, 1e-9) << "walk " << walk << " place " << k;
    }
    EXPECT_LT(least, 0.2);
  }
}

TEST(Clearance, WhatTouchesAtTheStartIsLeftOutAndSaid) {
  scene::Scene scene = cart(1, {1, 0, 0});
  add_collider(scene, scene::kWorld, {{}, {0, 0, -0.1}}, scene::Box{{1, 1, 0.1}});  // 0.05 m deep
  const dynamics::Model model = dynamics::compiled(scene);
  const ClearanceModel clearance_model = make_clearance(model, make_state(model));
  EXPECT_TRUE(clearance_model.pairs.empty());
  ASSERT_EQ(clearance_model.notes.size(), 1u);
  EXPECT_NE(clearance_model.notes[0].find("/cart and the world touch at the start"), std::string::npos);
}

}  // namespace
}  // namespace geoul::decision
