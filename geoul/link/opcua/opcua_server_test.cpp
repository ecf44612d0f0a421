// The twin's server, looked at by PyPI asyncua (testdata/oracle/reader.py), and by our own client.
#include "geoul/link/opcua/opcua_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "geoul/link/opcua/opcua_link.h"
#include "geoul/link/opcua/peer.h"
#include "geoul/link/test_peers.h"

namespace geoul::link {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;
using opcua::eventually;

constexpr Time kTime{1'700'000'000'123'456'700};
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

OpcuaTwin cell() {
  OpcuaMotionDevice arm{.name = "arm",
                        .description = "/World/arm",
                        .identity = {"Universal Robots", "UR3e", "", "2021"},
                        .category = OpcuaDeviceCategory::kArticulatedRobot,
                        .flange_load_mass = 1.5};
  for (int i = 1; i <= 3; ++i) {
    arm.axes.push_back({.name = "Axis" + std::to_string(i),
                        .description = "/World/arm/joint" + std::to_string(i),
                        .profile = OpcuaMotionProfile::kRotary,
                        .range = std::pair{-6.25, 6.25}});
  }
  arm.axes.push_back({.name = "Rail", .profile = OpcuaMotionProfile::kLinear, .is_linear = true, .load_mass = 0.5});
  arm.power_trains.push_back(
      {.name = "Train1", .axis = 0, .motor_name = "Motor1", .motor = {"Kollmorgen", "KBM", "", ""}});
  return {.name = "cell",
          .devices = {arm},
          .controllers = {{.name = "Geoul",
                           .software_name = "Geoul",
                           .software_manufacturer = "Geoul",
                           .software_revision = "0.1",
                           .task_name = "twin",
                           .program = "ur3e_cell"}},
          .safety_states = {"Safety"},
          .variables = {{"residual", "N.m", "of the torque"}, {"age", "", ""}}};
}

constexpr auto kStart = 120s;  // the nodesets of a server take long to load on a loaded machine

class OpcuaServerTest : public testing::Test {
 protected:
  static bool has_all() { return !opcua::peer_python().empty() && opcua::gateway_is_installed(); }
  static void SetUpTestSuite() {
    if (!has_all()) return;
    shared_state_ = std::make_unique<opcua::TemporaryFolder>();
    shared_ = serve(*shared_state_, {.login = [](const std::string& user, const std::string& password) {
      return user == "geoul" && password == "mirror";
    }});
  }
  static void TearDownTestSuite() {
    shared_.reset();
    shared_state_.reset();
  }
  void SetUp() override {
    if (!has_all()) GTEST_SKIP() << opcua::kAbsent;
    ASSERT_TRUE(eventually([] { return shared_->health().is_listening; }, kStart)) << shared_->health().problem;
  }
  static std::unique_ptr<OpcuaServer> serve(const opcua::TemporaryFolder& state, OpcuaServerOptions options) {
    if (options.port == 4840) options.port = free_port();
    options.state_folder = state.path();
    auto server = make_opcua_server(cell(), std::move(options));
    EXPECT_TRUE(server) << server.error().message;
    (*server)->start();
    return std::move(server).value();
  }
  // Exit code of the foreign client, and what it says.
  std::pair<int, Json> look(const std::string& url, const std::string& mode, std::vector<std::string> more = {}) {
    std::vector<std::string> words{opcua::peer_python(), std::string(opcua::kOracle) + "/reader.py", url,
                                   client_.path(), mode};
    words.insert(words.end(), more.begin(), more.end());
    opcua::Peer peer(words);
    const std::string line = peer.line(kStart);
    return {peer.end(), Json::parse(line.empty() ? "null" : line)};
  }
  opcua::TemporaryFolder client_;
  static std::unique_ptr<opcua::TemporaryFolder> shared_state_;
  static std::unique_ptr<OpcuaServer> shared_;  // on loopback, with one user
};
std::unique_ptr<opcua::TemporaryFolder> OpcuaServerTest::shared_state_;
std::unique_ptr<OpcuaServer> OpcuaServerTest::shared_;

void publish_known_values(OpcuaServer& server) {
  const std::vector<OpcuaAxisValue> axes = {
      {1.25, 0.5, -0.125}, {2.5, kUnknown, kUnknown, Quality::kUncertain}, {0, 0, 0, Quality::kBad}, {0.75, 0, 0}};
  const std::vector<double> overrides = {80}, temperatures = {kUnknown};
  const std::vector<OpcuaSafetyValue> safety = {{OpcuaOperationalMode::kAutomatic, false, std::nullopt}};
  const std::vector<OpcuaVariableValue> variables = {{3.5}, {0.01, Quality::kUncertain}};
  server.publish({kTime, axes, overrides, temperatures, safety, variables});
}

TEST_F(OpcuaServerTest, AForeignClientSeesTheTwinAsTheRoboticsSpecificationHasIt) {
  OpcuaServer* server = shared_.get();
  publish_known_values(*server);
  std::vector<std::string> more;
  const std::string nodesets = GEOUL_SOURCE_DIR "/../shared/data/protocols/opcua_nodesets";
  const bool has_nodesets = std::filesystem::exists(nodesets);
  if (has_nodesets) more = {"--nodesets", nodesets};
  const auto [code, seen] = look(server->health().url, "none", more);
  ASSERT_EQ(code, 0);
  if (has_nodesets) {
    EXPECT_EQ(seen["deviations"], Json::array());
  }
  EXPECT_EQ(seen["machines"], Json({"cell"}));
  EXPECT_EQ(seen["namespaces"][seen["robotics"].get<std::size_t>()], "http://opcfoundation.org/UA/Robotics/");
  const Json& nodes = seen["nodes"];
  const auto is = [&](const std::string& path, const std::string& type, const char* space) {
    ASSERT_TRUE(nodes.contains(path)) << path;
    EXPECT_EQ(nodes[path]["type"], type) << path;
    EXPECT_EQ(nodes[path]["type_namespace"], space == nullptr ? Json(0) : seen[space]) << path;
  };
  is("/cell", "MotionDeviceSystemType", "robotics");
  is("/cell/MotionDevices/arm", "MotionDeviceType", "robotics");
  is("/cell/MotionDevices/arm/Axes/Axis2", "AxisType", "robotics");
  is("/cell/MotionDevices/arm/PowerTrains/Train1/Motor1", "MotorType", "robotics");
  is("/cell/Controllers/Geoul", "ControllerType", "robotics");
  is("/cell/Controllers/Geoul/Software/Geoul", "SoftwareType", "di");
  is("/cell/SafetyStates/Safety", "SafetyStateType", "robotics");
  const std::string axes = "/cell/MotionDevices/arm/Axes/";
  is(axes + "Axis1/ParameterSet/ActualPosition", "AnalogUnitType", nullptr);
  const auto value = [&](const std::string& path) {
    return nodes.contains(path) ? nodes[path]["value"] : Json("absent");
  };
  EXPECT_EQ(value("/cell/MotionDevices/arm/Model"), "UR3e");
  EXPECT_EQ(value("/cell/MotionDevices/arm/MotionDeviceCategory"), 1);
  EXPECT_EQ(value("/cell/MotionDevices/arm/FlangeLoad/Mass"), 1.5);
  EXPECT_EQ(value("/cell/MotionDevices/arm/ParameterSet/SpeedOverride"), 80);
  EXPECT_EQ(value(axes + "Axis1/ParameterSet/ActualPosition"), 1.25);
  EXPECT_EQ(value(axes + "Axis1/ParameterSet/ActualSpeed"), 0.5);
  EXPECT_EQ(value(axes + "Axis1/ParameterSet/ActualAcceleration"), -0.125);
  EXPECT_EQ(value(axes + "Axis1/ParameterSet/ActualPosition/EURange"), Json({-6.25, 6.25}));
  EXPECT_EQ(value(axes + "Axis1/ParameterSet/ActualPosition/EngineeringUnits")["id"],
            4405297);  // C81, radian: UNECE code as OPC 10000-8 packs it
  EXPECT_EQ(value(axes + "Rail/ParameterSet/ActualPosition/EngineeringUnits")["unit"], "m");
  EXPECT_EQ(value(axes + "Rail/AdditionalLoad/Mass"), 0.5);
  EXPECT_EQ(value(axes + "Rail/MotionProfile"), 3);
  EXPECT_EQ(value("/cell/SafetyStates/Safety/ParameterSet/OperationalMode"), 3);
  EXPECT_EQ(value("/cell/Controllers/Geoul/TaskControls/twin/ParameterSet/TaskProgramName"), "ur3e_cell");
  const auto status = [&](const std::string& path) {
    return nodes.contains(path) ? nodes[path]["status"] : Json("absent");
  };
  EXPECT_EQ(status(axes + "Axis1/ParameterSet/ActualPosition"), "Good");
  EXPECT_EQ(status(axes + "Axis2/ParameterSet/ActualPosition"), "Uncertain");
  EXPECT_EQ(status(axes + "Axis2/ParameterSet/ActualSpeed"), "BadWaitingForInitialData");
  EXPECT_EQ(status(axes + "Axis3/ParameterSet/ActualPosition"), "Bad");
  EXPECT_EQ(status("/cell/SafetyStates/Safety/ParameterSet/EmergencyStop"), "Good");
  EXPECT_EQ(status("/cell/SafetyStates/Safety/ParameterSet/ProtectiveStop"), "BadWaitingForInitialData");
  EXPECT_EQ(status("/cell/MotionDevices/arm/PowerTrains/Train1/Motor1/ParameterSet/MotorTemperature"),
            "BadWaitingForInitialData");
  for (const auto& [path, node] : nodes.items()) EXPECT_FALSE(node.value("writable", false)) << path;
}

TEST_F(OpcuaServerTest, OurOwnClientReadsTimesToTheHundredNanoseconds) {
  OpcuaServer* server = shared_.get();
  const auto link = make_opcua_link({.id = "twin",
                                     .signals = {"Objects/2:DeviceSet/{urn:geoul:twin}cell/5:MotionDevices/6:arm/"
                                                 "5:Axes/6:Axis1/2:ParameterSet/5:ActualPosition",
                                                 "nsu=urn:geoul:twin;s=residual"}},
                                    {.url = server->health().url,
                                     .security = OpcuaSecurity::kNone,
                                     .publishing_interval = {20'000'000},
                                     .state_folder = shared_state_->path()});
  link->start();
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] {
    publish_known_values(*server);
    link->take(updates);
    return std::any_of(updates.begin(), updates.end(),
                       [](const Update& u) { return u.signal == 0 && u.quality == Quality::kGood; }) &&
           std::any_of(updates.begin(), updates.end(),
                       [](const Update& u) { return u.signal == 1 && u.quality == Quality::kGood; });
  })) << link->health().problem;
  for (const Update& update : updates) {
    if (update.quality != Quality::kGood) continue;
    EXPECT_EQ(update.source_time, kTime);
    EXPECT_EQ(number_of(update.value), update.signal == 0 ? 1.25 : 3.5);
  }
  EXPECT_TRUE(eventually([&] { return server->health().sessions == 1; }));
  const auto written = link->write("nsu=urn:geoul:twin;s=residual", 1.0);
  ASSERT_TRUE(written);
  std::vector<WriteOutcome> outcomes;
  ASSERT_TRUE(eventually([&] { return link->take_outcomes(outcomes), !outcomes.empty(); }));
  EXPECT_FALSE(outcomes[0].done);
}

