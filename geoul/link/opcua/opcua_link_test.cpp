// Against PyPI asyncua (testdata/oracle/plant.py), over loopback.
#include "geoul/link/opcua/opcua_link.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "geoul/link/opcua/peer.h"

namespace geoul::link {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using opcua::eventually;
using opcua::Plant;

constexpr Duration kPatience{30'000'000'000};

// A link with the newest update of every signal.
struct Watched {
  std::unique_ptr<OpcuaLink> link;
  std::map<std::uint32_t, Update> newest;
  std::vector<Update> all;
  std::vector<WriteOutcome> outcomes;

  void take() {
    std::vector<Update> updates;
    link->take(updates);
    for (Update& update : updates) newest[update.signal] = update;
    all.insert(all.end(), updates.begin(), updates.end());
    link->take_outcomes(outcomes);
  }
  bool until(const std::function<bool()>& holds) {
    return eventually([&] { return take(), holds(); });
  }
  bool live() {
    return until([&] { return link->health().state == LinkState::kLive; });
  }
  WriteOutcome write(const std::string& name, const Value& value) {
    const auto ticket = link->write(name, value);
    if (!ticket) return {0, false, ticket.error().message};
    const auto mine = [&] {
      return std::find_if(outcomes.begin(), outcomes.end(), [&](const WriteOutcome& o) { return o.ticket == *ticket; });
    };
    return until([&] { return mine() != outcomes.end(); }) ? *mine() : WriteOutcome{0, false, "no outcome came"};
  }
};

class OpcuaLinkTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (opcua::peer_python().empty() || !opcua::gateway_is_installed()) return;
    state_ = std::make_unique<opcua::TemporaryFolder>();
    plant_ = std::make_unique<Plant>();
  }
  static void TearDownTestSuite() {
    plant_.reset();
    state_.reset();
  }
  void SetUp() override {
    if (!plant_) GTEST_SKIP() << opcua::kAbsent;
    ASSERT_TRUE(plant_->is_ready());
  }

  static Watched make(const std::string& url, std::vector<std::string> signals, OpcuaOptions options = {}) {
    options.url = url;
    options.publishing_interval = {20'000'000};
    options.state_folder = state_->path();
    return {make_opcua_link({.id = "plant", .signals = std::move(signals)}, options), {}, {}, {}};
  }
  static Watched open(std::vector<std::string> signals, OpcuaOptions options = {}) {
    options.security = OpcuaSecurity::kNone;
    Watched watched = make(plant_->url(), std::move(signals), options);
    watched.link->start();
    return watched;
  }

  static std::unique_ptr<opcua::TemporaryFolder> state_;
  static std::unique_ptr<Plant> plant_;
};
std::unique_ptr<opcua::TemporaryFolder> OpcuaLinkTest::state_;
std::unique_ptr<Plant> OpcuaLinkTest::plant_;

std::string signal_name(int i) {
  const std::string digits = std::to_string(i);
  return "ns=2;s=Robot.Signal" + std::string(3 - digits.size(), '0') + digits;
}

TEST_F(OpcuaLinkTest, AHundredSignalsComeWithTheirTimesAndQualities) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(signal_name(i));
  Watched w = open(names);
  ASSERT_TRUE(w.until([&] { return w.newest.size() == 100; })) << w.link->health().problem;
  constexpr const char* kStatus[] = {"0", "40920000",
                                     "80050000"};  // Good, UncertainSensorNotAccurate, BadCommunicationError
  for (int i = 0; i < 100; ++i) {
    const std::string ns = std::to_string(1'700'000'000'123'456'000 + i * 1000);
    ASSERT_EQ(plant_->peer->ask("set Signal" + names[static_cast<std::size_t>(i)].substr(19) + " " + std::to_string(i) +
                                ".5 " + kStatus[i % 3] + " " + ns),
              "ok ");
  }
  ASSERT_TRUE(w.until([&] {
    for (std::uint32_t i = 0; i < 100; ++i) {
      if (w.newest[i].quality != static_cast<Quality>(i % 3) || (i % 3 != 2 && number_of(w.newest[i].value) != i + 0.5))
        return false;
    }
    return true;
  }));
  for (std::uint32_t i = 0; i < 100; ++i) {
    if (i % 3 != 2) {
      EXPECT_EQ(w.newest[i].source_time.ns, 1'700'000'000'123'456'000 + i * 1000) << i;
    }
    EXPECT_GT(w.newest[i].receive_time.ns, 1'700'000'000'000'000'000) << i;
  }
  EXPECT_EQ(w.link->health().lost, 0u);
}

