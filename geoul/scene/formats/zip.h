// ZIP archives in memory, as 3MF files and USD packages are. Source: PKWARE APPNOTE 6.3.9, clauses 4.3 and 4.4; methods
// stored and deflate. No encryption, no ZIP64 (archives beyond 4 GiB), none in several parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoul::scene::zip {

// What stands before each file, in the list of files and at the end; their sizes without names and extra fields.
constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;  // "PK.."
constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22;

struct Entry {
  std::string_view name;
  std::size_t size = 0, packed_size = 0;  // [bytes]
  std::size_t header = 0;                 // where its local header stands
  int method = 0;                         // 0 stored, 8 deflate
  std::uint32_t crc = 0;
  bool encrypted = false;
};

// The list of files at the end of an archive.
struct Directory {
  std::vector<Entry> entries;
  std::size_t begin = 0, end = 0;  // of the list
  std::size_t end_record = 0;
};

struct Fault {
  bool supported = true;  // false: right by the format, and not read
  std::string message;
};

// None and a fault where it is not well formed. The comment behind the end record may be any. O(entries + 64 KiB).
std::optional<Directory> read_directory(std::string_view archive, Fault& fault);

// Where the packed bytes of an entry begin, all of them within the archive; none and a fault where they are not, or
// where the header before them says another name or method than the list.
std::optional<std::size_t> find_content(std::string_view archive, const Entry& entry, Fault& fault);

// The content of an entry of at most max_bytes: never more memory than the list says, never more than that is
// unpacked; none where it is larger, encrypted, its bytes end early or its check sum differs.
std::optional<std::string> content(std::string_view archive, const Entry& entry, std::size_t max_bytes);

}  // namespace geoul::scene::zip
