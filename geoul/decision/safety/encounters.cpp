#include "geoul/decision/safety/encounters.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "geoul/collision/closed_forms.h"
#include "geoul/collision/gjk.h"
#include "geoul/core/random.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/scene/scene.h"

namespace geoul::decision::safety {
namespace {

constexpr int kJoints = 7, kSubsteps = 2;
constexpr double kRest = 1e-6;  // slower than this is at rest [rad/s]

void add_shape(scene::Scene& scene, scene::BodyId body, const std::string& path, scene::Geometry geometry,
               const Posed& X_BS) {
  scene::Shape shape;
  shape.path = path, shape.body = body, shape.geometry = std::move(geometry), shape.X_BS = X_BS;
  shape.collides = true;
  scene.shapes.push_back(std::move(shape));
}

// Links in the manner of a 7-joint arm of 0.9 m reach (twists of a quarter turn, as those of a Franka Panda).
scene::Scene trial_scene() {
  struct Row {
    double a, d, alpha, mass;
  };
  const double quarter = std::acos(0.0);
  const Row rows[kJoints] = {{0, .333, 0, 5},          {0, 0, -quarter, 1},         {0, .316, quarter, 3},
                             {.0825, 0, quarter, 3.5}, {-.0825, .384, -quarter, 1}, {0, 0, quarter, 1.5},
                             {.088, 0, quarter, 1}};
  // The capsule of each link: from, to, radius, in the link's frame.
  const Capsule shapes[kJoints] = {{{0, 0, -.25}, {0, 0, -.05}, .07},     {{0, 0, 0}, {0, -.12, 0}, .07},
                                   {{0, 0, -.12}, {.06, 0, -.03}, .065},  {{0, 0, 0}, {-.07, .1, 0}, .065},
                                   {{0, .03, -.22}, {0, .03, -.05}, .06}, {{0, 0, 0}, {.07, 0, 0}, .055},
                                   {{0, 0, 0}, {0, 0, .18}, .05}};
  scene::Scene scene;
  scene::BodyId parent = scene::kWorld;
  Transformd X_WL;
  for (int i = 0; i < kJoints; ++i) {
    const Mat3d tilt = rotation_matrix(exp_rotation(Vec3d{rows[i].alpha, 0, 0}));
    const Transformd X_PJ{tilt, Vec3d{rows[i].a, 0, 0} + tilt * Vec3d{0, 0, rows[i].d}};
    X_WL = X_WL * X_PJ;
    scene::Body body;
    body.path = "/link" + std::to_string(i + 1), body.X_WB = pose(X_WL);
    const double r = 0.0036 * rows[i].mass;
    body.mass = {rows[i].mass, 0.5 * (shapes[i].a + shapes[i].b), {2 * r, 2 * r, r, 0, 0, 0}};
    scene.bodies.push_back(body);
    scene::Joint joint;
    joint.path = "/joint" + std::to_string(i + 1), joint.type = scene::JointType::kRevolute;
    joint.parent = parent, joint.child = scene::BodyId::from_index(scene.bodies.size() - 1);
    joint.X_PJ = pose(X_PJ), joint.lower = -2.9, joint.upper = 2.9;
    // Elbow and wrist bent, so that it stands clear of the table and of itself.
    joint.position = i == 1 ? 0.2 : i == 3 ? -1.8 : i == 5 ? 1.8 : 0.0;
    scene.joints.push_back(joint);
    const Vec3d along = shapes[i].b - shapes[i].a;
    const Vec3d z = (1 / norm(along)) * along, x = collision::any_perpendicular(z), y = cross(z, x);
    const Mat3d R{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}};
    add_shape(scene, joint.child, "/link" + std::to_string(i + 1) + "/shape",
              scene::Capsule{shapes[i].radius, norm(along)}, {quaternion(R), 0.5 * (shapes[i].a + shapes[i].b)});
    parent = joint.child;
  }
  add_shape(scene, scene::kWorld, "/floor", scene::Plane{}, {{}, {0, 0, -.02}});
  add_shape(scene, scene::kWorld, "/table", scene::Box{{.5, .8, .2}}, {{}, {.65, 0, .1}});
  add_shape(scene, scene::kWorld, "/fence_left", scene::Box{{2, .04, 1.6}}, {{}, {0, .75, .8}});
  add_shape(scene, scene::kWorld, "/fence_back", scene::Box{{.04, 2, 1.6}}, {{}, {-.7, 0, .8}});
  return scene;
}

double thread_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) * 1e9 + double(t.tv_nsec);
}

