#include "geoul/decision/safety/gaps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/collision/closed_forms.h"
#include "geoul/collision/gjk.h"

namespace geoul::decision::safety {
namespace {

constexpr double kSpeedHorizon = 0.1;       // what a lack of speed counts as a lack of room [s]
constexpr int kMostCapsules = kMostJoints;  // one a link
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A capsule or point where it stands, with how joints move its ends: column = dp/dq_j, lever the longer one.
struct Placed {
  Vec3d a, b;
  std::uint32_t joints = 0;
  Vec3d column[2][kMostJoints];
  double lever[kMostJoints];
  double most = 0;  // that it can move, with the greatest motions [m]
};
void place(const GapInputs& in, int link, const Vec3d& a_L, const Vec3d& b_L, Placed& out) {
  const Transformd& X_WL = in.data.links[std::size_t(link)].X_WL;
  out.a = X_WL * a_L, out.b = X_WL * b_L;
  out.joints = in.robot.inner[std::size_t(link)], out.most = 0;
  for (int j = 0; j < in.robot.joints(); ++j) {
    if (!(out.joints >> j & 1)) continue;
    const Transformd& X = in.data.links[std::size_t(j)].X_WL;
    const Vec3d z = X.R.column(2);
    const bool turns = in.robot.model.links[std::size_t(j)].motion == dynamics::LinkMotion::kTurn;
    out.column[0][j] = turns ? cross(z, out.a - X.p) : z;
    out.column[1][j] = turns ? cross(z, out.b - X.p) : z;
    out.lever[j] =
        std::sqrt(std::max(dot(out.column[0][j], out.column[0][j]), dot(out.column[1][j], out.column[1][j])));
    out.most += out.lever[j] * (in.most.travel[std::size_t(j)].greatest() + in.robot.options.tracking[std::size_t(j)]);
  }
}

// Unit direction from the nearest point of segment a to that of segment b, and how far apart they are. Source: Ericson,
// Real-Time Collision Detection (2005), ch. 5.1.9.
struct Nearest {
  double distance;
  Vec3d normal;
};
Nearest segments(const Placed& x, const Vec3d& c, const Vec3d& d) {
  const Vec3d u = x.b - x.a, v = d - c, w = x.a - c;
  const double a = dot(u, u), e = dot(v, v), f = dot(v, w), b = dot(u, v), cc = dot(u, w);
  double s = 0, t = 0;
  if (a <= 1e-18 && e <= 1e-18) {
    s = t = 0;
  } else if (a <= 1e-18) {
    t = std::clamp(f / e, 0.0, 1.0);
  } else if (e <= 1e-18) {
    s = std::clamp(-cc / a, 0.0, 1.0);
  } else {
    const double denominator = a * e - b * b;
    s = denominator > 1e-12 * a * e ? std::clamp((b * f - cc * e) / denominator, 0.0, 1.0) : 0.0;
    t = (b * s + f) / e;
    if (t < 0) t = 0, s = std::clamp(-cc / a, 0.0, 1.0);
    if (t > 1) t = 1, s = std::clamp((b - cc) / a, 0.0, 1.0);
  }
  const Vec3d apart = (c + t * v) - (x.a + s * u);
  const double distance = norm(apart);
  return {distance, distance > 1e-9 ? (1 / distance) * apart : Vec3d{0, 0, 1}};
}

// What a gap needs of one capsule and of the directions n at its ends.
void fill(const GapInputs& in, const Placed& at, const double* reach, const Vec3d& n, Gap& gap) {
  gap.joints = at.joints, gap.reach = reach;
  for (int j = 0; j < in.robot.joints(); ++j) {
    if (!(at.joints >> j & 1)) continue;
    gap.lever[j] = at.lever[j];
    for (int end = 0; end < gap.ends; ++end) gap.g[end][j] = dot(n, at.column[end][j]);
  }
}

double reach_of(const Robot& robot, const Gap& gap, int j) {
  return robot.model.links[std::size_t(j)].motion == dynamics::LinkMotion::kSlide ? 1 : gap.reach[j];
}

double tracked(const Robot& robot, const Motions& motions, int j) {
  return motions.travel[std::size_t(j)].greatest() + robot.options.tracking[std::size_t(j)];
}

// sum_j r_j |dq_j|
double moved(const Robot& robot, const Gap& gap, const Motions& motions) {
  double sum = 0;
  for (int j = 0; j < robot.joints(); ++j) {
    if (gap.joints >> j & 1) sum += gap.lever[j] * tracked(robot, motions, j);
  }
  return sum;
}
// The same along the normal, of one end.
double moved_along(const Robot& robot, const Gap& gap, const Motions& motions, int end) {
  double sum = 0, bent = 0, before = 0;
  for (int j = 0; j < robot.joints(); ++j) {
    if (!(gap.joints >> j & 1)) continue;
    const Travel& t = motions.travel[std::size_t(j)];
    const double slack = robot.options.tracking[std::size_t(j)], g = gap.g[end][j];
    sum += std::max(g * (t.low - slack), g * (t.high + slack));
    const double most = t.greatest() + slack;
    bent += reach_of(robot, gap, j) * most * (most + 2 * before);
    before += most;
  }
  return sum + 0.5 * bent;
}
// Room that is left along the motions, by the better of the two bounds; what the person does is left out.
double apart(const Robot& robot, const Gap& gap, const Motions& motions) {
  double out = gap.room - moved(robot, gap, motions);
  if (gap.ends > 0) {
    double along = gap.end_room[0] - moved_along(robot, gap, motions, 0);
    if (gap.ends > 1) along = std::min(along, gap.end_room[1] - moved_along(robot, gap, motions, 1));
    out = std::max(out, along);
  }
  return out;
}
// Greatest speed of the gap's points.
double speed(const Robot& robot, const Gap& gap, const Motions& motions) {
  double sum = 0, outer = 0;  // what joints further out add to a lever
  for (int j = robot.joints() - 1; j >= 0; --j) {
    if (!(gap.joints >> j & 1)) continue;
    const bool turns = robot.model.links[std::size_t(j)].motion == dynamics::LinkMotion::kTurn;
    sum += (gap.lever[j] + (turns ? outer : 0)) * motions.travel[std::size_t(j)].speed();
    outer += reach_of(robot, gap, j) * tracked(robot, motions, j);
  }
  return sum;
}
double time_of(const Robot& robot, const Gap& gap, const Motions& motions) {
  double most = 0;
  for (int j = 0; j < robot.joints(); ++j) {
    if (gap.joints >> j & 1) most = std::max(most, motions.travel[std::size_t(j)].time);
  }
  return most;
}

// Room in the list for one more; false where there is none.
bool append(std::vector<Gap>& gaps, const Gap& gap) {
  if (gaps.size() == gaps.capacity()) return false;
  gaps.push_back(gap);
  return true;
}

bool people_gaps(const GapInputs& in, int capsule, const Placed& at, std::vector<Gap>& gaps, double& nearest) {
  const RobotCapsule& c = in.robot.capsules[std::size_t(capsule)];
  double longest = 0;
  for (int j = 0; j < in.robot.joints(); ++j) {
    if (at.joints >> j & 1) longest = std::max(longest, in.most.travel[std::size_t(j)].time);
  }
  bool fits = true;
  for (int i = 0; i < int(in.people.size()); ++i) {
    const BodyPart& part = in.people[std::size_t(i)];
    const Nearest apart = segments(at, part.shape.a, part.shape.b);
    const double radii = c.shape.radius + part.shape.radius;
    const double constant = radii + in.contract.intrusion + in.contract.person_uncertainty;
    nearest = std::min(nearest, apart.distance - radii);
    const double speed = part.speed > 0 ? part.speed : in.contract.person_speed;
    const double wait = (in.now - part.measured + in.contract.reaction).seconds();
    if (apart.distance - constant > at.most + speed * (wait + longest)) continue;
    Gap gap;
    gap.cause = Cause::kPerson, gap.subject = capsule, gap.object = i;
    gap.distance = apart.distance - radii, gap.room = apart.distance - constant;
    gap.person_speed = speed, gap.wait = wait, gap.contact_speed = in.contract.contact_speed;
    gap.ends = 2;
    const double far = std::min(dot(apart.normal, part.shape.a), dot(apart.normal, part.shape.b));
    gap.end_room[0] = far - dot(apart.normal, at.a) - constant;
    gap.end_room[1] = far - dot(apart.normal, at.b) - constant;
    fill(in, at, c.reach.data(), apart.normal, gap);
    fits = append(gaps, gap) && fits;
  }
  return fits;
}

// The obstacle's surface nearest to the capsule's axis: direction from the robot, how far along it the obstacle begins,
// and the distance. False where it is beyond `reach`.
struct Facing {
  Vec3d n;
  double far = 0, distance = 0;
};
bool face(const GapInputs& in, int i, const Placed& at, double reach, Facing& out) {
  const Obstacle& obstacle = in.robot.obstacles[std::size_t(i)];
  const Transformd X_WO = transform(obstacle.X_WO);
  if (obstacle.geometry.kind == collision::Kind::kPlane) {
    out.n = -X_WO.R.column(2), out.far = dot(out.n, X_WO.p);
    out.distance = out.far - std::max(dot(out.n, at.a), dot(out.n, at.b));
    return out.distance <= reach;
  }
  const Vec3d middle = 0.5 * (at.a + at.b);
  const double half = 0.5 * norm(at.b - at.a);
  if (norm(in.robot.bounds[std::size_t(i)].a - middle) - in.robot.bounds[std::size_t(i)].radius - half > reach)
    return false;
  if (obstacle.geometry.kind != collision::Kind::kHull &&
      collision::nearest_on(obstacle.geometry, inverse(X_WO) * middle).distance - half > reach) {
    return false;
  }
  const collision::Core& core = in.robot.cores[std::size_t(i)];
  collision::Core bar;
  bar.kind = collision::Kind::kCapsule, bar.half_height = bar.size = half;
  const Vec3d z = half > 1e-9 ? (0.5 / half) * (at.b - at.a) : Vec3d{0, 0, 1};
  const Vec3d x = collision::any_perpendicular(z), y = cross(z, x);
  const Transformd X_WC{{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}}, middle};
  const collision::Separation apart = collision::separate({bar, core, inverse(X_WC) * X_WO}, reach + core.rounding);
  if (apart.beyond) return false;
  out.n = X_WC.R * apart.normal, out.distance = apart.distance - core.rounding;
  out.far = dot(out.n, X_WO * collision::support(core, transpose_times(X_WO.R, -out.n))) - core.rounding;
  return true;
}

bool obstacle_gaps(const GapInputs& in, int capsule, const Placed& at, std::vector<Gap>& gaps) {
  const RobotCapsule& c = in.robot.capsules[std::size_t(capsule)];
  const double constant = c.shape.radius + in.contract.obstacle_clearance;
  bool fits = true;
  for (int i = 0; i < int(in.robot.obstacles.size()); ++i) {
    Facing facing;
    if (!face(in, i, at, at.most + constant, facing)) continue;
    Gap gap;
    gap.cause = Cause::kObstacle, gap.subject = capsule, gap.object = i, gap.ends = 2;
    gap.room = facing.distance - constant, gap.distance = facing.distance - c.shape.radius;
    gap.end_room[0] = facing.far - dot(facing.n, at.a) - constant;
    gap.end_room[1] = facing.far - dot(facing.n, at.b) - constant;
    fill(in, at, c.reach.data(), facing.n, gap);
    fits = append(gaps, gap) && fits;
  }
  return fits;
}

bool self_gaps(const GapInputs& in, std::span<const Placed> at, std::vector<Gap>& gaps) {
  bool fits = true;
  for (const SelfPair& pair : in.robot.pairs) {
    const double radii = in.robot.capsules[std::size_t(pair.inner)].shape.radius +
                         in.robot.capsules[std::size_t(pair.outer)].shape.radius;
    const Placed& p = at[std::size_t(pair.inner)];
    const Placed& q = at[std::size_t(pair.outer)];
    const double distance = segments(p, q.a, q.b).distance - radii;
    if (distance - in.contract.obstacle_clearance > p.most + q.most) continue;
    Gap gap;
    gap.cause = Cause::kSelf, gap.subject = pair.inner, gap.object = pair.outer;
    gap.distance = distance, gap.room = distance - in.contract.obstacle_clearance;
    gap.joints = p.joints ^ q.joints;  // each side by its own joints beyond the fork
    for (int j = 0; j < in.robot.joints(); ++j) {
      if (gap.joints >> j & 1) gap.lever[j] = (p.joints >> j & 1) ? p.lever[j] : q.lever[j];
    }
    fits = append(gaps, gap) && fits;
  }
  return fits;
}

bool point_gaps(const GapInputs& in, std::vector<Gap>& gaps) {
  bool fits = true;
  for (int i = 0; i < int(in.robot.options.points.size()); ++i) {
    const KeptPoint& point = in.robot.options.points[std::size_t(i)];
    Placed at;
    place(in, point.link, point.p_L, point.p_L, at);
    Gap gap;
    gap.subject = i;
    for (int k = 0; k < int(point.planes.size()); ++k) {
      const Plane& plane = point.planes[std::size_t(k)];
      gap.cause = Cause::kWorkspace, gap.object = k, gap.ends = 1;
      gap.distance = plane.offset - dot(plane.normal_W, at.a) - point.radius;
      gap.room = gap.end_room[0] = gap.distance - in.contract.obstacle_clearance;
      fill(in, at, point.reach.data(), plane.normal_W, gap);
      if (gap.room <= at.most) fits = append(gaps, gap) && fits;
    }
    if (point.speed < scene::kUnlimited) {
      gap.cause = Cause::kSpeed, gap.object = -1, gap.ends = 0;
      gap.room = point.speed, gap.distance = kInfinity;
      fill(in, at, point.reach.data(), {}, gap);
      fits = append(gaps, gap) && fits;
    }
  }
  return fits;
}

}  // namespace

