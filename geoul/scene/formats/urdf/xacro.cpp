#include "geoul/scene/formats/urdf/xacro.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "geoul/scene/formats/urdf/document.h"

extern char** environ;

namespace geoul::scene::urdf {
namespace {

namespace fs = std::filesystem;

std::string on_path(const char* program) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const fs::path file = fs::path(rest.substr(0, end)) / program;
    if (end > 0 && access(file.c_str(), X_OK) == 0 && fs::is_regular_file(file)) return file.string();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) read = ends[0], write = ends[1];
  }
  ~Pipe() { close_read(), close_write(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() {
    if (read >= 0) close(read);
    read = -1;
  }
  void close_write() {
    if (write >= 0) close(write);
    write = -1;
  }
};

// Reads both pipes to their ends; false where time or size runs out.
bool drain(Pipe& out, Pipe& errors, std::size_t max_bytes, std::string& text, std::string& said) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(60);
  std::array<char, 65536> buffer;
  while (out.read >= 0 || errors.read >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd polled[2] = {{out.read, POLLIN, 0}, {errors.read, POLLIN, 0}};
    if (poll(polled, 2, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    for (Pipe* from : {&out, &errors}) {
      if ((polled[from == &out ? 0 : 1].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      const ssize_t n = ::read(from->read, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        from->close_read();
        continue;
      }
      std::string& into = from == &out ? text : said;
      if (into.size() + static_cast<std::size_t>(n) <= max_bytes) {
        into.append(buffer.data(), static_cast<std::size_t>(n));
      } else if (from == &out) {
        return false;
      }
    }
  }
  return true;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  return printable(line == std::string_view::npos ? text : text.substr(line + 1));
}

}  // namespace

Result<std::string> run_xacro(const std::string& file, const std::vector<std::string>& arguments,
                              std::size_t max_bytes) {
  const std::string program = on_path("xacro");
  if (program.empty()) {
    return Error{ErrorCode::kNotFound,
                 "there is no program 'xacro' on PATH; install ros-<distro>-xacro or PyPI xacro, "
                 "or run it elsewhere: xacro FILE > robot.urdf"};
  }
  Pipe out, errors;
  if (out.read < 0 || errors.read < 0) return Error{ErrorCode::kUnavailable, "no pipe can be opened"};
  // An absolute name, so that no file is taken for an option.
  std::error_code failed;
  std::vector<std::string> words{program, fs::absolute(file, failed).string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write, 1);
  posix_spawn_file_actions_adddup2(&actions, errors.write, 2);
  pid_t child = -1;
  const int spawned = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (spawned != 0) return Error{ErrorCode::kUnavailable, "'" + program + "' cannot be started"};
  out.close_write();
  errors.close_write();
  std::string text, said;
  const bool done = drain(out, errors, max_bytes, text, said);
  if (!done) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!done) return Error{ErrorCode::kUnavailable, "xacro ran longer than 60 s or printed too much"};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error{ErrorCode::kBadInput, "xacro: " + last_line(said)};
  return text;
}

}  // namespace geoul::scene::urdf
