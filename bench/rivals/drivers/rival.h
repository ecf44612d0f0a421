// What the C++ drivers share: the neutral scene (see ../scenes.py), the loop in time and the result, one JSON object.
//   driver SCENE.json SETTING      SETTING: default | accurate | ..., as each driver says in `words`; kernels: see
//   World
// A driver gives a World; what an engine cannot do it throws as NotSupported, which becomes the row's text.
#pragma once

#include <time.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace rivals {

using V3 = std::array<double, 3>;
using Quat = std::array<double, 4>;  // w x y z

inline V3 operator+(const V3& a, const V3& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
inline V3 operator-(const V3& a, const V3& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
inline V3 operator*(double s, const V3& a) { return {s * a[0], s * a[1], s * a[2]}; }
inline double dot(const V3& a, const V3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline V3 cross(const V3& a, const V3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline Quat conj(const Quat& q) { return {q[0], -q[1], -q[2], -q[3]}; }
inline Quat operator*(const Quat& a, const Quat& b) {
  return {a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
          a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]};
}
inline V3 rotate(const Quat& q, const V3& v) {
  const Quat r = q * Quat{0, v[0], v[1], v[2]} * conj(q);
  return {r[1], r[2], r[3]};
}
// A rotation that takes z to the unit vector `to`.
inline Quat from_z(const V3& to) {
  if (to[2] < -0.999999) return {0, 1, 0, 0};
  const Quat q{1 + to[2], -to[1], to[0], 0};
  const double n = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
  return {q[0] / n, q[1] / n, q[2] / n, 0};
}

struct Pose {
  Quat q{1, 0, 0, 0};
  V3 p{};
};
inline Pose operator*(const Pose& a, const Pose& b) { return {a.q * b.q, a.p + rotate(a.q, b.p)}; }
inline Pose inverse(const Pose& a) { return {conj(a.q), rotate(conj(a.q), -1.0 * a.p)}; }

struct Shape {
  std::string type;
  V3 p{}, size{};
  Quat q{1, 0, 0, 0};
  double radius = 0, friction_min = 0, friction_max = 0, friction_product = 0, friction_mean = 0, restitution = 0;
};
struct Body {
  double mass = 0;
  V3 inertia{}, p{}, v{}, w{};
  Quat q{};
  std::vector<Shape> shapes;
  Pose pose() const { return {q, p}; }
};
struct Joint {
  std::string type;
  int a = -1, b = -1;
  V3 p{}, axis{};
  bool tree = false, at_run_time = false, driven = false, limited = false;
  double at = 0, until = 1e300, rate = 0;
  double kp = 0, kd = 0, limit = 0, lower = 0, upper = 0;
};
struct Force {
  int body = 0;
  V3 force{}, torque{};
  double begin = 0, end = 0;
};
struct Drive {
  int joint = 0;
  double kp = 0, kd = 0, amplitude = 0, frequency = 0, offset = 0, phase = 0;
};
struct Spring {
  int a = 0, b = 0;
  V3 pa{}, pb{};
  double k = 0, c = 0, length = 0;
};
struct Scene {
  std::string name, group;
  V3 gravity{};
  double duration = 0, dt = 0, every = 0, size = 0, budget = 60;  // budget: CPU time after which the run is cut [s]
  std::vector<Body> bodies;
  std::vector<Shape> ground;
  std::vector<Joint> joints;
  std::vector<int> order, parent;
  std::vector<Force> forces;
  std::vector<Drive> drives;
  std::vector<Spring> springs;
  Pose pose(int body) const { return body < 0 ? Pose{} : bodies[static_cast<std::size_t>(body)].pose(); }
};

struct State {
  V3 p{};
  Quat q{1, 0, 0, 0};
  V3 v{}, w{};  // of the centre of mass, in the world frame
};

struct NotSupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct World {
  virtual ~World() = default;
  virtual std::string words() const = 0;  // solver, iterations, ...
  virtual void step(double dt) = 0;
  virtual State state(int body) = 0;
  // Adds a force at the centre of mass and a torque (world frame) for the next step only.
  virtual void apply(int, const V3&, const V3&) { throw NotSupported("external forces are not driven here"); }
  // Named algorithms at the start, each complete from (q, v) on, for the setting `kernels`.
  virtual std::vector<std::pair<std::string, std::function<void()>>> kernels() {
    throw NotSupported("has no such kernels");
  }
  virtual bool own_springs() const { return false; }  // the engine has them; otherwise they are external forces
  virtual void attach(int) { throw NotSupported("no joints are made while it runs"); }
  virtual void detach(int) { throw NotSupported("no joints are broken while it runs"); }
};

struct Engine {
  std::string name, version;
  std::function<std::unique_ptr<World>(const Scene&, const std::string& setting)> make;
};

// Reads the scene, runs it, prints the result. Returns 0 also where the engine cannot run the scene (the row says so).
int drive(int argc, char** argv, const Engine& engine);
Scene read_scene(const std::string& file);
double cpu_seconds();  // of this thread

}  // namespace rivals
