// Findings as a person reads them: by code, the worst first, wrapped to the width of the terminal.
#pragma once

#include <cstddef>
#include <string>

#include "geoul/runtime/check.h"

namespace geoul::cli {

struct Style {
  std::size_t width = 100;  // columns
  bool colour = false;
  bool all = false;  // every finding; otherwise the first 5 of a code, of notes the first 2
};
// Of standard output: its width (COLUMNS where it is no terminal), colour on a terminal unless NO_COLOR is set.
Style output_style(bool all);

// The whole report of one file. The last line begins with "ok" or "FAIL".
std::string report(const runtime::CheckedFile& file, const Style& style);

// One line a file, then the findings by code. Paths are written from the folder.
std::string report(const runtime::CheckedFolder& folder, const std::string& root, const Style& style);

// What was changed, one line a change.
std::string report(const runtime::Mended& mended, const Style& style);

// Words of `text` in lines of at most width columns, each after `indent` blanks but for the first. A word that is
// longer stands alone. Characters outside ASCII count one column.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width);

}  // namespace geoul::cli
