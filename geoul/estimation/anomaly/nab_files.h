// Reads what NAB publishes (data, windows, profiles, results), for tests and figures alone: it takes the benchmark's
// files as they are and throws std::runtime_error, with file and line, at anything else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "geoul/estimation/anomaly/nab_score.h"

namespace geoul::estimation::anomaly {

// ../shared/data/anomaly beside the project.
std::filesystem::path anomaly_data();

struct NabSeries {
  std::string name;                // "realKnownCause/nyc_taxi.csv"
  std::vector<std::int64_t> time;  // (nrow) [s] since 1970, as if UTC
  std::vector<double> values;      // (nrow)
  std::vector<NabWindow> windows;
};

// A result as published: the detector's score and what NAB 1.0 made of it at its threshold.
struct NabResult {
  std::vector<double> scores;    // (nrow) anomaly_score
  std::vector<double> standard;  // (nrow) S(t)_standard; then reward_low_FP_rate, reward_low_FN_rate
  std::vector<double> low_false_positive;
  std::vector<double> low_false_negative;
};

// Every series of a group ("realKnownCause"), by name, from the folder of the benchmark.
std::vector<NabSeries> read_nab_group(const std::filesystem::path& nab, const std::string& group);
NabResult read_nab_result(const std::filesystem::path& file);
NabProfile read_nab_profile(const std::filesystem::path& nab, const std::string& profile);
// Of config/thresholds.json.
double read_nab_threshold(const std::filesystem::path& nab, const std::string& detector, const std::string& profile);
// Of results/final_results.json.
double read_nab_final(const std::filesystem::path& nab, const std::string& detector, const std::string& profile);

}  // namespace geoul::estimation::anomaly