TEST_F(OpcuaServerTest, StrangersAreKeptOutUntilTheyAreTrustedAndHaveAUser) {
  OpcuaServer* server = shared_.get();
  const std::string url = server->health().url;
  EXPECT_EQ(look(url, "encrypt", {"--user", "geoul", "--password", "mirror"}).first, 3);
  ASSERT_TRUE(eventually([&] { return server->health().problem.find("thumbprint ") != std::string::npos; }))
      << server->health().problem;
  const std::string problem = server->health().problem;
  const auto trusted =
      trust_opcua_certificate(shared_state_->path(), problem.substr(problem.find("thumbprint ") + 11, 40));
  ASSERT_TRUE(trusted) << trusted.error().message;
  // the server's store sees the move by itself
  Json seen;
  ASSERT_TRUE(eventually([&] {
    auto [code, found] = look(url, "encrypt", {"--user", "geoul", "--password", "mirror"});
    return seen = found, code == 0;
  }));
  EXPECT_NE(seen["first_axis"], nullptr);
  EXPECT_EQ(look(url, "sign", {"--user", "geoul", "--password", "mirror"}).first, 0);
  EXPECT_EQ(look(url, "encrypt", {"--user", "geoul", "--password", "wrong"}).first, 3);
  // a stranger's long word neither gets in nor ends the gateway
  const auto pid = server->gateway_pid();
  EXPECT_EQ(look(url, "none", {"--user", std::string(20'000, 'x'), "--password", "y"}).first, 3);
  EXPECT_EQ(look(url, "encrypt", {"--user", "geoul", "--password", "mirror"}).first, 0);
  EXPECT_EQ(server->gateway_pid(), pid);
}

TEST_F(OpcuaServerTest, BeyondLoopbackNobodyIsAnonymousAndNothingIsInClear) {
  const opcua::TemporaryFolder state;
  const auto server =
      serve(state, {.host = "0.0.0.0", .login = [](const std::string&, const std::string&) { return true; }});
  ASSERT_TRUE(eventually([&] { return server->health().is_listening; }, kStart)) << server->health().problem;
  const std::string url = "opc.tcp://127.0.0.1:" + server->health().url.substr(server->health().url.rfind(':') + 1);
  EXPECT_EQ(look(url, "none").first, 3);
  const auto trust = [&] {
    const std::string problem = server->health().problem;
    const std::size_t at = problem.find("thumbprint ");
    return at != std::string::npos && trust_opcua_certificate(state.path(), problem.substr(at + 11, 40));
  };
  EXPECT_EQ(look(url, "encrypt").first, 3);  // its certificate comes
  ASSERT_TRUE(eventually(trust));
  Json seen;
  ASSERT_TRUE(eventually([&] {
    auto [code, found] = look(url, "encrypt", {"--user", "somebody", "--password", "word"});
    return seen = found, code == 0;
  }));
  for (const Json& endpoint : seen["endpoints"])
    EXPECT_EQ(endpoint.get<std::string>().rfind("Sign", 0), 0u) << endpoint;
  EXPECT_EQ(look(url, "encrypt").first, 3);  // trusted, but without a name
}

TEST_F(OpcuaServerTest, AQueueThatRanOverCountsAsLoss) {
  const auto link = make_opcua_link({.id = "twin", .signals = {"nsu=urn:geoul:twin;s=residual"}},
                                    {.url = shared_->health().url,
                                     .security = OpcuaSecurity::kNone,
                                     .publishing_interval = {1'000'000'000},
                                     .sampling_interval = {10'000'000},
                                     .queue_size = 5,
                                     .state_folder = shared_state_->path()});
  link->start();
  double count = 0;
  const auto publish_and_look = [&] {
    const std::vector<OpcuaVariableValue> variables = {{count += 1}, {0}};
    shared_->publish({.time = {kTime.ns + static_cast<std::int64_t>(count) * 1'000'000}, .variables = variables});
    return link->health().lost > 0;
  };
  EXPECT_TRUE(eventually(publish_and_look)) << link->health().problem;
}

TEST_F(OpcuaServerTest, AGatewayThatIsKilledServesAgain) {
  OpcuaServer* server = shared_.get();
  const auto pid = static_cast<pid_t>(server->gateway_pid());
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !server->health().is_listening; }));
  ASSERT_TRUE(eventually([&] { return server->health().is_listening; }, kStart)) << server->health().problem;
  EXPECT_EQ(server->health().restarts, 1u);  // and no other in this suite
  publish_known_values(*server);
  const auto [code, seen] = look(server->health().url, "none");
  ASSERT_EQ(code, 0);
  EXPECT_EQ(seen["nodes"]["/cell/MotionDevices/arm/Axes/Axis1/ParameterSet/ActualPosition"]["value"], 1.25);
}

TEST_F(OpcuaServerTest, APortInUseIsSaid) {
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size);
  const opcua::TemporaryFolder state;
  const auto server = serve(state, {.port = ntohs(address.sin_port)});
  EXPECT_TRUE(eventually([&] { return server->health().problem.find("is in use") != std::string::npos; }, kStart))
      << server->health().problem;
  close(taken);
  EXPECT_TRUE(eventually([&] { return server->health().is_listening; }, kStart)) << server->health().problem;
}

TEST(OpcuaServer, ADescriptionThatContradictsItselfIsRefusedWithAllThatIsWrong) {
  OpcuaTwin twin = cell();
  twin.name.clear();
  twin.devices[0].axes[1].name = "Axis1";
  twin.devices[0].power_trains[0].axis = 9;
  twin.variables[1].name = "residual";
  const auto server = make_opcua_server(twin, {});
  ASSERT_FALSE(server);
  for (const char* word :
       {"the twin has no name", "'Axis1' stands twice", "'Train1' of 'arm' moves no axis", "'residual' stands twice"}) {
    EXPECT_NE(server.error().message.find(word), std::string::npos) << server.error().message;
  }
  EXPECT_FALSE(make_opcua_server(cell(), {.port = 0}));
}

}  // namespace
}  // namespace geoul::link
