#include "geoul/runtime/twin_server.h"

#include <algorithm>
#include <chrono>

#include "geoul/core/unix_time.h"
#include "geoul/link/dds/ros_publisher.h"
#include "geoul/runtime/opcua_twin.h"
#include "geoul/runtime/ros_twin.h"

namespace geoul::runtime {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kOpcuaPeriod{10}, kLookPeriod{200};
constexpr std::chrono::microseconds kRosPeriod{1000}, kClockPeriod{10'000};
constexpr std::int64_t kLatestStamp = std::int64_t{INT32_MAX} * 1'000'000'000;  // ROS counts seconds in 32 bits

}  // namespace

struct TwinServer::Ends {
  std::unique_ptr<OpcuaTwin> opcua_twin;
  std::unique_ptr<link::OpcuaServer> opcua;
  bool was_listening = false;
  std::string opcua_said, ros_said;
  std::unique_ptr<RosTwin> ros_twin;
  std::unique_ptr<link::RosPublisher> ros;
  std::string before;  // of topics: "" or "cell/"
  bool told_static = false;
  Steady::time_point clock_due{};
};

Result<std::unique_ptr<TwinServer>> TwinServer::start(const Twin& twin, TwinServerOptions options) {
  const TwinServe& serve = options.serve;
  if (!serve.opcua && !serve.ros) return std::unique_ptr<TwinServer>();
  auto ends = std::make_unique<Ends>();
  std::vector<PlayerWords> words;
  if (serve.opcua) {
    ends->opcua_twin = std::make_unique<OpcuaTwin>(twin, options.name, options.signals);
    link::OpcuaServerOptions opcua;
    opcua.host = serve.opcua->host == "localhost" ? "127.0.0.1" : serve.opcua->host;
    opcua.port = serve.opcua->port;
    opcua.login = options.login;
    opcua.state_folder = options.state_folder;
    auto made = link::make_opcua_server(ends->opcua_twin->description(), std::move(opcua));
    if (!made) return made.error();
    ends->opcua = std::move(made).value();
  }
  if (serve.ros) {
    ends->ros_twin = std::make_unique<RosTwin>(twin, options.site);
    link::RosPublisherOptions ros;
    ros.dds.domain = serve.ros->domain;
    ros.dds.loopback_only = serve.ros->network.empty();
    ros.dds.interface = serve.ros->network;
    ros.dds.node_namespace = serve.ros->node_namespace;
    ros.reliable_sensors = serve.ros->reliable_sensors;
    auto opened = link::RosPublisher::open(ros);
    if (!opened) return opened.error();
    ends->ros = std::move(opened).value();
    const std::string& space = serve.ros->node_namespace;
    ends->before = space == "/" || space.empty() ? "" : space.substr(space.starts_with('/') ? 1 : 0) + "/";
    words.push_back(
        {log::Level::kInfo,
         "ROS 2: node 'geoul' " +
             (serve.ros->network.empty() ? std::string("on this machine alone") : "on network " + serve.ros->network) +
             (serve.ros->domain < 0 ? std::string() : ", domain " + std::to_string(serve.ros->domain))});
  }
  std::unique_ptr<TwinServer> out(new TwinServer(twin, std::move(options), std::move(ends)));
  out->words_ = std::move(words);
  if (out->ends_->opcua) out->ends_->opcua->start();
  out->thread_ = std::thread([server = out.get()] { server->run(); });
  return out;
}

TwinServer::TwinServer(const Twin& twin, TwinServerOptions options, std::unique_ptr<Ends> ends)
    : twin_(twin), options_(std::move(options)), ends_(std::move(ends)), stale_(twin.scene.joints.size(), false) {}

TwinServer::~TwinServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (ends_->opcua) ends_->opcua->stop();
}

void TwinServer::publish(const Snapshot& snapshot) {
  {
    const std::lock_guard lock(mutex_);
    newest_.snapshot = snapshot;  // into memory that is there already
    newest_.layout.reset();
    if (snapshot.layout) newest_.layout = *snapshot.layout;
    is_new_ = true;
  }
  changed_.notify_one();
}

