// Memory that compile() uses again, so that joints can be made and broken at step rate without allocating.
#pragma once

#include <vector>

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/rigid_groups.h"
#include "geoul/dynamics/spanning_tree.h"

namespace geoul::dynamics {

struct CompileWork {
  // A tree and where it starts: from the ground by `joint` where group is -1.
  struct Root {
    int island, group;
    std::size_t joint;
  };
  struct Open {
    std::size_t joint;
    int from;
  };

  RigidWork rigid_work;
  RigidGroups rigid;
  SpanningWork spanning_work;
  SpanningTree spanning;
  std::vector<std::vector<std::size_t>> edges;  // (ngroup + 1) moving joints at a group; the last: at the ground
  std::vector<bool> joint_done;
  std::vector<bool> placed, given;  // (ngroup)
  std::vector<Precise> X_LG;        // (ngroup)
  std::vector<Precise> X_LB;        // (nbody)
  // What a body adds to its link, kept from one compile to the next.
  struct Share {
    Precise X_LB;
    scene::MassProperties mass;
    Posed pose_LB;
    Inertia<long double> I_L;
    bool known = false;
  };
  std::vector<Share> shares;   // (nbody)
  std::vector<int> last_link;  // (ngroup) link that carries it
  std::vector<int> rank;       // (ngroup) of an island
  std::vector<Root> roots;
  std::vector<Open> open;
  std::vector<LinkData> links;
  std::vector<std::vector<int>> spare_bodies;
};

// Whether scene::validate has passed already.
enum class Trust : bool { kNone, kScene };

// compile() into a model whose memory is used again; false where there is an error (the model is then undefined).
// `before`: a model of the same bodies and shapes, whose collision geometry is shared; may be null, not `model`.
bool compile_into(const scene::Scene& scene, Trust trust, const Model* before, CompileWork& work, Model& model,
                  Diagnostics& diagnostics);

}  // namespace geoul::dynamics
