#include "geoul/core/nearest.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace geoul {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Twice the distance, so that letter case can count half; none where the names are not alike.
std::optional<std::size_t> unlikeness(std::string_view wanted, std::string_view name) {
  const std::string a = lower(wanted), b = lower(name);
  const std::size_t distance = edit_distance(a, b);
  const std::size_t allowed = std::max<std::size_t>(1, std::max(a.size(), b.size()) / 3);
  if (distance <= allowed) return 2 * distance + (wanted != name ? 1 : 0);
  if (a.size() >= 3 && b.find(a) != std::string::npos) return 2 * b.size() + (b.ends_with(a) ? 0 : 1);
  return std::nullopt;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names, std::size_t count) {
  constexpr std::size_t kLongest = 256;  // a hostile name must not cost quadratic time
  std::vector<std::pair<std::size_t, std::size_t>> ranked;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (wanted.size() > kLongest || names[i].size() > kLongest) continue;
    if (const auto rank = unlikeness(wanted, names[i])) ranked.emplace_back(*rank, i);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> out;
  for (const auto& [rank, i] : ranked) {
    if (out.size() == count) break;
    if (std::find(out.begin(), out.end(), names[i]) == out.end()) out.push_back(names[i]);
  }
  return out;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> names, std::string otherwise) {
  const std::vector<std::string> near = nearest_names(wanted, names);
  if (near.empty()) return otherwise;
  std::string text = "did you mean ";
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (i > 0) text += i + 1 == near.size() ? " or " : ", ";
    text += "'" + near[i] + "'";
  }
  return text + "?";
}

}  // namespace geoul
