// The reality gap of a real arm: free motions of a Kinova Mico2 recorded by motion capture at 100 Hz (Collins, Howard,
// Leitner, "Quantifying the Reality Gap in Robotic Manipulation Tasks", ICRA 2019; CSIRO's BSD-style licence),
// predicted from the command alone. Experiment 1 turns the shoulder by -100 degrees; experiment 2 turns shoulder and
// wrist to and fro for 20 s. The drive (speed limit, gain, stiffness of its velocity loop, delay) is fitted on the
// trials whose number is a multiple of 4 and judged on the rest, beside the predictions that the authors stored for
// other simulators. One JSON object a line, for bench/figures; --data FOLDER names the record ($GEOUL_REALITY_GAP,
// ../shared/data/ reality_gap), --table FILE and --path FILE write what reality_gap_picture.py draws.
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <numbers>
#include <optional>
#include <sstream>

#include "bench/figure.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "geoul/scene/scene.h"

namespace geoul::bench {
namespace {

constexpr double kPi = std::numbers::pi, kStart = 0.01;  // [m] from rest: the motion has begun
constexpr Vec3d kHome{0, 0.0670618953, 0.8718789057};    // of the last joint's frame, which the simulators recorded [m]

struct Path {
  double period = 0;  // [s]
  std::vector<Vec3d> p;
  std::vector<Mat3d> R;  // of the last link; of our own predictions
  Vec3d rest;            // before the motion
  double onset = 0;      // [s] when it is kStart away from rest
  double end() const { return period * static_cast<double>(p.size() - 1); }
  Vec3d at(double t) const {
    const double x = std::clamp(t / period, 0.0, static_cast<double>(p.size() - 1));
    const auto i = std::min(static_cast<std::size_t>(x), p.size() - 2);
    return p[i] + (x - static_cast<double>(i)) * (p[i + 1] - p[i]);
  }
};

// Finds when a path leaves its rest; before its first sample where that one is beyond already.
void find_onset(Path& path, std::size_t from) {
  Vec3d before = path.rest;
  for (std::size_t i = from; i < path.p.size(); ++i) {
    const double far = norm(path.p[i] - path.rest), near = norm(before - path.rest);
    if (far > kStart) {
      path.onset = path.period * (static_cast<double>(i) - (far - kStart) / std::max(far - near, 1e-9));
      return;
    }
    before = path.p[i];
  }
}

// Columns of the end effector in a row of the record: see the data's note. The arm comes home before it is commanded.
std::optional<Path> read_record(const std::string& file) {
  Path path{0.01, {}, {}, {}, 0};
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    std::string cell;
    while (std::getline(row, cell, '\t')) cells.push_back(cell);
    if (cells.size() < 22) continue;
    path.p.push_back(1e-3 * Vec3d{std::stod(cells[19]), std::stod(cells[20]), std::stod(cells[21])});
  }
  if (path.p.size() < 200) return std::nullopt;
  // at rest: the last half second before the marker stands 10 mm lower than at the highest
  double top = 0;
  for (std::size_t i = 0; i < 200; ++i) top = std::max(top, path.p[i].z);
  std::size_t begin = 0;
  while (begin + 1 < path.p.size() && path.p[begin].z > top - kStart) ++begin;
  const std::size_t rest = begin > 90 ? begin - 90 : 0;
  const std::size_t until = std::max(rest + 1, begin > 60 ? begin - 60 : 1);
  for (std::size_t i = rest; i < until; ++i) path.rest += (1 / static_cast<double>(until - rest)) * path.p[i];
  find_onset(path, until);
  return path;
}

// The other simulators' runs: a row every 50 ms, position first. None where it holds no such rows.
std::optional<Path> read_simulation(const std::string& file) {
  Path path{0.05, {}, {}, kHome, 0};
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream row(line);
    Vec3d p;
    if (row >> p.x >> p.y >> p.z) path.p.push_back(p);
  }
  if (path.p.size() < 20) return std::nullopt;
  find_onset(path, 0);
  return path;
}

// ---- the arm: kinematics and masses as its maker publishes them; the three fingers lumped into the hand ----

