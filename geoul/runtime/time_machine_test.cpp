// Past instants against the run itself, by the hash of every bit of the state.
#include "geoul/runtime/time_machine.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "geoul/core/random.h"
#include "geoul/dynamics/snapshot.h"
#include "scenarios/contacts.h"
#include "scenarios/mechanics.h"

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;

constexpr Time kNow{1'700'000'000'000'000'000};

class Machine : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_time_machine_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  static Twin twin_of(scene::Scene scene) {
    Diagnostics diagnostics;
    std::optional<Twin> twin = make_twin(std::move(scene), diagnostics);
    EXPECT_TRUE(twin) << diagnostics.text();
    return std::move(*twin);
  }
  history::Store open() {
    Diagnostics diagnostics;
    Result<history::Store> store = history::Store::open(folder_, {}, true, kNow, diagnostics);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return std::move(*store);
  }
  // Steps a simulation under drags that come and go, and records it. The hash of each step; the run's id in run_.
  std::vector<std::uint64_t> record(const Twin& twin, int steps, std::uint64_t snapshot_steps, bool finish = true) {
    history::Store store = open();
    Simulation simulation(twin, {});
    Diagnostics diagnostics;
    auto writer = HistoryWriter::start(store, simulation, {"scene.usda", "test", snapshot_steps}, kNow, diagnostics);
    EXPECT_TRUE(writer) << (writer ? "" : writer.error().message);
    std::vector<std::uint64_t> out = {dynamics::hash_state(simulation.snapshot().state)};
    Random random(9);
    for (int i = 0; i < steps; ++i) {
      if (i % 97 == 13) {
        Drag drag;
        drag.body =
            twin.scene
                .bodies[static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(twin.scene.bodies.size())))]
                .path;
        drag.target_W = {random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(0, 2)};
        if (simulation.drag(static_cast<std::uint64_t>(random.integer(3)), drag)) ++drags_;
      }
      if (i % 151 == 150) simulation.release(static_cast<std::uint64_t>(random.integer(3)));
      simulation.step();
      out.push_back(dynamics::hash_state(simulation.snapshot().state));
    }
    breaks_ = simulation.world()->breaks.size();
    run_ = (*writer)->run();
    if (finish) {
      EXPECT_TRUE((*writer)->finish());
    }
    EXPECT_FALSE((*writer)->error());
    return out;
  }
  void check(const Twin& twin, const std::vector<std::uint64_t>& wanted, int instants) {
    history::Store store = open();
    Result<TimeMachine> machine = TimeMachine::open(store, run_, twin);
    ASSERT_TRUE(machine) << machine.error().message;
    ASSERT_EQ(machine->end().ns, static_cast<std::int64_t>(wanted.size() - 1) * 1'000'000);
    Random random(4);
    for (int i = 0; i < instants; ++i) {
      const Time t{random.integer(machine->end().ns + 1)};
      const Result<const scene::State*> state = machine->seek(t);
      ASSERT_TRUE(state) << state.error().message;
      ASSERT_EQ((*state)->time.ns, t.ns / 1'000'000 * 1'000'000);
      ASSERT_EQ(dynamics::hash_state(**state), wanted[static_cast<std::size_t>(t.ns / 1'000'000)]) << t.ns;
    }
  }

  fs::path folder_;
  std::int64_t run_ = 0;
  int drags_ = 0;
  std::size_t breaks_ = 0;
};

TEST_F(Machine, AnyInstantOfARobotThatIsPulledHasTheBitsOfTheRun) {
  const Twin twin = twin_of(scenarios::arm7());
  check(twin, record(twin, 5000, 300), 200);
  EXPECT_GT(drags_, 10);
}

TEST_F(Machine, AnyInstantOfContactAndSleepHasTheBitsOfTheRun) {
  const Twin twin = twin_of(scenarios::heap(5, 0.3, 2));
  check(twin, record(twin, 3000, 250), 200);
  EXPECT_GT(drags_, 10);
}

