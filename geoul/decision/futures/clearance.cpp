#include "geoul/decision/futures/clearance.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "geoul/collision/geometry.h"
#include "geoul/collision/narrow.h"
#include "geoul/collision/prepared.h"
#include "geoul/core/contract.h"
#include "geoul/dynamics/contacts.h"

namespace geoul::decision {
namespace {

using collision::Bounds;
using std::size_t;

// Distance of two boxes; 0 where they overlap.
double gap(const Bounds& a, const Bounds& b) {
  const auto along = [](double low_a, double high_a, double low_b, double high_b) {
    return std::max({0.0, low_b - high_a, low_a - high_b});
  };
  return norm(Vec3d{along(a.low.x, a.high.x, b.low.x, b.high.x), along(a.low.y, a.high.y, b.low.y, b.high.y),
                    along(a.low.z, a.high.z, b.low.z, b.high.z)});
}

const collision::Geometry& geometry_of(const ClearanceModel& model, int collider) {
  const collision::CollisionModel& all = *model.contact->geometry;
  return all.geometries[static_cast<size_t>(all.colliders[static_cast<size_t>(collider)].geometry)];
}

Posed body_pose(const dynamics::Model& model, const dynamics::Data& data, int body) {
  const dynamics::BodyAddress& at = model.bodies[static_cast<size_t>(body)];
  if (at.link < 0) return at.pose_LB;
  const Transformd& X_WL = data.links[static_cast<size_t>(at.link)].X_WL;
  return {quaternion(X_WL.R * at.X_LB.R), X_WL * at.X_LB.p};
}

// No point of a body within `reach` of its origin moved further. A turn by t moves a point by 2 r sin(t / 2), and the
// chord of the two quaternions is 2 sin(t / 4).
double moved(const Posed& from, const Posed& to, double reach) {
  const Quatd &a = from.R, &b = to.R;
  const double s = a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z < 0 ? -1 : 1;
  const double w = a.w - s * b.w, x = a.x - s * b.x, y = a.y - s * b.y, z = a.z - s * b.z;
  return norm(to.p - from.p) + 2 * reach * std::sqrt(w * w + x * x + y * y + z * z);
}

const Bounds& bounds_of(const ClearanceModel& model, int collider, bool moves, ClearanceScratch& scratch) {
  const auto c = static_cast<size_t>(collider);
  if (!moves) return model.still[c];
  if (scratch.bounded[c] == 0) {
    scratch.bounded[c] = 1;
    const Posed X = collision::collider_pose(model.contact->geometry->colliders[c], scratch.X_WB);
    scratch.bounds[c] = collision::bounds_of(geometry_of(model, collider), X);
  }
  return scratch.bounds[c];
}

void place(const ClearanceModel& model, const dynamics::Model& dynamics, const dynamics::Data& data,
           ClearanceScratch& scratch) {
  for (const int body : model.moving) scratch.X_WB[static_cast<size_t>(body)] = body_pose(dynamics, data, body);
  std::fill(scratch.bounded.begin(), scratch.bounded.end(), 0);
}

double travel_of(const ClearanceTrack& track, const ClearanceModel::Pair& pair) {
  return (pair.body_a < 0 ? 0 : track.travel[static_cast<size_t>(pair.body_a)]) +
         (pair.body_b < 0 ? 0 : track.travel[static_cast<size_t>(pair.body_b)]);
}

double measure(const ClearanceModel& model, const ClearanceModel::Pair& pair, const ClearanceScratch& scratch) {
  return collision::distance(*model.contact->geometry, pair.a, pair.b, scratch.X_WB).distance;
}

struct Making {
  const dynamics::Model& model;
  ClearanceModel& out;
  std::vector<int> place_of;  // (nbody) in out.moving; -1
  std::set<std::string> surfaces;

  void list_moving() {
    place_of.assign(static_cast<size_t>(model.nbody), -1);
    for (const collision::Collider& c : out.contact->geometry->colliders) {
      if (!c.body.valid() || model.bodies[c.body.index()].link < 0 || place_of[c.body.index()] >= 0) continue;
      place_of[c.body.index()] = static_cast<int>(out.moving.size());
      out.moving.push_back(static_cast<int>(c.body.index()));
      out.reach.push_back(out.contact->reach[c.body.index()]);
    }
  }

  int moving_place(const collision::Collider& c) const { return c.body.valid() ? place_of[c.body.index()] : -1; }

  // Both swim: their pose against each other is nobody's plan.
  bool both_free(const collision::Collider& a, const collision::Collider& b) const {
    const auto floats = [&](const collision::Collider& c) {
      if (!c.body.valid() || model.bodies[c.body.index()].link < 0) return false;
      int link = model.bodies[c.body.index()].link;
      while (model.links[static_cast<size_t>(link)].parent >= 0) link = model.links[static_cast<size_t>(link)].parent;
      return !model.links[static_cast<size_t>(link)].joint.valid();
    };
    return floats(a) && floats(b);
  }

