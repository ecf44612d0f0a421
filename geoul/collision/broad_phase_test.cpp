// Judge: all pairs, one by one.
#include "geoul/collision/broad_phase.h"

#include <gtest/gtest.h>

#include <set>

#include "geoul/collision/test_scenes.h"

namespace geoul::collision {
namespace {

Bounds random_box(Random& random, double spread, double size) {
  const Vec3d c = random_point(random, spread);
  const Vec3d h{random.uniform(0, size), random.uniform(0, size), random.uniform(0, size)};
  return {c - h, c + h};
}

TEST(BoxTree, FindsWhatTestingAllBoxesFinds) {
  Random random(1);
  for (const int n : {0, 1, 2, 5, 100, 3000}) {
    std::vector<Bounds> boxes;
    for (int i = 0; i < n; ++i) boxes.push_back(random_box(random, 1, i % 10 == 0 ? 0.5 : 0.05));
    if (n > 50) boxes[40] = Bounds{}, boxes[41] = boxes[42], boxes[43] = boxes[42];
    BoxTree tree;
    build(tree, boxes, 3);
    for (int k = 0; k < 50; ++k) {
      const Bounds box = random_box(random, 1, 0.2);
      std::set<int> found;
      query(tree, box, [&](int i) { EXPECT_TRUE(found.insert(i).second); });
      for (int i = 0; i < n; ++i) {
        if (overlap(box, boxes[static_cast<std::size_t>(i)])) {
          EXPECT_TRUE(found.count(i)) << n << " " << i;
        }
      }
    }
  }
}

TEST(BoxTree, AnEnlargedItemIsFoundWhereItMovedTo) {
  Random random(2);
  std::vector<Bounds> boxes;
  for (int i = 0; i < 500; ++i) boxes.push_back(random_box(random, 1, 0.02));
  BoxTree tree;
  build(tree, boxes, 4);
  for (int i = 0; i < 500; i += 7) {
    const Bounds there = random_box(random, 5, 0.02);
    enlarge(tree, i, there);
    bool found = false;
    query(tree, there, [&](int item) { found |= item == i; });
    EXPECT_TRUE(found);
  }
}

TEST(BoxTree, IsOfBoundedDepthWhenAllBoxesAreAlikeOrGrowGeometrically) {
  for (const bool alike : {true, false}) {
    std::vector<Bounds> boxes;
    for (int i = 0; i < 2000; ++i) {
      const double x = alike ? 1 : std::pow(1.03, i % 1000);
      boxes.push_back({{x, 0, 0}, {x, 0, 0}});
    }
    BoxTree tree;
    build(tree, boxes, 1);
    int deepest = 0;
    for (const int leaf : tree.leaf) {
      int depth = 0;
      for (int i = leaf; i >= 0; i = tree.parent[static_cast<std::size_t>(i)]) ++depth;
      deepest = std::max(deepest, depth);
    }
    EXPECT_LT(deepest, BoxTree::kMaxDepth - 1);
  }
}

TEST(Bounds, RoundedOutBoundsHoldTheirDoubles) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const Bounds b = random_box(random, std::pow(10.0, random.uniform(-6, 8)), 1);
    const FloatBounds f = rounded_out(b);
    for (int k = 0; k < 3; ++k) EXPECT_TRUE(f.low[k] <= b.low[k] && b.high[k] <= f.high[k]);
  }
}

// Boxes that walk, jump and rest: after every call the pairs hold all that overlap, sorted, each once.
TEST(BroadPhase, HoldsEveryOverlappingPairHoweverBoxesMove) {
  Random random(4);
  scene::Scene scene;
  for (int i = 0; i < 200; ++i) {
    add_shape(scene, i % 5 == 0 ? scene::kWorld : add_body(scene), scene::Sphere{0.1},
              {{}, random_point(random, i % 5 == 0 ? 1 : 0)});
  }
  const CollisionModel model = compiled(scene);
  std::vector<Bounds> boxes = model.prepared->fixed_bounds;
  const std::vector<Vec3d> ahead(boxes.size(), Vec3d{0.05, 0, -0.01});
  BroadPhase broad;
  for (const int i : model.prepared->moving) boxes[static_cast<std::size_t>(i)] = random_box(random, 1, 0.1);
  for (int step = 0; step < 120; ++step) {
    for (const int i : model.prepared->moving) {
      Bounds& b = boxes[static_cast<std::size_t>(i)];
      if (step % 10 == 0 && random.integer(10) == 0) b = random_box(random, 1, 0.2);
      if (random.integer(2000) == 0) b = {};
      const Vec3d move = (step % 40 < 30 ? 0.002 : 0.05) * random_point(random, 1);
      b.low += move, b.high += move;
    }
    update(model, boxes, ahead, broad);
    ASSERT_TRUE(std::is_sorted(broad.pairs.begin(), broad.pairs.end()));
    ASSERT_EQ(std::adjacent_find(broad.pairs.begin(), broad.pairs.end()), broad.pairs.end());
    const int n = static_cast<int>(boxes.size());
    for (int a = 0; a < n; ++a) {
      for (int b = a + 1; b < n; ++b) {
        const scene::BodyId body_a = model.colliders[static_cast<std::size_t>(a)].body,
                            body_b = model.colliders[static_cast<std::size_t>(b)].body;
        if (body_a == body_b || !overlap(boxes[static_cast<std::size_t>(a)], boxes[static_cast<std::size_t>(b)]))
          continue;
        ASSERT_TRUE(std::binary_search(broad.pairs.begin(), broad.pairs.end(), pair_key(a, b))) << step;
      }
    }
  }
}

}  // namespace
}  // namespace geoul::collision
