#include "geoul/link/dds/test_peer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "geoul/core/contract.h"

namespace geoul::link {

using Clock = std::chrono::steady_clock;

std::string TestPeer::path_of(const std::string& name) {
  std::error_code problem;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", problem);
  const auto path = self.parent_path() / name;
  return std::filesystem::exists(path, problem) ? path.string() : std::string();
}

TestPeer::TestPeer(std::vector<std::string> command) {
  int in[2], out[2];
  GEOUL_EXPECTS(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  process_ = ::fork();
  GEOUL_EXPECTS(process_ >= 0);
  if (process_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  input_ = in[1];
  output_ = out[0];
}

TestPeer::~TestPeer() {
  kill();
  if (input_ >= 0) ::close(input_);
  ::close(output_);
}

void TestPeer::kill() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

std::optional<std::string> TestPeer::line(std::chrono::milliseconds patience) {
  const auto end = Clock::now() + patience;
  while (true) {
    if (const std::size_t at = buffer_.find('\n'); at != buffer_.npos) {
      std::string line = buffer_.substr(0, at);
      buffer_.erase(0, at + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd waiting{output_, POLLIN, 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return std::nullopt;
    char bytes[65536];
    const ssize_t count = ::read(output_, bytes, sizeof bytes);
    if (count <= 0) return std::nullopt;
    buffer_.append(bytes, static_cast<std::size_t>(count));
  }
}

std::vector<std::string> TestPeer::until(const std::string& front, std::chrono::milliseconds patience) {
  const auto end = Clock::now() + patience;
  std::vector<std::string> lines;
  while (auto next = line(std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()))) {
    lines.push_back(std::move(*next));
    if (lines.back().starts_with(front)) return lines;
  }
  return {};
}

void TestPeer::write(const std::string& text) {
  const ssize_t count = ::write(input_, text.data(), text.size());
  GEOUL_EXPECTS(count == static_cast<ssize_t>(text.size()));
}

std::vector<std::string> TestPeer::finish() {
  ::close(input_);
  input_ = -1;
  std::vector<std::string> lines;
  while (auto next = line()) lines.push_back(std::move(*next));
  if (process_ >= 0) ::waitpid(process_, nullptr, 0);
  process_ = -1;
  return lines;
}

}  // namespace geoul::link