bool find_gaps(const GapInputs& in, std::vector<Gap>& gaps, double& nearest) {
  nearest = kInfinity;
  gaps.clear();
  Placed at[kMostCapsules];
  const int n = int(in.robot.capsules.size());
  bool fits = n <= kMostCapsules;
  for (int i = 0; fits && i < n; ++i) {
    const RobotCapsule& c = in.robot.capsules[std::size_t(i)];
    place(in, c.link, c.shape.a, c.shape.b, at[std::size_t(i)]);
  }
  for (int i = 0; fits && i < n; ++i) {
    fits = people_gaps(in, i, at[std::size_t(i)], gaps, nearest) && obstacle_gaps(in, i, at[std::size_t(i)], gaps);
  }
  return fits && self_gaps(in, {at, std::size_t(n)}, gaps) && point_gaps(in, gaps);
}

double left(const Robot& robot, const Gap& gap, const Motions& motions) {
  if (gap.cause == Cause::kSpeed) return kSpeedHorizon * (gap.room - speed(robot, gap, motions));
  const double person = gap.person_speed > 0 ? gap.person_speed * (gap.wait + time_of(robot, gap, motions)) : 0;
  double out = apart(robot, gap, motions) - person;
  if (gap.contact_speed > 0) {
    out = std::max(out, kSpeedHorizon * (gap.contact_speed - speed(robot, gap, motions)));
  }
  return out;
}

Separation separation_of(const Robot& robot, const Contract& contract, const Gap& gap, const Motions& motions) {
  Separation out;
  out.S_h = gap.person_speed * (gap.wait + time_of(robot, gap, motions));
  double slack = 0;
  for (int j = 0; j < robot.joints(); ++j) {
    if (gap.joints >> j & 1) slack += gap.lever[j] * robot.options.tracking[std::size_t(j)];
  }
  out.Z_r = slack, out.Z_d = contract.person_uncertainty, out.C = contract.intrusion;
  out.S_s = std::max(0.0, gap.room - apart(robot, gap, motions) - slack);
  return out;
}

}  // namespace geoul::decision::safety
