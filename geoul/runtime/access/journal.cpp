#include "geoul/runtime/access/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

namespace geoul::runtime::access {

void Journal::add(Time now, const std::string& what, const std::string& name, const std::string& address,
                  const std::string& detail) {
  if (listener_) listener_(now, what, name, address);
  if (folder_.empty()) return;
  const std::time_t seconds = now.ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
  nlohmann::ordered_json line = {{"time", stamp}, {"what", what}};
  if (!name.empty()) line["name"] = name;
  if (!address.empty()) line["address"] = address;
  if (!detail.empty()) line["detail"] = detail;
  const std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";

  const std::lock_guard lock(mutex_);
  const std::string file = (folder_ / "access.log").string();
  struct stat found {};
  if (::stat(file.c_str(), &found) == 0 && static_cast<std::size_t>(found.st_size) + text.size() > kMaxBytes) {
    ::rename(file.c_str(), (file + ".1").c_str());
  }
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  const bool written = opened >= 0 && ::write(opened, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  trouble_ = written ? "" : "cannot write '" + file + "': " + std::strerror(errno);
  if (opened >= 0) ::close(opened);
}

std::string Journal::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace geoul::runtime::access