struct Part {
  double mass;
  Vec3d center, inertia;  // [kg m2] about the centre of mass
  Vec3d roll_pitch_yaw, p;
};
const Part kParts[] = {
    {0.7477, {0, -0.002, -0.0605}, {0.00152032, 0.00152032, 0.00059816}, {0, kPi, 0}, {0, 0, 0.15675}},
    {0.85968, {0, -0.145, -0.0076}, {0.00467091, 0.000386856, 0.00467091}, {-kPi / 2, kPi, kPi}, {0, 0.0016, -0.11875}},
    {0.606, {0, 0.0463, -0.0065}, {0.000383798, 0.0001212, 0.000383798}, {0, kPi, kPi}, {0, -0.290, 0}},
    {0.1785, {0, -0.037, -0.0642}, {7.73497e-05, 7.73497e-05, 0.0001428}, {-kPi / 2, 0, kPi}, {0, 0.1231, -0.0086}},
    {0.1785, {0, -0.037, -0.0642}, {7.73497e-05, 7.73497e-05, 0.0001428}, {kPi / 3, 0, kPi}, {0, -0.03703, -0.06414}},
    {0.787, {0, 0, -0.066}, {0.0006, 0.0006, 0.0006}, {kPi / 3, 0, kPi}, {0, -0.03703, -0.06414}},
};
constexpr Vec3d kBase{0, 0, 0.055};

struct Drive {
  double speed = 30 * kPi / 180;  // limit of the commanded speed [rad/s]
  double gain = 10;               // of the commanded speed over the error [1/s]
  double damping = 100;           // of the velocity loop [N.m.s/rad]
  double delay = 0.02;            // of the measured position [s]
};

