#include "geoul/decision/safety/robot.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/collision/gjk.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::decision::safety {
namespace {

using collision::Geometry;

// Balls whose hull holds the shape, in the shape's frame. Empty for planes and height fields.
std::vector<Ball> balls_of(const scene::Scene& scene, const scene::Geometry& geometry) {
  std::vector<Ball> out;
  const auto round = [&](double z, double radius) {  // a disc, by the corners of an octagon around it
    const double corner = radius / std::cos(std::numbers::pi / 8);
    for (int i = 0; i < 8; ++i) {
      const double angle = (i + 0.5) * std::numbers::pi / 4;
      out.push_back({{corner * std::cos(angle), corner * std::sin(angle), z}, 0});
    }
  };
  const auto vertices = [&](scene::MeshId mesh, const Vec3d& scale) {
    for (const Vec3<float>& v : scene.meshes[mesh.index()].vertices) {
      out.push_back({{scale.x * double(v.x), scale.y * double(v.y), scale.z * double(v.z)}, 0});
    }
  };
  if (const auto* box = std::get_if<scene::Box>(&geometry)) {
    for (int i = 0; i < 8; ++i) {
      out.push_back(
          {{(i & 1 ? 0.5 : -0.5) * box->size.x, (i & 2 ? 0.5 : -0.5) * box->size.y, (i & 4 ? 0.5 : -0.5) * box->size.z},
           0});
    }
  } else if (const auto* sphere = std::get_if<scene::Sphere>(&geometry)) {
    out.push_back({{}, sphere->radius});
  } else if (const auto* capsule = std::get_if<scene::Capsule>(&geometry)) {
    for (const double side : {-0.5, 0.5}) out.push_back({{0, 0, side * capsule->height}, capsule->radius});
  } else if (const auto* cylinder = std::get_if<scene::Cylinder>(&geometry)) {
    for (const double side : {-0.5, 0.5}) round(side * cylinder->height, cylinder->radius);
  } else if (const auto* cone = std::get_if<scene::Cone>(&geometry)) {
    round(-0.5 * cone->height, cone->radius);
    out.push_back({{0, 0, 0.5 * cone->height}, 0});
  } else if (const auto* mesh = std::get_if<scene::TriangleMesh>(&geometry)) {
    vertices(mesh->mesh, mesh->scale);
  } else if (const auto* hull = std::get_if<scene::ConvexHull>(&geometry)) {
    vertices(hull->mesh, hull->scale);
  }
  return out;
}

// The slimmest capsule along u that holds the balls.
Capsule capsule_along(const std::vector<Ball>& balls, const Vec3d& u) {
  const Vec3d e = collision::any_perpendicular(u), f = cross(u, e);
  Vec3d low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
  for (const Ball& ball : balls) {
    const Vec3d p{dot(e, ball.centre), dot(f, ball.centre), dot(u, ball.centre)};
    for (int i = 0; i < 3; ++i) {
      low[i] = std::min(low[i], p[i] - ball.radius), high[i] = std::max(high[i], p[i] + ball.radius);
    }
  }
  const double x = 0.5 * (low.x + high.x), y = 0.5 * (low.y + high.y);
  double radius = 0;
  for (const Ball& ball : balls) {
    radius = std::max(radius, std::hypot(dot(e, ball.centre) - x, dot(f, ball.centre) - y) + ball.radius);
  }
  radius *= 1 + 1e-9;
  double begin = 1e300, end = -1e300;  // the axis must reach below begin and above end
  for (const Ball& ball : balls) {
    const double across = std::hypot(dot(e, ball.centre) - x, dot(f, ball.centre) - y);
    const double spare = std::sqrt(std::max(0.0, (radius - ball.radius) * (radius - ball.radius) - across * across));
    begin = std::min(begin, dot(u, ball.centre) + spare), end = std::max(end, dot(u, ball.centre) - spare);
  }
  if (begin > end) begin = end = 0.5 * (begin + end);
  return {x * e + y * f + begin * u, x * e + y * f + end * u, radius};
}

double volume(const Capsule& c) {
  return std::numbers::pi * c.radius * c.radius * (norm(c.b - c.a) + 4.0 / 3.0 * c.radius);
}

// The convex shape that stands for an immovable one; a box around meshes and height fields. None where it is empty.
std::optional<Obstacle> obstacle_of(const scene::Scene& scene, const scene::Shape& shape, const Transformd& X_WB,
                                    Diagnostics& diagnostics) {
  Obstacle out{shape.path, {}, pose(X_WB * transform(shape.X_BS))};
  if (const auto* box = std::get_if<scene::Box>(&shape.geometry)) {
    out.geometry = collision::make_box(0.5 * box->size);
  } else if (const auto* sphere = std::get_if<scene::Sphere>(&shape.geometry)) {
    out.geometry = collision::make_sphere(sphere->radius);
  } else if (const auto* capsule = std::get_if<scene::Capsule>(&shape.geometry)) {
    out.geometry = collision::make_capsule(capsule->radius, 0.5 * capsule->height);
  } else if (const auto* cylinder = std::get_if<scene::Cylinder>(&shape.geometry)) {
    out.geometry = collision::make_cylinder(cylinder->radius, 0.5 * cylinder->height);
  } else if (const auto* cone = std::get_if<scene::Cone>(&shape.geometry)) {
    out.geometry = collision::make_cone(cone->radius, 0.5 * cone->height);
  } else if (std::holds_alternative<scene::Plane>(shape.geometry)) {
    out.geometry = collision::make_plane();
  } else {
    Vec3d low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
    const auto include = [&](const Vec3d& p) {
      for (int i = 0; i < 3; ++i) low[i] = std::min(low[i], p[i]), high[i] = std::max(high[i], p[i]);
    };
    for (const Ball& ball : balls_of(scene, shape.geometry)) include(ball.centre);
    if (const auto* field = std::get_if<scene::HeightField>(&shape.geometry)) {
      for (const float height : field->heights) {
        include({-0.5 * field->size_x, -0.5 * field->size_y, double(height)});
        include({0.5 * field->size_x, 0.5 * field->size_y, double(height)});
      }
    }
    if (!(low.x <= high.x)) return std::nullopt;
    const Vec3d half = 0.5 * (high - low);
    out.geometry = collision::make_box({std::max(half.x, 1e-4), std::max(half.y, 1e-4), std::max(half.z, 1e-4)});
    out.X_WO = pose(X_WB * transform(shape.X_BS) * Transformd{Mat3d::identity(), 0.5 * (low + high)});
    diagnostics.warning({{}, 0, shape.path}, "obstacle-box", "the safety filter sees this shape as its bounding box",
                        "give it the shape of a box or a hull where that is too large");
  }
  return out;
}

Capsule ball_around(const Obstacle& obstacle) {
  return {obstacle.X_WO.p, obstacle.X_WO.p, obstacle.geometry.bounding_radius};
}

void check(const dynamics::Model& model, const RobotOptions& options, Diagnostics& diagnostics) {
  const auto n = static_cast<std::size_t>(model.nv);
  bool plain = model.nrow == 0 && model.nv == model.nlink && model.nq == model.nv && model.nv <= kMostJoints;
  for (const dynamics::Link& link : model.links) plain = plain && link.motion != dynamics::LinkMotion::kBall;
  for (std::size_t i = 0; plain && i < n; ++i) plain = model.links[i].q == int(i) && model.links[i].v == int(i);
  if (!plain) {
    diagnostics.error({}, "unsupported",
                      "the safety filter takes robots of up to " + std::to_string(kMostJoints) +
                          " hinges and slides, one a link, without loops or couplings",
                      "give it the scene of the robot alone");
    return;
  }
  if (options.limits.size() != n || (!options.torque.empty() && options.torque.size() != n) ||
      (!options.tracking.empty() && options.tracking.size() != n)) {
    diagnostics.error({}, "limits", "limits, torque and tracking need one entry a joint: " + std::to_string(n));
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const JointLimits& limits = options.limits[i];
    const std::string name = model.joints[model.links[i].joint.index()].path;
    if (!(limits.velocity > 0 && limits.acceleration > 0 && limits.jerk > 0 && limits.lower < limits.upper)) {
      diagnostics.error({{}, 0, name}, "limits", "limits must be positive, and lower below upper",
                        "write the joint's velocity, acceleration and jerk limits");
    } else if (!(model.q_start[i] >= limits.lower && model.q_start[i] <= limits.upper)) {
      diagnostics.error({{}, 0, name}, "start", "starts beyond its position limits");
    }
  }
}

// reach[j]: how far a point at distance `far` from the origin of `link` can be from the origin of each inner link.
std::vector<double> reach_of(const dynamics::Model& model, const RobotOptions& options, int link, double far) {
  std::vector<double> out(std::size_t(model.nlink), 0.0);
  for (int i = link; i >= 0; i = model.links[std::size_t(i)].parent) {
    out[std::size_t(i)] = far;
    far += norm(model.links[std::size_t(i)].X_PF.p);
    if (model.links[std::size_t(i)].motion == dynamics::LinkMotion::kSlide) {
      const JointLimits& limits = options.limits[std::size_t(model.links[std::size_t(i)].v)];
      far += std::max(std::abs(limits.lower), std::abs(limits.upper));
    }
  }
  return out;
}

void add_self_pairs(Robot& robot, Diagnostics& diagnostics) {
  const dynamics::Model& model = robot.model;
  dynamics::Data data = dynamics::make_data(model);
  dynamics::forward_kinematics(model, model.q_start, model.v_start, data);
  const auto core = [](const RobotCapsule& c) {
    collision::Core out;
    out.kind = collision::Kind::kCapsule;
    out.half_height = 0.5 * norm(c.shape.b - c.shape.a);
    out.size = out.half_height + c.shape.radius;
    return out;
  };
  const auto place = [&](const RobotCapsule& c) {
    const Transformd& X_WL = data.links[std::size_t(c.link)].X_WL;
    const Vec3d along = c.shape.b - c.shape.a, middle = 0.5 * (c.shape.a + c.shape.b);
    const double length = norm(along);
    const Vec3d z = length > 0 ? (1 / length) * along : Vec3d{0, 0, 1}, x = collision::any_perpendicular(z);
    const Vec3d y = cross(z, x);
    return X_WL * Transformd{{{x.x, y.x, z.x}, {x.y, y.y, z.y}, {x.z, y.z, z.z}}, middle};
  };
  for (int i = 0; i < int(robot.capsules.size()); ++i) {
    for (int j = i + 1; j < int(robot.capsules.size()); ++j) {
      const RobotCapsule& a = robot.capsules[std::size_t(i)];
      const RobotCapsule& b = robot.capsules[std::size_t(j)];
      if (a.link == b.link || model.links[std::size_t(b.link)].parent == a.link ||
          model.links[std::size_t(a.link)].parent == b.link) {
        continue;
      }
      const std::pair<int, int> links{std::min(a.link, b.link), std::max(a.link, b.link)};
      const auto& apart = robot.options.apart;
      if (std::find(apart.begin(), apart.end(), links) != apart.end()) continue;
      const collision::Core A = core(a), B = core(b);
      const double d =
          collision::separate({A, B, inverse(place(a)) * place(b)}, 10).distance - a.shape.radius - b.shape.radius;
      if (d <= 0) {
        diagnostics.info({{}, 0, model.joints[model.links[std::size_t(b.link)].joint.index()].path}, "self-touch",
                         "the capsules of links " + std::to_string(a.link) + " and " + std::to_string(b.link) +
                             " touch at the start: this pair is not guarded");
        continue;
      }
      robot.pairs.push_back({i, j});
    }
  }
}

}  // namespace

