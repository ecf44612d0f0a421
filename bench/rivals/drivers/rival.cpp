#include "rival.h"

#include <algorithm>

namespace rivals {
namespace {

using Json = nlohmann::json;

V3 vec(const Json& j) { return {j[0], j[1], j[2]}; }
Quat quat(const Json& j) { return {j[0], j[1], j[2], j[3]}; }

Shape shape(const Json& j) {
  Shape s;
  s.type = j["type"];
  if (j.contains("p")) s.p = vec(j["p"]), s.q = quat(j["q"]);
  if (j.contains("size")) s.size = vec(j["size"]);
  s.radius = j.value("radius", 0.0);
  s.friction_min = j["friction"]["min"];
  s.friction_max = j["friction"]["max"];
  s.friction_product = j["friction"]["product"];
  s.friction_mean = j["friction"]["mean"];
  s.restitution = j["restitution"];
  return s;
}

Joint joint(const Json& j) {
  Joint r;
  r.type = j["type"], r.a = j["a"], r.b = j["b"], r.p = vec(j["p"]), r.axis = vec(j["axis"]), r.tree = j["tree"];
  r.rate = j["rate"];
  r.at_run_time = j.contains("at");
  r.at = j.value("at", 0.0);
  r.until = j.value("until", 1e300);
  if (j.contains("drive"))
    r.driven = true, r.kp = j["drive"]["kp"], r.kd = j["drive"]["kd"], r.limit = j["drive"]["limit"];
  if (j.contains("limits")) r.limited = true, r.lower = j["limits"][0], r.upper = j["limits"][1];
  return r;
}

// Forces of drives, springs and constant loads at time t, put on the world's bodies.
class Loads {
 public:
  Loads(const Scene& scene, World& world) : scene_(scene), world_(world) {
    for (const Drive& d : scene.drives) {
      const Joint& j = scene.joints[static_cast<std::size_t>(d.joint)];
      start_.push_back(conj(scene.pose(j.a).q) * scene.pose(j.b).q);
      axis_a_.push_back(rotate(conj(scene.pose(j.a).q), j.axis));
    }
  }
  bool any() const {
    return !scene_.drives.empty() || !scene_.forces.empty() || (!scene_.springs.empty() && !world_.own_springs());
  }
  void apply(double t) {
    for (const Force& f : scene_.forces) {
      if (t >= f.begin && t < f.end) world_.apply(f.body, f.force, f.torque);
    }
    for (std::size_t k = 0; k < scene_.drives.size(); ++k) drive(k, t);
    if (world_.own_springs()) return;
    for (const Spring& s : scene_.springs) spring(s);
  }

 private:
  State of(int body) { return body < 0 ? State{} : world_.state(body); }
  void drive(std::size_t k, double t) {
    const Drive& d = scene_.drives[k];
    const Joint& j = scene_.joints[static_cast<std::size_t>(d.joint)];
    const State a = of(j.a), b = of(j.b);
    const Quat turn = conj(a.q) * b.q * conj(start_[k]);
    double angle = 2 * std::atan2(dot({turn[1], turn[2], turn[3]}, axis_a_[k]), turn[0]);
    if (angle > M_PI) angle -= 2 * M_PI;
    if (angle < -M_PI) angle += 2 * M_PI;
    const V3 axis = rotate(a.q, axis_a_[k]);
    const double om = 2 * M_PI * d.frequency, target = d.offset + d.amplitude * std::sin(om * t + d.phase);
    const double rate = d.amplitude * om * std::cos(om * t + d.phase);
    const V3 torque = (d.kp * (target - angle) + d.kd * (rate - dot(axis, b.w - a.w))) * axis;
    world_.apply(j.b, {}, torque);
    if (j.a >= 0) world_.apply(j.a, {}, -1.0 * torque);
  }
  void spring(const Spring& s) {
    const State a = of(s.a), b = of(s.b);
    const V3 ra = rotate(a.q, s.pa), rb = rotate(b.q, s.pb);
    const V3 line = b.p + rb - a.p - ra, rate = b.v + cross(b.w, rb) - a.v - cross(a.w, ra);
    const double length = std::sqrt(dot(line, line));
    const V3 pull = ((s.k * (length - s.length) + s.c * dot(line, rate) / length) / length) * line;
    if (s.a >= 0) world_.apply(s.a, pull, cross(ra, pull));
    if (s.b >= 0) world_.apply(s.b, -1.0 * pull, cross(rb, -1.0 * pull));
  }