  void list_pairs() {
    const collision::CollisionModel& geometry = *out.contact->geometry;
    const auto n = static_cast<int>(geometry.colliders.size());
    for (int a = 0; a < n; ++a) {
      for (int b = a + 1; b < n; ++b) {
        const auto &first = geometry.colliders[static_cast<size_t>(a)],
                   &second = geometry.colliders[static_cast<size_t>(b)];
        const int at = moving_place(first), other = moving_place(second);
        if ((at < 0 && other < 0) || both_free(first, second)) continue;
        if (!collision::may_touch(geometry, out.contact->filter, a, b)) continue;
        bool surface = false;
        for (const int c : {a, b}) {
          const collision::Kind kind = geometry_of(out, c).kind;
          if (collision::is_convex(kind) || kind == collision::Kind::kPlane) continue;
          surface = true;
          const scene::BodyId body = geometry.colliders[static_cast<size_t>(c)].body;
          surfaces.insert(body.valid() ? model.body_paths[body.index()] : "the world");
        }
        if (!surface) out.pairs.push_back({a, b, at, other});
      }
    }
    for (const std::string& name : surfaces)
      out.notes.push_back("clearance to the surface of a mesh of " + name +
                          " is not judged; read it as hulls (--hulls 16)");
  }
};

}  // namespace

ClearanceModel make_clearance(const dynamics::Model& model, const scene::State& start) {
  ClearanceModel out;
  out.contact = model.contact;
  if (!out.contact) return out;
  Making making{model, out, {}, {}};
  making.list_moving();
  making.list_pairs();
  dynamics::Data data = make_data(model);
  forward_kinematics(model, start.q, start.v, data);
  out.X_WB.resize(static_cast<size_t>(model.nbody));
  for (int b = 0; b < model.nbody; ++b) out.X_WB[static_cast<size_t>(b)] = body_pose(model, data, b);
  const collision::CollisionModel& geometry = *out.contact->geometry;
  out.still.resize(geometry.colliders.size());
  for (size_t c = 0; c < geometry.colliders.size(); ++c) {
    out.still[c] = collision::bounds_of(geometry.geometries[static_cast<size_t>(geometry.colliders[c].geometry)],
                                        collision::collider_pose(geometry.colliders[c], out.X_WB));
  }
  ClearanceScratch scratch = make_scratch(out);
  place(out, model, data, scratch);
  std::set<std::pair<std::string, std::string>> touching;
  const auto touches = [&](const ClearanceModel::Pair& pair) {
    if (gap(out.still[static_cast<size_t>(pair.a)], out.still[static_cast<size_t>(pair.b)]) > 1e-6) return false;
    if (measure(out, pair, scratch) > 1e-6) return false;
    const auto name = [&](int c) {
      const scene::BodyId body = geometry.colliders[static_cast<size_t>(c)].body;
      return body.valid() ? model.body_paths[body.index()] : std::string("the world");
    };
    touching.insert({name(pair.a), name(pair.b)});
    return true;
  };
  std::erase_if(out.pairs, touches);
  for (const auto& [a, b] : touching)
    out.notes.push_back(a + " and " + b + " touch at the start: shapes of theirs that do are not judged");
  return out;
}

ClearanceTrack make_track(const ClearanceModel& model) {
  ClearanceTrack out;
  out.due.assign(model.pairs.size(), -std::numeric_limits<double>::infinity());
  out.travel.assign(model.moving.size(), 0);
  out.last.resize(model.moving.size());
  return out;
}

ClearanceScratch make_scratch(const ClearanceModel& model) {
  return {model.X_WB, std::vector<Bounds>(model.still.size()), std::vector<char>(model.still.size(), 0)};
}

bool look(const ClearanceModel& model, const dynamics::Model& dynamics, const dynamics::Data& data,
          ClearanceScratch& scratch, ClearanceTrack& track) {
  place(model, dynamics, data, scratch);
  double most = 0, second = 0;  // ways of the two bodies that went farthest
  for (size_t i = 0; i < model.moving.size(); ++i) {
    const Posed& X = scratch.X_WB[static_cast<size_t>(model.moving[i])];
    if (track.begun) {
      const double way = moved(track.last[i], X, model.reach[i]);
      track.travel[i] += way;
      if (way > most)
        second = most, most = way;
      else
        second = std::max(second, way);
    }
    track.last[i] = X;
  }
  track.begun = true;
  track.step = std::max(track.step, most + second);
  bool lowered = false;
  for (size_t p = 0; p < model.pairs.size(); ++p) {
    const ClearanceModel::Pair& pair = model.pairs[p];
    const double travel = travel_of(track, pair);
    if (track.due[p] - travel >= track.least) continue;
    double distance =
        gap(bounds_of(model, pair.a, pair.body_a >= 0, scratch), bounds_of(model, pair.b, pair.body_b >= 0, scratch));
    // Boxes that overlap say nothing of how deep the shapes are.
    if (distance < track.least || distance <= 0) distance = measure(model, pair, scratch);
    track.due[p] = distance + travel;
    if (distance < track.least) track.least = distance, track.pair = static_cast<int>(p), lowered = true;
  }
  return lowered;
}

double clearance(const ClearanceModel& model, const dynamics::Model& dynamics, const dynamics::Data& data,
                 ClearanceScratch& scratch, ClearanceTrack& track) {
  track.least = std::numeric_limits<double>::infinity();
  track.pair = -1;
  look(model, dynamics, data, scratch, track);
  return track.least;
}

std::string pair_name(const ClearanceModel& model, const dynamics::Model& dynamics, int pair) {
  GEOUL_EXPECTS(pair >= 0 && static_cast<size_t>(pair) < model.pairs.size());
  const auto name = [&](int collider) {
    const scene::BodyId body = model.contact->geometry->colliders[static_cast<size_t>(collider)].body;
    return body.valid() ? dynamics.body_paths[body.index()] : std::string("the world");
  };
  const ClearanceModel::Pair& of = model.pairs[static_cast<size_t>(pair)];
  return name(of.a) + " and " + name(of.b);
}

}  // namespace geoul::decision
