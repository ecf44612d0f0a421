#include "geoul/runtime/watch.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/contacts.h"

namespace geoul::runtime {
namespace {

constexpr std::array<const char*, 6> kNames = {
    "steps with contacts beyond their tolerance", "steps with deep penetration", "steps with an open loop",
    "steps whose joint laws were not solved",     "steps with runaway speed",    "joints that broke"};

std::string in_ms(Duration dt) { return short_number(1e3 * dt.seconds()) + " ms"; }

std::string shape_name(const dynamics::World& world, int collider) {
  const auto& c = world.model.contact->geometry->colliders[static_cast<std::size_t>(collider)];
  return "'" + world.scene.shapes[c.shape.index()].path + "'";
}

bool rigid(const dynamics::World& world, const dynamics::Contact& contact) {
  const auto& materials = world.model.contact->materials;
  return materials[static_cast<std::size_t>(contact.a)].stiffness == 0 &&
         materials[static_cast<std::size_t>(contact.b)].stiffness == 0;
}

const dynamics::Contact* deepest_rigid(const dynamics::World& world) {
  const dynamics::Contact* out = nullptr;
  if (!world.data.contact) return out;
  for (const dynamics::Contact& contact : world.data.contact->contacts) {
    if (rigid(world, contact) && (!out || contact.distance < out->distance)) out = &contact;
  }
  return out;
}

bool power_of_ten(std::uint64_t n) {
  while (n > 1 && n % 10 == 0) n /= 10;
  return n == 1;
}

int island_of_degree(const dynamics::Model& model, int v) {
  for (std::size_t i = 0; i < model.islands.size(); ++i) {
    if (v >= model.islands[i].all.v_begin && v < model.islands[i].all.v_end) return static_cast<int>(i);
  }
  return -1;
}

std::string joint_at(const dynamics::World& world, int v) {
  for (std::size_t j = 0; j < world.model.layout.joints.size(); ++j) {
    const scene::JointAddress address = world.model.layout.joints[j];
    if (address.nv > 0 && v >= address.v && v < address.v + address.nv)
      return "joint '" + world.scene.joints[j].path + "'";
  }
  for (const dynamics::Tree& tree : world.model.trees) {
    if (v >= tree.v_begin && v < tree.v_end && !tree.bodies.empty())
      return "body '" + world.model.body_paths[static_cast<std::size_t>(tree.bodies.front())] + "'";
  }
  return "a body";
}

}  // namespace

Watch::Watch(const dynamics::World& world, WatchBounds bounds)
    : bounds_(bounds), contact_tolerance_(world.options.contact_tolerance) {}

void Watch::say(Trouble trouble, Time time, const std::string& what, const std::string& mend) {
  const std::uint64_t n = ++count_[trouble];
  if (!power_of_ten(n)) return;
  const std::string when = "at " + short_number(time.seconds()) + " s: ";
  said_.push_back(n == 1 ? when + what + "; " + mend : when + what + " (" + std::to_string(n) + " times so far)");
}

std::string Watch::stiffest(const dynamics::World& world, int island) const {
  std::vector<double> q = world.state.q;
  if (std::any_of(q.begin(), q.end(), [](double x) { return !std::isfinite(x); })) q = world.model.q_start;
  const dynamics::LawRate* worst = nullptr;
  const std::vector<dynamics::LawRate> laws = dynamics::law_rates(world.model, q);
  for (const dynamics::LawRate& law : laws) {
    if (island >= 0 && island_of_degree(world.model, law.v) != island) continue;
    if (trouble_of(law, world.options) == dynamics::LawTrouble::kNone) continue;
    if (!worst || law.rate() > worst->rate()) worst = &law;
  }
  if (!worst) return {};
  return "joint '" + world.scene.joints[worst->joint.index()].path +
         "': " + describe(world.model, *worst, world.options) + "; " + mend(world.model, *worst, world.options);
}

std::string Watch::advice(const dynamics::World& world, int island) const {
  const std::string law = stiffest(world, island);
  return law.empty() ? "take a dt below " + in_ms(world.options.dt) : law;
}

std::string Watch::cause(const dynamics::World& world) const {
  const std::string law = stiffest(world, -1);
  return law.empty() ? "take a smaller --dt than " + in_ms(world.options.dt) + " or --integrator implicit" : law;
}

void Watch::look(const dynamics::World& world, const dynamics::StepReport& report) {
  now_ = report;
  const Time time = world.state.time;
  const dynamics::ContactReport& contact = report.contact;
  contacts_ = std::max(contacts_, contact.count);
  iterations_ = std::max({iterations_, report.iterations, contact.iterations});
  contact_residual_ = std::max(contact_residual_, contact.residual);
  cone_ = std::max(cone_, contact.cone);
  closure_ = std::max(closure_, report.closure);
  penetration_ = std::max(penetration_, contact.penetration);
  asleep_ = 0;
  if (world.data.contact) {
    for (std::size_t i = 0; i < world.model.islands.size(); ++i) {
      if (world.data.contact->sleep.group[i] >= 0)
        asleep_ += static_cast<int>(world.model.islands[i].all.bodies.size());
    }
  }
  for (; broken_ < world.breaks.size(); ++broken_) {
    const dynamics::Break& b = world.breaks[broken_];
    ++count_[kBroken];
    const bool by_force = b.force > b.break_force;
    said_.push_back("at " + short_number(b.time.seconds()) + " s: joint '" + b.path + "' broke: it carried " +
                    (by_force ? short_number(b.force) + " N, it bears " + short_number(b.break_force) + " N"
                              : short_number(b.torque) + " N.m, it bears " + short_number(b.break_torque) + " N.m"));
  }
  if (!report.finite) return;
  if (!contact.converged) {
    say(kContactResidual, time,
        std::to_string(contact.count) + " contacts were left at " + short_number(contact.residual) + " m/s (bound " +
            short_number(contact_tolerance_) + ") after " + std::to_string(contact.iterations) + " iterations",
        "look for mass ratios and overlaps with geoul check, or " + advice(world, -1));
  }
  if (contact.penetration > bounds_.penetration) {
    const dynamics::Contact* deepest = deepest_rigid(world);
    if (deepest && -deepest->distance > bounds_.penetration) {
      say(kPenetration, time,
          shape_name(world, deepest->a) + " and " + shape_name(world, deepest->b) + " are " +
              short_number(-1e3 * deepest->distance) + " mm inside each other (bound " +
              short_number(1e3 * bounds_.penetration) + " mm)",
          "part them at the start (geoul check tells how far), or take a smaller dt than " + in_ms(world.options.dt));
    }
  }
  if (report.closure > bounds_.closure) {
    std::size_t worst = 0;
    const std::vector<double>& error = world.data.constraints.error;
    for (std::size_t r = 1; r < error.size(); ++r) worst = std::abs(error[r]) > std::abs(error[worst]) ? r : worst;
    std::string name = "a coupling";
    int island = -1;
    for (const dynamics::Constraint& c : world.model.constraints) {
      if (static_cast<int>(worst) < c.row || static_cast<int>(worst) >= c.row + c.rows) continue;
      if (c.joint.valid()) name = "the loop closed by joint '" + world.scene.joints[c.joint.index()].path + "'";
      if (!c.parts.empty()) island = island_of_degree(world.model, c.parts.front().v);
    }
    say(kClosure, time,
        name + " stands open by " + short_number(report.closure) + " m or rad (bound " + short_number(bounds_.closure) +
            ")",
        advice(world, island));
  }
  if (!report.converged && contact.converged) {
    int island = -1;
    for (std::size_t i = 0; i < world.data.reports.size(); ++i) {
      if (!world.data.reports[i].converged) island = static_cast<int>(i);
    }
    say(kLaws, time,
        "drives, limits and friction of one mechanism were not solved in " + std::to_string(report.iterations) +
            " iterations" + (report.residual > 0 ? " (left at " + short_number(report.residual) + ")" : ""),
        advice(world, island));
  }
  const auto fastest = std::max_element(world.state.v.begin(), world.state.v.end(),
                                        [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (fastest != world.state.v.end() && std::abs(*fastest) > bounds_.speed) {
    const int v = static_cast<int>(fastest - world.state.v.begin());
    say(kSpeed, time,
        joint_at(world, v) + " moves at " + short_number(std::abs(*fastest)) + " m/s or rad/s (bound " +
            short_number(bounds_.speed) + "): the simulation runs away",
        advice(world, island_of_degree(world.model, v)));
  }
}

std::vector<std::string> Watch::take() { return std::exchange(said_, {}); }

std::vector<ReportLine> Watch::figures() const {
  Report out;
  const double none = std::numeric_limits<double>::quiet_NaN();
  const dynamics::ContactReport& contact = now_.contact;
  out.add("contacts", contact.count, "");
  out.add("bodies asleep", asleep_, "");
  out.add("penetration", contact.penetration, "m", none, "worst " + short_number(penetration_));
  out.add("contact residual", contact.residual, "m/s", contact_tolerance_, "worst " + short_number(contact_residual_));
  out.add("loop closure", now_.closure, "m, rad", bounds_.closure, "worst " + short_number(closure_));
  out.add("iterations", std::max(now_.iterations, contact.iterations), "", none,
          "worst " + std::to_string(iterations_));
  if (!contact.converged) out.lines[3].ok = false;
  return out.lines;
}

void Watch::add_to(Report& report) const {
  const double none = std::numeric_limits<double>::quiet_NaN();
  report.add("most contacts", contacts_, "");
  report.add("deepest penetration", penetration_, "m");
  report.add("largest contact residual", contact_residual_, "m/s", none,
             "asked for " + short_number(contact_tolerance_));
  report.add("largest violation of a friction cone", cone_, "N");
  report.add("largest error of a loop or coupling", closure_, "m, rad");
  report.add("most iterations of a step", iterations_, "");
  for (std::size_t i = 0; i < count_.size(); ++i) {
    if (count_[i] > 0) report.add(kNames[i], static_cast<double>(count_[i]), "");
  }
}

}  // namespace geoul::runtime
