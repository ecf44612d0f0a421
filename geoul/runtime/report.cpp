#include "geoul/runtime/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace geoul::runtime {
namespace {

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

// Columns as wide as their widest cell; all but the first are set to the right where `right` says so.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right) {
  std::vector<std::size_t> width;
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += " " + padded(row[i], width[i], i < right.size() && right[i]) + " ";
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

}  // namespace

void Report::add(std::string name, double value, std::string unit, double bound, std::string note) {
  const bool kept = std::isnan(bound) || value <= bound;
  lines.push_back({std::move(name), value, std::move(unit), bound, kept, std::move(note)});
}

bool Report::ok() const { return missed() == 0; }

std::size_t Report::missed() const {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [](const ReportLine& line) { return !line.ok; }));
}

std::string short_number(double value) {
  if (std::isnan(value)) return "-";
  char text[32];
  const double size = std::abs(value);
  if (value == 0) return "0";
  if (size >= 1e6 || size < 1e-4) {
    std::snprintf(text, sizeof text, "%.2e", value);
  } else {
    const int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
    std::snprintf(text, sizeof text, "%.*f", digits, value);
  }
  return text;
}

std::string to_text(const Report& report) {
  std::string out = report.title + "\n\n";
  std::vector<std::vector<std::string>> rows = {{"", "figure", "value", "unit", "bound", "note"}};
  for (const ReportLine& line : report.lines) {
    const bool bounded = !std::isnan(line.bound);
    rows.push_back({bounded ? (line.ok ? "ok" : "FAIL") : "", line.name, short_number(line.value), line.unit,
                    bounded ? "<= " + short_number(line.bound) : "", line.note});
  }
  out += aligned(rows, {false, false, true, false, true, false});
  for (const ReportTable& table : report.tables) {
    out += "\n" + table.title + "\n\n";
    rows = {{""}};
    rows[0].insert(rows[0].end(), table.columns.begin(), table.columns.end());
    for (const auto& [name, values] : table.rows) {
      rows.push_back({name});
      for (const double value : values) rows.back().push_back(short_number(value));
    }
    std::vector<bool> right(table.columns.size() + 1, true);
    right[0] = false;
    out += aligned(rows, right);
  }
  return out;
}

std::string to_json(const Report& report) {
  nlohmann::ordered_json out;
  out["title"] = report.title;
  out["ok"] = report.ok();
  out["lines"] = nlohmann::ordered_json::array();
  for (const ReportLine& line : report.lines) {
    nlohmann::ordered_json item;
    item["name"] = line.name;
    item["value"] = number(line.value);
    item["unit"] = line.unit;
    item["bound"] = number(line.bound);
    item["ok"] = line.ok;
    item["note"] = line.note;
    out["lines"].push_back(item);
  }
  out["tables"] = nlohmann::ordered_json::array();
  for (const ReportTable& table : report.tables) {
    nlohmann::ordered_json item;
    item["title"] = table.title;
    item["columns"] = table.columns;
    item["rows"] = nlohmann::ordered_json::array();
    for (const auto& [name, values] : table.rows) {
      nlohmann::ordered_json row;
      row["name"] = name;
      row["values"] = nlohmann::ordered_json::array();
      for (const double value : values) row["values"].push_back(number(value));
      item["rows"].push_back(row);
    }
    out["tables"].push_back(item);
  }
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace geoul::runtime
