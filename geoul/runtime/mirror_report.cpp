#include "geoul/runtime/mirror_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "geoul/runtime/running_figures.h"

namespace geoul::runtime {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kMillimetres = 1e3;

class Judgement {
 public:
  explicit Judgement(const MirrorFindings& f) : f_(f), rows_(f.stream.begin[f.files]) {}

  Report run() {
    out_.title = f_.site.name + ": the twin against " + std::to_string(f_.files) + " of " +
                 std::to_string(f_.stream.files()) + " recordings, " + std::to_string(rows_) + " rows";
    if (f_.files == 0) return out_;
    welds();
    gravity_torque();
    torque("reference", &RowMeasures::JointRow::along_reference, f_.site.judge.torque_reference_rmse);
    torque("measured", &RowMeasures::JointRow::along_measured, f_.site.judge.torque_measured_rmse);
    for (std::size_t s = 0; s < f_.bindings.sites.size(); ++s) {
      if (f_.bindings.sites[s].has_pose) pose(s);
      if (f_.bindings.sites[s].has_force) specific_force(s);
    }
    currents();
    if (f_.rows_per_second > 0) {
      out_.add("steps per second", f_.rows_per_second, "1/s", kNoBound,
               "rows through the twin on one thread, everything computed");
    }
    return out_;
  }

 private:
  using Pick = std::function<bool(std::size_t)>;

  RunningFigures over(std::size_t begin, std::size_t end, const Pick& pick,
                      const std::function<double(const RowMeasures&)>& value) const {
    RunningFigures out;
    for (std::size_t row = begin; row < std::min(end, rows_); ++row) {
      if (pick(row)) out.add(value(f_.rows[row]));
    }
    return out;
  }
  Pick moving() const {
    return [this](std::size_t row) { return !f_.rows[row].at_rest; };
  }
  Pick resting() const {
    return [this](std::size_t row) { return f_.rows[row].at_rest; };
  }
  static Pick every() {
    return [](std::size_t) { return true; };
  }

  std::vector<std::string> joint_labels() const {
    std::vector<std::string> out;
    for (const BoundJoint& joint : f_.bindings.joints) out.push_back(joint.label);
    return out;
  }
  std::size_t joint_of(const std::string& path) const {
    for (std::size_t j = 0; j < f_.bindings.joints.size(); ++j) {
      if (f_.twin.scene.joints[f_.bindings.joints[j].joint.index()].path == path) return j;
    }
    return f_.bindings.joints.size();
  }

  void welds() {
    const RunningFigures p = over(0, rows_, every(), [](const RowMeasures& r) { return r.weld_position; });
    const RunningFigures a = over(0, rows_, every(), [](const RowMeasures& r) { return r.weld_rotation; });
    const std::string note = "largest of " + std::to_string(f_.twin.welds.size()) + " fixed joints in " +
                             std::to_string(p.n) + " rows, measured in the published poses";
    out_.add("fixed-joint position error", p.largest(), "m", f_.site.judge.fixed_position, note);
    out_.add("fixed-joint rotation error", a.largest(), "rad", f_.site.judge.fixed_rotation, note);
  }

  void gravity_torque() {
    if (!f_.site.judge.gravity_torque) return;
    for (const ScenePath& path : f_.site.judge.gravity_torque->joints) {
      const std::size_t j = joint_of(path.path);
      const auto error = [j](const RowMeasures& r) { return r.joints[j].gravity_torque - r.joints[j].torque; };
      const RunningFigures relative =
          over(0, rows_, resting(), [&](const RowMeasures& r) { return 100 * error(r) / r.joints[j].torque; });
      const RunningFigures absolute = over(0, rows_, resting(), error);
      out_.add("gravity torque at rest, " + f_.bindings.joints[j].label, relative.largest(), "%",
               100 * f_.site.judge.gravity_torque->max_relative_error,
               "largest difference to target_moment in " + std::to_string(relative.n) +
                   " rows at rest: " + short_number(absolute.largest()) + " N.m");
    }
  }

