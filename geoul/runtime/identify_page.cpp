#include "geoul/runtime/identify_page.h"

#include <algorithm>
#include <cmath>

namespace geoul::runtime {
namespace {

using estimation::RegularMotion;
using estimation::RowMatrix;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

struct Traces {
  std::vector<double> time;
  RowMatrix measured, predicted;
};

// All parts one after the other, filtered by two boxes of 60 ms, thinned to what a page can show.
Traces traces(const estimation::Identification& found, std::span<const RegularMotion> motions) {
  Traces out;
  Eigen::Index total = 0;
  for (const RegularMotion& m : motions) total += m.q.rows();
  constexpr Eigen::Index kShown = 2000;
  const Eigen::Index stride = std::max<Eigen::Index>(1, total / kShown);
  std::vector<Eigen::RowVectorXd> measured, predicted;
  double from = 0;
  for (const RegularMotion& m : motions) {
    const int reach = estimation::usual_rows(m.period).reach;
    const auto filtered = [&](const RowMatrix& x) {
      return estimation::box_filtered(estimation::box_filtered(x, reach), reach);
    };
    const RowMatrix a = filtered(m.tau), b = filtered(estimation::predict(found.torque_model, m));
    for (Eigen::Index i = 0; i < a.rows(); i += stride) {
      out.time.push_back(from + m.period * static_cast<double>(i));
      measured.emplace_back(a.row(i));
      predicted.emplace_back(b.row(i));
    }
    from += m.period * static_cast<double>(m.q.rows());
  }
  const auto n = static_cast<Eigen::Index>(measured.size());
  out.measured.resize(n, motions.front().q.cols());
  out.predicted = out.measured;
  for (Eigen::Index i = 0; i < n; ++i) {
    out.measured.row(i) = measured[static_cast<std::size_t>(i)];
    out.predicted.row(i) = predicted[static_cast<std::size_t>(i)];
  }
  return out;
}

std::vector<double> column(const RowMatrix& values, Eigen::Index j) {
  std::vector<double> out;
  for (Eigen::Index i = 0; i < values.rows(); ++i) out.push_back(values(i, j));
  return out;
}

void append_table(const ReportTable& table, std::string& html) {
  html += "<h2>" + escaped(table.title) + "</h2>\n<table><tr><th></th>";
  for (const std::string& name : table.columns) html += "<th>" + escaped(name) + "</th>";
  html += "</tr>\n";
  for (const auto& [name, values] : table.rows) {
    html += "<tr><td>" + escaped(name) + "</td>";
    for (const double value : values) html += "<td>" + short_number(value) + "</td>";
    html += "</tr>\n";
  }
  html += "</table>\n";
}

}  // namespace

Plot torque_plot(const estimation::Identification& found, std::span<const RegularMotion> motions) {
  const Traces t = traces(found, motions);
  Plot plot{"Joint torques", "measured and predicted, both filtered by two boxes of 60 ms", "time [s]", t.time, {}, {}};
  for (Eigen::Index j = 0; j < t.measured.cols(); ++j) {
    plot.panels.push_back({found.torque_model.columns.names[static_cast<std::size_t>(j)],
                           "N.m",
                           {{"measured", column(t.measured, j)}, {"predicted", column(t.predicted, j)}}});
  }
  return plot;
}

Plot residual_plot(const estimation::Identification& found, std::span<const RegularMotion> motions) {
  const Traces t = traces(found, motions);
  Plot plot{"What is left", "measured minus predicted, filtered", "time [s]", t.time, {}, {}};
  for (Eigen::Index j = 0; j < t.measured.cols(); ++j) {
    plot.panels.push_back({found.torque_model.columns.names[static_cast<std::size_t>(j)],
                           "N.m",
                           {{"measured - predicted", column(t.measured - t.predicted, j)}}});
  }
  return plot;
}

std::string identification_page(const Report& report, const std::vector<std::string>& lacks,
                                const std::vector<Plot>& plots) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(report.title) +
      "</title>\n<style>body{font:15px/1.45 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}"
      "table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{padding:.15em .9em;border-bottom:1px solid #ddd;"
      "text-align:right}td:first-child{text-align:left}svg{max-width:100%;height:auto}</style></head><body>\n<h1>" +
      escaped(report.title) + "</h1>\n<table>\n";
  for (const ReportLine& line : report.lines) {
    html += "<tr><td>" + escaped(line.name) + "</td><td>" + short_number(line.value) + "</td><td>" +
            escaped(line.unit) + "</td><td>" + escaped(line.note) + "</td></tr>\n";
  }
  html += "</table>\n";
  if (!lacks.empty()) {
    html += "<h2>What the motion does not tell</h2>\n<ul>\n";
    for (const std::string& line : lacks) html += "<li>" + escaped(line) + "</li>\n";
    html += "</ul>\n";
  }
  for (const Plot& plot : plots) html += to_svg(plot) + "\n";
  for (const ReportTable& table : report.tables) append_table(table, html);
  return html + "</body></html>\n";
}

}  // namespace geoul::runtime