void TwinServer::set_links(const std::vector<LinkStatus>& links) {
  if (!options_.site) return;
  const auto is_stale = [&](const SignalName& signal) {
    return std::any_of(links.begin(), links.end(), [&](const LinkStatus& link) {
      return link.id == signal.source &&
             std::find(link.stale.begin(), link.stale.end(), signal.column) != link.stale.end();
    });
  };
  std::vector<bool> stale(twin_.scene.joints.size(), false);
  for (const JointBinding& binding : options_.site->joints) {
    const auto joint = scene::find_joint(twin_.scene, binding.joint.path);
    if (joint) stale[joint->index()] = is_stale(binding.position) || (binding.velocity && is_stale(*binding.velocity));
  }
  const std::lock_guard lock(mutex_);
  stale_.swap(stale);
}

std::vector<PlayerWords> TwinServer::take_words() {
  const std::lock_guard lock(mutex_);
  return std::exchange(words_, {});
}

void TwinServer::tell_ros(const Snapshot& snapshot, const std::vector<bool>& stale) {
  const scene::State& state = snapshot.state;
  if (state.time.ns < 0 || state.time.ns > kLatestStamp) return;
  const std::string& before = ends_->before;
  std::string problem;
  const auto send = [&](const std::string& topic, const auto& message) {
    const Result<void> sent = ends_->ros->publish(topic, message);
    if (!sent) problem = "ROS 2: " + sent.error().message;
  };
  const auto now = Steady::now();
  if (!options_.is_live && now >= ends_->clock_due) {
    ends_->clock_due = now + kClockPeriod;
    send("clock", link::RosClock{state.time});
  }
  send(before + "joint_states", ends_->ros_twin->joint_states(snapshot, stale));
  send("tf", ends_->ros_twin->transforms(state));
  if (!std::exchange(ends_->told_static, true)) send("tf_static", ends_->ros_twin->static_transforms(state));
  for (const auto& [topic, imu] : ends_->ros_twin->imus(state)) send(before + topic, imu);
  for (const auto& [topic, wrench] : ends_->ros_twin->wrenches(state)) send(before + topic, wrench);
  if (problem == ends_->ros_said) return;
  ends_->ros_said = problem;
  const std::lock_guard lock(mutex_);
  if (!problem.empty()) words_.push_back({log::Level::kWarning, problem});
}

// Says what became of the OPC UA server, once.
void TwinServer::look_after() {
  if (!ends_->opcua) return;
  const link::OpcuaServerHealth health = ends_->opcua->health();
  const std::lock_guard lock(mutex_);
  if (health.is_listening && !ends_->was_listening) {
    words_.push_back({log::Level::kInfo, "OPC UA: listens at " + health.url});
    ends_->opcua_said.clear();
  }
  ends_->was_listening = health.is_listening;
  if (!health.problem.empty() && health.problem != ends_->opcua_said)
    words_.push_back({log::Level::kWarning, "OPC UA server: " + health.problem});
  ends_->opcua_said = health.problem;
}

void TwinServer::run() {
  Copy copy;
  const Snapshot& mine = copy.snapshot;
  std::vector<bool> stale;
  bool opcua_waits = false, is_known = false;
  Steady::time_point opcua_due{}, ros_due{}, look_due{};
  for (;;) {
    bool is_new = false;
    {
      std::unique_lock lock(mutex_);
      const auto until = opcua_waits ? std::min(opcua_due, look_due) : look_due;
      changed_.wait_until(lock, until, [this] { return is_new_ || stopping_; });
      if (stopping_) return;
      is_new = std::exchange(is_new_, false);
      if (is_new) std::swap(copy, newest_);
      copy.snapshot.layout = copy.layout ? &*copy.layout : nullptr;
      stale = stale_;
    }
    const auto now = Steady::now();
    is_known = is_known || is_new;
    opcua_waits = ends_->opcua && is_known && (opcua_waits || is_new);
    if (opcua_waits && now >= opcua_due) {
      ends_->opcua->publish(ends_->opcua_twin->values(mine, stale, options_.is_live ? mine.state.time : unix_now()));
      opcua_waits = false;
      opcua_due = now + kOpcuaPeriod;
    }
    if (now >= look_due) {
      look_after();
      // who comes to listen later finds the state there, and stale joints become known
      opcua_waits = ends_->opcua && is_known;
      look_due = now + kLookPeriod;
    }
    if (!ends_->ros || !is_new) continue;
    std::this_thread::sleep_until(ros_due);
    ros_due = Steady::now() + kRosPeriod;
    tell_ros(mine, stale);
  }
}

}  // namespace geoul::runtime
