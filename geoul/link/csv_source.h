// Reads recordings in CSV: a header row, then one row of numbers an instant. Only the columns asked for are kept.
//   line ends  CR, LF or CR LF, also mixed; the last one may be missing; a byte order mark and empty lines are skipped
//   fields     separated by commas; may stand in double quotes ("" is a quote), but not run over a line end
//   numbers    decimal, with point and optional exponent, spaces around; read exactly (round to nearest)
//   times      numbers in the unit that is given, or dates: 2014-02-08 15:25:00.5, with T or a blank, with Z or nothing
//              at the end (both UTC), seconds and fraction may be missing; Time is then since 1970 (RFC 3339, no
//              offsets)
// Columns that were not asked for may hold anything. Source: RFC 4180, widened by the line ends above.
//
// Codes of findings: not-found, too-large, empty-file, no-header, duplicate-column, no-column, no-rows, short-row,
// long-row, open-quote, empty-value, not-a-number, not-finite, time-backwards (errors); gap (warning).
// Locations are file:line, with the column's name; "field 27" counts from 1.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/time.h"
#include "geoul/link/signal.h"

namespace geoul::link {

struct CsvOptions {
  std::string time_column = {};
  double time_unit = 1;                   // [s] of one unit of the time column
  std::vector<std::string> columns = {};  // to keep, in this order, each once
  Duration period = {};        // nominal; a row later than 1.5 of it is a gap (Sample is uncertain); 0: no check
  bool skip_bad_rows = false;  // a row that cannot be read is a warning and left out
  std::size_t max_bytes = std::size_t{1} << 30;
  std::size_t max_columns = 20'000;
};

// What one file holds. Value of column c in row r: values[r * columns.size() + c].
struct Recording {
  std::string file;
  std::vector<std::string> columns;
  std::vector<Time> time;        // (nrow), increasing
  std::vector<Quality> quality;  // (nrow) kUncertain for the first row after a gap
  std::vector<double> values;    // (nrow x ncolumn), finite

  std::size_t rows() const { return time.size(); }
  double value(std::size_t row, std::size_t column) const { return values[row * columns.size() + column]; }
  Sample sample(std::size_t row, std::size_t column) const { return {time[row], value(row, column), quality[row]}; }
};

// Names of the header row; none where there is no such file or it holds no names. Nothing else is read or judged.
std::optional<std::vector<std::string>> read_csv_header(const std::string& file, Diagnostics& diagnostics,
                                                        std::size_t max_columns = 20'000);

// The recording, or none where anything in it is an error. Needs a time column and columns without repetition.
// Memory: the file, and 8 bytes a kept value.
std::optional<Recording> read_csv(const std::string& file, const CsvOptions& options, Diagnostics& diagnostics);

// The same from text; `file` is for findings.
std::optional<Recording> parse_csv(std::string_view text, const std::string& file, const CsvOptions& options,
                                   Diagnostics& diagnostics);

}  // namespace geoul::link
