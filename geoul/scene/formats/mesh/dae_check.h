// What assimp's COLLADA reader does not guard against, checked before it sees a file: XML that nests too deeply,
// <instance_node> that leads back to itself (endless recursion) or multiplies without bound, counts for
// which it would reserve gigabytes, indices that are no numbers (its loop over them never ends), accessors beyond their
// array. Also reads the header. It is no proof: other crashes of assimp 5.2 on hostile files are possible.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/diagnostics.h"

namespace geoul::scene {

enum class UpAxis { kX, kY, kZ };

struct DaeHeader {
  double meter = 1;             // metres in one unit of the file
  UpAxis up_axis = UpAxis::kY;  // COLLADA's default
};

// The header, or none with findings (code bad-mesh; mesh-too-large for more nodes than max_nodes).
std::optional<DaeHeader> check_dae(std::string_view bytes, const std::string& name, std::size_t max_nodes,
                                   Diagnostics& diagnostics);

}  // namespace geoul::scene
