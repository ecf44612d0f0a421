// What the tests of links share: waiting for what a thread will do, and a peer that says what a test makes it say.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "geoul/link/link.h"
#include "geoul/link/tcp.h"

namespace geoul::link {

// Half a minute is far beyond what any of it takes.
inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 15'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

// That nobody listens at now.
inline std::uint16_t free_port() { return TcpListener::listen("127.0.0.1", 0).value().port(); }

inline bool is_live(const Link& link) { return link.health().state == LinkState::kLive; }

// A server on loopback that runs one script for each connection, one after the other, and then ends it.
class ScriptedPeer {
 public:
  using Script = std::function<void(TcpStream&, const Interrupt& stop)>;
  explicit ScriptedPeer(Script script)
      : listener_(std::move(TcpListener::listen("127.0.0.1", 0)).value()), thread_([this, s = std::move(script)] {
          while (!stop_.wait({})) {
            auto stream = listener_.accept({1'000'000'000}, &stop_);
            if (!stream || !stream->is_open()) continue;
            ++connections_;
            s(*stream, stop_);
          }
        }) {}
  ~ScriptedPeer() {
    stop_.raise();
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }
  int connections() const { return connections_; }

 private:
  std::atomic<int> connections_ = 0;
  Interrupt stop_;
  TcpListener listener_;
  std::thread thread_;
};

// Starts a link at a peer that is wrong in one way, and returns the first problem that it tells; it must try again, and
// stop in time.
inline std::string first_problem(Link& link, const ScriptedPeer& peer) {
  link.start();
  std::string problem;
  if (!eventually([&] {
        problem = link.health().problem;
        return !problem.empty();
      })) {
    return "no problem is told";
  }
  if (!eventually([&] { return peer.connections() >= 2; })) return "it does not try again";
  const auto begin = std::chrono::steady_clock::now();
  link.stop();
  if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(2)) return "it takes too long to stop";
  return problem.find('\n') == std::string::npos ? problem : "the problem has several lines";
}

}  // namespace geoul::link
