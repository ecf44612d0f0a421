#include "geoul/link/opcua/gateway.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

extern char** environ;

namespace geoul::link::opcua {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kFd = 3;  // the process's end; the same in gateway/opcua/src/main.mjs
constexpr milliseconds kTurn{50};
constexpr seconds kHelloPatience{60};  // a busy machine may take long to start Node.js
constexpr seconds kPingPeriod{1};
constexpr seconds kPongPatience{15};     // beyond it the process hangs
constexpr milliseconds kFarewell{1600};  // it ends by itself within 1.5 s
constexpr seconds kProven{10};           // up this long: the next pause is short again
constexpr Duration kFirstPause{100'000'000}, kLongestPause{8'000'000'000};
constexpr std::size_t kMaxLogLine = 1000;

Error system_error(const std::string& what) { return {ErrorCode::kUnavailable, what + ": " + std::strerror(errno)}; }

std::uint64_t seed_of(const std::string& id) {
  return std::hash<std::string>{}(id) ^ static_cast<std::uint64_t>(getpid());
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

struct Gateway::Process {
  pid_t pid = 0;
  int socket = -1, log = -1;
  FrameReader reader;
  std::string log_line, last_line;
  std::string writing;
  std::size_t written = 0;
  bool said_hello = false;
  bool ended = false;  // the stream has ended
  Steady::time_point started = Steady::now(), last_ping = started, last_heard = started;
  std::uint64_t ping = 0;

  ~Process() {
    if (socket >= 0) close(socket);
    if (log >= 0) close(log);
  }
};

Gateway::Gateway(GatewayOptions options)
    : options_(std::move(options)), backoff_(seed_of(options_.id), kFirstPause, kLongestPause) {
  if (options_.folder.empty()) options_.folder = environment("GEOUL_OPCUA_GATEWAY");
  if (options_.folder.empty()) options_.folder = GEOUL_OPCUA_GATEWAY_FOLDER;
  if (options_.node.empty()) options_.node = environment("GEOUL_NODE");
  if (options_.node.empty()) options_.node = "node";
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

Gateway::~Gateway() {
  stop();
  close(wake_fd_);
}

void Gateway::start(GatewayCallbacks callbacks) {
  GEOUL_EXPECTS(!thread_.joinable());
  callbacks_ = std::move(callbacks);
  thread_ = std::thread([this] { run(); });
}

void Gateway::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Gateway::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);  // full: it will wake anyway
}

bool Gateway::send(std::string_view payload) {
  if (payload.size() > kMaxFrameBytes) return false;
  {
    const std::lock_guard lock(mutex_);
    if (!is_up_ || outbox_.size() + payload.size() > kMaxBacklog) return false;
    outbox_ += frame(payload);
  }
  wake();
  return true;
}

void Gateway::run() {
  while (!stopping_) {
    const auto begin = Steady::now();
    std::string problem = serve();
    if (stopping_) return;
    if (Steady::now() - begin > kProven) backoff_.succeeded();
    const Duration pause = backoff_.next();
    callbacks_.on_down(std::move(problem), pause);
    const auto due = Steady::now() + std::chrono::nanoseconds(pause.ns);
    while (!stopping_ && Steady::now() < due) {
      pollfd wait{wake_fd_, POLLIN, 0};
      const auto left = std::chrono::duration_cast<milliseconds>(due - Steady::now()).count() + 1;
      if (poll(&wait, 1, static_cast<int>(left)) > 0 && !stopping_) {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
      }
    }
  }
}

std::string Gateway::serve() {
  Process process;
  if (const auto spawned = spawn(process); !spawned) return spawned.error().message;
  pid_ = process.pid;
  std::string why;
  while (!stopping_ && !process.ended) {
    if (const auto done = exchange(process); !done) {
      why = done.error().message;
      break;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    is_up_ = false;
    if (stopping_) process.writing += outbox_ + frame(R"({"type":"stop"})");
    outbox_.clear();
  }
  return reap(process, std::move(why));
}

Result<void> Gateway::spawn(Process& process) {
  const std::filesystem::path folder = options_.folder;
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "src/main.mjs", ignored)) {
    return Error{ErrorCode::kNotFound, "the OPC UA gateway is not at '" + options_.folder +
                                           "': set GEOUL_OPCUA_GATEWAY to the folder gateway/opcua"};
  }
  if (!std::filesystem::exists(folder / "node_modules", ignored)) {
    return Error{ErrorCode::kNotFound,
                 "the OPC UA gateway has no packages: run tools/setup, or npm install in '" + options_.folder + "'"};
  }
  std::array<int, 2> sockets{}, logs{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets.data()) != 0) {
    return system_error("the OPC UA gateway cannot be started: no socket");
  }
  process.socket = sockets[0];
  if (pipe2(logs.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    close(sockets[1]);
    return system_error("the OPC UA gateway cannot be started: no pipe");
  }
  process.log = logs[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  // The log goes to its place before descriptor 3 is set, which may be where it stands; all others are closed.
  posix_spawn_file_actions_adddup2(&actions, logs[1], 1);
  posix_spawn_file_actions_adddup2(&actions, logs[1], 2);
  posix_spawn_file_actions_adddup2(&actions, sockets[1], kFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kFd + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A group of its own: Ctrl-C is for the twin, which says farewell. Signals as they are by default.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  std::string program = options_.node, script = (folder / "src/main.mjs").string();
  std::array<char*, 3> arguments{program.data(), script.data(), nullptr};
  const int failed = posix_spawnp(&process.pid, program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(sockets[1]);
  close(logs[1]);
  if (failed != 0) {
    process.pid = 0;
    return Error{ErrorCode::kNotFound, "the OPC UA gateway cannot be started: '" + options_.node +
                                           "': " + std::strerror(failed) +
                                           "; install Node.js 18 or later (apt install nodejs)"};
  }
  return {};
}

// One turn: waits for something to do, at most kTurn, and does it.
Result<void> Gateway::exchange(Process& process) {
  {
    const std::lock_guard lock(mutex_);
    if (process.written == process.writing.size()) {
      process.writing.clear();
      process.written = 0;
    }
    process.writing += outbox_;
    outbox_.clear();
  }
  const bool has_more = process.written < process.writing.size();
  std::array<pollfd, 3> waits{pollfd{process.socket, static_cast<short>(POLLIN | (has_more ? POLLOUT : 0)), 0},
                              pollfd{process.log, POLLIN, 0}, pollfd{wake_fd_, POLLIN, 0}};
  poll(waits.data(), waits.size(), static_cast<int>(kTurn.count()));
  if (waits[2].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
  }
  if (waits[1].revents != 0) read_log(process, false);
  if ((waits[0].revents & POLLOUT) != 0) {
    if (auto done = write_frames(process); !done) return done;
  }
  if ((waits[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (auto done = read_frames(process); !done) return done;
  }
  if (process.said_hello) callbacks_.on_tick();
  return watch(process);
}

Result<void> Gateway::read_frames(Process& process) {
  std::array<char, 65536> bytes{};
  const ssize_t got = recv(process.socket, bytes.data(), bytes.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) process.ended = true;
  if (got <= 0) return {};
  std::vector<std::string> payloads;
  const auto fed = process.reader.feed({bytes.data(), static_cast<std::size_t>(got)}, payloads);
  for (const std::string& payload : payloads) {
    auto message = parse_message(payload);
    if (!message) return message.error();
    if (auto heard = hear(process, std::move(message).value()); !heard) return heard;
  }
  return fed;
}

Result<void> Gateway::hear(Process& process, Message message) {
  process.last_heard = Steady::now();
  if (const auto* hello = std::get_if<Hello>(&message)) {
    if (hello->protocol != kProtocol) {
      return Error{ErrorCode::kUnsupported, "the OPC UA gateway at '" + options_.folder + "' speaks protocol " +
                                                std::to_string(hello->protocol) + ", and this program " +
                                                std::to_string(kProtocol) + ": take both from one version"};
    }
    process.said_hello = true;
    {
      const std::lock_guard lock(mutex_);
      is_up_ = true;
    }
    callbacks_.on_up();
    return {};
  }
  if (!process.said_hello) return Error{ErrorCode::kBadInput, "the OPC UA gateway did not say hello first"};
  if (!std::holds_alternative<Pong>(message)) callbacks_.on_message(std::move(message));
  return {};
}

Result<void> Gateway::write_frames(Process& process) {
  const std::string_view rest = std::string_view(process.writing).substr(process.written);
  const ssize_t sent = ::send(process.socket, rest.data(), rest.size(), MSG_NOSIGNAL);
  if (sent > 0) process.written += static_cast<std::size_t>(sent);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) process.ended = true;
  return {};
}

void Gateway::read_log(Process& process, bool last) {
  std::array<char, 4096> bytes{};
  for (;;) {
    const ssize_t got = ::read(process.log, bytes.data(), bytes.size());
    if (got <= 0) {
      if (got == 0 && !last) {  // it has closed its output, and must not be polled for it any more
        close(process.log);
        process.log = -1;
      }
      return;
    }
    for (ssize_t i = 0; i < got; ++i) {
      const char c = bytes[static_cast<std::size_t>(i)];
      if (c != '\n') {
        if (process.log_line.size() < kMaxLogLine) process.log_line.push_back(c);
        continue;
      }
      if (options_.log && !process.log_line.empty()) options_.log(process.log_line);
      if (process.log_line.find("rror") != std::string::npos) process.last_line = process.log_line;
      process.log_line.clear();
    }
  }
}

Result<void> Gateway::watch(Process& process) {
  const auto now = Steady::now();
  if (!process.said_hello) {
    if (now - process.started > kHelloPatience) {
      return Error{ErrorCode::kUnavailable,
                   "the OPC UA gateway did not start within a minute: this machine is overloaded"};
    }
    return {};
  }
  if (now - process.last_heard > kPongPatience) {
    return Error{ErrorCode::kUnavailable, "the OPC UA gateway hangs, and is started anew"};
  }
  if (now - process.last_ping >= kPingPeriod) {
    process.last_ping = now;
    const std::lock_guard lock(mutex_);
    outbox_ += frame(R"({"type":"ping","n":)" + std::to_string(++process.ping) + "}");
  }
  return {};
}

// Waits for the process's end, and makes one where it does not come; leaves no zombie. Why it ended, in one line.
std::string Gateway::reap(Process& process, std::string why) {
  const auto due = Steady::now() + kFarewell;
  int status = 0;
  bool gone = false, killed = false;
  while (!gone) {
    if (stopping_ && process.written < process.writing.size()) static_cast<void>(write_frames(process).operator bool());
    if (process.written == process.writing.size()) shutdown(process.socket, SHUT_WR);
    gone = waitpid(process.pid, &status, WNOHANG) != 0;
    if (gone) break;
    if (!killed && (Steady::now() > due || !why.empty())) {
      kill(process.pid, SIGKILL);
      killed = true;
    }
    std::array<char, 65536> unread{};
    [[maybe_unused]] const ssize_t got = recv(process.socket, unread.data(), unread.size(), 0);
    if (process.log >= 0) read_log(process, true);
    pollfd none{-1, 0, 0};
    poll(&none, 1, 5);
  }
  pid_ = 0;
  if (process.log >= 0) read_log(process, true);
  if (!why.empty()) return why;
  const std::string how = WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                              : "ended with code " + std::to_string(WEXITSTATUS(status));
  const std::string said = process.last_line.empty() ? "" : ": " + process.last_line.substr(0, 300);
  return "the OPC UA gateway " + how + said + "; it is started anew";
}

}  // namespace geoul::link::opcua
