// The page of an identification: tables and plots in one file that needs no other.
#pragma once

#include <string>
#include <vector>

#include "geoul/estimation/identification.h"
#include "geoul/runtime/report.h"
#include "geoul/runtime/svg_plot.h"

namespace geoul::runtime {

// Filtered torques, measured and predicted, and their difference: a panel a joint each. At most about 2,000 instants.
Plot torque_plot(const estimation::Identification& found, std::span<const estimation::RegularMotion> motions);
Plot residual_plot(const estimation::Identification& found, std::span<const estimation::RegularMotion> motions);

// A whole HTML file.
std::string identification_page(const Report& report, const std::vector<std::string>& lacks,
                                const std::vector<Plot>& plots);

}  // namespace geoul::runtime
