#include "geoul/dynamics/batch_contacts.h"

#include <algorithm>
#include <cmath>

#include "geoul/collision/geometry.h"
#include "geoul/collision/narrow.h"
#include "geoul/dynamics/contacts.h"

namespace geoul::dynamics {

namespace {

using collision::Collider;
using collision::Geometry;
using collision::Kind;
using std::size_t;

const Geometry& geometry_of(const ContactSetup& setup, size_t collider) {
  const collision::CollisionModel& model = *setup.geometry;
  return model.geometries[static_cast<size_t>(model.colliders[collider].geometry)];
}

int link_of(const Model& model, const Collider& collider) {
  return collider.body.valid() ? model.bodies[collider.body.index()].link : -1;
}

void write(const Mat3d& R, const Vec3d& p, double* R_out, double* p_out) {
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) R_out[3 * i + j] = R[i][j];
    p_out[i] = p[i];
  }
}

BatchShape shape_of(const Model& model, const std::vector<KernelFrame>& frames, size_t i) {
  const ContactSetup& setup = *model.contact;
  const Collider& collider = setup.geometry->colliders[i];
  const Geometry& g = geometry_of(setup, i);
  BatchShape shape;
  shape.link = link_of(model, collider);
  Transformd X = transform(collider.X_BC);
  if (collider.body.valid()) X = model.bodies[collider.body.index()].X_LB * X;
  if (shape.link >= 0) X = inverse(frames[static_cast<size_t>(shape.link)].X_LK) * X;
  write(X.R, X.p, shape.R, shape.p);
  shape.radius = g.radius, shape.half_height = g.half_height;
  shape.bounding_radius = std::isfinite(g.bounding_radius) ? g.bounding_radius : 0;
  shape.thickness = setup.thickness[i];
  switch (g.kind) {
    case Kind::kSphere: shape.form = BatchShape::kBall; return shape;
    case Kind::kCapsule: shape.form = BatchShape::kBar; return shape;
    case Kind::kPlane: shape.form = BatchShape::kPlane; return shape;
    default: break;
  }
  shape.form = BatchShape::kBlock;
  for (int k = 0; k < 3; ++k) shape.half[k] = std::max(std::abs(g.low[k]), std::abs(g.high[k]));
  return shape;
}

BatchPair pair_of(const ContactSetup& setup, int a, int b) {
  BatchPair pair;
  pair.a = a, pair.b = b;
  const Kind A = geometry_of(setup, static_cast<size_t>(a)).kind, B = geometry_of(setup, static_cast<size_t>(b)).kind;
  const Kind low = std::min(A, B), high = std::max(A, B);
  if (high == Kind::kPlane && low == Kind::kSphere) pair.way = BatchPair::kBallOnPlane;
  if (high == Kind::kPlane && low == Kind::kCapsule) pair.way = BatchPair::kBarOnPlane;
  const ContactMaterial m = mean(setup.materials[static_cast<size_t>(a)], setup.materials[static_cast<size_t>(b)]);
  pair.friction = m.dynamic_friction, pair.torsion = m.torsion, pair.rolling = m.rolling;
  pair.stiffness = m.stiffness, pair.damping = m.damping;
  pair.rows = m.rolling > 0 ? 6 : m.torsion > 0 ? 4 : m.dynamic_friction > 0 ? 3 : 1;
  return pair;
}

// Contact points of a pair, for the kernels.
void narrow(const void* geometry, int a, int b, const double* X_Wa, const double* X_Wb, double margin,
            BatchTouch* out) {
  const auto& setup = *static_cast<const ContactSetup*>(geometry);
  const auto pose_of = [](const double* X) {
    const Mat3d R{{X[0], X[1], X[2]}, {X[3], X[4], X[5]}, {X[6], X[7], X[8]}};
    return Posed{quaternion(R), {X[9], X[10], X[11]}};
  };
  out->count = 0;
  for (int k = 0; k < 12; ++k) {
    if (!std::isfinite(X_Wa[k]) || !std::isfinite(X_Wb[k])) return;
  }
  collision::Manifold found;
  out->count = collide(geometry_of(setup, static_cast<size_t>(a)), pose_of(X_Wa),
                       geometry_of(setup, static_cast<size_t>(b)), pose_of(X_Wb), margin, &found);
  for (int k = 0; k < 3; ++k) out->normal[k] = found.normal_W[k];
  for (int i = 0; i < out->count; ++i) {
    BatchTouch::Point& point = out->points[i];
    for (int k = 0; k < 3; ++k) point.p[k] = found.points[i].p_W[k];
    point.distance = found.points[i].distance, point.id = found.points[i].id;
  }
}

