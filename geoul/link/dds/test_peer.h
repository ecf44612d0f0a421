// TestPeer: a program that a test or a figure starts, speaks to line by line, and ends. Of tests and bench/ only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace geoul::link {

class TestPeer {
 public:
  // The peer that lies beside this program: "fast_dds_peer"; empty where it was not built.
  static std::string path_of(const std::string& name);

  explicit TestPeer(std::vector<std::string> command);
  ~TestPeer();  // kills it
  TestPeer(const TestPeer&) = delete;
  TestPeer& operator=(const TestPeer&) = delete;

  // The next line of its output; none where it has ended or the time is over.
  std::optional<std::string> line(std::chrono::milliseconds patience = std::chrono::seconds(10));
  // Lines until one that begins with `front`; that one is the last. Empty where it does not come.
  std::vector<std::string> until(const std::string& front,
                                 std::chrono::milliseconds patience = std::chrono::seconds(10));
  void write(const std::string& text);
  void kill();  // SIGKILL: it says no farewell
  // Ends its input and waits for it; the rest of its output.
  std::vector<std::string> finish();

 private:
  pid_t process_ = -1;
  int input_ = -1, output_ = -1;
  std::string buffer_;
};

}  // namespace geoul::link