// A part of a person as it really is.
struct TruePart {
  Capsule shape;
  double speed = 0;   // bound of the contract
  bool flat = false;  // walks: moves level
  int mood = 0;
  double until = 0;
  std::deque<Capsule> past;  // at every substep, newest last
};

// What the plant was given, from when.
struct Given {
  double from = 0;  // [s]
  std::array<Profile, kJoints> profile;
};

}  // namespace

std::shared_ptr<const Robot> trial_robot() {
  const scene::Scene scene = trial_scene();
  Diagnostics diagnostics;
  RobotOptions options;
  for (int i = 0; i < kJoints; ++i) options.limits.push_back({-2.9, 2.9, i < 4 ? 2.0 : 2.6, i < 4 ? 8.0 : 12.0, 800});
  options.tracking.assign(kJoints, 0.005);
  auto robot = compile_robot(scene, dynamics::compiled(scene), options, diagnostics);
  GEOUL_EXPECTS(robot.has_value());
  return std::make_shared<const Robot>(std::move(*robot));
}

Contract trial_contract() {
  Contract contract;
  contract.cycle = Duration::from_seconds(0.01), contract.reaction = Duration::from_seconds(0.02);
  contract.oldest_people = Duration::from_seconds(0.05), contract.oldest_plant = Duration::from_seconds(0.05);
  contract.intrusion = 0.02, contract.person_uncertainty = 0.03;
  return contract;
}

void add(EncounterResult& sum, const EncounterResult& one) {
  sum.steps += one.steps, sum.passed += one.passed, sum.changed += one.changed, sum.stopping += one.stopping;
  sum.held += one.held, sum.unprojected += one.unprojected, sum.touched_people += one.touched_people;
  sum.touched_things += one.touched_things, sum.beyond_limits += one.beyond_limits, sum.bad_stops += one.bad_stops;
  sum.nearest = std::min(sum.nearest, one.nearest), sum.travelled += one.travelled;
}

struct Encounters::Impl {
  std::shared_ptr<const Robot> robot = trial_robot();
  scene::Scene scene = trial_scene();
  Contract contract = trial_contract();
  Filter filter{robot, contract};
  dynamics::Data data = dynamics::make_data(robot->model);
  std::vector<double> q = std::vector<double>(kJoints), v = std::vector<double>(kJoints);
  std::array<Capsule, kJoints> at;  // true shapes in W

  Random random{0};
  EncounterOptions options;
  EncounterResult result;
  std::vector<TruePart> parts;
  std::deque<Given> given;
  double lag = 0, heard = 0;  // of the plant [s]; instant of the reference that it follows
  std::array<double, kJoints> offset, follow;
  int style = 0;
  std::array<double, kJoints> wish;
  double wish_until = 0;

