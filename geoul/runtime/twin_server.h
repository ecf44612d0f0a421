// TwinServer: the running twin to others than the studio: as an OPC UA server (opcua_twin.h) and as a node of a ROS 2
// graph (ros_twin.h). Both tell the newest State, at most 100 and 1,000 times a second, from a thread of their own: the
// loop never waits for them.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/runtime/player.h"
#include "geoul/runtime/site.h"

namespace geoul::runtime {

struct TwinServerOptions {
  TwinServe serve;
  std::string name = "twin";              // of the site or scene
  const Site* site = nullptr;             // none: a scene alone
  std::vector<link::SignalInfo> signals;  // Player::signals
  bool is_live = false;                   // the state's time is UNIX; else it is told as /clock too
  std::function<bool(const std::string& user, const std::string& password)> login;  // of OPC UA beyond the loopback
  std::string state_folder;  // certificates of OPC UA; empty: link/opcua/opcua_server.h
};

class TwinServer {
 public:
  // Null where nothing is to be served. kBadInput for options that are wrong, kUnavailable where a domain cannot be
  // opened; a port of OPC UA that is in use is said by take_words(), and tried again. twin and site must outlive it.
  static Result<std::unique_ptr<TwinServer>> start(const Twin& twin, TwinServerOptions options);
  ~TwinServer();
  TwinServer(const TwinServer&) = delete;
  TwinServer& operator=(const TwinServer&) = delete;

  // The newest snapshot; copies it. Called by the loop's thread.
  void publish(const Snapshot& snapshot);
  // Whose signals are not to be believed now; of live players.
  void set_links(const std::vector<LinkStatus>& links);
  // What the log should say: where it listens, what is wrong.
  std::vector<PlayerWords> take_words();

 private:
  struct Ends;
  TwinServer(const Twin& twin, TwinServerOptions options, std::unique_ptr<Ends> ends);
  void run();
  void tell_ros(const Snapshot& snapshot, const std::vector<bool>& stale);
  void look_after();

  const Twin& twin_;
  TwinServerOptions options_;
  std::unique_ptr<Ends> ends_;
  std::mutex mutex_;
  std::condition_variable changed_;
  struct Copy {
    Snapshot snapshot;
    std::optional<scene::StateLayout> layout;  // the snapshot's: a simulation's may change
  };
  // under the mutex
  Copy newest_;
  std::vector<bool> stale_;  // (njoint)
  std::vector<PlayerWords> words_;
  bool is_new_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace geoul::runtime