  void torque(const std::string& motion, double RowMeasures::JointRow::*predicted, const std::vector<double>& bounds) {
    ReportTable table{"Torque residuals along the " + motion + " motion, rows in motion, N.m",
                      {"RMSE", "mean", "max", "size (RMS)"},
                      {}};
    ReportTable by_file{"Torque RMSE along the " + motion + " motion, by recording, N.m", joint_labels(), {}};
    for (std::size_t j = 0; j < f_.bindings.joints.size(); ++j) {
      const auto residual = [&](const RowMeasures& r) { return r.joints[j].*predicted - r.joints[j].torque; };
      const RunningFigures e = over(0, rows_, moving(), residual);
      if (std::isnan(e.sum)) return;  // no reference is bound
      const RunningFigures size = over(0, rows_, moving(), [&](const RowMeasures& r) { return r.joints[j].torque; });
      out_.add("torque RMSE, " + motion + " motion, " + f_.bindings.joints[j].label, e.rms(), "N.m",
               j < bounds.size() ? bounds[j] : kNaN,
               "against target_moment, " + std::to_string(e.n) + " rows in motion");
      table.rows.push_back({f_.bindings.joints[j].label, {e.rms(), e.mean(), e.largest(), size.rms()}});
      for (std::size_t k = 0; k < f_.files; ++k) {
        if (j == 0) by_file.rows.push_back({f_.stream.names[k], {}});
        by_file.rows[k].second.push_back(over(f_.stream.begin[k], f_.stream.begin[k + 1], moving(), residual).rms());
      }
    }
    out_.tables.push_back(table);
    out_.tables.push_back(by_file);
  }

  void pose(std::size_t s) {
    const BoundSite& site = f_.bindings.sites[s];
    const Judge& judge = f_.site.judge;
    const auto error = [s](const RowMeasures& r) {
      return kMillimetres * norm(r.sites[s].position - r.sites[s].position_twin);
    };
    const auto turn = [s](const RowMeasures& r) { return 1e3 * r.sites[s].rotation_error; };
    const bool judged = judge.pose && judge.pose->site.path == site.path;
    const RunningFigures all = over(0, rows_, every(), error);
    out_.add(site.label + " position error, mean", all.mean(), "mm",
             judged ? kMillimetres * judge.pose->max_mean_error : kNaN, "all " + std::to_string(all.n) + " rows");
    out_.add(site.label + " position error, max", all.largest(), "mm",
             judged ? kMillimetres * judge.pose->max_error : kNaN, "");
    out_.add(site.label + " rotation error, mean", over(0, rows_, every(), turn).mean(), "mrad");
    const bool constant = judge.constant_transform && judge.constant_transform->to.path == site.path;
    ReportTable table{
        "Pose of " + site.label + " by recording", {"error mean mm", "error max mm", "turn mean mrad"}, {}};
    if (constant)
      table.columns.insert(table.columns.end(), {"x mm", "y mm", "z mm", "deviation mean mm", "deviation max mm"});
    std::vector<Vec3d> means;
    for (std::size_t k = 0; k < f_.files; ++k) {
      const std::size_t begin = f_.stream.begin[k], end = f_.stream.begin[k + 1];
      const RunningFigures e = over(begin, end, every(), error);
      table.rows.push_back({f_.stream.names[k], {e.mean(), e.largest(), over(begin, end, every(), turn).mean()}});
      if (constant) means.push_back(constancy(s, k, table.rows.back().second));
    }
    double spread = 0;
    for (const Vec3d& a : means) {
      for (const Vec3d& b : means) spread = std::max(spread, norm(a - b));
    }
    if (constant) {
      out_.add("flange-to-" + site.label + " transform, spread between recordings", kMillimetres * spread, "mm",
               kNoBound, "calibration of this arm: reported only");
    }
    out_.tables.push_back(table);
  }

  // Adds the lines of one recording, and its cells; returns the mean position.
  Vec3d constancy(std::size_t s, std::size_t k, std::vector<double>& cells) {
    const std::size_t begin = f_.stream.begin[k], end = f_.stream.begin[k + 1];
    Vec3d mean;
    for (std::size_t row = begin; row < end; ++row) mean += f_.rows[row].sites[s].in_constant_from;
    mean = mean * (1.0 / static_cast<double>(end - begin));
    const RunningFigures d = over(begin, end, every(), [&](const RowMeasures& r) {
      return kMillimetres * norm(r.sites[s].in_constant_from - mean);
    });
    const std::string name = "flange-to-" + f_.bindings.sites[s].label + " transform, " + f_.stream.names[k] + ", ";
    out_.add(name + "mean deviation", d.mean(), "mm",
             kMillimetres * f_.site.judge.constant_transform->max_mean_deviation,
             "about (" + short_number(kMillimetres * mean.x) + ", " + short_number(kMillimetres * mean.y) + ", " +
                 short_number(kMillimetres * mean.z) + ") mm");
    out_.add(name + "max deviation", d.largest(), "mm", kMillimetres * f_.site.judge.constant_transform->max_deviation);
    for (const double x : {kMillimetres * mean.x, kMillimetres * mean.y, kMillimetres * mean.z, d.mean(), d.largest()})
      cells.push_back(x);
    return mean;
  }

