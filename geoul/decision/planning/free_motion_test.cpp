// Segments of joint motion: decided by bounds, judged by dense measuring of every pair.
#include "geoul/decision/planning/free_motion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/collision/collision.h"
#include "geoul/core/random.h"
#include "geoul/decision/futures/action.h"
#include "geoul/dynamics/contacts.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

struct Cell {
  dynamics::Model model;
  scene::State state;
  ClearanceModel clearance;
  std::vector<int> degrees;
  explicit Cell(const Scene& scene)
      : model(dynamics::compiled(scene)),
        state(make_state(model)),
        clearance(make_clearance(model, state)),
        degrees(controlled_degrees(model)) {}
  FreeMotion motion(double keep = 0.01) { return FreeMotion(model, clearance, degrees, state.q, {keep, 1e-3}); }
  // By every pair, not by bounds.
  double least(std::span<const double> x) {
    dynamics::Data data = make_data(model);
    scene::State at = state;
    std::copy(x.begin(), x.end(), at.q.begin());
    place_bodies(model, data, at);
    double out = 1e9;
    for (const ClearanceModel::Pair& p : clearance.pairs)
      out = std::min(out, collision::distance(*model.contact->geometry, p.a, p.b, at.X_WB).distance);
    return out;
  }
};

TEST(FreeMotion, DecidesSegmentsAsDenseMeasuringDoes) {
  Cell cell(arm7_cell());
  FreeMotion motion = cell.motion();
  Random random(5);
  int free = 0;
  for (int k = 0; k < 200; ++k) {
    std::vector<double> a(7), b(7), x(7);
    for (std::size_t i = 0; i < 7; ++i) a[i] = random.uniform(-1.5, 1.5), b[i] = a[i] + random.uniform(-0.5, 0.5);
    double least = 1e9;
    for (int s = 0; s <= 200; ++s) {
      for (std::size_t i = 0; i < 7; ++i) x[i] = a[i] + s / 200.0 * (b[i] - a[i]);
      least = std::min(least, cell.least(x));
    }
    if (std::abs(least - 0.01) < 2e-3) continue;  // nearer than either resolves
    EXPECT_EQ(motion.free(a, b), least > 0.01) << k << " least " << least;
    free += motion.free(a, b);
  }
  EXPECT_GT(free, 10);
  EXPECT_LT(free, 190);
}

// Outside its limits, or too near: said with the numbers.
TEST(FreeMotion, NamesTheObstacle) {
  Scene scene = cart(1, {1, 0, 0});
  scene.joints[0].lower = -1, scene.joints[0].upper = 1;
  add_collider(scene, scene::kWorld, {{}, {0.8, 0, 0}}, scene::Box{{0.2, 1, 1}});  // gap 0.6 m
  Cell cell(scene);
  FreeMotion motion = cell.motion();
  EXPECT_EQ(motion.obstacle(std::vector<double>{0.5}), "");
  EXPECT_EQ(motion.obstacle(std::vector<double>{1.5}), "/rail at 1.5 is outside its limits -1 to 1");
  EXPECT_EQ(motion.obstacle(std::vector<double>{0.65}), "/cart and the world overlap by 50 mm");
  EXPECT_EQ(motion.obstacle(std::vector<double>{0.595}), "/cart and the world are 5 mm apart, 10 are to be kept");
  EXPECT_TRUE(motion.free(std::vector<double>{-0.9}, std::vector<double>{0.58}));
  EXPECT_FALSE(motion.free(std::vector<double>{-0.9}, std::vector<double>{0.595}));
}

}  // namespace
}  // namespace geoul::decision
