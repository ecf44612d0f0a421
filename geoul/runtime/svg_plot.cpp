#include "geoul/runtime/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "geoul/core/contract.h"

namespace geoul::runtime {
namespace {

constexpr double kWidth = 1080, kLeft = 84, kRight = 24, kTop = 100, kPanel = 132, kGap = 30, kBottom = 52;
constexpr const char* kColors[] = {"#1f6fb4", "#d1622b", "#3a8f4d", "#8e5bb5", "#7a7a7a"};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value == 0 ? 0.0 : value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

struct Scale {
  double low, high, from, to;
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

std::string text_at(double x, double y, const std::string& text, const std::string& style) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + style + ">" + escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
         "\" " + style + "/>\n";
}

std::vector<std::string> legend_names(const Plot& plot) {
  std::vector<std::string> names;
  for (const PlotPanel& panel : plot.panels) {
    for (const PlotSeries& s : panel.series) {
      if (std::find(names.begin(), names.end(), s.name) == names.end()) names.push_back(s.name);
    }
  }
  return names;
}

std::string color_of(const std::vector<std::string>& names, const std::string& name) {
  const auto i = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  return kColors[i % std::size(kColors)];
}

std::string polyline(const Plot& plot, const PlotSeries& series, const Scale& sx, const Scale& sy,
                     const std::string& color) {
  std::string out, points;
  const auto flush = [&] {
    if (!points.empty())
      out += "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"" + color +
             "\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/>\n";
    points.clear();
  };
  for (std::size_t i = 0; i < plot.x.size(); ++i) {
    if (!std::isfinite(series.y[i])) {
      flush();
      continue;
    }
    points += (points.empty() ? "" : " ") + number(sx(plot.x[i])) + "," + number(sy(series.y[i]));
  }
  flush();
  return out;
}

std::string panel_svg(const Plot& plot, const PlotPanel& panel, const Scale& sx, double top,
                      const std::vector<std::string>& names) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const PlotSeries& s : panel.series) {
    GEOUL_EXPECTS(s.y.size() == plot.x.size());
    for (const double y : s.y) {
      if (std::isfinite(y)) low = std::min(low, y), high = std::max(high, y);
    }
  }
  if (!(low <= high)) low = -1, high = 1;
  if (high - low < 1e-12 * std::max(1.0, std::abs(high))) low -= 0.5, high += 0.5;
  const double margin = 0.06 * (high - low);
  const Scale sy{low - margin, high + margin, top + kPanel, top};
  std::string out;
  for (const double y : round_ticks(low, high, 4)) {
    out += line(kLeft, sy(y), kWidth - kRight, sy(y), y == 0 ? "stroke=\"#9aa0a6\"" : "stroke=\"#e4e7ea\"");
    out += text_at(kLeft - 8, sy(y) + 4, number(y), "text-anchor=\"end\" class=\"tick\"");
  }
  for (const PlotSeries& s : panel.series) out += polyline(plot, s, sx, sy, color_of(names, s.name));
  out += "<rect x=\"" + number(kLeft) + "\" y=\"" + number(top) + "\" width=\"" + number(kWidth - kLeft - kRight) +
         "\" height=\"" + number(kPanel) + "\" fill=\"none\" stroke=\"#b8bec4\"/>\n";
  out += text_at(kLeft, top - 7, panel.title, "class=\"panel\"");
  out += "<text transform=\"translate(22 " + number(top + kPanel / 2) +
         ") rotate(-90)\" text-anchor=\"middle\" class=\"label\">" + escaped(panel.unit) + "</text>\n";
  return out;
}

std::string sections_svg(const Plot& plot, const Scale& sx, double bottom) {
  std::string out;
  for (std::size_t i = 0; i < plot.sections.size(); ++i) {
    const double from = sx(plot.sections[i].first),
                 to = i + 1 < plot.sections.size() ? sx(plot.sections[i + 1].first) : kWidth - kRight;
    if (i % 2 == 0) {
      out += "<rect x=\"" + number(from) + "\" y=\"" + number(kTop) + "\" width=\"" + number(std::max(0.0, to - from)) +
             "\" height=\"" + number(bottom - kTop) + "\" fill=\"#f5f7f9\"/>\n";
    }
    out += text_at((from + to) / 2, kTop - 27, plot.sections[i].second, "text-anchor=\"middle\" class=\"tick\"");
  }
  return out;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  GEOUL_EXPECTS(high > low && count > 0);
  const double raw = (high - low) / count, power = std::pow(10, std::floor(std::log10(raw)));
  const double step = (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10) * power;
  std::vector<double> out;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) out.push_back(k * step);
  return out;
}

std::string to_svg(const Plot& plot) {
  GEOUL_EXPECTS(plot.x.size() >= 2 && plot.x.front() < plot.x.back() && !plot.panels.empty());
  const double n = static_cast<double>(plot.panels.size());
  const double bottom = kTop + n * kPanel + (n - 1) * kGap, height = bottom + kBottom;
  const Scale sx{plot.x.front(), plot.x.back(), kLeft, kWidth - kRight};
  const std::vector<std::string> names = legend_names(plot);
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(kWidth) + " " + number(height) +
      "\" width=\"" + number(kWidth) + "\" height=\"" + number(height) + "\" role=\"img\">\n<title>" +
      escaped(plot.title) + "</title>\n" +
      "<style>text{font-family:system-ui,'Segoe UI',Roboto,'DejaVu "
      "Sans',sans-serif;fill:#30363c}.title{font-size:19px;font-weight:600}.sub{font-size:13px;fill:#68707a}.panel{"
      "font-size:13px;font-weight:600}.label{font-size:12px}.tick{font-size:11.5px;fill:#5a626b}</style>\n" +
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  out += text_at(kLeft, 28, plot.title, "class=\"title\"") + text_at(kLeft, 47, plot.subtitle, "class=\"sub\"");
  double x = kWidth - kRight;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    x -= 7.2 * static_cast<double>(name->size());
    out += text_at(x, 28, *name, "class=\"label\"") +
           line(x - 30, 24, x - 8, 24, "stroke-width=\"2.5\" stroke=\"" + color_of(names, *name) + "\"");
    x -= 52;
  }
  out += sections_svg(plot, sx, bottom);
  for (const double t : round_ticks(plot.x.front(), plot.x.back(), 9)) {
    for (std::size_t i = 0; i < plot.panels.size(); ++i) {
      const double top = kTop + static_cast<double>(i) * (kPanel + kGap);
      out += line(sx(t), top, sx(t), top + kPanel, "stroke=\"#e4e7ea\"");
    }
    out += text_at(sx(t), bottom + 18, number(t), "text-anchor=\"middle\" class=\"tick\"");
  }
  for (std::size_t i = 0; i < plot.panels.size(); ++i) {
    out += panel_svg(plot, plot.panels[i], sx, kTop + static_cast<double>(i) * (kPanel + kGap), names);
  }
  out += text_at((kLeft + kWidth - kRight) / 2, bottom + 40, plot.x_label, "text-anchor=\"middle\" class=\"label\"");
  return out + "</svg>\n";
}

}  // namespace geoul::runtime
