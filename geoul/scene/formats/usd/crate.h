// Crate: binary USD files (.usdc, and .usd that begin with PXR-USDC), versions 0.4 to 0.12 and 0.0.1. The layer is the
// one that parse_layer() gives for the same layer as text, but for lines (0 here), and numbers of type float and half,
// which come with their own rounding instead of a text's digits.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/layer.h"

namespace geoul::scene::usd {

constexpr std::string_view kCrateMagic = "PXR-USDC";

// What a file of any size may unfold to [bytes], before 256 times its size.
constexpr std::size_t kCrateAllowance = std::size_t{96} << 20;

// All problems go to diagnostics, with a prim's or property's path, or a byte in the message; what could be read is
// returned, so the layer is whole only where no error was added. Not read: splines, and array edits of later versions
// (unsupported-value). O(size of the layer in memory), which is refused above the allowance and 256 times the file's
// size; prims nested deeper than 200, or values deeper than 64, are an error.
std::unique_ptr<Layer> parse_crate(std::string_view bytes, const std::string& file, Diagnostics& diagnostics,
                                   std::size_t allowance = kCrateAllowance);

}  // namespace geoul::scene::usd