  const Scene& scene_;
  World& world_;
  std::vector<Quat> start_;
  std::vector<V3> axis_a_;
};

struct Samples {
  Json t = Json::array(), states = Json::array();
  void add(const Scene& scene, World& world, double time) {
    Json row = Json::array();
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      const State s = world.state(static_cast<int>(b));
      for (double x : s.p) row.push_back(x);
      for (double x : s.q) row.push_back(x);
      for (double x : s.v) row.push_back(x);
      for (double x : s.w) row.push_back(x);
    }
    t.push_back(time);
    states.push_back(std::move(row));
  }
};

Json run(const Scene& scene, World& world) {
  Loads loads(scene, world);
  Samples samples;
  Json spent = Json::array({0.0});
  samples.add(scene, world, 0);
  const long long steps = std::llround(scene.duration / scene.dt);
  const long long stride = std::max(1LL, std::llround(scene.every / scene.dt));
  const bool loaded = loads.any();
  double cpu = 0;
  long long n = 0;
  std::vector<int> made(scene.joints.size(), 0);
  while (n < steps && cpu < scene.budget) {
    const long long until = std::min(steps, n + stride);
    const double begin = cpu_seconds();
    for (; n < until; ++n) {
      const double t = static_cast<double>(n) * scene.dt;
      for (std::size_t k = 0; k < made.size(); ++k) {
        const Joint& j = scene.joints[k];
        if (!j.at_run_time) continue;
        if (made[k] == 0 && t >= j.at - 1e-9) world.attach(static_cast<int>(k)), made[k] = 1;
        if (made[k] == 1 && t >= j.until - 1e-9) world.detach(static_cast<int>(k)), made[k] = 2;
      }
      if (loaded) loads.apply(t);
      world.step(scene.dt);
    }
    cpu += cpu_seconds() - begin;
    samples.add(scene, world, static_cast<double>(n) * scene.dt);
    spent.push_back(cpu);
  }
  return {{"status", "ok"},  {"us_per_step", 1e6 * cpu / static_cast<double>(std::max(1LL, n))},
          {"steps", n},      {"t", samples.t},
          {"cpu_at", spent}, {"states", samples.states}};
}

// Median over 31 rounds of about 1 ms each [ns a call].
double nanoseconds(const std::function<void()>& call) {
  call();
  const double once = cpu_seconds();
  for (int i = 0; i < 100; ++i) call();
  const int repeat = std::max(1, static_cast<int>(1e-3 / std::max(1e-9, (cpu_seconds() - once) / 100)));
  std::vector<double> rounds;
  for (int r = 0; r < 31; ++r) {
    const double begin = cpu_seconds();
    for (int i = 0; i < repeat; ++i) call();
    rounds.push_back(1e9 * (cpu_seconds() - begin) / repeat);
  }
  std::nth_element(rounds.begin(), rounds.begin() + 15, rounds.end());
  return rounds[15];
}

}  // namespace

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Scene read_scene(const std::string& file) {
  const Json j = Json::parse(std::ifstream(file));
  Scene s;
  s.name = j["name"], s.group = j["group"], s.gravity = vec(j["gravity"]);
  s.duration = j["duration"], s.dt = j["dt"], s.every = j["every"], s.size = j["size"];
  s.budget = j.value("budget", 60.0);
  for (const Json& b : j["bodies"]) {
    Body body{b["mass"], vec(b["inertia"]), vec(b["p"]), vec(b["v"]), vec(b["w"]), quat(b["q"]), {}};
    for (const Json& x : b["shapes"]) body.shapes.push_back(shape(x));
    s.bodies.push_back(body);
  }
  for (const Json& x : j["ground"]) s.ground.push_back(shape(x));
  for (const Json& x : j["joints"]) s.joints.push_back(joint(x));
  s.order = j["order"].get<std::vector<int>>();
  s.parent = j["parent"].get<std::vector<int>>();
  for (const Json& f : j["forces"])
    s.forces.push_back({f["body"], vec(f["force"]), vec(f["torque"]), f["begin"], f["end"]});
  for (const Json& d : j["drives"])
    s.drives.push_back({d["joint"], d["kp"], d["kd"], d["amplitude"], d["frequency"], d["offset"], d["phase"]});
  for (const Json& x : j["springs"])
    s.springs.push_back({x["a"], x["b"], vec(x["pa"]), vec(x["pb"]), x["k"], x["c"], x["length"]});
  return s;
}

int drive(int argc, char** argv, const Engine& engine) {
  if (argc != 3) return std::fprintf(stderr, "usage: %s SCENE.json default|accurate\n", argv[0]), 2;
  const Scene scene = read_scene(argv[1]);
  const std::string setting = argv[2];
  Json result = {{"engine", engine.name},
                 {"version", engine.version},
                 {"setting", setting},
                 {"scene", scene.name},
                 {"dt", scene.dt}};
  try {
    const std::unique_ptr<World> world = engine.make(scene, setting);
    result["words"] = world->words();
    if (setting == "kernels") {
      for (const auto& [name, call] : world->kernels()) result["kernels"][name] = nanoseconds(call);
      result["status"] = "ok";
    } else {
      result.update(run(scene, *world));
    }
  } catch (const NotSupported& why) {
    result["status"] = why.what();
  } catch (const std::exception& error) {
    result["status"] = std::string("failed: ") + error.what();
  }
  std::cout << result.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  return 0;
}

}  // namespace rivals
