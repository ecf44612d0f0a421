// Contact of the worlds of a batch that step in lanes: the plan that the kernels read, and the worlds that step by
// themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "geoul/dynamics/batch.h"
#include "geoul/dynamics/batch_contact_plan.h"
#include "geoul/dynamics/batch_frames.h"

namespace geoul::dynamics {

// Whether contact can be solved in lanes: convex shapes and planes, no restitution, static friction like dynamic, up to
// kMostDegrees degrees of freedom.
bool contact_fits_lanes(const Model& model);

struct BatchContacts {
  std::vector<BatchShape> shapes;
  std::vector<BatchPair> pairs;
  std::vector<BatchPairGroup> groups;
  std::vector<BatchReach> reach;
  std::vector<int> link_of, tree_of, chain, chain_at;
  std::vector<std::uint64_t> path;
  std::vector<std::pair<std::pair<int, int>, int>> index;  // of the pair of two colliders, sorted
  std::shared_ptr<const ContactSetup> setup;
  BatchContactPlan plan;
};
// Needs contact_fits_lanes. frames: (nlink) of kernel_frames. The plan points into the result.
std::unique_ptr<BatchContacts> plan_contacts(const Model& model, const std::vector<KernelFrame>& frames,
                                             const StepOptions& options);

// Warm starts of a lane (WarmLayout::size) to and from the contacts of a world that steps by itself.
void take_warm(const BatchContacts& contacts, int nv, const std::vector<double>& warm, Data& data);
void give_warm(const BatchContacts& contacts, int nv, const Data& data, std::vector<double>& warm);

}  // namespace geoul::dynamics