TEST_F(OpcuaLinkTest, AUnitThatTheServerSaysIsHeldAgainstTheSites) {
  const std::string axis = "Objects/2:Robot/2:Axis1/2:ActualPosition";  // in rad, as its EngineeringUnits say
  for (const char* unit : {"rad", "deg"}) {
    const bool fits = std::string(unit) == "rad";
    OpcuaOptions options;
    options.url = plant_->url();
    options.security = OpcuaSecurity::kNone;
    options.publishing_interval = {20'000'000};
    options.state_folder = state_->path();
    LinkOptions link{.id = "plant", .signals = {axis, "ns=2;s=Robot.Ready"}};
    link.units = {{*parse_unit(unit), unit, false}, {}};
    Watched w{make_opcua_link(std::move(link), options), {}, {}, {}};
    w.link->start();
    ASSERT_TRUE(w.until([&] { return w.newest.contains(1) && (!fits || w.newest.contains(0)); }))
        << w.link->health().problem;
    if (!fits) {
      EXPECT_TRUE(w.until([&] {
        return w.link->health().problem.find(
                   "comes in rad, and is taken for 'deg': it is not used; write 'unit: rad'") != std::string::npos;
      })) << w.link->health().problem;
    }
    for (const Update& update : w.all) {
      if (update.signal == 0) {
        EXPECT_EQ(update.quality, fits ? Quality::kGood : Quality::kBad);
      }
    }
    EXPECT_EQ(w.newest[1].quality, Quality::kGood);
  }
}

TEST_F(OpcuaLinkTest, NamesAreNodeIdsAndPathsAndElements) {
  Watched w = open({"Objects/2:Robot/2:Axis1/2:ActualPosition", "Objects/{http://geoul.test/plant}Robot/2:Label",
                    "nsu=http://geoul.test/plant;s=Robot.Big", "ns=2;s=Robot.Torques[1]", "ns=2;s=Robot.Ready",
                    "ns=2;s=Robot.Torques[7]"});
  ASSERT_TRUE(w.until([&] { return w.newest.size() == 5; })) << w.link->health().problem;
  EXPECT_EQ(w.newest[0].value, Value(0.25));
  EXPECT_EQ(w.newest[1].value, Value(std::string("cell")));
  EXPECT_EQ(w.newest[2].value, Value(std::int64_t{9007199254740993}));  // 2^53 + 1: no double has it
  EXPECT_EQ(w.newest[3].value, Value(2.0));
  EXPECT_EQ(w.newest[4].value, Value(false));
  EXPECT_NE(w.link->health().problem.find("Torques[7]"), std::string::npos) << w.link->health().problem;
}

TEST_F(OpcuaLinkTest, SignalsThatThePlantLacksAreAProblemAndNoMore) {
  Watched w = open(
      {"ns=2;s=Robot.Speed", "ns=2;s=Robot.Absent", "Objects/2:Robot/2:Nowhere", "Objects/{http://other}X", "rubbish"});
  ASSERT_TRUE(w.until([&] { return w.newest.count(0) > 0 && !w.link->health().problem.empty(); }));
  EXPECT_EQ(w.link->health().state, LinkState::kLive);
  EXPECT_NE(w.link->health().problem.find("'ns=2;s=Robot.Absent' is no node that the plant has"), std::string::npos)
      << w.link->health().problem;
  EXPECT_NE(w.link->health().problem.find("3 more"), std::string::npos);
  EXPECT_EQ(w.newest.size(), 1u);
}