TEST_F(Machine, JointsThatBreakAreBrokenInThePastToo) {
  scene::Scene scene = scenarios::weld_chain(4, 1, {}, true);
  for (scene::Joint& joint : scene.joints)
    joint.break_force = 30;  // what holds the chain breaks at once, the rest as it is pulled
  const Twin twin = twin_of(std::move(scene));
  const auto wanted = record(twin, 2000, 100);
  EXPECT_GT(breaks_, 0u);
  check(twin, wanted, 200);
}

TEST_F(Machine, ARunThatWasCutOffIsKnownToItsLastSnapshot) {
  const Twin twin = twin_of(scenarios::arm7());
  const pid_t child = ::fork();
  if (child == 0) {  // ends without an end of the run
    history::Store store = open();
    Simulation simulation(twin, {});
    Diagnostics diagnostics;
    auto writer = HistoryWriter::start(store, simulation, {"scene.usda", "test", 100}, kNow, diagnostics);
    for (int i = 0; i < 250; ++i) simulation.step();
    // Two channels and three snapshots.
    ::_exit(writer && store.recorder().wait(5) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  run_ = 1;
  history::Store store = open();
  Result<TimeMachine> machine = TimeMachine::open(store, run_, twin);
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ(machine->end().ns, 200'000'000);
  EXPECT_TRUE(machine->seek(Time{150'000'000}));
  const auto late = machine->seek(Time{201'000'000});
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("known from 0 to 0.2000 s"), std::string::npos) << late.error().message;
}

TEST_F(Machine, AnotherSceneIsRefused) {
  const Twin twin = twin_of(scenarios::arm7());
  record(twin, 100, 50);
  history::Store store = open();
  scene::Scene other = scenarios::arm7();
  other.bodies[2].mass.mass *= 1.0001;
  const Twin changed = twin_of(std::move(other));
  const Result<TimeMachine> machine = TimeMachine::open(store, run_, changed);
  ASSERT_FALSE(machine);
  EXPECT_NE(machine.error().message.find("starts with other bits"), std::string::npos) << machine.error().message;
  EXPECT_FALSE(TimeMachine::open(store, run_ + 1, twin));
}

TEST(RunSetups, AreReadAsTheyWereWrittenAndBadOnesAreRefused) {
  RunSetup setup{"a/b.usda", "ab", "0.1", {}, 0xfedcba9876543210u};
  setup.step.dt = Duration{500'000}, setup.step.integrator = dynamics::Integrator::kSymplectic;
  setup.step.sleep_velocity = 0.1;
  const Result<RunSetup> again = parse_setup(to_json(setup));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(setup));
  EXPECT_EQ(again->fingerprint, setup.fingerprint);
  for (const char* bad : {"", "{}", "[]", "{\"kind\": \"mirror\"}"}) EXPECT_FALSE(parse_setup(bad)) << bad;
  std::string text = to_json(setup);
  text.replace(text.find("\"dt_ns\":500000"), 14, "\"dt_ns\":-50000");
  EXPECT_FALSE(parse_setup(text));
}

TEST(SimulationInputs, AreReadAsTheyWereWrittenAndBadOnesAreRefused) {
  SimulationInput input{7, Drag{"/a", {1, 2, 3}, {4, 5, 6}, 10.0, std::nullopt}};
  const std::string bytes = encode(input);
  const auto again = decode_input(bytes);
  ASSERT_TRUE(again && again->drag);
  EXPECT_EQ(encode(*again), bytes);
  EXPECT_EQ(again->drag->target_W.z, 6);
  EXPECT_FALSE(again->drag->damping);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_input(bytes.substr(0, size)));
  EXPECT_FALSE(decode_input(bytes + "x"));
  EXPECT_FALSE(decode_input(encode(SimulationInput{3, std::nullopt}))->drag);
}

}  // namespace
}  // namespace geoul::runtime