  // The shapes as the scene has them, not as the filter sees them.
  void place(std::span<const double> position) {
    std::copy(position.begin(), position.end(), q.begin());
    dynamics::forward_kinematics(robot->model, q, v, data);
    for (int i = 0; i < kJoints; ++i) {
      const auto& shape = scene.shapes[std::size_t(i)];
      const Transformd X =
          data.links[std::size_t(i)].X_WL * robot->model.bodies[std::size_t(i)].X_LB * transform(shape.X_BS);
      const auto& capsule = std::get<scene::Capsule>(shape.geometry);
      at[std::size_t(i)] = {X * Vec3d{0, 0, -capsule.height / 2}, X * Vec3d{0, 0, capsule.height / 2}, capsule.radius};
    }
  }
  // By the distance search of collision, where the filter uses a closed form.
  static double distance(const Capsule& a, const Capsule& b) {
    const auto core = [](const Capsule& c) {
      collision::Core out;
      out.kind = collision::Kind::kCapsule, out.half_height = out.size = 0.5 * norm(c.b - c.a);
      return out;
    };
    const auto frame = [](const Capsule& c) {
      const double length = norm(c.b - c.a);
      const Vec3d z = length > 1e-12 ? (1 / length) * (c.b - c.a) : Vec3d{0, 0, 1};
      const Vec3d x = collision::any_perpendicular(z), y = cross(z, x);
      return Transformd{{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}}, 0.5 * (c.a + c.b)};
    };
    const collision::Core A = core(a), B = core(b);
    return collision::separate({A, B, inverse(frame(a)) * frame(b)}, -1).distance - a.radius - b.radius;
  }
  // Of the links that a joint from `first` on does not leave at rest.
  double to_person(const Capsule& part, int first = 0) const {
    double least = 1e9;
    for (int i = first; i < kJoints; ++i) {
      const Capsule& link = at[std::size_t(i)];  // balls about their middles first
      const double sizes = 0.5 * (norm(link.b - link.a) + norm(part.b - part.a)) + link.radius + part.radius;
      if (0.5 * norm(link.a + link.b - part.a - part.b) - sizes >= least) continue;
      least = std::min(least, distance(link, part));
    }
    return least;
  }
  // Whether some shape is within `margin` of an obstacle (points along its axis) or of another that is no neighbour.
  bool touches_things(double margin = 0) const {
    for (const Capsule& link : at) {
      for (const Obstacle& obstacle : robot->obstacles) {
        const Transformd X_OW = inverse(transform(obstacle.X_WO));
        for (int k = 0; k <= 4; ++k) {
          const Vec3d p = X_OW * (link.a + (k / 4.0) * (link.b - link.a));
          const double d = obstacle.geometry.kind == collision::Kind::kPlane
                               ? p.z
                               : collision::nearest_on(obstacle.geometry, p).distance;
          if (d < link.radius + margin) return true;
        }
      }
    }
    for (const SelfPair& pair : robot->pairs) {
      const int a = robot->capsules[std::size_t(pair.inner)].link, b = robot->capsules[std::size_t(pair.outer)].link;
      if (distance(at[std::size_t(a)], at[std::size_t(b)]) < margin) return true;
    }
    return false;
  }

  // The reference at an instant that has been given.
  JointState reference(int j, double t) const {
    const Given* last = &given.front();
    for (const Given& g : given) {
      if (g.from <= t) last = &g;
    }
    return at_of(last->profile[std::size_t(j)], t - last->from);
  }
  static JointState at_of(const Profile& p, double t) { return safety::at(p, std::max(t, 0.0)); }

  void begin(std::uint64_t seed);
  void move_people(double t, double dt);
  int plant(double t, std::array<double, kJoints>& position);
  void judge(double t, bool things);
  void propose(double t, std::array<double, kJoints>& acceleration);
  void check_stop(std::span<const Profile> stop);
  void one_step(int cycle, double t);
};

void Encounters::Impl::begin(std::uint64_t seed) {
  random = Random(seed, 17);
  result = {}, parts.clear(), given.clear();
  std::array<double, kJoints> start;
  do {  // a place to stand
    for (int j = 0; j < kJoints; ++j) {
      const double middle = robot->model.q_start[std::size_t(j)];
      start[std::size_t(j)] = std::clamp(middle + random.uniform(-1.2, 1.2), -2.85, 2.85);
    }
    place(start);
    // Clear by more than the plant's error beside its reference can take away.
  } while (touches_things(0.025));
  filter.reset(start, Time{0});
  given.push_back({});
  for (int j = 0; j < kJoints; ++j) given.back().profile[std::size_t(j)] = filter.reference()[std::size_t(j)];
  const int people = 1 + int(random.integer(2));
  while (int(parts.size()) < 2 * people) {
    const double angle = random.uniform(-1.6, 1.6), far = random.uniform(0.3, 1.6);
    TruePart body;
    body.flat = true, body.speed = contract.person_speed;
    body.shape = {{far * std::cos(angle), far * std::sin(angle) - 0.2, .2}, {}, .2};
    body.shape.b = body.shape.a + Vec3d{0, 0, 1.3};
    TruePart hand;
    hand.speed = kReachingSpeed;
    const Vec3d p = 0.5 * (body.shape.a + body.shape.b) +
                    Vec3d{random.uniform(-.5, .5), random.uniform(-.5, .5), random.uniform(-.3, .3)};
    hand.shape = {p, p, .06};
    if (to_person(body.shape) < 0.05 || to_person(hand.shape) < 0.05) continue;
    parts.push_back(body), parts.push_back(hand);
  }
  for (TruePart& part : parts) part.past.assign(64, part.shape);
  lag = random.uniform(0, 1) * contract.reaction.seconds() * options.reaction;
  heard = -lag;
  for (int j = 0; j < kJoints; ++j) {
    const double most = robot->options.tracking[std::size_t(j)] * options.tracking;
    const double share = random.uniform();
    offset[std::size_t(j)] = share * most * random.uniform(-1, 1);
    follow[std::size_t(j)] = (1 - share) * most * random.uniform(-1, 1);
  }
  style = int(random.integer(3)), wish_until = -1;
}

