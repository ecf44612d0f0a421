// Line plots as SVG: panels under each other that share their x axis, with grid, units and legend. For reports.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace geoul::runtime {

struct PlotSeries {
  std::string name;       // in the legend; series of the same name share a colour
  std::vector<double> y;  // (n) NaN leaves a gap
};

struct PlotPanel {
  std::string title;
  std::string unit;
  std::vector<PlotSeries> series;
};

struct Plot {
  std::string title;
  std::string subtitle;
  std::string x_label;
  std::vector<double> x;                                 // (n) ascending
  std::vector<std::pair<double, std::string>> sections;  // where a part begins, and its name
  std::vector<PlotPanel> panels;
};

// A complete SVG file. Needs series of the length of x.
std::string to_svg(const Plot& plot);

// About `count` round numbers (1, 2 or 5 times a power of ten apart) that cover [low, high].
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace geoul::runtime
