#include "geoul/link/mqtt/test_broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "geoul/link/test_peers.h"

extern char** environ;

namespace geoul::link {

namespace fs = std::filesystem;

TestFolder::TestFolder() {
  static std::atomic<int> count{0};
  path_ = fs::temp_directory_path() / ("geoul_mqtt_" + std::to_string(::getpid()) + "_" + std::to_string(++count));
  fs::create_directories(path_);
}
TestFolder::~TestFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

TestProcess::TestProcess(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) pid_ = -1;
  ::posix_spawn_file_actions_destroy(&actions);
}
TestProcess::TestProcess(TestProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
TestProcess& TestProcess::operator=(TestProcess&& other) noexcept {
  kill();
  pid_ = std::exchange(other.pid_, -1);
  return *this;
}
bool TestProcess::running() {
  int status = 0;
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}
int TestProcess::wait() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(std::exchange(pid_, -1), &status, 0) < 0) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
void TestProcess::send(int signal) {
  if (pid_ > 0) ::kill(pid_, signal);
}
void TestProcess::kill(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  wait();
}

int run_program(const std::vector<std::string>& command, const fs::path& log) {
  TestProcess process(command, log);
  return process.wait();
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

namespace {

bool answers(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

std::string mosquitto() {  // Debian puts it where only root's PATH looks
  return fs::exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
}

}  // namespace

TestBroker::TestBroker(TestBrokerOptions options) : options_(std::move(options)), port_(free_port()) {
  std::ofstream conf(folder_ / "mosquitto.conf");
  if (::geteuid() == 0) conf << "user root\n";  // it would become a user who cannot read the folder
  conf << "persistence false\nlog_dest stderr\nconnection_messages true\n";
  conf << "listener " << port_ << " 127.0.0.1\n";
  if (options_.user.empty()) {
    conf << "allow_anonymous true\n";
  } else {
    const std::string file = (folder_ / "users").string();
    run_program({"mosquitto_passwd", "-c", "-b", file, options_.user, options_.password}, folder_ / "log");
    conf << "allow_anonymous false\npassword_file " << file << "\n";
  }
  if (!options_.ca_file.empty()) {
    conf << "cafile " << options_.ca_file << "\ncertfile " << options_.certificate_file << "\nkeyfile "
         << options_.key_file << "\nrequire_certificate " << (options_.wants_client_certificate ? "true" : "false")
         << "\n";
  }
  for (const std::string& line : options_.lines) conf << line << "\n";
}

bool TestBroker::start() {
  process_ = TestProcess({mosquitto(), "-c", (folder_ / "mosquitto.conf").string()}, folder_ / "log");
  for (int i = 0; i < 500 && process_.running(); ++i) {
    if (answers(port_)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::ofstream(folder_ / "log", std::ios::app)
      << "mosquitto does not run: is it installed (tools/setup build test)?\n";
  return false;
}

std::string TestBroker::url() const {
  return (options_.ca_file.empty() ? "mqtt://127.0.0.1:" : "mqtts://127.0.0.1:") + std::to_string(port_);
}

bool TestBroker::publish(const std::string& topic, const std::string& bytes, const std::vector<std::string>& more) {
  const std::string file = (folder_ / "message").string();
  std::ofstream(file, std::ios::binary) << bytes;
  std::vector<std::string> command = {"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(port_), "-t",
                                      topic,           "-f", file};
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command, folder_ / "log") == 0;
}

TestAuthority::TestAuthority(const std::string& name) {
  run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-days", "2", "-subj", "/CN=" + name, "-keyout", (folder_ / "ca.key").string(), "-out", ca_file()},
              folder_ / "log");
}

TestAuthority::Pair TestAuthority::issue(const std::string& name, int days, const std::string& host) {
  const Pair pair{(folder_ / (name + ".pem")).string(), (folder_ / (name + ".key")).string()};
  const std::string request = (folder_ / (name + ".csr")).string(), extensions = (folder_ / (name + ".ext")).string();
  std::ofstream(extensions) << "subjectAltName=" << (host.empty() ? "IP:127.0.0.1,DNS:localhost" : "DNS:" + host)
                            << "\n";
  run_program({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
               "/CN=" + name, "-keyout", pair.key_file, "-out", request},
              folder_ / "log");
  run_program({"openssl", "x509", "-req", "-in", request, "-CA", ca_file(), "-CAkey", (folder_ / "ca.key").string(),
               "-CAcreateserial", "-days", std::to_string(days), "-extfile", extensions, "-out", pair.certificate_file},
              folder_ / "log");
  return pair;
}

}  // namespace geoul::link