// Against the robot, away from it, anywhere, or still; always at the greatest speed.
void Encounters::Impl::move_people(double t, double dt) {
  for (TruePart& part : parts) {
    if (t >= part.until) {
      const double draw = random.uniform();
      part.mood = draw < 0.6 ? 0 : draw < 0.75 ? 1 : draw < 0.9 ? 2 : 3;
      part.until = t + random.uniform(0.03, 0.3);
    }
    const Vec3d middle = 0.5 * (part.shape.a + part.shape.b);
    Vec3d to{1, 0, 0};
    double least = 1e9;
    for (const Capsule& link : at) {
      for (const Vec3d& p : {link.a, link.b}) {
        if (norm(p - middle) < least) least = norm(p - middle), to = p - middle;
      }
    }
    if (part.mood == 1) to = -to;
    if (part.mood == 2) to = {random.normal(), random.normal(), random.normal()};
    if (part.flat) to.z = 0;
    const double length = norm(to);
    if (part.mood != 3 && length > 1e-6) {
      const Vec3d step = (part.speed * options.person_speed * dt / length) * to;
      part.shape.a += step, part.shape.b += step;
    }
    part.past.pop_front(), part.past.push_back(part.shape);
  }
}

// Where the plant stands: behind the reference by its lag, and beside it by its error. The first link that moves.
int Encounters::Impl::plant(double t, std::array<double, kJoints>& position) {
  const double most = contract.reaction.seconds() * options.reaction;
  lag = std::clamp(lag + random.uniform(-1, 1) * 0.002, 0.0, most);
  heard = std::max(heard, t - lag);
  int first = kJoints;
  for (int j = 0; j < kJoints; ++j) {
    const JointState s = reference(j, heard);
    const JointLimits& limits = robot->options.limits[std::size_t(j)];
    position[std::size_t(j)] = s.q + offset[std::size_t(j)] + follow[std::size_t(j)] * s.v / limits.velocity;
    if (std::abs(s.v) > kRest) first = std::min(first, j);
    const double slack = 1e-7;
    result.beyond_limits += s.q < limits.lower - slack || s.q > limits.upper + slack ||
                            std::abs(s.v) > limits.velocity + slack || std::abs(s.a) > limits.acceleration + slack;
  }
  return first;
}

void Encounters::Impl::judge(double t, bool things) {
  std::array<double, kJoints> position;
  const int first = plant(t, position);
  place(position);
  if (things) result.touched_things += touches_things();
  for (const TruePart& part : parts) {
    const double d = to_person(part.shape, first);
    result.nearest = std::min(result.nearest, d);
    result.touched_people += d < contract.intrusion;
  }
}

void Encounters::Impl::propose(double t, std::array<double, kJoints>& acceleration) {
  if (t >= wish_until) {
    for (double& w : wish) w = random.uniform(-1, 1);
    wish_until = t + random.uniform(0.05, 0.4);
  }
  for (int j = 0; j < kJoints; ++j) {
    const JointLimits& limits = robot->options.limits[std::size_t(j)];
    const JointState s = filter.reference()[std::size_t(j)].start;
    double& a = acceleration[std::size_t(j)];
    if (style == 0) a = toward_velocity(s, 1.2 * wish[std::size_t(j)] * limits.velocity, limits, contract.cycle);
    if (style == 1) a = toward_position(s, 2.9 * wish[std::size_t(j)], limits, contract.cycle);
    if (style == 2) {  // the tool at the first person
      const Transformd& X = data.links[std::size_t(j)].X_WL;
      const Vec3d to = 0.5 * (parts[0].shape.a + parts[0].shape.b) - at[kJoints - 1].b;
      const double g = dot(to, cross(X.R.column(2), at[kJoints - 1].b - X.p));
      a = toward_velocity(s, std::copysign(limits.velocity, g), limits, contract.cycle);
    }
  }
}

