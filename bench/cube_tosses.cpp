// Real contact: tosses of an acrylic cube recorded at 148 Hz (Pfrommer, Halm, Posa, "ContactNets", CoRL 2020; BSD-3),
// predicted from each toss's first state to its end. Friction and restitution are fitted on the tosses whose number is
// a multiple of 4 and judged on the rest. One JSON object a line, for bench/figures; --table FILE writes every toss,
// --path FILE the first toss against its record.
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>

#include "bench/figure.h"
#include "scenarios/contacts.h"

namespace geoul::bench {
namespace {

constexpr double kSide = 0.1048, kMass = 0.37, kRate = 148;  // [m], [kg], [Hz]
constexpr double kInertia = 0.00081;                         // [kg m2], as the data set's authors measured
constexpr int kSubsteps = 4;

struct Frame {
  Posed X;
  Motiond V;  // angular in the body, linear in the world
};
using Tosses = std::map<int, std::vector<Frame>>;

Tosses read(const std::string& file) {
  Tosses tosses;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    double v[15] = {};
    std::string cell;
    for (double& x : v) {
      if (std::getline(cells, cell, ',')) x = std::stod(cell);
    }
    const Frame f{{normalized(Quatd{v[2], v[3], v[4], v[5]}), {v[6], v[7], v[8]}},
                  {{v[9], v[10], v[11]}, {v[12], v[13], v[14]}}};
    tosses[static_cast<int>(v[0])].push_back(f);
  }
  return tosses;
}

struct Errors {
  double position = 0, rotation = 0;  // mean over the frames [m], [rad]
  double end_position = 0;            // at the last frame [m]
};

dynamics::Model cube(const scenarios::Touch& touch) {
  scene::Scene s = scenarios::ground(touch);
  const scene::BodyId body = scenarios::add_solid_box(s, "/cube", kMass, {kSide, kSide, kSide}, {0, 0, 1}, touch);
  s.bodies[body.index()].mass.inertia = {kInertia, kInertia, kInertia, 0, 0, 0};
  return dynamics::compiled(s);
}

Errors predict(const dynamics::Model& model, const std::vector<Frame>& toss, std::vector<Posed>* path = nullptr) {
  World world(model, 1 / (kRate * kSubsteps), dynamics::Integrator::kImplicit);
  const Frame& first = toss[0];
  world.state.q = {first.X.p.x, first.X.p.y, first.X.p.z, first.X.R.w, first.X.R.x, first.X.R.y, first.X.R.z};
  world.state.v = {first.V.v.x, first.V.v.y, first.V.v.z, first.V.w.x, first.V.w.y, first.V.w.z};
  place_bodies(world.model, world.data, world.state);
  Errors e;
  for (std::size_t i = 1; i < toss.size(); ++i) {
    for (int k = 0; k < kSubsteps; ++k) world.step();
    const Posed& X = world.state.X_WB[0];
    e.end_position = norm(X.p - toss[i].X.p);
    e.position += e.end_position, e.rotation += angle_between(X.R, toss[i].X.R);
    if (path != nullptr) path->push_back(X);
  }
  const auto n = static_cast<double>(toss.size() - 1);
  e.position /= n, e.rotation /= n;
  return e;
}

// Means over the tosses that `chosen` names.
template <class Chosen>
Errors mean(const Tosses& tosses, const scenarios::Touch& touch, Chosen chosen) {
  const dynamics::Model model = cube(touch);
  Errors sum;
  double n = 0;
  for (const auto& [number, toss] : tosses) {
    if (!chosen(number) || toss.size() < 2) continue;
    const Errors e = predict(model, toss);
    sum.position += e.position, sum.rotation += e.rotation, sum.end_position += e.end_position, ++n;
  }
  return {sum.position / n, sum.rotation / n, sum.end_position / n};
}

// Relative to the cube's width, and to a turn of one radian, so that both count.
double cost(const Errors& e) { return e.position / kSide + e.rotation; }

struct Fit {
  scenarios::Touch touch;
  double cost = INFINITY;
};

// A grid over both, then finer ones about the best.
Fit fit(const Tosses& tosses) {
  Fit best;
  const auto train = [](int number) { return number % 4 == 0; };
  double friction = 0.25, restitution = 0.25, span = 0.25;
  for (int round = 0; round < 4; ++round, span /= 3) {
    const double f0 = friction, r0 = restitution;
    for (int i = -3; i <= 3; ++i) {
      for (int k = -3; k <= 3; ++k) {
        const scenarios::Touch touch{std::max(0.0, f0 + span * i / 3), std::clamp(r0 + span * k / 3, 0.0, 1.0)};
        const double c = cost(mean(tosses, touch, train));
        if (c < best.cost) best = {touch, c}, friction = touch.friction, restitution = touch.restitution;
      }
    }
  }
  return best;
}

void write_table(const std::string& file, const Tosses& tosses, const scenarios::Touch& touch) {
  std::ofstream out(file);
  out << "toss,frames,judged,position_m,rotation_rad,end_position_m\n";
  const dynamics::Model model = cube(touch);
  for (const auto& [number, toss] : tosses) {
    const Errors e = predict(model, toss);
    out << number << ',' << toss.size() << ',' << (number % 4 != 0) << ',' << e.position << ',' << e.rotation << ','
        << e.end_position << '\n';
  }
}

void write_path(const std::string& file, const std::vector<Frame>& toss, const scenarios::Touch& touch) {
  std::vector<Posed> path;
  predict(cube(touch), toss, &path);
  std::ofstream out(file);
  out << "t,z_recorded,z_predicted,x_recorded,x_predicted,y_recorded,y_predicted\n";
  for (std::size_t i = 0; i < path.size(); ++i) {
    const Vec3d &a = toss[i + 1].X.p, &b = path[i].p;
    out << static_cast<double>(i + 1) / kRate << ',' << a.z << ',' << b.z << ',' << a.x << ',' << b.x << ',' << a.y
        << ',' << b.y << '\n';
  }
}

}  // namespace
}  // namespace geoul::bench

int main(int argc, char** argv) {
  using namespace geoul::bench;
  const std::string file = std::string(GEOUL_SOURCE_DIR) + "/../shared/data/cube_tosses/tosses.csv";
  const Tosses tosses = read(file);
  if (tosses.empty()) {
    std::fprintf(stderr, "cube_tosses: %s is absent: the tosses are not part of the project\n", file.c_str());
    return 1;
  }
  const Fit best = fit(tosses);
  const auto judged = [](int number) { return number % 4 != 0; };
  const Errors e = mean(tosses, best.touch, judged);
  report("cube tosses/tosses", static_cast<double>(tosses.size()), "");
  report("cube tosses/friction, fitted", best.touch.friction, "");
  report("cube tosses/restitution, fitted", best.touch.restitution, "");
  report("cube tosses/mean position error", 1000 * e.position, "mm");
  report("cube tosses/mean position error over the width", 100 * e.position / kSide, "%");
  report("cube tosses/mean rotation error", 180 / std::numbers::pi * e.rotation, "deg");
  report("cube tosses/mean position error at the end", 1000 * e.end_position, "mm");
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--table") write_table(argv[i + 1], tosses, best.touch);
    if (option == "--path") write_path(argv[i + 1], tosses.begin()->second, best.touch);
  }
}
