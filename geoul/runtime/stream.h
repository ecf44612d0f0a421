// Stream: the files of one source on one time line, in memory, with what a mirror needs beside the samples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/link/csv_source.h"
#include "geoul/runtime/bindings.h"
#include "geoul/runtime/site.h"

namespace geoul::runtime {

struct Stream {
  std::vector<std::string> names;  // of the files, without folder and ending: "L0L1"
  std::vector<std::size_t> begin;  // (nfile + 1) first row of each file, and the number of rows
  std::size_t width = 0;           // columns of a row: Bindings::width()
  std::vector<Time> time;          // (nrow), increasing
  std::vector<double> values;      // (nrow x width), SI

  std::size_t rows() const { return time.size(); }
  std::size_t files() const { return names.size(); }
  double value(std::size_t row, int column) const { return values[row * width + static_cast<std::size_t>(column)]; }
  std::size_t file_of(std::size_t row) const;
};

// Reads all files of a source, in SI, with the derived velocities. Codes: those of link::read_csv; time-backwards where
// a file starts before the last ends.
std::optional<Stream> load_stream(const Source& source, const Bindings& bindings, Diagnostics& diagnostics);

// Derivative of a column by time at every row: the slope of the parabola through the row and its neighbours (for even
// spacing the central difference), one-sided at both ends. Needs two rows.
std::vector<double> derivative(const Stream& stream, int column);

}  // namespace geoul::runtime
