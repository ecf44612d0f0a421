// A PostgreSQL server of a test's own: a cluster in a folder of /tmp that listens on a socket there alone, as the user
// 'postgres' where the test runs as root (the server refuses root). Stopped and removed at the end.
#pragma once

#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace geoul::history {

class PostgresqlServer {
 public:
  PostgresqlServer() { start(); }
  ~PostgresqlServer() {
    if (running_) run({bin_ / "pg_ctl", "-D", folder_ / "data", "-w", "-m", "immediate", "stop"});
    if (running_) std::filesystem::remove_all(folder_);
  }
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;

  const std::string& why_not() const { return why_not_; }  // empty: it runs
  // Of a new, empty database.
  std::string connection(const std::string& database) {
    if (!run({bin_ / "createdb", "-h", folder_, "-U", "geoul", database})) return {};
    return "host=" + folder_.string() + " user=geoul dbname=" + database;
  }
  bool sql(const std::string& connection, const std::string& statement) {
    return run({bin_ / "psql", connection, "-v", "ON_ERROR_STOP=1", "-c", statement});
  }

 private:
  void start() {
    for (const int version : {17, 16, 15, 14, 13}) {
      const auto folder = std::filesystem::path("/usr/lib/postgresql") / std::to_string(version) / "bin";
      if (bin_.empty() && std::filesystem::exists(folder / "initdb")) bin_ = folder;
    }
    if (bin_.empty()) return missing("no PostgreSQL server is installed (apt: postgresql)");
    if (::geteuid() == 0) {
      user_ = ::getpwnam("postgres");
      if (user_ == nullptr) return missing("there is no user 'postgres' to run the server as");
    }
    char name[] = "/tmp/geoul_pg_XXXXXX";
    if (::mkdtemp(name) == nullptr) return missing("no folder can be made in /tmp");
    folder_ = name;
    if (user_ != nullptr && ::chown(name, user_->pw_uid, user_->pw_gid) != 0) return missing("chown failed");
    const std::string data = folder_ / "data";
    if (!run({bin_ / "initdb", "-D", data, "-A", "trust", "-U", "geoul", "-E", "UTF8", "--locale=C",
              "--data-checksums"}))
      return missing("initdb failed; see " + (folder_ / "log").string());
    const std::string options = "-k " + folder_.string() + " -c listen_addresses='' -c shared_buffers=16MB";
    if (!run({bin_ / "pg_ctl", "-D", data, "-w", "-l", folder_ / "server.log", "-o", options, "start"}))
      return missing("pg_ctl start failed; see " + (folder_ / "log").string());
    running_ = true;
  }
  void missing(std::string why) { why_not_ = std::move(why); }
  bool run(const std::vector<std::string>& words) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (user_ != nullptr && (::setgid(user_->pw_gid) != 0 || ::setuid(user_->pw_uid) != 0)) ::_exit(126);
      if (::chdir("/") != 0 || std::freopen((folder_ / "log").c_str(), "a", stdout) == nullptr || ::dup2(1, 2) < 0)
        ::_exit(126);
      std::vector<char*> argv;
      for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
  }

  std::filesystem::path bin_, folder_;
  passwd* user_ = nullptr;
  bool running_ = false;
  std::string why_not_;
};

}  // namespace geoul::history
