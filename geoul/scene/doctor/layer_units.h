// Units and up axes of the text layers of a USD file: a stage has those of its root layer, and nothing converts what
// other layers were written in. Source: UsdGeom, "Stage Linear Units" and "Stage UpAxis" (openusd.org).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"

namespace geoul::scene::doctor {

// What a text layer says before its first prim, and where; one value a line.
struct LayerHeader {
  std::optional<double> meters;  // metersPerUnit, where it is a positive number
  std::string up;                // upAxis; empty where unsaid
  int meters_line = 1, up_line = 1;
};
LayerHeader layer_header(std::string_view text);

// What stands between @ on one line, in order.
std::vector<std::string> asset_names(std::string_view text);

// Warnings units-differ and up-axis-differs for every layer that `file` (.usda, or .usd in text) names between @, or
// that such a layer names, and that says another metersPerUnit or upAxis than `file` has (unsaid: 0.01 and Y). Notes
// where `file` scales (for axes: turns) anything, which may make good for it; nothing where it has the ops that
// converters write for that ("unitsResolve"). Only headers are read, by their text; binary layers are left out.
void judge_layer_units(const std::string& file, Diagnostics& diagnostics);

}  // namespace geoul::scene::doctor
