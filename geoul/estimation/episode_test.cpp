#include "geoul/estimation/episode.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/random.h"
#include "geoul/dynamics/model.h"
#include "geoul/estimation/regressor.h"
#include "scenarios/mechanics.h"

namespace geoul::estimation {
namespace {

constexpr double kNoise = 0.05;  // [N.m]

// Twelve seconds of an arm that moves, each joint to one side half of the time, with noise alone in w.
struct Episode {
  dynamics::Model model = dynamics::compiled(scenarios::arm7());
  std::vector<EpisodeSample> samples;
  std::vector<double> deviation = std::vector<double>(7, kNoise);

  Episode() {
    Random random(3);
    for (int i = 0; i < 150; ++i) {
      EpisodeSample s{0.08 * i, {}, {}, {}, {}, {}};
      for (int j = 0; j < 7; ++j) {
        const double w = 0.6 + 0.13 * j, t = s.time;
        s.q.push_back(0.8 * std::sin(w * t + j));
        s.v.push_back(0.8 * w * std::cos(w * t + j));
        s.a.push_back(-0.8 * w * w * std::sin(w * t + j));
        s.external.push_back(kNoise * random.normal());
        s.known.push_back(std::abs(s.v.back()) > 0.25);
      }
      samples.push_back(std::move(s));
    }
  }
  // w -= Y p of a link.
  void add_inertia(int link, const std::vector<double>& p) {
    dynamics::Data data = make_data(model);
    RowMatrix Y;
    for (EpisodeSample& s : samples) {
      inertial_regressor(model, s.q, s.v, s.a, data, Y);
      for (int j = 0; j < 7; ++j)
        for (int c = 0; c < 4; ++c)
          s.external[static_cast<std::size_t>(j)] -= Y(j, kLinkParameters * link + c) * p[static_cast<std::size_t>(c)];
    }
  }
  EpisodeRanking rank() const { return rank_episode(model, {}, samples, deviation); }
};

void expect_first(const EpisodeRanking& ranking, Cause cause) {
  ASSERT_FALSE(ranking.causes.empty());
  EXPECT_EQ(ranking.causes.front().cause, cause) << to_string(ranking.causes.front().cause);
  EXPECT_GT(ranking.causes.front().probability, 0.9);
  EXPECT_GT(ranking.causes.front().evidence, ranking.nothing + 5);
}

TEST(Episode, NoiseAloneIsNothing) {
  const EpisodeRanking ranking = Episode().rank();
  ASSERT_FALSE(ranking.causes.empty());
  EXPECT_LT(ranking.causes.front().evidence, ranking.nothing + 5);
}

TEST(Episode, APayloadIsFoundWithItsMass) {
  Episode episode;
  episode.add_inertia(6, {0.5, 0.5 * 0.02, 0, 0.5 * 0.1});
  const EpisodeRanking ranking = episode.rank();
  expect_first(ranking, Cause::kPayload);
  EXPECT_NEAR(ranking.causes.front().size, 0.5, 4 * ranking.causes.front().deviation);
  EXPECT_LT(ranking.causes.front().deviation, 0.05);
}

TEST(Episode, AnotherLinksMassIsAWrongModel) {
  Episode episode;
  episode.add_inertia(3, {1, 0.1, 0.05, 0.1});
  expect_first(episode.rank(), Cause::kWrongModel);
  EXPECT_EQ(episode.rank().causes.front().place, 3);
}

TEST(Episode, FrictionIsFoundAtItsJoint) {
  Episode episode;
  for (EpisodeSample& s : episode.samples) s.external[2] -= 0.8 * std::tanh(s.v[2] / 0.02) + 0.3 * s.v[2];
  const EpisodeRanking ranking = episode.rank();
  expect_first(ranking, Cause::kFrictionRise);
  EXPECT_EQ(ranking.causes.front().place, 2);
  EXPECT_NEAR(ranking.causes.front().size, 0.8 + 0.3 * 0.5, 0.1);
}

TEST(Episode, ABiasIsFoundAtItsJoint) {
  Episode episode;
  for (EpisodeSample& s : episode.samples) s.external[4] -= 0.4;
  const EpisodeRanking ranking = episode.rank();
  expect_first(ranking, Cause::kSensorBias);
  EXPECT_EQ(ranking.causes.front().place, 4);
  EXPECT_NEAR(ranking.causes.front().size, 0.4, 0.03);
}

TEST(Episode, WhatPassesIsACollision) {
  Episode episode;
  for (EpisodeSample& s : episode.samples) {
    if (s.time > 0.3) continue;
    for (std::size_t j = 0; j < 4; ++j) s.external[j] += 3;
  }
  expect_first(episode.rank(), Cause::kCollision);
}

TEST(Episode, OfJointsThatStandNothingIsSaid) {
  Episode episode;
  for (EpisodeSample& s : episode.samples) {
    s.external[1] += 5;  // dry friction holds it, whatever the motor does
    for (char& known : s.known) known = 0;
  }
  EXPECT_TRUE(episode.rank().causes.empty());
}

}  // namespace
}  // namespace geoul::estimation
