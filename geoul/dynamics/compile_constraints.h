// Loops and couplings of a model. The last step of compile().
#pragma once

#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/dynamics/model.h"
#include "geoul/dynamics/rigid_groups.h"
#include "geoul/dynamics/spanning_tree.h"

namespace geoul::dynamics {

// Adds constraints for the joints that the spanning tree left over and for mimics and couplings, orders their rows
// island by island so that J M^-1 J^T has a narrow envelope, and moves q_start and v_start onto them. X_LG (ngroup)
// are the groups' frames on their links (in the world for those on the ground).
void add_constraints(const scene::Scene& scene, const RigidGroups& rigid, const std::vector<Precise>& X_LG,
                     const SpanningTree& spanning, Model& model, Diagnostics& diagnostics);

}  // namespace geoul::dynamics
