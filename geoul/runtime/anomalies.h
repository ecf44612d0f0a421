// The job "anomalies": what a recording's signals do that they never did before, without a model of them; each signal
// by itself, and all of them together (docs/notes/anomaly.md). Behind `geoul anomalies`.
#pragma once

#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::runtime {

struct AnomaliesOptions {
  std::string file;                  // CSV: link/csv_source.h says what is read
  std::vector<std::string> columns;  // empty: all but the time
  std::string time_column;           // empty: "timestamp", "time", "t", "date" or "datetime", else the first
  double time_unit = 1;              // [s] of one unit of the time column, where it holds numbers
  double sensitivity = 1;            // above 1 tells more, below less: thresholds are divided by it
  bool skip_bad_rows = false;
  std::string plot;  // SVG file to write; empty: none
};

struct Anomaly {
  Time time;
  std::string signal;  // a column, or "all together"
  double score = 0;    // 0.5 to 1
  double seen = 0;     // of the signal; of the signal that stands out, where it is all together
  double expected = 0, usual_distance = 0;
  std::string reason;
};

struct AnomaliesAnswer {
  std::vector<Anomaly> anomalies;  // by time
  std::string text;                // lines
  std::string json;                // {rows, signals, anomalies: [{time, time_s, signal, score, seen, ...}]}
};

// Everything that is wrong with the file is in the diagnostics; kBadInput for options that contradict it.
Result<AnomaliesAnswer> find_anomalies(const AnomaliesOptions& options, Diagnostics& diagnostics);

}  // namespace geoul::runtime
