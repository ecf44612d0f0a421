// For tests of this folder: a foreign program with lines in and out, and a folder of its own, gone with it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace geoul::link::opcua {

using namespace std::chrono_literals;

// The Python with asyncua that 'tools/setup test' makes; empty where it is absent.
inline std::string peer_python() {
  const std::string file = GEOUL_SOURCE_DIR "/build/python/opcua/bin/python";
  return std::filesystem::exists(file) ? file : std::string();
}
inline bool gateway_is_installed() { return std::filesystem::exists(GEOUL_SOURCE_DIR "/gateway/opcua/node_modules"); }
constexpr const char* kAbsent =
    "the OPC UA peer or the gateway's packages are absent: 'tools/setup build test' installs them";

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "geoul_opcua_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Whether `holds` came true within a minute: a loaded machine is slow, and no test measures time.
inline bool eventually(const std::function<bool()>& holds, std::chrono::seconds patience = 60s) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (holds()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return holds();
}

class Peer {
 public:
  explicit Peer(std::vector<std::string> words) {
    std::array<int, 2> in{}, out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (posix_spawnp(&pid_, words[0].c_str(), &actions, nullptr, arguments.data(), environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  ~Peer() { end(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // The next line without its end; empty where none comes in time, or the peer has ended.
  std::string line(std::chrono::seconds patience = 60s) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
      if (const std::size_t end = waiting_.find('\n'); end != std::string::npos) {
        std::string line = waiting_.substr(0, end);
        waiting_.erase(0, end + 1);
        return line;
      }
      pollfd wait{out_, POLLIN, 0};
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) return {};
      std::array<char, 65536> bytes{};
      const ssize_t got = read(out_, bytes.data(), bytes.size());
      if (got <= 0) return {};
      waiting_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }
  // Says a line; the answer.
  std::string ask(const std::string& text) {
    const std::string whole = text + "\n";
    if (write(in_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) return {};
    return line();
  }
  void kill_now() {
    if (pid_ != 0) kill(pid_, SIGKILL);
    end();
  }
  // Waits for its end; the exit code.
  int end() {
    if (pid_ == 0) return -1;
    close(in_);
    int status = 0;
    waitpid(pid_, &status, 0);
    close(out_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int in_ = -1, out_ = -1;
  std::string waiting_;
};

constexpr const char* kOracle = GEOUL_SOURCE_DIR "/geoul/link/opcua/testdata/oracle";

// The foreign server: testdata/oracle/plant.py.
struct Plant {
  TemporaryFolder folder;
  std::vector<std::string> extra;
  std::unique_ptr<Peer> peer;
  std::string port, thumbprint;

  explicit Plant(std::vector<std::string> options = {}) : extra(std::move(options)) { start(); }
  void start() {
    std::vector<std::string> words{peer_python(), std::string(kOracle) + "/plant.py", folder.path()};
    words.insert(words.end(), extra.begin(), extra.end());
    if (!port.empty()) words.insert(words.end(), {"--port", port});
    peer = std::make_unique<Peer>(std::move(words));
    const std::string ready = peer->line();  // "ready PORT THUMBPRINT"
    const std::size_t second = ready.find(' ', 6);
    if (ready.rfind("ready ", 0) != 0 || second == std::string::npos) return;
    port = ready.substr(6, second - 6);
    thumbprint = ready.substr(second + 1);
  }
  bool is_ready() const { return !thumbprint.empty(); }
  std::string url() const { return "opc.tcp://127.0.0.1:" + port + "/plant/"; }
};

}  // namespace geoul::link::opcua
