// For tests and figures: a real mosquitto on a free port of the loopback with its files in a folder of its own, and
// other programs beside it. Ended with the object.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace geoul::link {

// A folder that is removed with the object.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A program that runs beside the test; killed with the object. Its output goes to `log`.
class TestProcess {
 public:
  TestProcess() = default;
  TestProcess(const std::vector<std::string>& command, const std::filesystem::path& log);
  ~TestProcess() { kill(); }
  TestProcess(TestProcess&& other) noexcept;
  TestProcess& operator=(TestProcess&& other) noexcept;
  bool started() const { return pid_ > 0; }
  bool running();
  int wait();                 // its exit code, -1 where a signal ended it
  void kill(int signal = 9);  // and waits for its end
  void send(int signal);

 private:
  pid_t pid_ = -1;
};

// Runs a program to its end: its exit code.
int run_program(const std::vector<std::string>& command, const std::filesystem::path& log);
std::string text_of(const std::filesystem::path& file);

struct TestBrokerOptions {
  std::string user = {}, password = {};                            // none: everybody may come
  std::string ca_file = {}, certificate_file = {}, key_file = {};  // all: TLS
  bool wants_client_certificate = false;
  std::vector<std::string> lines = {};  // more of mosquitto.conf
};

class TestBroker {
 public:
  explicit TestBroker(TestBrokerOptions options = {});
  // Starts it, also again on the same port; false where it does not come up (log() tells why).
  bool start();
  void kill() { process_.kill(); }
  void freeze() { process_.send(19); }  // SIGSTOP: connected, and silent
  int port() const { return port_; }
  std::string url() const;
  std::string log() const { return text_of(folder_ / "log"); }
  const TestFolder& folder() const { return folder_; }
  // Publishes bytes with mosquitto_pub, a foreign client, on a broker without TLS and users.
  bool publish(const std::string& topic, const std::string& bytes, const std::vector<std::string>& more = {});

 private:
  TestBrokerOptions options_;
  TestFolder folder_;
  int port_ = 0;
  TestProcess process_;
};

// An authority and certificates that it signs, made with the program openssl.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  std::string ca_file() const { return (folder_ / "ca.pem").string(); }
  struct Pair {
    std::string certificate_file, key_file;
  };
  // A certificate for 127.0.0.1 and localhost, or for `host`; valid from now for so many days, or until yesterday.
  Pair issue(const std::string& name, int days = 2, const std::string& host = "");

 private:
  TestFolder folder_;
};

}  // namespace geoul::link
