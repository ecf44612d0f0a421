// Files that a job writes: whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "geoul/core/result.h"

namespace geoul::runtime {

// Writes beside the file and renames, so that a reader sees the old content or the new. kUnavailable with the reason.
Result<void> write_file(const std::filesystem::path& file, std::string_view content);

// Makes a folder for one run: the one given, or "<parent>/<name>-20261123T213055Z" (UTC), with a number if that exists.
Result<std::filesystem::path> make_run_folder(const std::string& given, const std::string& parent,
                                              const std::string& name);

}  // namespace geoul::runtime
