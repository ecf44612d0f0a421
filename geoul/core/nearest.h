// Names that a person may have meant: for findings such as "no column 'actual_q0'; did you mean 'actual_q_0'?".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace geoul {

// Number of characters to insert, delete, replace or swap with their neighbour to get from a to b.
// Source: optimal string alignment distance (Damerau, Comm. ACM 7(3), 1964). O(|a| |b|).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The names closest to `wanted`, best first, at most `count`: those within a third of its length by edit distance
// (letter case counts half), then those that end in it or hold it. Ties keep the order of `names`.
std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t count = 3);

// "did you mean 'a', 'b' or 'c'?", or `otherwise` where nothing is near.
std::string did_you_mean(std::string_view wanted, std::span<const std::string> names, std::string otherwise = {});

}  // namespace geoul
