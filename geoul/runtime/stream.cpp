#include "geoul/runtime/stream.h"

#include <algorithm>
#include <filesystem>

namespace geoul::runtime {

std::size_t Stream::file_of(std::size_t row) const {
  return static_cast<std::size_t>(std::upper_bound(begin.begin(), begin.end() - 1, row) - begin.begin()) - 1;
}

std::optional<Stream> load_stream(const Source& source, const Bindings& bindings, Diagnostics& diagnostics) {
  link::CsvOptions options;
  options.time_column = source.time_column;
  options.time_unit = source.time_unit;
  for (const BoundColumn& column : bindings.columns) options.columns.push_back(column.name);
  options.period = source.period;
  Stream stream;
  stream.width = bindings.width();
  bool ok = true;
  for (const std::string& file : source.files) {
    const std::optional<link::Recording> recording = link::read_csv(file, options, diagnostics);
    if (!recording) {
      ok = false;
      continue;
    }
    if (!stream.time.empty() && recording->time.front() <= stream.time.back()) {
      diagnostics.error({file, 2, source.time_column}, "time-backwards",
                        "this file starts " + std::to_string((stream.time.back() - recording->time.front()).seconds()) +
                            " s before '" + stream.names.back() + "' ends",
                        "put the files of '" + source.id + "' into the order of time");
      ok = false;
    }
    stream.names.push_back(std::filesystem::path(file).stem().string());
    stream.begin.push_back(stream.time.size());
    stream.time.insert(stream.time.end(), recording->time.begin(), recording->time.end());
    for (std::size_t row = 0; row < recording->rows(); ++row) {
      for (std::size_t c = 0; c < bindings.columns.size(); ++c) {
        stream.values.push_back(bindings.columns[c].unit.to_si(recording->value(row, c)));
      }
      stream.values.resize(stream.values.size() + bindings.derived.size());
    }
  }
  stream.begin.push_back(stream.time.size());
  if (ok && stream.rows() < 2) {
    diagnostics.error({source.files.front(), 0, ""}, "no-rows", "there is one row only",
                      "a recording needs at least two");
    ok = false;
  }
  if (!ok) return std::nullopt;
  for (std::size_t k = 0; k < bindings.derived.size(); ++k) {
    const std::vector<double> velocity = derivative(stream, bindings.derived[k].of);
    for (std::size_t row = 0; row < stream.rows(); ++row) {
      stream.values[row * stream.width + bindings.columns.size() + k] = velocity[row];
    }
  }
  return stream;
}

std::vector<double> derivative(const Stream& stream, int column) {
  const std::size_t n = stream.rows();
  GEOUL_EXPECTS(n >= 2);
  const auto slope = [&](std::size_t i) {
    return (stream.value(i + 1, column) - stream.value(i, column)) / (stream.time[i + 1] - stream.time[i]).seconds();
  };
  std::vector<double> out(n);
  out[0] = slope(0);
  out[n - 1] = slope(n - 2);
  for (std::size_t i = 1; i + 1 < n; ++i) {
    const double before = (stream.time[i] - stream.time[i - 1]).seconds(),
                 after = (stream.time[i + 1] - stream.time[i]).seconds();
    out[i] = (after * slope(i - 1) + before * slope(i)) / (before + after);
  }
  return out;
}

}  // namespace geoul::runtime