dynamics::Model arm(double damping) {
  scene::Scene scene;
  scene.gravity = {0, 0, -9.81};
  Transformd X_W{Mat3d{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, kBase};
  scene::BodyId parent = scene::kWorld;
  Transformd X_P = X_W;
  for (const Part& part : kParts) {
    const auto turn = [](const Vec3d& axis, double angle) {
      return Quatd{std::cos(angle / 2), std::sin(angle / 2) * axis.x, std::sin(angle / 2) * axis.y,
                   std::sin(angle / 2) * axis.z};
    };
    const Quatd R = turn({0, 0, 1}, part.roll_pitch_yaw.z) * turn({0, 1, 0}, part.roll_pitch_yaw.y) *
                    turn({1, 0, 0}, part.roll_pitch_yaw.x);
    const Transformd X_PJ{rotation_matrix(R), part.p};
    X_W = X_W * X_PJ;
    scene::Body body;
    body.path = "/link" + std::to_string(scene.bodies.size() + 1);
    body.X_WB = pose(X_W);
    body.mass = {part.mass, part.center, {part.inertia.x, part.inertia.y, part.inertia.z, 0, 0, 0}};
    scene.bodies.push_back(body);
    scene::Joint joint;
    joint.path = "/joint" + std::to_string(scene.bodies.size());
    joint.type = scene::JointType::kContinuous;
    joint.parent = parent;
    joint.child = scene::BodyId::from_index(scene.bodies.size() - 1);
    joint.X_PJ = parent.valid() ? pose(X_PJ) : pose(X_P * X_PJ);
    joint.drive.damping = damping;
    scene.joints.push_back(joint);
    parent = joint.child;
  }
  return dynamics::compiled(scene);
}

// Commanded angles of shoulder and wrist [rad] at time t.
std::pair<double, double> command(int experiment, double t) {
  if (experiment == 1) return {-100 * kPi / 180, 0};
  if (t < 5) return {-kPi / 2, -kPi / 2};
  if (t < 10) return {0, 0};
  if (t < 15) return {-kPi / 2, kPi / 2};
  return {0, 0};
}

// `ideal`: the arm follows the command at the speed limit, without dynamics.
Path predict(int experiment, const Drive& drive, bool ideal = false) {
  const dynamics::Model model = arm(drive.damping);
  dynamics::Data data = make_data(model);
  scene::State state = make_state(model);
  dynamics::Controls controls = make_controls(model);
  const dynamics::StepOptions options;
  const double seconds = experiment == 1 ? 6 : 20;
  Path path{0.05, {}, {}, kHome, 0};
  std::deque<std::vector<double>> seen;
  const auto delayed = static_cast<std::size_t>(std::llround(drive.delay / 0.01));
  for (int i = 0; i <= std::llround(seconds / 1e-3); ++i) {
    if (i % 50 == 0) {
      place_bodies(model, data, state);
      path.p.push_back(state.X_WB[5].p);
      path.R.push_back(rotation_matrix(state.X_WB[5].R));
    }
    if (i % 10 == 0) {
      seen.push_back(state.q);
      if (seen.size() > delayed + 1) seen.pop_front();
      const auto [shoulder, wrist] = command(experiment, 1e-3 * i);
      const double target[6] = {0, shoulder, 0, 0, wrist, 0};
      for (std::size_t k = 0; k < 6; ++k) {
        controls.target_velocity[k] = std::clamp(drive.gain * (target[k] - seen.front()[k]), -drive.speed, drive.speed);
      }
    }
    if (ideal) {
      const auto [shoulder, wrist] = command(experiment, 1e-3 * i);
      const double target[6] = {0, shoulder, 0, 0, wrist, 0};
      for (std::size_t k = 0; k < 6; ++k) {
        state.q[k] += std::clamp(target[k] - state.q[k], -1e-3 * drive.speed, 1e-3 * drive.speed);
      }
    } else {
      step(model, options, controls, data, state);
    }
  }
  find_onset(path, 0);
  return path;
}

struct Errors {
  double mean = 0, end = 0;  // [m]
};

// Displacements from rest, from the onset of the motion on: the same rule for every predictor.
Errors errors(const Path& predicted, const Path& record) {
  Errors e;
  int n = 0;
  for (double t = 0; predicted.onset + t <= predicted.end() && record.onset + t <= record.end(); t += 0.05) {
    const Vec3d a = predicted.at(predicted.onset + t) - predicted.rest, b = record.at(record.onset + t) - record.rest;
    e.end = norm(a - b);
    e.mean += e.end;
    ++n;
  }
  e.mean /= std::max(n, 1);
  return e;
}

using Trials = std::map<int, Path>;

template <class Chosen>
Errors mean(const Trials& trials, const Path& predicted, Chosen chosen) {
  Errors sum;
  double n = 0;
  for (const auto& [number, record] : trials) {
    if (!chosen(number)) continue;
    const Errors e = errors(predicted, record);
    sum.mean += e.mean, sum.end += e.end, ++n;
  }
  return {sum.mean / n, sum.end / n};
}

bool trains(int number) { return number % 4 == 0; }
bool judged(int number) { return number % 4 != 0; }

// A point of the last link instead of its frame's origin.
Path moved(const Path& path, const Vec3d& point) {
  Path out = path;
  for (std::size_t i = 0; i < out.p.size(); ++i) out.p[i] = path.p[i] + path.R[i] * point;
  out.rest = path.rest + path.R[0] * point;
  find_onset(out, 0);
  return out;
}

// Where the marker sits on the last link, of which the record says nothing: least squares over the training trials.
Vec3d marker(const Trials (&trials)[2], const Path (&paths)[2]) {
  Sym3d A;
  Vec3d b;
  for (const int e : {0, 1}) {
    const Path& path = paths[e];
    for (const auto& [number, record] : trials[e]) {
      if (!trains(number)) continue;
      for (std::size_t i = 0; i < path.p.size(); ++i) {
        const double t = path.period * static_cast<double>(i) - path.onset + record.onset;
        if (t < record.onset || t > record.end()) continue;
        const Mat3d D = path.R[i] - path.R[0];
        const Vec3d error = (record.at(t) - record.rest) - (path.p[i] - path.rest);
        b += transpose_times(D, error);
        A.xx += dot(D.column(0), D.column(0)), A.yy += dot(D.column(1), D.column(1));
        A.zz += dot(D.column(2), D.column(2)), A.xy += dot(D.column(0), D.column(1));
        A.xz += dot(D.column(0), D.column(2)), A.yz += dot(D.column(1), D.column(2));
      }
    }
  }
  const Mat3d M{{A.xx, A.xy, A.xz}, {A.xy, A.yy, A.yz}, {A.xz, A.yz, A.zz}};
  const double d = determinant(M);
  const auto with = [&](int k) {
    double m[3][3] = {{A.xx, A.xy, A.xz}, {A.xy, A.yy, A.yz}, {A.xz, A.yz, A.zz}};
    const double v[3] = {b.x, b.y, b.z};
    for (int r = 0; r < 3; ++r) m[r][k] = v[r];
    return determinant(Mat3d{{m[0][0], m[0][1], m[0][2]}, {m[1][0], m[1][1], m[1][2]}, {m[2][0], m[2][1], m[2][2]}}) /
           d;
  };
  return {with(0), with(1), with(2)};
}

double cost(const Trials (&trials)[2], const Drive& drive) {
  const Path paths[2] = {predict(1, drive), predict(2, drive)};
  const Vec3d point = marker(trials, paths);
  double out = 0;
  for (const int e : {0, 1}) out += mean(trials[e], moved(paths[e], point), trains).mean;
  return out;
}

// A grid over gain and delay, then one parameter after the other, in steps that shrink.
Drive fit(const Trials (&trials)[2]) {
  Drive best;
  double least = cost(trials, best);
  for (const double gain : {2.0, 4.0, 8.0, 16.0, 32.0}) {
    for (const double delay : {0.02, 0.05, 0.1, 0.15, 0.2}) {
      Drive next = best;
      next.gain = gain, next.delay = delay;
      const double c = cost(trials, next);
      if (c < least) least = c, best = next;
    }
  }
  double factor = 1.5;
  for (int round = 0; round < 16; ++round) {
    bool better = false;
    for (double Drive::*parameter : {&Drive::speed, &Drive::gain, &Drive::damping, &Drive::delay}) {
      for (const double f : {factor, 1 / factor}) {
        Drive next = best;
        next.*parameter *= f;
        const double c = cost(trials, next);
        if (c < least) least = c, best = next, better = true;
      }
    }
    if (!better) factor = std::sqrt(factor);
  }
  return best;
}

std::string folder_of(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--data") return argv[i + 1];
  }
  const char* set = std::getenv("GEOUL_REALITY_GAP");
  return set != nullptr ? set : std::string(GEOUL_SOURCE_DIR) + "/../shared/data/reality_gap";
}