// Every 5 ms along the stop: limits, things, and rest at its end.
void Encounters::Impl::check_stop(std::span<const Profile> stop) {
  double end = 0;
  for (const Profile& p : stop) end = std::max(end, duration(p));
  bool good = true;
  for (double t = 0; t <= end + 0.005; t += 0.005) {
    std::array<double, kJoints> position;
    for (int j = 0; j < kJoints; ++j) {
      const JointState s = safety::at(stop[std::size_t(j)], t);
      const JointLimits& l = robot->options.limits[std::size_t(j)];
      position[std::size_t(j)] = s.q;
      good = good && s.q >= l.lower - 1e-7 && s.q <= l.upper + 1e-7 && std::abs(s.v) <= l.velocity + 1e-7 &&
             std::abs(s.a) <= l.acceleration + 1e-7;
    }
    place(position);
    good = good && !touches_things();
  }
  for (const Profile& p : stop) {
    const JointState left = advanced(p.start, 0, 0);
    JointState s = left;
    for (int i = 0; i < p.count; ++i) {
      good = good && std::abs(p.jerk[i]) <= 800 * (1 + 1e-9);
      s = advanced(s, p.jerk[i], p.duration[i]);
    }
    good = good && std::abs(s.v) < 1e-9 && std::abs(s.a) < 1e-9;  // it really ends at rest
  }
  result.bad_stops += !good;
}

void Encounters::Impl::one_step(int cycle, double t) {
  std::array<double, kJoints> acceleration, measured;
  plant(t, measured);
  propose(t, acceleration);
  Inputs in;
  in.now = in.people_seen = in.position_measured = in.tool_force_measured = Time::from_seconds(t);
  in.acceleration = acceleration, in.position = measured;
  std::array<BodyPart, 8> people;
  const double dt = contract.cycle.seconds() / kSubsteps;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto ago = random.integer(std::int64_t(contract.oldest_people.seconds() / dt) + 1);
    BodyPart& part = people[i];
    part.shape = parts[i].past[parts[i].past.size() - 1 - std::size_t(ago)];
    part.measured = Time{in.now.ns - ago * contract.cycle.ns / kSubsteps};
    part.speed = parts[i].flat ? 0 : parts[i].speed;
    // An error as great as may be, more often than not away from the robot, so that the person seems farther off.
    Vec3d error{random.normal(), random.normal(), random.normal()};
    if (random.uniform() < 0.6) error = 0.5 * (part.shape.a + part.shape.b) - at[kJoints - 1].b;
    const Vec3d shift = (contract.person_uncertainty * options.noise / std::max(norm(error), 1e-9)) * error;
    part.shape.a += shift, part.shape.b += shift;
  }
  in.people = {people.data(), parts.size()};
  const double begin = options.step_ns ? thread_ns() : 0;
  const Decision decision = filter.step(in);
  if (options.step_ns) options.step_ns[cycle] = thread_ns() - begin;
  ++result.steps, result.unprojected += !decision.projected;
  result.passed += decision.verdict == Verdict::kPassed, result.changed += decision.verdict == Verdict::kChanged;
  result.stopping += decision.verdict == Verdict::kStopping, result.held += decision.verdict == Verdict::kHeld;
  Given next;
  next.from = t;
  for (int j = 0; j < kJoints; ++j) {
    next.profile[std::size_t(j)] = decision.reference[std::size_t(j)];
    result.travelled += std::abs(filter.reference()[std::size_t(j)].start.q - next.profile[std::size_t(j)].start.q);
  }
  given.push_back(next);
  if (given.size() > 24) given.pop_front();
  if (options.check_stops) check_stop(filter.reference());
}

Encounters::Encounters() : impl_(std::make_unique<Impl>()) {}
Encounters::~Encounters() = default;

EncounterResult Encounters::run(std::uint64_t seed, const EncounterOptions& options) {
  Impl& m = *impl_;
  m.options = options;
  m.begin(seed);
  const double dt = m.contract.cycle.seconds() / kSubsteps;
  for (int cycle = 0; cycle < options.cycles; ++cycle) {
    const double t = cycle * m.contract.cycle.seconds();
    // One step in thirty is missed: the plant goes on along the stop that it has.
    if (cycle == 0 || m.random.integer(30) != 0)
      m.one_step(cycle, t);
    else if (options.step_ns)
      options.step_ns[cycle] = 0;
    for (int k = 1; k <= kSubsteps; ++k) {
      m.move_people(t, dt);
      m.judge(t + k * dt, k == kSubsteps);
    }
  }
  return m.result;
}

}  // namespace geoul::decision::safety
