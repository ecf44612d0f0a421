#include "geoul/runtime/identify_job.h"

#include <cmath>
#include <filesystem>
#include <limits>

#include "geoul/estimation/identification.h"
#include "geoul/runtime/files.h"
#include "geoul/runtime/identify_page.h"
#include "geoul/runtime/identify_record.h"
#include "geoul/scene/formats/write/write.h"

namespace geoul::runtime {
namespace {

using estimation::Identification;

ReportTable base_table(const Identification& found) {
  ReportTable table{"what torques hang on (in joint frames, z along the axis), with intervals of " +
                        short_number(100 * found.level) + " %",
                    {"estimate", "+-", "physical fit", "scene before"},
                    {}};
  for (const estimation::BaseEstimate& b : found.base) {
    table.rows.emplace_back(b.name + " [" + b.unit + "]" + (b.told ? "" : " (not told)"),
                            std::vector<double>{b.value, b.half_width, b.physical, b.before});
  }
  return table;
}

ReportTable joint_table(const Identification& found) {
  ReportTable table{"joints: friction and the like", estimation::term_names(found.fit.layout.shape), {}};
  for (int j = 0; j < found.fit.layout.joints(); ++j) {
    std::vector<double> values;
    for (int k = 0; k < found.fit.layout.shape.terms(); ++k) values.push_back(found.fit.p(found.fit.layout.term(j, k)));
    table.rows.emplace_back(found.fit.layout.joint_names[static_cast<std::size_t>(j)], values);
  }
  return table;
}

ReportTable mass_table(const Identification& found, const dynamics::Model& model) {
  ReportTable table{"links: mass [kg] and centre [m] in the body's frame, physical fit and scene before",
                    {"mass", "x", "y", "z", "mass before", "x before", "y before", "z before"},
                    {}};
  for (std::size_t l = 0; l < found.fit.layout.links.size(); ++l) {
    const auto at = static_cast<Eigen::Index>(l) * estimation::kLinkParameters;
    const dynamics::Link& link = model.links[static_cast<std::size_t>(found.fit.layout.links[l])];
    const int body = model.groups[static_cast<std::size_t>(link.group)].bodies.front();
    const Transformd X_BL = inverse(model.bodies[static_cast<std::size_t>(body)].X_LB);
    const Inertiad i = to_parent(X_BL, estimation::to_inertia(found.fit.p.segment<estimation::kLinkParameters>(at)));
    const Inertiad b = to_parent(X_BL, link.inertia);
    table.rows.emplace_back(
        found.fit.layout.link_names[l],
        std::vector<double>{i.m, i.h.x / i.m, i.h.y / i.m, i.h.z / i.m, b.m, b.h.x / b.m, b.h.y / b.m, b.h.z / b.m});
  }
  return table;
}

Report make_report(const IdentifyOptions& options, const Identification& found, const dynamics::Model& model) {
  Report report;
  report.title = "identification of " + std::filesystem::path(options.scene).filename().string() + " from " +
                 std::filesystem::path(options.recording).filename().string();
  for (int j = 0; j < found.fit.layout.joints(); ++j) {
    report.add("torque error, filtered, " + found.fit.layout.joint_names[static_cast<std::size_t>(j)], found.error(j),
               "N.m");
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  report.add("the same on parts left out, mean", found.tried.front().error, "N.m", kNone,
             "cross-validation: " + found.fit.layout.shape.name());
  report.add("condition number", found.condition, "1", kNone, "of the motion; less is better, 100 is good");
  std::size_t told = 0;
  for (const estimation::BaseEstimate& b : found.base) told += b.told ? 1 : 0;
  report.add("combinations told", static_cast<double>(told), "1", kNone, "of " + std::to_string(found.base.size()));
  report.tables.push_back(base_table(found));
  report.tables.push_back(joint_table(found));
  report.tables.push_back(mass_table(found, model));
  ReportTable tried{"structures tried: error on parts left out", {"belief", "N.m"}, {}};
  for (const estimation::Candidate& c : found.tried)
    tried.rows.emplace_back(c.shape.name(), std::vector<double>{c.belief, c.error});
  report.tables.push_back(std::move(tried));
  return report;
}

// Torques a hundred times what the scene's masses need are no torques of this machine.
void judge_scale(const IdentifyOptions& options, const Identification& found, const dynamics::Model& model,
                 Diagnostics& diagnostics) {
  double before = 0, after = 0;
  for (std::size_t l = 0; l < found.fit.layout.links.size(); ++l) {
    before += model.links[static_cast<std::size_t>(found.fit.layout.links[l])].inertia.m;
    after += found.fit.p(static_cast<Eigen::Index>(l) * estimation::kLinkParameters);
  }
  constexpr double kFar = 8;
  const double factor = after / before;
  if (factor < kFar && factor > 1 / kFar) return;
  diagnostics.warning({options.recording, 0, {}}, "implausible-mass",
                      "the links weigh " + short_number(factor) + " times what the scene says",
                      "torques must be in N.m at the joint (not currents, not at the motor)");
}

Result<void> write_results(const IdentifyOptions& options, const Report& report, const Identification& found,
                           std::span<const estimation::RegularMotion> motions) {
  if (options.report.empty()) return {};
  const Plot torques = torque_plot(found, motions);
  const std::string content = std::filesystem::path(options.report).extension() == ".svg"
                                  ? to_svg(torques)
                                  : identification_page(report, found.lacks, {torques, residual_plot(found, motions)});
  return write_file(options.report, content);
}

}  // namespace

Result<Report> identify_machine(const IdentifyOptions& options, const JobOutput& output, Diagnostics& diagnostics) {
  const std::string ending = std::filesystem::path(options.report).extension().string();
  if (!options.report.empty() && ending != ".html" && ending != ".svg") {
    return Error{ErrorCode::kBadInput, options.report + ": a report ends in .html (page) or .svg (plots)"};
  }
  if (options.clock_from_motion && options.period <= 0) {
    return Error{ErrorCode::kBadInput, "a clock from the motion needs the machine's period; give --period"};
  }
  const std::optional<scene::Scene> scene = scene::read_scene(options.scene, options.read, diagnostics);
  if (!scene) return diagnostics.to_error();
  const std::optional<dynamics::Model> model = dynamics::compile(*scene, diagnostics);
  if (!model) return diagnostics.to_error();
  const std::optional<JointRecording> recording = read_joint_recording(options, *scene, diagnostics);
  if (!recording) return diagnostics.to_error();
  const auto columns = estimation::joint_columns(*model, recording->joints);
  if (!columns) return columns.error();
  if (options.clock_from_motion && recording->record.v.size() == 0) {
    return Error{ErrorCode::kBadInput, "a clock from the motion needs velocities; give --velocity"};
  }
  estimation::RegularOptions regular;
  regular.period = options.period;
  regular.clock_from_motion = options.clock_from_motion;
  const auto motions = estimation::regular_motion(recording->record, regular);
  if (output.say)
    output.say("identifying " + std::to_string(columns->count()) + " joints from " +
               std::to_string(recording->record.rows()) + " rows");
  estimation::IdentificationOptions how;
  how.level = options.level;
  const Result<Identification> found = estimation::identify(*model, *columns, motions, how);
  if (!found) return Error{found.error().code, options.recording + ": " + found.error().message};
  judge_scale(options, *found, *model, diagnostics);
  const Report report = make_report(options, *found, *model);
  if (output.say) {
    for (const std::string& line : found->lacks) output.say(line);
  }
  if (!options.out.empty()) {
    const Result<void> written =
        write_scene(estimation::write_back(found->fit, *model, *columns, *scene), options.out, diagnostics);
    if (!written) return written.error();
  }
  const Result<void> page = write_results(options, report, *found, motions);
  if (!page) return page.error();
  return report;
}

}  // namespace geoul::runtime