TEST_F(OpcuaLinkTest, WritesTakeTheTypeOfTheNode) {
  Watched w = open({"ns=2;s=Robot.Speed", "ns=2;s=Robot.Label"});
  ASSERT_TRUE(w.until([&] { return w.newest.size() == 2; })) << w.link->health().problem;
  EXPECT_TRUE(w.write("ns=2;s=Robot.Speed", 7.0).done);
  EXPECT_EQ(plant_->peer->ask("get Speed"), "ok Int16 7");
  const WriteOutcome big = w.write("ns=2;s=Robot.Big", std::int64_t{-9007199254740993});
  EXPECT_TRUE(big.done) << big.message;
  EXPECT_EQ(plant_->peer->ask("get Big"), "ok Int64 -9007199254740993");
  EXPECT_TRUE(w.write("Objects/2:Robot/2:Ready", true).done);
  EXPECT_EQ(plant_->peer->ask("get Ready"), "ok Boolean True");
  EXPECT_TRUE(w.write("ns=2;s=Robot.Setpoint", std::int64_t{3}).done);
  EXPECT_EQ(plant_->peer->ask("get Setpoint"), "ok Float 3.0");
  EXPECT_TRUE(w.write("ns=2;s=Robot.Label", std::string("\"\xC3\xA9\n")).done);
  EXPECT_EQ(plant_->peer->ask("get Label"), "ok String \"\xC3\xA9");
  EXPECT_EQ(plant_->peer->line(), "");  // the rest of the text
  EXPECT_TRUE(w.write("ns=2;s=Robot.Label", std::string("cell")).done);
  const auto refused = [&](const std::string& name, const Value& value, const std::string& why) {
    const WriteOutcome outcome = w.write(name, value);
    EXPECT_FALSE(outcome.done) << name;
    EXPECT_NE(outcome.message.find(why), std::string::npos) << outcome.message;
  };
  refused("ns=2;s=Robot.Small", std::int64_t{300}, "300 is outside 0..255");
  refused("ns=2;s=Robot.Speed", 7.5, "7.5 is no whole number");
  refused("ns=2;s=Robot.Ready", 1.0, "write true or false");
  refused("ns=2;s=Robot.Locked", std::int64_t{1}, "does not let");
  refused("ns=2;s=Robot.Torques[1]", 1.0, "element of an array");
  refused("ns=2;s=Robot.Absent", 1.0, "no node");
  refused("Objects/2:Robot", 1.0, "not a variable");
  const auto pid = w.link->gateway_pid();
  EXPECT_TRUE(w.write("ns=2;s=Robot.Label", std::string(70'000, 'x')).done);
  EXPECT_TRUE(w.until(
      [&] { return w.link->health().problem.find("'ns=2;s=Robot.Label' holds neither") != std::string::npos; }));
  EXPECT_TRUE(w.write("ns=2;s=Robot.Label", std::string("cell")).done);
  EXPECT_FALSE(w.write("ns=2;s=Robot.Label", std::string(std::size_t{17} << 20, 'x')).done);  // no frame holds it
  EXPECT_EQ(w.link->gateway_pid(), pid);
  EXPECT_EQ(plant_->peer->ask("get Torques"), "ok Double [1.0, 2.0, 3.0]");
  EXPECT_TRUE(w.until([&] { return w.newest[0].value == Value(std::int64_t{7}); }));
}

TEST_F(OpcuaLinkTest, MethodsEventsAndHistory) {
  Watched w = open({"ns=2;s=Robot.Level"}, {.events = {"Objects/2:Robot"}});
  ASSERT_TRUE(w.until([&] { return w.newest.count(0) > 0; })) << w.link->health().problem;
  const auto sum = w.link->call("Objects/2:Robot", "2:Add", {1.5, std::int64_t{4}}, kPatience);
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_EQ(*sum, std::vector<Value>{5.5});
  const auto failed = w.link->call("ns=2;s=Robot", "ns=2;s=Robot.Add", {1.5, std::int64_t{-4}}, kPatience);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("BadOutOfRange"), std::string::npos) << failed.error().message;
  const auto few = w.link->call("ns=2;s=Robot", "2:Add", {1.5}, kPatience);
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().code, ErrorCode::kBadInput);
  const auto none = w.link->call("ns=2;s=Robot", "2:Absent", {}, kPatience);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);

  ASSERT_EQ(plant_->peer->ask("event 700 door 3 is open"), "ok ");
  std::vector<OpcuaEvent> events;
  ASSERT_TRUE(w.until([&] { return w.link->take_events(events), !events.empty(); }));
  EXPECT_EQ(events[0].message, "door 3 is open");
  EXPECT_EQ(events[0].severity, 700);
  EXPECT_EQ(events[0].source, "Robot");
  EXPECT_EQ(events[0].type, "BaseEventType");
  EXPECT_GT(events[0].source_time.ns, 1'700'000'000'000'000'000);

  const Time begin{1'600'000'000'000'000'000};
  for (int i = 0; i < 5; ++i) {
    const std::string time = std::to_string(begin.ns + i * 1'000'000'000LL + 123'000);
    ASSERT_EQ(plant_->peer->ask("set Level " + std::to_string(i) + ".25 " + (i == 3 ? "40000000 " : "0 ") + time),
              "ok ");
  }
  const Duration second{1'000'000'000};
  // the peer keeps its history beside, a moment after the value was set
  ASSERT_TRUE(w.until([&] {
    const auto all = w.link->history("ns=2;s=Robot.Level", begin, begin + second * 9, 100, kPatience);
    return all && all->entries.size() == 5;
  }));
  const auto past = w.link->history("ns=2;s=Robot.Level", begin + second, begin + second * 4, 100, kPatience);
  ASSERT_TRUE(past) << past.error().message;
  ASSERT_EQ(past->entries.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(past->entries[i].value, Value(static_cast<double>(i) + 1.25));
    EXPECT_EQ(past->entries[i].time.ns, begin.ns + static_cast<std::int64_t>(i + 1) * 1'000'000'000 + 123'000);
    EXPECT_EQ(past->entries[i].quality, i == 2 ? Quality::kUncertain : Quality::kGood);
  }
  const auto two = w.link->history("ns=2;s=Robot.Level", begin, begin + second * 9, 2, kPatience);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->entries.size(), 2u);
  EXPECT_FALSE(two->whole);
}

