// What the job records, read back with the reader of recordings: every row, and the numbers that were in the State.
#include "geoul/runtime/publisher.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "foxglove/FrameTransforms.pb.h"
#include "foxglove/SceneUpdate.pb.h"
#include "geoul.pb.h"
#include "geoul/history/mcap_reader.h"
#include "geoul/runtime/live.h"
#include "geoul/runtime/mirror.h"
#include "geoul/runtime/server/eventually.h"
#include "geoul/runtime/server/raw_client.h"
#include "geoul/runtime/simulation.h"

namespace geoul::runtime {
namespace {

TEST(Publisher, RecordsEveryRowAsItWas) {
  Diagnostics diagnostics;
  const auto site = read_site(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/site.yaml", diagnostics);
  ASSERT_TRUE(site) << diagnostics.text();
  const auto twin = load_twin(site->scene, diagnostics);
  ASSERT_TRUE(twin) << diagnostics.text();
  auto bindings = bind(*site, *twin, Feed::kRecording, diagnostics);
  ASSERT_TRUE(bindings);
  auto stream = load_stream(site->sources.front(), *bindings, diagnostics);
  ASSERT_TRUE(stream);
  Mirror mirror(*twin, *site, std::move(*bindings), std::move(*stream));

  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("geoul_publisher_test_" + std::to_string(getpid()) + ".mcap");
  Publisher publisher(*twin, mirror, nullptr, {});
  ASSERT_TRUE(publisher.start_recording(file));
  FakeClock clock;
  std::map<std::int64_t, scene::State> states = {{mirror.begin().ns, mirror.snapshot().state}};
  LiveOptions options;
  options.loop = {.mode = ClockMode::kRealTime, .at_end = AtEnd::kStop};
  run_live(mirror, publisher, nullptr, clock, options);
  ASSERT_TRUE(publisher.stop_recording());
  EXPECT_NEAR(clock.now().seconds(), 8.96, 0.1);

  auto reader = history::McapReader::open(file);
  ASSERT_TRUE(reader) << reader.error().message;
  std::map<std::string, int> count;
  std::size_t checked = 0;
  const auto read = reader->for_each({}, [&](const history::McapMessage& message) {
    ++count[message.channel->topic];
    if (message.channel->topic == "/scene") {
      foxglove::SceneUpdate update;
      EXPECT_TRUE(update.ParseFromArray(message.data.data(), static_cast<int>(message.data.size())));
      EXPECT_GT(update.entities_size(), 20);
    }
    if (message.channel->topic != "/tf") return true;
    foxglove::FrameTransforms transforms;
    EXPECT_TRUE(transforms.ParseFromArray(message.data.data(), static_cast<int>(message.data.size())));
    mirror.seek(message.log_time);
    EXPECT_EQ(mirror.snapshot().state.time, message.log_time);
    for (int b = 0; b < transforms.transforms_size(); ++b) {
      const Posed& X_WB = mirror.snapshot().state.X_WB[static_cast<std::size_t>(b)];
      EXPECT_EQ(transforms.transforms(b).translation().x(), X_WB.p.x);
      EXPECT_EQ(transforms.transforms(b).rotation().w(), X_WB.R.w);
    }
    ++checked;
    return true;
  });
  EXPECT_TRUE(read) << read.error().message;
  EXPECT_TRUE(reader->verify()) << reader->diagnostics().text();
  EXPECT_EQ(checked, 225u);
  for (const char* topic : {"/tf", "/joints", "/fixed_joints", "/signals"}) EXPECT_EQ(count[topic], 225) << topic;
  EXPECT_EQ(count["/scene"], 1);
  EXPECT_EQ(count["/model"], 1);
  EXPECT_EQ(count["/report"], 6);  // at the start, and after each of five recordings
  std::filesystem::remove(file);
}

// A subscriber of every topic by a plain socket; what it is sent, by its time.
TEST(Publisher, SendsEachRowAtOnceAndTheNewestOfWhatCameTooFast) {
  Diagnostics diagnostics;
  const auto twin = load_twin(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda", diagnostics);
  ASSERT_TRUE(twin) << diagnostics.text();
  SimulationOptions options;
  options.step.integrator = dynamics::Integrator::kSymplectic;
  Simulation simulation(*twin, options);
  auto server = Server::start({.port = 0});
  ASSERT_TRUE(server) << server.error().message;
  PublishRates rates;
  rates.share = 1e9;  // what messages cost here does not matter
  Publisher publisher(*twin, simulation, server->get(), rates);
  RawClient client((*server)->port(), RawClient::Kind::kPlain);
  ASSERT_EQ(client.open_web_socket("/"), 101);
  std::uint32_t joints = 0;
  for (std::uint32_t id = 1; id <= topics().size(); ++id) {
    if (topics()[id - 1].name == "/joints") joints = id;
  }
  ASSERT_FALSE(client.next_text("advertise").empty());
  client.send_frame(1, R"({"op":"subscribe","subscriptions":[{"id":1,"channelId":)" + std::to_string(joints) + "}]}");
  ASSERT_TRUE(eventually([&] { return (*server)->period(joints) == Duration{0}; }));
  const auto next_time = [&] {
    for (;;) {
      const auto [opcode, frame] = client.next_frame();
      if (opcode < 0) return Time{-1};
      ::geoul::JointStates states;
      if (opcode != 2 || frame.empty() || frame[0] != 1) continue;
      EXPECT_TRUE(states.ParseFromArray(frame.data() + 13, static_cast<int>(frame.size()) - 13));
      return Time{states.timestamp().seconds() * 1'000'000'000 + states.timestamp().nanos()};
    }
  };
  Time wall{5'000'000'000};
  const auto step = [&](std::int64_t later) {
    wall = wall + Duration{later};
    simulation.step();
    publisher.publish_state(wall, false);
    return simulation.snapshot().state.time;
  };
  for (const std::int64_t later :
       {1'000'000, 1'000'000, 1'000'000, 700'000}) {  // rows of 1 kHz: each, an early one too
    const Time told = step(later);
    EXPECT_EQ(next_time(), told);
  }
  step(100'000);
  const Time newest = step(100'000);
  ASSERT_TRUE(publisher.due());
  EXPECT_GT(*publisher.due(), wall);
  publisher.flush(wall);            // not yet
  wall = wall + Duration{400'000};  // half a millisecond after the last one that was sent, and a quarter less
  publisher.flush(wall);
  EXPECT_EQ(next_time(), newest);
}

TEST(ClockCommands, AreReadFromTheirBytes) {
  ::geoul::ClockCommand message;
  EXPECT_FALSE(parse_clock_command(message.SerializeAsString()));
  EXPECT_FALSE(parse_clock_command("\xff\xff\xff"));
  message.set_mode(::geoul::FREE_RUN);
  ASSERT_TRUE(parse_clock_command(message.SerializeAsString()));
  EXPECT_EQ(std::get<SetMode>(*parse_clock_command(message.SerializeAsString())).mode, ClockMode::kFreeRun);
  message.set_step(3);
  EXPECT_EQ(std::get<TakeSteps>(*parse_clock_command(message.SerializeAsString())).count, 3u);
  message.mutable_seek()->set_seconds(5);
  message.mutable_seek()->set_nanos(7);
  EXPECT_EQ(std::get<Seek>(*parse_clock_command(message.SerializeAsString())).time.ns, 5'000'000'007);
  message.mutable_seek()->set_seconds(INT64_MAX);
  EXPECT_FALSE(parse_clock_command(message.SerializeAsString()));
  message.set_mode(static_cast<::geoul::ClockMode>(77));
  EXPECT_FALSE(parse_clock_command(message.SerializeAsString()));
}

TEST(Simulation, StopsAtItsLengthAndKeepsItsBook) {
  Diagnostics diagnostics;
  const auto twin = load_twin(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda", diagnostics);
  ASSERT_TRUE(twin) << diagnostics.text();
  SimulationOptions options;
  options.step.integrator = dynamics::Integrator::kSymplectic;
  options.length = Duration::from_seconds(0.1);
  Simulation simulation(*twin, options);
  while (simulation.step()) {
  }
  EXPECT_EQ(simulation.steps(), 100u);
  EXPECT_EQ(simulation.snapshot().state.time, simulation.end());
  EXPECT_FALSE(simulation.failed());
  EXPECT_THROW(simulation.seek(Time{0}), ContractError);
  for (const WeldError& weld : simulation.snapshot().welds) EXPECT_LT(weld.position, 1e-14);
}

}  // namespace
}  // namespace geoul::runtime
