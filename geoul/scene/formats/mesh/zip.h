// One file out of a ZIP archive in memory. Source: PKWARE APPNOTE 6.3.9, clauses 4.3 and 4.4; methods stored and
// deflate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoul::scene::mesh {

struct ZipEntry {
  std::string_view name;
  std::size_t size = 0, packed_size = 0, header = 0;  // bytes; where its local header stands
  int method = 0;
  std::uint32_t crc = 0;
};

// The directory at the end of an archive; none where it is not well formed, encrypted or ZIP64.
std::optional<std::vector<ZipEntry>> zip_directory(std::string_view archive);

// The content of an entry of at most max_bytes: never more memory than the directory says, never more than that is
// unpacked; none where it is larger, its bytes end early or its check sum differs.
std::optional<std::string> zip_content(std::string_view archive, const ZipEntry& entry, std::size_t max_bytes);

}  // namespace geoul::scene::mesh
