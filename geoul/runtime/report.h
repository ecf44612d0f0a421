// Report: figures with their bounds, and tables of figures. What a run is judged by.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace geoul::runtime {

struct ReportLine {
  std::string name;
  double value = 0;
  std::string unit;
  double bound = std::numeric_limits<double>::quiet_NaN();  // value must not exceed it; NaN: only reported
  bool ok = true;
  std::string note;
};

struct ReportTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::pair<std::string, std::vector<double>>> rows;  // NaN: nothing to say
};

struct Report {
  std::string title;
  std::vector<ReportLine> lines;
  std::vector<ReportTable> tables;

  // Adds a line; ok is made from value and bound (a NaN value with a bound is not ok).
  void add(std::string name, double value, std::string unit, double bound = std::numeric_limits<double>::quiet_NaN(),
           std::string note = {});
  bool ok() const;
  std::size_t missed() const;  // lines that are not ok
};

// Aligned columns for people; one line a figure, then the tables.
std::string to_text(const Report& report);
// {"title", "ok", "lines": [{name, value, unit, bound, ok, note}], "tables": [...]}; NaN and infinity become null.
std::string to_json(const Report& report);

// A number as short as four digits allow: "0.0012", "12.35", "1.2e-16", "-" for NaN.
std::string short_number(double value);

}  // namespace geoul::runtime