TEST_F(OpcuaLinkTest, BrowsesWithoutAStart) {
  Watched w = make(plant_->url(), {}, {.security = OpcuaSecurity::kNone});
  const auto offered = w.link->browse(kPatience * 2);
  ASSERT_TRUE(offered) << offered.error().message;
  const auto find = [&](const std::string& name) {
    const auto at =
        std::find_if(offered->begin(), offered->end(), [&](const OfferedSignal& o) { return o.name == name; });
    return at == offered->end() ? OfferedSignal() : *at;
  };
  EXPECT_EQ(std::count_if(offered->begin(), offered->end(),
                          [](const OfferedSignal& o) { return o.name.find("Robot.Signal") != std::string::npos; }),
            100);
  const auto position =
      std::find_if(offered->begin(), offered->end(), [](const OfferedSignal& o) { return o.unit == "rad"; });
  ASSERT_NE(position, offered->end());
  EXPECT_EQ(position->description, "Objects/2:Robot/2:Axis1/2:ActualPosition");
  EXPECT_EQ(position->value, "0.25");
  EXPECT_FALSE(position->can_write);
  EXPECT_TRUE(find("ns=2;s=Robot.Setpoint").can_write);
  EXPECT_EQ(find("ns=2;s=Robot.Big").type, ValueType::kInteger);
  EXPECT_EQ(find("ns=2;s=Robot.Torques[2]").value, "3");
  EXPECT_EQ(find("ns=2;s=Robot.Label").value, "cell");
}

TEST_F(OpcuaLinkTest, AGatewayThatIsKilledIsStartedAnew) {
  Watched w = open({signal_name(0)});
  ASSERT_TRUE(w.until([&] { return w.newest.count(0) > 0; })) << w.link->health().problem;
  const auto pid = static_cast<pid_t>(w.link->gateway_pid());
  ASSERT_GT(pid, 0);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  ASSERT_TRUE(w.until([&] { return w.link->health().state == LinkState::kWaiting; }));
  EXPECT_NE(w.link->health().problem.find("signal 9"), std::string::npos) << w.link->health().problem;
  EXPECT_TRUE(w.until([&] { return w.newest[0].quality == Quality::kBad; }));
  EXPECT_FALSE(w.link->write(signal_name(0), 1.0));
  ASSERT_TRUE(w.live());
  EXPECT_TRUE(w.until([&] { return w.newest[0].quality != Quality::kBad; }));
  EXPECT_NE(w.link->gateway_pid(), pid);
  EXPECT_EQ(kill(pid, 0), -1);  // and no zombie
  EXPECT_EQ(w.link->health().reconnects, 1u);
  w.link->stop();
  EXPECT_EQ(w.link->gateway_pid(), 0);
  EXPECT_EQ(w.link->health().state, LinkState::kStopped);
}