void plan_degrees(const Model& model, BatchContacts& out) {
  out.tree_of.resize(model.links.size()), out.path.resize(model.links.size());
  out.link_of.resize(static_cast<size_t>(model.nv));
  for (size_t t = 0; t < model.trees.size(); ++t) {
    for (int i = model.trees[t].begin; i < model.trees[t].end; ++i) out.tree_of[static_cast<size_t>(i)] = int(t);
  }
  out.chain_at.assign(1, 0);
  for (size_t i = 0; i < model.links.size(); ++i) {  // links stand in the order of their degrees
    const Link& link = model.links[i];
    std::uint64_t& path = out.path[i];
    path = link.parent >= 0 ? out.path[static_cast<size_t>(link.parent)] : 0;
    for (int k = link.v; k < link.v + (link.ball >= 0 ? 3 : 1); ++k) {
      for (int j = 0; j < k; ++j) {
        if ((path >> j & 1) != 0) out.chain.push_back(j);
      }
      out.chain_at.push_back(static_cast<int>(out.chain.size()));
      out.link_of[static_cast<size_t>(k)] = static_cast<int>(i);
      path |= std::uint64_t{1} << k;
    }
  }
}

void plan_pairs(BatchContacts& out) {
  const ContactSetup& setup = *out.setup;
  const auto n = static_cast<int>(setup.geometry->colliders.size());
  const auto link = [&](int i) { return out.shapes[static_cast<size_t>(i)].link; };
  for (int a = 0; a < n; ++a) {
    for (int b = a + 1; b < n; ++b) {
      if (may_touch(*setup.geometry, setup.filter, a, b) && (link(a) >= 0 || link(b) >= 0))
        out.pairs.push_back(pair_of(setup, a, b));
    }
  }
  std::stable_sort(out.pairs.begin(), out.pairs.end(), [&](const BatchPair& x, const BatchPair& y) {
    return std::pair(link(x.a), link(x.b)) < std::pair(link(y.a), link(y.b));
  });
  for (size_t i = 0; i < out.pairs.size(); ++i) {
    const BatchPair& pair = out.pairs[i];
    const int place = static_cast<int>(i);
    if (out.groups.empty() || out.groups.back().link_a != link(pair.a) || out.groups.back().link_b != link(pair.b))
      out.groups.push_back({link(pair.a), link(pair.b), place, place});
    out.groups.back().end = place + 1;
    out.index.push_back({{pair.a, pair.b}, place});
    out.plan.rows = std::max(out.plan.rows, pair.rows);
  }
  std::sort(out.index.begin(), out.index.end());
}

// About the middle of the colliders' own middles.
void plan_reach(BatchContacts& out) {
  for (size_t l = 0; l < out.reach.size(); ++l) {
    Vec3d low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
    const auto of_link = [&](const BatchShape& s) { return s.link == static_cast<int>(l); };
    for (const BatchShape& s : out.shapes) {
      for (int k = 0; of_link(s) && k < 3; ++k) low[k] = std::min(low[k], s.p[k]), high[k] = std::max(high[k], s.p[k]);
    }
    if (low.x > high.x) continue;
    const Vec3d middle = 0.5 * (low + high);
    for (int k = 0; k < 3; ++k) out.reach[l].p[k] = middle[k];
    for (const BatchShape& s : out.shapes) {
      if (!of_link(s)) continue;
      const double away = norm(Vec3d{s.p[0], s.p[1], s.p[2]} - middle);
      const double radius = s.form == BatchShape::kPlane ? 1e9 : s.bounding_radius;
      out.reach[l].radius = std::max(out.reach[l].radius, away + radius);
    }
  }
}

}  // namespace

bool contact_fits_lanes(const Model& model) {
  if (model.nv > kMostDegrees) return false;
  const ContactSetup& setup = *model.contact;
  for (size_t i = 0; i < setup.geometry->colliders.size(); ++i) {
    const Kind kind = geometry_of(setup, i).kind;
    if (!is_convex(kind) && kind != Kind::kPlane) return false;
    const ContactMaterial& m = setup.materials[i];
    if (m.restitution > 0 || m.static_friction > m.dynamic_friction) return false;
  }
  return true;
}

