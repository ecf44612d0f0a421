// Examples for announcing an event from the seconds before it. An example is a row of a recording at which no event is
// going on; what is known of it is the signals of the window that ends with it, and never a label; it is positive where
// an event begins within the horizon after it.
//
// Left out, with counts: rows of an event, rows whose window reaches past a gap or the recording's beginning, rows
// whose horizon is not known (it reaches past a gap or the end, or meets rows without a label before an event begins),
// and, with `quiet`, rows whose window holds a row of an event or without a label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/time.h"

namespace geoul::estimation::anomaly {

enum class Label : std::uint8_t { kNo, kYes, kUnknown };

// A recording of several signals, each instant one row.
struct Rows {
  std::vector<std::string> signals;
  std::vector<Time> time;      // (nrow) increasing
  std::vector<double> values;  // (nrow x nsignal) finite
};

struct AnnouncementOptions {
  double window = 30;   // [s]
  double horizon = 10;  // [s]
  double gap = 5;       // [s] rows further apart do not belong together
  bool quiet = false;
  // Signals of which only changes count, for what drifts through the day: temperatures.
  std::vector<std::string> changes_only = {};
};

struct Examples {
  std::vector<std::string> features;
  std::vector<double> x;                                                   // (nexample x nfeature)
  std::vector<std::uint8_t> positive;                                      // (nexample)
  std::vector<std::size_t> row;                                            // (nexample) of the recording
  std::size_t in_event = 0, no_window = 0, no_horizon = 0, not_quiet = 0;  // rows left out

  std::size_t size() const { return row.size(); }
  std::span<const double> example(std::size_t i) const {
    return std::span(x).subspan(i * features.size(), features.size());
  }
};

// Examples of rows begin <= row < end; neither window nor horizon looks outside of these. labels (nrow).
Examples announcement_examples(const Rows& rows, std::span<const Label> labels, std::size_t begin, std::size_t end,
                               const AnnouncementOptions& options = {});

}  // namespace geoul::estimation::anomaly