Capsule capsule_around(const std::vector<Ball>& balls) {
  GEOUL_EXPECTS(!balls.empty());
  const auto farthest = [&](const Vec3d& from) {
    const Ball* best = &balls[0];
    for (const Ball& ball : balls) {
      if (norm(ball.centre - from) > norm(best->centre - from)) best = &ball;
    }
    return best->centre;
  };
  const Vec3d one = farthest(balls[0].centre), other = farthest(one);
  std::vector<Vec3d> directions{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  if (norm(other - one) > 1e-9) directions.push_back((1 / norm(other - one)) * (other - one));
  Capsule best = capsule_along(balls, directions[0]);
  for (const Vec3d& u : directions) {
    const Capsule next = capsule_along(balls, u);
    if (volume(next) < volume(best)) best = next;
  }
  return best;
}

std::optional<Robot> compile_robot(const scene::Scene& scene, const dynamics::Model& model, RobotOptions options,
                                   Diagnostics& diagnostics) {
  check(model, options, diagnostics);
  if (!diagnostics.ok()) return std::nullopt;
  Robot robot;
  robot.model = model;
  const auto n = static_cast<std::size_t>(model.nv);
  if (options.tracking.empty()) options.tracking.assign(n, 0.0);
  robot.options = std::move(options);
  robot.inner.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    robot.joint_names.push_back(model.joints[model.links[i].joint.index()].path);
    const int parent = model.links[i].parent;
    robot.inner[i] = (parent >= 0 ? robot.inner[std::size_t(parent)] : 0) | (std::uint32_t{1} << i);
  }
  std::vector<std::vector<Ball>> balls(n);
  for (const scene::Shape& shape : scene.shapes) {
    if (!shape.collides) continue;
    const bool on_world = !shape.body.valid();
    const int link = on_world ? -1 : model.bodies[shape.body.index()].link;
    if (link < 0) {
      const Transformd X_WB = on_world ? Transformd{} : model.bodies[shape.body.index()].X_LB;
      if (!robot.options.scene_obstacles) continue;
      if (auto obstacle = obstacle_of(scene, shape, X_WB, diagnostics)) robot.obstacles.push_back(std::move(*obstacle));
      continue;
    }
    const Transformd X_LS = model.bodies[shape.body.index()].X_LB * transform(shape.X_BS);
    for (const Ball& ball : balls_of(scene, shape.geometry)) {
      balls[std::size_t(link)].push_back({X_LS * ball.centre, ball.radius});
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (balls[i].empty()) {
      diagnostics.warning({{}, 0, robot.joint_names[i]}, "no-shape",
                          "the link behind this joint has no colliding shape",
                          "give it one, or what is there is not guarded");
      continue;
    }
    const Capsule shape = capsule_around(balls[i]);
    robot.capsules.push_back(
        {int(i), shape, reach_of(model, robot.options, int(i), std::max(norm(shape.a), norm(shape.b)))});
  }
  if (robot.capsules.empty()) {
    diagnostics.error({}, "no-shape", "no link of the robot has a colliding shape: nothing could be guarded");
    return std::nullopt;
  }
  for (KeptPoint& point : robot.options.points) {
    GEOUL_EXPECTS(point.link >= 0 && point.link < model.nlink);
    point.reach = reach_of(model, robot.options, point.link, norm(point.p_L));
  }
  for (const Obstacle& obstacle : robot.options.obstacles) robot.obstacles.push_back(obstacle);
  for (const Obstacle& obstacle : robot.obstacles) robot.bounds.push_back(ball_around(obstacle));
  for (const Obstacle& obstacle : robot.obstacles) {
    robot.cores.push_back(obstacle.geometry.kind == collision::Kind::kPlane ? collision::Core{}
                                                                            : collision::core_of(obstacle.geometry));
  }
  if (robot.options.self_collision) add_self_pairs(robot, diagnostics);
  return robot;
}

}  // namespace geoul::decision::safety