  void specific_force(std::size_t s) {
    const std::string label = f_.bindings.sites[s].label;
    using Row = RowMeasures::SiteRow;
    const auto rms = [&](const Pick& pick, Vec3d Row::*predicted, int axis) {
      return over(0, rows_, pick,
                  [&](const RowMeasures& r) {
                    const Vec3d e = r.sites[s].*predicted - r.sites[s].force;
                    return axis < 0 ? norm(e) : e[axis];
                  })
          .rms();
    };
    out_.add("accelerometer RMSE at " + label + ", measured motion", rms(moving(), &Row::force_twin, -1), "m/s2",
             f_.site.judge.specific_force_rmse, "all axes, rows in motion");
    ReportTable table{"Accelerometer at " + label + ", RMSE in m/s2", {"x", "y", "z", "all"}, {}};
    const auto add = [&](const std::string& name, const Pick& pick, Vec3d Row::*predicted) {
      table.rows.push_back(
          {name,
           {rms(pick, predicted, 0), rms(pick, predicted, 1), rms(pick, predicted, 2), rms(pick, predicted, -1)}});
    };
    add("in motion, measured motion", moving(), &Row::force_twin);
    if (f_.bindings.has_reference) add("in motion, reference motion", moving(), &Row::force_reference);
    add("at rest", resting(), &Row::force_twin);
    out_.tables.push_back(table);
  }

  void currents() {
    const std::vector<std::string>& files = f_.site.sources.front().names;
    ReportTable table{"Motors from currents, fitted on one recording and judged on the others",
                      {"k N.m/A", "+- %", "viscous N.m.s/rad", "Coulomb N.m", "rows judged", "RMSE own A",
                       "RMSE others A", "RMSE others N.m"},
                      {}};
    for (const Judge::CurrentFit& wish : f_.site.judge.current) {
      const std::size_t j = joint_of(wish.joint.path);
      const auto file = static_cast<std::size_t>(std::find(files.begin(), files.end(), wish.file) - files.begin());
      if (file >= f_.files) continue;  // not played yet
      const std::string label = f_.bindings.joints[j].label;
      if (!f_.currents[j]) {
        out_.add("current RMSE, " + label, kNaN, "A", wish.max_rmse,
                 f_.stream.names[file] + " does not determine its torque constant");
        continue;
      }
      const CurrentModel& model = *f_.currents[j];
      const auto residual = [&](const RowMeasures& r) {
        return r.joints[j].current - predict_current(model, r.joints[j].along_measured, r.joints[j].velocity);
      };
      const auto judged = [&](bool own) {
        return over(
            0, rows_,
            [&](std::size_t row) {
              return std::abs(f_.rows[row].joints[j].velocity) > f_.site.judge.moving_above &&
                     (f_.stream.file_of(row) == file) == own;
            },
            residual);
      };
      const RunningFigures own = judged(true), others = judged(false);
      const double in_torque = others.rms() * std::abs(model.torque_constant());
      table.rows.push_back({label + " (" + f_.stream.names[file] + ")",
                            {model.torque_constant(), 100 * model.relative_error, model.viscous(), model.coulomb(),
                             static_cast<double>(others.n), own.rms(), others.rms(), in_torque}});
      if (others.n == 0) {
        out_.add("current RMSE, " + label, own.rms(), "A", kNoBound,
                 "moves in " + f_.stream.names[file] + " only: the fit's own residual, nothing judges it");
      } else {
        out_.add("current RMSE, " + label, others.rms(), "A", wish.max_rmse,
                 "as torque " + short_number(in_torque) + " N.m; fitted on " + f_.stream.names[file] + ", judged on " +
                     std::to_string(others.n) + " moving rows of the others");
      }
    }
    if (!table.rows.empty()) out_.tables.push_back(table);
  }

  const MirrorFindings& f_;
  std::size_t rows_;
  Report out_;
};

}  // namespace

Report mirror_report(const MirrorFindings& findings) { return Judgement(findings).run(); }

}  // namespace geoul::runtime