TEST_F(OpcuaLinkTest, APlantThatIsKilledIsFoundAgain) {
  Plant plant({"--signals", "3"});
  ASSERT_TRUE(plant.is_ready());
  Watched w = make(plant.url(), {signal_name(1)}, {.security = OpcuaSecurity::kNone});
  w.link->start();
  ASSERT_TRUE(w.until([&] { return w.newest.count(0) > 0; })) << w.link->health().problem;
  const auto gateway = w.link->gateway_pid();
  plant.peer->kill_now();
  ASSERT_TRUE(w.until([&] { return w.link->health().state == LinkState::kWaiting; }));
  ASSERT_TRUE(w.until([&] { return w.newest[0].quality == Quality::kBad; }));
  ASSERT_TRUE(w.until([&] { return w.link->health().problem.find("nothing listens") != std::string::npos; }))
      << w.link->health().problem;
  plant.start();
  ASSERT_TRUE(plant.is_ready());
  ASSERT_TRUE(w.live());
  ASSERT_TRUE(w.until([&] { return w.newest[0].quality == Quality::kGood; }));
  ASSERT_EQ(plant.peer->ask("set Signal001 4.5 0 1700000000000000000"), "ok ");
  EXPECT_TRUE(w.until([&] { return number_of(w.newest[0].value) == 4.5; }));
  EXPECT_EQ(w.link->gateway_pid(), gateway);
  EXPECT_EQ(w.link->health().reconnects, 1u);
}

TEST_F(OpcuaLinkTest, AnUnknownCertificateIsRefusedUntilAPersonTrustsIt) {
  opcua::TemporaryFolder state;
  OpcuaOptions options{.url = plant_->url(),
                       .policy = OpcuaPolicy::kAes256Sha256RsaPss,
                       .user = "geoul",
                       .password = "mirror",
                       .state_folder = state.path()};
  const LinkOptions link{.id = "plant", .signals = {"ns=2;s=Robot.Speed"}};
  Watched w{make_opcua_link(link, options), {}, {}, {}};
  w.link->start();
  ASSERT_TRUE(w.until([&] { return w.link->health().state == LinkState::kWaiting; }));
  EXPECT_NE(w.link->health().problem.find("not trusted"), std::string::npos) << w.link->health().problem;
  EXPECT_NE(w.link->health().problem.find(plant_->thumbprint), std::string::npos) << w.link->health().problem;
  EXPECT_TRUE(w.newest.empty());
  EXPECT_FALSE(trust_opcua_certificate(state.path(), std::string(40, '0')));
  EXPECT_FALSE(trust_opcua_certificate(state.path(), "plant"));
  const auto trusted = trust_opcua_certificate(state.path(), plant_->thumbprint);
  ASSERT_TRUE(trusted) << trusted.error().message;
  ASSERT_TRUE(w.live());
  EXPECT_TRUE(w.until([&] { return w.newest.count(0) > 0; }));
  EXPECT_TRUE(w.write("ns=2;s=Robot.Speed", std::int64_t{9}).done);
  EXPECT_EQ(plant_->peer->ask("get Speed"), "ok Int16 9");
  w.link->stop();
  // only its owner reads the private key
  const auto key = fs::status(fs::path(state.path()) / "client").permissions();
  EXPECT_EQ(key & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);

  options.password = "wrong word";
  Watched wrong{make_opcua_link(link, options), {}, {}, {}};
  wrong.link->start();
  ASSERT_TRUE(wrong.until([&] { return wrong.link->health().state == LinkState::kWaiting; }));
  EXPECT_NE(wrong.link->health().problem.find("refuses user 'geoul'"), std::string::npos)
      << wrong.link->health().problem;
  EXPECT_EQ(wrong.link->health().problem.find("wrong word"), std::string::npos);
}

TEST_F(OpcuaLinkTest, AnExpiredCertificateIsRefused) {
  Plant plant({"--days", "-3", "--signals", "1"});
  ASSERT_TRUE(plant.is_ready());
  Watched w = make(plant.url(), {signal_name(0)});
  w.link->start();
  ASSERT_TRUE(w.until([&] { return w.link->health().state == LinkState::kWaiting; }));
  EXPECT_NE(w.link->health().problem.find("expired on"), std::string::npos) << w.link->health().problem;
  EXPECT_NE(w.link->health().problem.find("make it a new one"), std::string::npos);
}

