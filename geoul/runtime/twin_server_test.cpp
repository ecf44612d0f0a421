// The running twin as others see it: PyPI asyncua reads the OPC UA server, Fast DDS the topics of ROS 2, each in a
// process of its own; what they read is the State, bit for bit.
#include "geoul/runtime/twin_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "geoul/link/dds/dds_test_tools.h"
#include "geoul/link/dds/test_peer.h"
#include "geoul/link/opcua/peer.h"
#include "geoul/link/test_peers.h"
#include "geoul/runtime/opcua_twin.h"
#include "geoul/runtime/ros_twin.h"
#include "geoul/runtime/serve.h"
#include "geoul/runtime/simulation.h"

namespace geoul::runtime {
namespace {

// The cell in motion, and a server that is told of it again and again, as the loop does.
struct Moving {
  Diagnostics diagnostics;
  std::optional<Site> site;
  std::optional<Twin> twin;
  std::unique_ptr<Simulation> simulation;
  Snapshot snapshot;

  Moving() {
    site = read_site(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/site.yaml", diagnostics);
    twin = load_twin(site->scene, diagnostics);
    SimulationOptions options;
    options.step.integrator = dynamics::Integrator::kSymplectic;
    simulation = std::make_unique<Simulation>(*twin, options);
    for (int i = 0; i < 40; ++i) simulation->step();
    snapshot = simulation->snapshot();
  }
  std::string name(const std::string& joint) const { return "/Cell/UR3e/Joints/" + joint; }
  scene::JointId joint(const std::string& label) const { return *scene::find_joint(twin->scene, name(label)); }
  double position(const std::string& label) const {
    return snapshot.state.q[static_cast<std::size_t>(twin->model.layout.joints[joint(label).index()].q)];
  }
};

class Telling {
 public:
  Telling(TwinServer& server, const Snapshot& snapshot)
      : thread_([this, &server, &snapshot] {
          while (!over_) {
            server.publish(snapshot);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          }
        }) {}
  ~Telling() {
    over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

// "/position/0" -> "0.25"; of the first message.
std::map<std::string, std::string> fields_of(link::TestPeer& peer) {
  std::map<std::string, std::string> out;
  for (const std::string& line : peer.until("done", std::chrono::seconds(60))) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) out[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return out;
}

TEST(TwinServer, FastDdsReadsTheStateOfTheTwin) {
  const std::string program = link::TestPeer::path_of("fast_dds_peer");
  if (program.empty()) GTEST_SKIP() << "fast_dds_peer is absent: Fast DDS is not installed (tools/setup test)";
  Moving moving;
  TwinServerOptions options;
  options.site = &*moving.site;
  options.serve.ros.emplace().domain = link::test_domain();
  auto server = TwinServer::start(*moving.twin, options);
  ASSERT_TRUE(server) << server.error().message;
  const auto reader = [&](const std::string& type, const std::string& topic, std::vector<std::string> more = {}) {
    std::vector<std::string> words{program,  std::to_string(link::test_domain()), "10000", "receive", type, topic,
                                   "count=1"};
    words.insert(words.end(), more.begin(), more.end());
    return std::make_unique<link::TestPeer>(words);
  };
  const auto joints = reader("JointState", "rt/joint_states"), tf = reader("TFMessage", "rt/tf"),
             clock = reader("Clock", "rt/clock"), imu = reader("Imu", "rt/imu/flange", {"best_effort"}),
             wrench = reader("WrenchStamped", "rt/wrench/elbow");
  const Telling telling(**server, moving.snapshot);
  const scene::State& state = moving.snapshot.state;
  const auto seconds = [](const std::map<std::string, std::string>& f, const std::string& stamp) {
    return Time{std::stoll(f.at(stamp + "/sec")) * 1'000'000'000 + std::stoll(f.at(stamp + "/nanosec"))};
  };

  const auto seen = fields_of(*joints);
  ASSERT_TRUE(seen.contains("/name/5"));
  EXPECT_EQ(seconds(seen, "/header/stamp"), state.time);
  EXPECT_FALSE(seen.contains("/name/6"));
  for (int i = 0; i < 6; ++i) {
    const std::string n = "/" + std::to_string(i), label = seen.at("/name" + n);
    const scene::JointAddress address = moving.twin->model.layout.joints[moving.joint(label).index()];
    EXPECT_EQ(std::stod(seen.at("/position" + n)), state.q[static_cast<std::size_t>(address.q)]) << label;
    EXPECT_EQ(std::stod(seen.at("/velocity" + n)), state.v[static_cast<std::size_t>(address.v)]) << label;
    EXPECT_EQ(std::stod(seen.at("/effort" + n)), state.tau[static_cast<std::size_t>(address.v)]) << label;
  }
  EXPECT_NE(moving.position("elbow"), 0);

  const auto frames = fields_of(*tf);
  std::size_t count = 0;
  for (; frames.contains("/transforms/" + std::to_string(count) + "/child_frame_id"); ++count) {
    const std::string front = "/transforms/" + std::to_string(count);
    EXPECT_EQ(frames.at(front + "/header/frame_id"), "world");
    const std::string child = frames.at(front + "/child_frame_id");
    std::size_t body = 0;
    while (body < moving.twin->scene.bodies.size() && label_of(moving.twin->scene.bodies[body].path) != child) ++body;
    ASSERT_LT(body, moving.twin->scene.bodies.size()) << child;
    EXPECT_EQ(std::stod(frames.at(front + "/transform/translation/x")), state.X_WB[body].p.x);
    EXPECT_EQ(std::stod(frames.at(front + "/transform/translation/z")), state.X_WB[body].p.z);
    EXPECT_EQ(std::stod(frames.at(front + "/transform/rotation/w")), state.X_WB[body].R.w);
  }
  EXPECT_GE(count, 6u);
  EXPECT_EQ(seconds(fields_of(*clock), "/clock"), state.time);

  const auto felt = fields_of(*imu);
  ASSERT_TRUE(felt.contains("/linear_acceleration/z"));
  EXPECT_EQ(felt.at("/header/frame_id"), "flange_frame");
  const scene::Site& flange =
      moving.twin->scene.sites[scene::find_site(moving.twin->scene, "/Cell/UR3e/wrist_3_link/flange")->index()];
  const Vec3d force = specific_force(state, {flange.body, transform(flange.X_BS)}, moving.twin->model.gravity);
  EXPECT_EQ(std::stod(felt.at("/linear_acceleration/x")), force.x);
  EXPECT_EQ(std::stod(felt.at("/linear_acceleration/z")), force.z);

  const auto flows = fields_of(*wrench);
  ASSERT_TRUE(flows.contains("/wrench/torque/z"));
  EXPECT_EQ(flows.at("/header/frame_id"), "elbow_joint_frame");
  const Forced F = state.wrenches[moving.joint("elbow").index()].F_C_J;
  EXPECT_EQ(std::stod(flows.at("/wrench/force/x")), F.f.x);
  EXPECT_EQ(std::stod(flows.at("/wrench/torque/z")), F.n.z);
}

TEST(TwinServer, ForeignReadersOfStaticFramesMayComeLate) {
  const std::string program = link::TestPeer::path_of("fast_dds_peer");
  if (program.empty()) GTEST_SKIP() << "fast_dds_peer is absent: Fast DDS is not installed (tools/setup test)";
  Moving moving;
  TwinServerOptions options;
  options.serve.ros.emplace().domain = link::test_domain();
  auto server = TwinServer::start(*moving.twin, options);
  ASSERT_TRUE(server) << server.error().message;
  const Telling telling(**server, moving.snapshot);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the twin has told them by now
  link::TestPeer late({program, std::to_string(link::test_domain()), "10000", "receive", "TFMessage", "rt/tf_static",
                       "count=1", "transient_local"});
  const auto frames = fields_of(late);
  bool has_frame = false;
  for (const auto& [field, value] : frames) has_frame = has_frame || value == "elbow_joint_frame";
  EXPECT_TRUE(has_frame);
}

TEST(TwinServer, AsyncuaReadsTheMovingJointsByOpcua) {
  if (link::opcua::peer_python().empty() || !link::opcua::gateway_is_installed()) GTEST_SKIP() << link::opcua::kAbsent;
  using namespace std::chrono_literals;
  Moving moving;
  const link::opcua::TemporaryFolder state, client;
  TwinServerOptions options;
  options.name = "cell";
  options.site = &*moving.site;
  options.serve.opcua = OpcuaServe{"127.0.0.1", link::free_port()};
  options.state_folder = state.path();
  options.signals = {{"torque/elbow", "N.m"}};
  moving.snapshot.signals = {{3.5, std::nan("")}};
  auto server = TwinServer::start(*moving.twin, options);
  ASSERT_TRUE(server) << server.error().message;
  LinkStatus link;
  link.id = "rtde";
  link.stale = {"actual_q_3"};  // wrist_1
  (*server)->set_links({link});
  (*server)->publish(moving.snapshot);
  const std::string url = "opc.tcp://127.0.0.1:" + std::to_string(options.serve.opcua->port);
  std::string said;
  ASSERT_TRUE(link::opcua::eventually(
      [&] {
        for (const PlayerWords& words : (*server)->take_words()) said += words.text + "\n";
        return said.find("listens at " + url) != std::string::npos;
      },
      120s))
      << said;
  (*server)->publish(moving.snapshot);
  const auto look = [&] {
    link::opcua::Peer peer(
        {link::opcua::peer_python(), std::string(link::opcua::kOracle) + "/reader.py", url, client.path(), "none"});
    const std::string line = peer.line(120s);
    return nlohmann::json::parse(line.empty() ? "{}" : line)["nodes"];
  };
  nlohmann::json nodes;
  const std::string device = "/cell/MotionDevices/UR3e";
  ASSERT_TRUE(link::opcua::eventually([&] {
    nodes = look();
    return nodes.contains(device) && !nodes[device + "/Axes/elbow/ParameterSet/ActualPosition"]["value"].is_null();
  })) << nodes.dump(1).substr(0, 2000);
  for (const char* label : {"shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"}) {
    const std::string path = device + "/Axes/" + label + "/ParameterSet/";
    const scene::JointAddress address = moving.twin->model.layout.joints[moving.joint(label).index()];
    EXPECT_EQ(nodes[path + "ActualPosition"]["value"], moving.position(label)) << label;
    EXPECT_EQ(nodes[path + "ActualSpeed"]["value"], moving.snapshot.state.v[static_cast<std::size_t>(address.v)])
        << label;
    EXPECT_EQ(nodes[path + "ActualPosition"]["status"] == "Good", std::string(label) != "wrist_1")
        << label << nodes[path + "ActualPosition"]["status"];
    EXPECT_EQ(nodes[path + "ActualPosition"]["writable"], false);
  }
  EXPECT_EQ(nodes[device + "/MotionDeviceCategory"]["value"], 1);  // articulated robot
}

TEST(TwinServer, NothingIsServedUnasked) {
  Moving moving;
  auto server = TwinServer::start(*moving.twin, {});
  ASSERT_TRUE(server);
  EXPECT_EQ(*server, nullptr);
}

TEST(TwinServer, TheWordsOfTheCommandLineStandBeforeTheSites) {
  TwinServe site;
  site.opcua = OpcuaServe{"192.168.0.5", 4841};
  const auto same = twin_serve(site, "", "");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->opcua->host, "192.168.0.5");
  EXPECT_FALSE(same->ros);
  const auto other = twin_serve(site, "127.0.0.1:4850", "7@eth0");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->opcua->host, "127.0.0.1");
  EXPECT_EQ(other->opcua->port, 4850);
  EXPECT_EQ(other->ros->domain, 7);
  EXPECT_EQ(other->ros->network, "eth0");
  for (const char* words : {"0", "65536", "x", ":4840", "host:", "4840x", "-1"})
    EXPECT_FALSE(twin_serve({}, words, "")) << words;
  for (const char* words : {"233", "x", "-1", "0@", "1.5"}) EXPECT_FALSE(twin_serve({}, "", words)) << words;
}

TEST(TwinServer, OpcuaIsNotOpenedToTheNetworkWithoutUsers) {
  Moving moving;
  auto server = Server::start({.port = 0});
  ASSERT_TRUE(server);
  TwinServe serve;
  serve.opcua = OpcuaServe{"0.0.0.0", link::free_port()};
  const auto started = start_twin_server(serve, *moving.twin, nullptr, *moving.simulation, **server);
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("geoul user add"), std::string::npos);
}

TEST(TwinServer, NamesAreShortWhereTheyAreUnique) {
  EXPECT_EQ(short_names({"/a/left/wheel", "/a/right/wheel", "/a/arm", ""}, "none"),
            (std::vector<std::string>{"a_left_wheel", "a_right_wheel", "arm", "none"}));
}

// Stale joints are left out of what ROS is told: it has no word for them.
TEST(RosTwin, LeavesOutJointsThatAreNotToBeBelieved) {
  Moving moving;
  const RosTwin ros(*moving.twin, &*moving.site);
  std::vector<bool> stale(moving.twin->scene.joints.size(), false);
  EXPECT_EQ(ros.joint_states(moving.snapshot, stale).name.size(), 6u);
  stale[moving.joint("elbow").index()] = true;
  const link::RosJointState some = ros.joint_states(moving.snapshot, stale);
  EXPECT_EQ(some.name.size(), 5u);
  EXPECT_EQ(std::count(some.name.begin(), some.name.end(), "elbow"), 0);
}

}  // namespace
}  // namespace geoul::runtime