std::unique_ptr<BatchContacts> plan_contacts(const Model& model, const std::vector<KernelFrame>& frames,
                                             const StepOptions& options) {
  auto out = std::make_unique<BatchContacts>();
  out->setup = model.contact;
  for (size_t i = 0; i < model.contact->geometry->colliders.size(); ++i)
    out->shapes.push_back(shape_of(model, frames, i));
  out->reach.resize(model.links.size());
  plan_degrees(model, *out);
  plan_pairs(*out);
  plan_reach(*out);
  BatchContactPlan& plan = out->plan;
  plan.shapes = out->shapes.data(), plan.pairs = out->pairs.data(), plan.groups = out->groups.data();
  plan.reach = out->reach.data(), plan.link_of = out->link_of.data(), plan.tree_of = out->tree_of.data();
  plan.chain = out->chain.data(), plan.chain_at = out->chain_at.data(), plan.path = out->path.data();
  plan.nshape = static_cast<int>(out->shapes.size());
  plan.npair = static_cast<int>(out->pairs.size()), plan.ngroup = static_cast<int>(out->groups.size());
  plan.margin = options.contact_margin, plan.tolerance = options.contact_tolerance;
  plan.geometry = out->setup.get(), plan.narrow = narrow;
  return out;
}

void take_warm(const BatchContacts& contacts, int nv, const std::vector<double>& warm, Data& data) {
  ContactData& cd = *data.contact;
  const auto count = static_cast<int>(warm[WarmLayout::kCount]);
  const int rows = contacts.plan.rows;
  cd.contacts.clear(), cd.impacts.clear();
  std::fill(cd.laws.begin(), cd.laws.end(), 0.0), std::fill(cd.lost.begin(), cd.lost.end(), 0.0);
  for (int i = 0; i < count; ++i) {
    const double* slot = warm.data() + WarmLayout::slot(nv, rows, i);
    const auto pair = static_cast<std::int64_t>(slot[0] / 4294967296.0);
    const BatchPair& touching = contacts.pairs[static_cast<size_t>(pair)];
    Contact c;
    c.a = touching.a, c.b = touching.b;
    c.id = static_cast<std::uint64_t>(slot[0] - static_cast<double>(pair) * 4294967296.0);
    std::copy_n(slot + 1, touching.rows, c.impulse), std::copy_n(slot + 1, touching.rows, c.guess);
    cd.contacts.push_back(c);
  }
  cd.solved = count, cd.woken = false;
  for (int k = 0; count > 0 && k < nv; ++k) {
    const double* law = warm.data() + WarmLayout::law(k);
    const auto at = cd.laws.begin() + 3 * k;
    at[0] = law[0], at[1] = std::max(law[1], 0.0), at[2] = std::max(-law[1], 0.0);
  }
}

void give_warm(const BatchContacts& contacts, int nv, const Data& data, std::vector<double>& warm) {
  const ContactData& cd = *data.contact;
  const int rows = contacts.plan.rows;
  const auto slot = [&](int i) { return warm.data() + WarmLayout::slot(nv, rows, i); };
  int count = 0;
  for (int i = 0; i < cd.solved && count < kMostContacts; ++i) {
    const Contact& c = cd.contacts[static_cast<size_t>(i)];
    const std::pair colliders(c.a, c.b);
    const auto found = std::lower_bound(contacts.index.begin(), contacts.index.end(), std::pair(colliders, 0));
    if (found == contacts.index.end() || found->first != colliders) continue;
    const double key = contact_key(found->second, c.id);
    int at = count++;
    for (; at > 0 && slot(at - 1)[0] > key; --at) std::copy_n(slot(at - 1), 1 + rows, slot(at));
    slot(at)[0] = key;
    std::copy_n(c.guess, rows, slot(at) + 1);
  }
  warm[WarmLayout::kCount] = count;
  for (int k = 0; k < nv; ++k) {
    const auto at = cd.laws.begin() + 3 * k;
    warm[static_cast<size_t>(WarmLayout::law(k))] = at[0];
    warm[static_cast<size_t>(WarmLayout::law(k) + 1)] = at[1] - at[2];
  }
}

}  // namespace geoul::dynamics