TEST_F(OpcuaLinkTest, WhatIsWrongWithTheWayThereIsSaid) {
  const auto problem = [&](const std::string& url, OpcuaOptions options) {
    Watched w = make(url, {}, std::move(options));
    const auto offered = w.link->browse(kPatience * 2);
    return offered ? std::string("none") : offered.error().message;
  };
  EXPECT_NE(problem("opc.tcp://127.0.0.1:1", {.security = OpcuaSecurity::kNone})
                .find("nothing listens at opc.tcp://127.0.0.1:1"),
            std::string::npos);
  const std::string policy = problem(plant_->url(), {.policy = OpcuaPolicy::kAes128Sha256RsaOaep});
  EXPECT_NE(policy.find("does not offer SignAndEncrypt Aes128_Sha256_RsaOaep; it offers None None, "),
            std::string::npos)
      << policy;
  const std::string absent = problem(plant_->url(), {.gateway_folder = "/nowhere"});
  EXPECT_NE(absent.find("not at '/nowhere'"), std::string::npos) << absent;
}

// Its parent is killed: the gateway reads the end of its stream, and ends.
TEST_F(OpcuaLinkTest, TheGatewayDiesWithItsParent) {
  std::array<int, 2> out{};
  ASSERT_EQ(pipe2(out.data(), O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Watched w = open({signal_name(0)});
    while (w.link->gateway_pid() == 0) std::this_thread::sleep_for(5ms);
    const auto pid = static_cast<pid_t>(w.link->gateway_pid());
    std::this_thread::sleep_for(1s);
    [[maybe_unused]] const ssize_t n = write(out[1], &pid, sizeof pid);
    for (;;) pause();
  }
  pid_t gateway = 0;
  ASSERT_EQ(read(out[0], &gateway, sizeof gateway), static_cast<ssize_t>(sizeof gateway));
  ASSERT_EQ(kill(gateway, 0), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  const auto gone = [&] {  // whoever inherits it may not have reaped it yet
    std::ifstream stat("/proc/" + std::to_string(gateway) + "/stat");
    std::string pid, name, state;
    return !(stat >> pid >> name >> state) || state == "Z";
  };
  EXPECT_TRUE(eventually(gone, 30s));
}

// Gateways that break the protocol are told apart, and tried again.
TEST(OpcuaGateway, NonsenseEndsItWithAReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"fs.writeSync(3, Buffer.from([0, 0, 0, 0])); setInterval(() => {}, 1000);", "a frame of 0 bytes"},
      {"fs.writeSync(3, Buffer.from([255, 255, 255, 255])); setInterval(() => {}, 1000);",
       "a frame of 4294967295 bytes"},
      {"say('{]'); setInterval(() => {}, 1000);", "no JSON"},
      {"say('{\"type\":\"live\",\"peer\":\"x\"}'); setInterval(() => {}, 1000);", "did not say hello first"},
      {"say('{\"type\":\"hello\",\"protocol\":2,\"node\":\"\",\"library\":\"\"}'); setInterval(() => {}, 1000);",
       "speaks protocol 2"},
      {"console.error('Error: no such thing'); process.exit(3);", "ended with code 3: Error: no such thing"},
  };
  for (const auto& [script, reason] : cases) {
    opcua::TemporaryFolder folder;
    fs::create_directories(folder.path() + "/src");
    fs::create_directories(folder.path() + "/node_modules");
    std::ofstream(folder.path() + "/src/main.mjs") << "import fs from 'node:fs';\nconst say = (text) => { const b = "
                                                      "Buffer.alloc(4 + text.length); b.writeUInt32LE(text.length, 0);"
                                                   << " b.write(text, 4); fs.writeSync(3, b); };\n"
                                                   << script;
    const auto link = make_opcua_link(
        {.id = "plant"}, {.url = "opc.tcp://x", .state_folder = folder.path(), .gateway_folder = folder.path()});
    link->start();
    EXPECT_TRUE(eventually([&] { return link->health().problem.find(reason) != std::string::npos; }))
        << reason << ": " << link->health().problem;
    EXPECT_NE(link->health().state, LinkState::kLive);
    link->stop();
  }
}

}  // namespace
}  // namespace geoul::link
