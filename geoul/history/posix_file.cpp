#include "geoul/history/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace geoul::history {

PosixFile::~PosixFile() {
  if (file_ >= 0) ::close(file_);
}

Error PosixFile::fail(const std::string& what) const {
  return {ErrorCode::kUnavailable, path_.string() + ": " + what + ": " + std::strerror(errno)};
}

Result<PosixFile> PosixFile::open(const std::filesystem::path& path, int flags) {
  PosixFile out;
  out.path_ = path;
  out.file_ = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (out.file_ >= 0) return out;
  Error error = out.fail("cannot be opened");
  if (errno == ENOENT || errno == ENOTDIR) error.code = ErrorCode::kNotFound;
  return error;
}

Result<void> PosixFile::write_at(std::uint64_t offset, std::string_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENOSPC;
    if (n <= 0) return fail("cannot write");
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> PosixFile::append(std::string_view bytes) {
  const Result<std::uint64_t> end = size();
  if (!end) return end.error();
  const Result<void> done = write_at(*end, bytes);
  // A part of it is of no use to anybody. Best effort: the error is reported already.
  if (!done && ::ftruncate(file_, static_cast<off_t>(*end)) != 0) return done;
  return done;
}

Result<void> PosixFile::sync() {
  if (::fdatasync(file_) != 0) return fail("cannot be made durable");
  return {};
}

Result<void> PosixFile::resize(std::uint64_t size) {
  if (::ftruncate(file_, static_cast<off_t>(size)) != 0) return fail("cannot be cut or extended");
  return {};
}

Result<void> PosixFile::allocate(std::uint64_t size) {
  const int code = ::posix_fallocate(file_, 0, static_cast<off_t>(size));
  if (code == 0) return {};
  errno = code;
  return fail("no room for " + std::to_string(size) + " bytes");
}

Result<std::uint64_t> PosixFile::size() const {
  struct stat status {};
  if (::fstat(file_, &status) != 0) return fail("cannot be looked at");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::string> PosixFile::read_all(std::uint64_t most) const {
  const Result<std::uint64_t> length = size();
  if (!length) return length.error();
  if (*length > most) {
    return Error{ErrorCode::kUnsupported, path_.string() + ": has " + std::to_string(*length) +
                                              " bytes, over the limit " + std::to_string(most)};
  }
  std::string out(*length, '\0');
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t n = ::pread(file_, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("cannot be read");
    if (n == 0) {
      out.resize(done);
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return out;
}

bool PosixFile::lock() { return ::flock(file_, LOCK_EX | LOCK_NB) == 0; }

Result<void> sync_folder(const std::filesystem::path& folder) {
  Result<PosixFile> file = PosixFile::open(folder, O_RDONLY | O_DIRECTORY);
  if (!file) return file.error();
  return file->sync();
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t most) {
  const Result<PosixFile> file = PosixFile::open(path, O_RDONLY);
  if (!file) return file.error();
  return file->read_all(most);
}

}  // namespace geoul::history
