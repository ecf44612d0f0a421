// The recording "UR3 CobotOps" (UCI 963) and the task that is judged on it, for tests and figures alone. Its reader
// takes semicolons, decimal commas, rows without some or all values. Throws std::runtime_error, with file and line, at
// anything else.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "geoul/estimation/anomaly/announcement.h"
#include "geoul/estimation/anomaly/roc.h"

namespace geoul::estimation::anomaly {

struct CobotRecording {
  Rows rows;                     // 6 currents, 6 temperatures, 6 speeds, the tool's current
  std::vector<Label> stop;       // (nrow) protective stop
  std::vector<Label> grip_lost;  // (nrow)
  std::size_t lines = 0;         // of data in the file
  std::size_t incomplete = 0;    // left out: without the values of one signal or more
  std::size_t duplicated = 0;    // left out: the time of the row before
};

CobotRecording read_cobotops(const std::filesystem::path& file);

// How well trees trained on the first half of the rows announce the events of the second half.
struct Announced {
  std::size_t train_rows = 0, train_positives = 0;
  Area rows;    // of the second half, interval after DeLong
  Area blocks;  // the same, interval by resampling minutes
  // At the threshold that 5 % of the negative rows of the first half exceed, where each fifth of it is judged by trees
  // trained on the others:
  double precision = 0;       // share of the flagged rows that are positive
  double recall = 0;          // share of the positive rows that are flagged
  double false_alarms = 0;    // share of the negative rows that are flagged
  std::size_t events = 0;     // of the second half that have a positive row
  std::size_t announced = 0;  // of them, by a flagged one
};

Announced announce(const CobotRecording& recording, std::span<const Label> labels, double horizon, bool quiet);

}  // namespace geoul::estimation::anomaly
