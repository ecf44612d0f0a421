// Fixed joints that close loops in a rigid group: their wrenches are statically indeterminate. Each adds one unknown
// wrench that flows round its cycle; all together make the sum over the group's fixed joints of |f|^2 + |m / length|^2
// least, with force f and moment m at the joint's own frame. See docs/notes/dynamics.md.
#pragma once

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"

namespace geoul::dynamics {

// Sets length and loop_inverse of a group with loops. O((6 nloop)^3), once.
void prepare_weld_loops(Group& group);

// Adds the loops' share to data.edge_wrench (node's tree weld, then loops; in G about its origin). Allocates nothing.
void share_weld_loops(const Group& group, Data& data);

}  // namespace geoul::dynamics
