// A file of the operating system, closed by itself, with errors that say which file and what the system said. Writes
// are whole or an error; sync() comes back when the disk has them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "geoul/core/result.h"

namespace geoul::history {

class PosixFile {
 public:
  PosixFile() = default;
  // flags as of open(2). kNotFound where it does not exist, else kUnavailable.
  static Result<PosixFile> open(const std::filesystem::path& path, int flags);
  PosixFile(PosixFile&& other) noexcept : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)) {}
  PosixFile& operator=(PosixFile&& other) noexcept {
    std::swap(file_, other.file_);
    path_ = std::move(other.path_);
    return *this;
  }
  ~PosixFile();

  explicit operator bool() const { return file_ >= 0; }
  const std::filesystem::path& path() const { return path_; }
  Result<void> write_at(std::uint64_t offset, std::string_view bytes);
  Result<void> append(std::string_view bytes);
  Result<void> sync();
  Result<void> resize(std::uint64_t size);
  Result<void> allocate(std::uint64_t size);  // so that writes below it cannot meet a full disk
  Result<std::uint64_t> size() const;
  Result<std::string> read_all(std::uint64_t most) const;  // kUnsupported where it is larger
  bool lock();  // for this process alone, until it is closed or the process ends; false where another one has it

 private:
  Error fail(const std::string& what) const;
  int file_ = -1;
  std::filesystem::path path_;
};

// Waits until the names of the folder's files are on the disk.
Result<void> sync_folder(const std::filesystem::path& folder);

// The whole file, as open() and read_all().
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t most);

}  // namespace geoul::history