void run(const std::string& folder, const Trials (&trials)[2], int argc, char** argv) {
  const Drive drive = fit(trials);
  report("reality gap/speed limit, fitted", drive.speed * 180 / kPi, "deg/s");
  report("reality gap/gain, fitted", drive.gain, "1/s");
  report("reality gap/velocity loop, fitted", drive.damping, "N.m.s/rad");
  report("reality gap/delay, fitted", 1e3 * drive.delay, "ms");
  const Path paths[2] = {predict(1, drive), predict(2, drive)};
  const Vec3d point = marker(trials, paths);
  report("reality gap/marker on the last link, fitted x", 1e3 * point.x, "mm");
  report("reality gap/marker on the last link, fitted y", 1e3 * point.y, "mm");
  report("reality gap/marker on the last link, fitted z", 1e3 * point.z, "mm");
  std::ostringstream table;
  table << "experiment,predictor,mean_m,end_m\n";
  const auto add = [&](int e, const std::string& name, const Path& path) {
    const Errors got = mean(trials[e - 1], path, judged);
    table << e << ',' << name << ',' << got.mean << ',' << got.end << '\n';
    report("reality gap " + std::to_string(e) + "/" + name + ", mean error", 1e3 * got.mean, "mm");
  };
  for (const int e : {1, 2}) {
    const Path ours = moved(paths[e - 1], point);
    add(e, "Geoul (drive and marker fitted)", ours);
    add(e, "Geoul (drive fitted)", paths[e - 1]);
    add(e, "ideal follower", predict(e, Drive{}, true));
    const std::string kind = e == 1 ? "Single" : "Double";
    for (const char* engine :
         {"Mujoco", "PyBullet", "VRepBullet278", "VRepBullet283", "VRepNewton", "VRepODE", "VRepVortex"}) {
      const auto path = read_simulation(folder + "/Data/Simulation/Experiment" + std::to_string(e) + "/" + kind + "_" +
                                        engine + "_1.csv");
      if (path) add(e, std::string(engine) + " (as stored)", *path);
    }
    for (int i = 1; i + 1 < argc; i += 2) {
      if (std::string(argv[i]) != "--path") continue;
      std::ofstream out(std::string(argv[i + 1]) + std::to_string(e) + ".csv");
      out << "t,x_recorded,z_recorded,x_predicted,z_predicted\n";
      const Path& record = trials[e - 1].begin()->second;
      for (double t = 0; ours.onset + t <= ours.end() && record.onset + t <= record.end(); t += 0.05) {
        const Vec3d a = record.at(record.onset + t) - record.rest, b = ours.at(ours.onset + t) - ours.rest;
        out << t << ',' << a.x << ',' << a.z << ',' << b.x << ',' << b.z << '\n';
      }
    }
  }
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--table") std::ofstream(argv[i + 1]) << table.str();
  }
}

}  // namespace
}  // namespace geoul::bench

int main(int argc, char** argv) {
  using namespace geoul::bench;
  const std::string folder = folder_of(argc, argv);
  Trials trials[2];
  for (const int e : {1, 2}) {
    const std::string kind = e == 1 ? "Single" : "Double";
    for (int number = 1; number <= 23; ++number) {
      char file[64];
      std::snprintf(file, sizeof file, "/Data/MotionCapture/Experiment%d/%s%04d_6D.tsv", e, kind.c_str(), number);
      if (auto path = read_record(folder + file)) trials[e - 1].emplace(number, *path);
    }
    if (trials[e - 1].size() < 5) {
      std::fprintf(stderr,
                   "reality_gap: %s/Data/MotionCapture is absent: the record is not part of the project. It is the "
                   "data of Collins et al. 2019; --data or GEOUL_REALITY_GAP names a copy\n",
                   folder.c_str());
      return 1;
    }
    report("reality gap " + std::to_string(e) + "/trials", static_cast<double>(trials[e - 1].size()), "");
  }
  run(folder, trials, argc, argv);
}
