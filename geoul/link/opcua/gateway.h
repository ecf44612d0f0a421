// Gateway: the process that speaks OPC UA for one link or server (gateway/opcua, Node.js). It is started, watched and
// ended here: a process that ends, hangs or talks nonsense is ended for good and started anew after a pause that grows.
// They talk over a pair of sockets without a name, of which the process has the other end as descriptor 3: no port, no
// path, nothing for anybody else to open; when one side dies the other reads its end. One thread does it all.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "geoul/core/result.h"
#include "geoul/link/intake.h"
#include "geoul/link/opcua/messages.h"

namespace geoul::link::opcua {

struct GatewayOptions {
  std::string id = {};  // of the link, for log lines
  std::string folder =
      {};  // with src/main.mjs; empty: the environment's GEOUL_OPCUA_GATEWAY, or gateway/opcua of the source
  std::string node = {};                           // program; empty: the environment's GEOUL_NODE, or "node" on PATH
  std::function<void(std::string_view)> log = {};  // lines that the process prints; may be empty
};

// All are called from the gateway's thread, between start() and the return of stop().
struct GatewayCallbacks {
  std::function<void()> on_up;                                       // it said hello; send() may be used
  std::function<void(Message)> on_message;                           // all but Hello and Pong
  std::function<void(std::string problem, Duration pause)> on_down;  // it is gone, and started again after the pause
  std::function<void()> on_tick;                                     // every 50 ms or sooner while it is up
};

class Gateway {
 public:
  explicit Gateway(GatewayOptions options);
  ~Gateway();  // stops
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  void start(GatewayCallbacks callbacks);  // once
  // Ends the process, kindly at first, within two seconds. Not from a callback.
  void stop();
  // Sends a payload; false where it is not up, has not read what it was sent before, or where it is no frame's size.
  bool send(std::string_view payload);
  // Process id while it is up; 0 else.
  pid_t pid() const { return pid_; }

  static constexpr std::size_t kMaxBacklog = std::size_t{32} << 20;  // bytes that wait to be read by it

 private:
  struct Process;
  using Steady = std::chrono::steady_clock;

  void run();
  // Starts the process and serves it until it ends; why it ended.
  std::string serve();
  Result<void> spawn(Process& process);
  Result<void> exchange(Process& process);
  Result<void> read_frames(Process& process);
  void read_log(Process& process, bool last);
  Result<void> write_frames(Process& process);
  Result<void> hear(Process& process, Message message);
  Result<void> watch(Process& process);
  std::string reap(Process& process, std::string why);
  void wake() const;

  GatewayOptions options_;
  GatewayCallbacks callbacks_;
  Backoff backoff_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<pid_t> pid_ = 0;
  int wake_fd_ = -1;
  std::mutex mutex_;  // of the two below
  bool is_up_ = false;
  std::string outbox_;  // frames not yet written
};

}  // namespace geoul::link::opcua
