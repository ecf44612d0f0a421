#include "geoul/estimation/anomaly/nab_files.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace geoul::estimation::anomaly {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, std::size_t line, const std::string& what) {
  throw std::runtime_error(file.string() + ":" + std::to_string(line) + ": " + what);
}

// "2013-12-02 21:15:00", with or without a fraction that is zero. [s]
std::int64_t to_seconds(const std::string& text, const fs::path& file, std::size_t line) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) != 6) {
    fail(file, line, "'" + text + "' is no time");
  }
  using namespace std::chrono;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  return std::int64_t{sys_days(date).time_since_epoch().count()} * 86400 + h * 3600 + mi * 60 + s;
}

// The columns of a file of numbers, the first one a time, by the names of its header.
std::map<std::string, std::vector<std::string>> read_columns(const fs::path& file) {
  std::ifstream in(file);
  if (!in) fail(file, 0, "cannot be opened");
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>> columns;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    std::vector<std::string> fields;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(',', begin), line.size());
      fields.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    if (fields.back().ends_with('\r')) fields.back().pop_back();
    if (number == 1) {
      names = fields;
    } else {
      if (fields.size() != names.size()) fail(file, number, "has another number of fields than the header");
      for (std::size_t c = 0; c < names.size(); ++c) columns[names[c]].push_back(fields[c]);
    }
  }
  return columns;
}

std::vector<double> numbers(const std::map<std::string, std::vector<std::string>>& columns, const std::string& name,
                            const fs::path& file) {
  const auto found = columns.find(name);
  if (found == columns.end()) fail(file, 1, "has no column '" + name + "'");
  std::vector<double> values;
  for (const std::string& text : found->second) values.push_back(std::stod(text));
  return values;
}

nlohmann::json read_json(const fs::path& file) {
  std::ifstream in(file);
  if (!in) fail(file, 0, "cannot be opened");
  return nlohmann::json::parse(in);
}

}  // namespace

fs::path anomaly_data() { return fs::path(GEOUL_SOURCE_DIR) / "../shared/data/anomaly"; }

std::vector<NabSeries> read_nab_group(const fs::path& nab, const std::string& group) {
  const fs::path labels = nab / "labels/combined_windows.json";
  const nlohmann::json windows = read_json(labels);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(nab / "data" / group)) {
    if (entry.path().extension() == ".csv") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<NabSeries> all;
  for (const fs::path& file : files) {
    const auto columns = read_columns(file);
    NabSeries series{group + "/" + file.filename().string(), {}, numbers(columns, "value", file), {}};
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      series.time.push_back(to_seconds(columns.at("timestamp")[i], file, i + 2));
    }
    for (const auto& window : windows.at(series.name)) {
      const auto row = [&](const std::string& text) {
        const auto at = std::find(series.time.begin(), series.time.end(), to_seconds(text, labels, 0));
        if (at == series.time.end()) fail(labels, 0, series.name + " has no row at " + text);
        return static_cast<std::size_t>(at - series.time.begin());
      };
      series.windows.push_back({row(window.at(0)), row(window.at(1))});
    }
    all.push_back(std::move(series));
  }
  return all;
}

NabResult read_nab_result(const fs::path& file) {
  const auto columns = read_columns(file);
  return {numbers(columns, "anomaly_score", file), numbers(columns, "S(t)_standard", file),
          numbers(columns, "S(t)_reward_low_FP_rate", file), numbers(columns, "S(t)_reward_low_FN_rate", file)};
}

NabProfile read_nab_profile(const fs::path& nab, const std::string& profile) {
  const nlohmann::json weights = read_json(nab / "config/profiles.json").at(profile).at("CostMatrix");
  return {weights.at("tpWeight"), weights.at("fnWeight"), weights.at("fpWeight")};
}

double read_nab_threshold(const fs::path& nab, const std::string& detector, const std::string& profile) {
  return read_json(nab / "config/thresholds.json").at(detector).at(profile).at("threshold");
}

double read_nab_final(const fs::path& nab, const std::string& detector, const std::string& profile) {
  return read_json(nab / "results/final_results.json").at(detector).at(profile);
}

}  // namespace geoul::estimation::anomaly
