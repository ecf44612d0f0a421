// Files that only their owner may read: see users.h.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "geoul/runtime/access/users.h"

namespace geoul::runtime::access {
namespace {

Error unavailable(std::string words) { return {ErrorCode::kUnavailable, std::move(words)}; }

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(descriptor) == 0;
}

}  // namespace

Result<void> make_private_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), failed);
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  struct stat found {};
  if (errno != EEXIST || ::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return unavailable("cannot make the folder '" + folder.string() + "': " + std::strerror(errno) +
                       "; give another with --access");
  }
  if (found.st_uid != ::geteuid()) {
    return unavailable("the folder '" + folder.string() + "' belongs to another account; give another with --access");
  }
  if (found.st_mode & 022) {
    return unavailable("others may write in '" + folder.string() + "'; run: chmod 700 '" + folder.string() + "'");
  }
  return {};
}

Result<std::string> read_private_file(const std::filesystem::path& file, std::size_t most) {
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (opened.number < 0) {
    return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                 "cannot read '" + file.string() + "': " + std::strerror(errno)};
  }
  struct stat found {};
  if (::fstat(opened.number, &found) != 0 || !S_ISREG(found.st_mode)) {
    return unavailable("'" + file.string() + "' is not a file");
  }
  if (found.st_uid != ::geteuid()) return unavailable("'" + file.string() + "' belongs to another account");
  if (found.st_mode & 077) {
    return unavailable("others may read '" + file.string() + "'; run: chmod 600 '" + file.string() + "'");
  }
  if (static_cast<std::uint64_t>(found.st_size) > most) {
    return unavailable("'" + file.string() + "' is larger than " + std::to_string(most) + " bytes");
  }
  std::string out(static_cast<std::size_t>(found.st_size), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::read(opened.number, out.data() + done, out.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  out.resize(done);
  return out;
}

Result<void> write_private_file(const std::filesystem::path& file, std::string_view content) {
  const std::string part = file.string() + "." + std::to_string(::getpid()) + ".part";
  ::unlink(part.c_str());  // of a process of this number that ended half-way
  const auto fail = [&] {
    const int why = errno;
    ::unlink(part.c_str());
    return unavailable("cannot write '" + file.string() + "': " + std::strerror(why));
  };
  {
    const Descriptor opened{::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (opened.number < 0 || !write_all(opened.number, content)) return fail();
  }
  if (::rename(part.c_str(), file.c_str()) != 0) return fail();
  const Descriptor folder{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0) ::fsync(folder.number);  // the new name, too
  return {};
}

}  // namespace geoul::runtime::access
