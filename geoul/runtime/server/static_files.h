// Which file a web address names, and nothing outside the folder that is served: "..", hidden names, back slashes,
// escapes of any of them and links that lead out are all "no such file".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace geoul::runtime {

struct StaticFile {
  std::filesystem::path path;
  std::string_view mime_type;
  std::string etag;  // changes with size and time of change; quoted
  std::uint64_t size = 0;
};

// %41 -> A; nothing where an escape is malformed or stands for a zero byte.
std::optional<std::string> percent_decode(std::string_view text);

// The file under `root` for the target of an HTTP request ("/assets/a.js?v=1"). "/" is index.html; an address without
// a file extension that names no file is index.html too, since it is a page of the application. Nothing where the file
// does not exist, is no regular file, or lies outside root.
std::optional<StaticFile> find_static_file(const std::filesystem::path& root, std::string_view target);

std::string_view mime_type_of(const std::filesystem::path& path);

}  // namespace geoul::runtime
