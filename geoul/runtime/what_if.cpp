#include "geoul/runtime/what_if.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>
#include <utility>

#include "geoul/core/parallel.h"
#include "geoul/decision/futures/futures.h"
#include "geoul/decision/futures/question.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/runtime/files.h"
#include "geoul/runtime/report.h"
#include "geoul/runtime/svg_plot.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {
namespace {

using decision::Distribution;
using decision::Disturbance;
using decision::Parameter;
using std::size_t;

// "JOINT=30 deg": degree and value [rad, m].
Result<std::pair<int, double>> target_of(const std::string& words, const dynamics::Model& model) {
  const size_t equals = words.find('=');
  const auto bad = [&](const std::string& what) {
    return Error{ErrorCode::kBadInput, "'" + words + "': " + what + "; write JOINT=0.5 or JOINT=30deg"};
  };
  if (equals == std::string::npos) return bad("there is no '='");
  const Result<int> degree = decision::find_degree(words.substr(0, equals), model);
  if (!degree) return bad(degree.error().message);
  double value = 0;
  const char *begin = words.data() + equals + 1, *end = words.data() + words.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || !std::isfinite(value)) return bad("no number after '='");
  std::string unit(stop, end);
  std::erase(unit, ' ');
  if (unit == "deg")
    value *= std::numbers::pi / 180;
  else if (unit == "mm" || unit == "mrad")
    value *= 1e-3;
  else if (!unit.empty() && unit != "rad" && unit != "m")
    return bad("the unit '" + unit + "' is not known: rad, mrad, deg, m, mm");
  return std::pair(*degree, value);
}

int address_in_q(const dynamics::Model& model, int degree) {
  for (const dynamics::Link& link : model.links) {
    if (link.ball < 0 && link.v == degree) return link.q;
  }
  return -1;
}

Result<std::vector<decision::Action>> candidates(const WhatIfOptions& options, const dynamics::Model& model,
                                                 scene::State& now) {
  for (const std::string& words : options.from) {
    const Result<std::pair<int, double>> target = target_of(words, model);
    if (!target) return target.error();
    now.q[static_cast<size_t>(address_in_q(model, target->first))] = target->second;
  }
  const std::vector<int> degrees = decision::controlled_degrees(model);
  if (degrees.empty()) return Error{ErrorCode::kBadInput, options.scene + ": no joint of it can be told to move"};
  std::vector<double> goal;
  decision::MotionLimits limits;
  for (const int d : degrees) {
    goal.push_back(now.q[static_cast<size_t>(address_in_q(model, d))]);
    const double most = model.laws[static_cast<size_t>(d)].velocity_limit;
    limits.velocity.push_back(options.speed * (std::isfinite(most) ? most : 1));
    limits.acceleration.push_back(4 * limits.velocity.back());
  }
  for (const std::string& words : options.to) {
    const Result<std::pair<int, double>> target = target_of(words, model);
    if (!target) return target.error();
    const auto at = std::find(degrees.begin(), degrees.end(), target->first);
    if (at == degrees.end())
      return Error{ErrorCode::kBadInput, "'" + words + "': that joint runs at a speed of its drive"};
    goal[static_cast<size_t>(at - degrees.begin())] = target->second;
  }
  if (options.to.empty()) return std::vector{decision::hold(model, now, degrees)};
  const decision::Action fast = decision::move(model, now, degrees, goal, limits);
  return std::vector{fast, decision::slower(fast, 1.5), decision::slower(fast, 2)};
}

std::vector<Disturbance> own_doubt(const dynamics::Model& model) {
  Disturbance start, mass, friction;
  start.parameter = Parameter::kStartPosition, start.value = Distribution::normal(0, 1e-3);
  mass.parameter = Parameter::kMassFactor, mass.value = Distribution::normal(1, 0.02);
  friction.parameter = Parameter::kFrictionFactor, friction.value = Distribution::uniform(0.8, 1.2);
  std::vector<Disturbance> out = {start, mass};
  const auto rubs = [](const dynamics::JointLaw& law) { return law.friction > 0; };
  if (std::any_of(model.laws.begin(), model.laws.end(), rubs)) out.push_back(friction);
  return out;
}

WhatIfScore score_of(const decision::Spread& spread) { return {spread.low, spread.median, spread.high, spread.cvar}; }

void add_rows(const std::string& condition, const decision::Futures& futures,
              const std::vector<decision::Action>& actions, WhatIfAnswer& out) {
  for (size_t r = 0; r < futures.ranking.size(); ++r) {
    const decision::RankedAction& of = futures.ranking[r];
    WhatIfRow row;
    row.condition = condition, row.action = actions[static_cast<size_t>(of.action)].name;
    row.rank = static_cast<int>(r) + 1, row.rejected = of.rejected;
    row.risk = of.risk, row.risk_low = of.risk_low, row.risk_high = of.risk_high;
    row.time = score_of(of.time), row.energy = score_of(of.energy), row.clearance = score_of(of.clearance);
    row.effort_share = score_of(of.effort_share), row.following_error = score_of(of.following_error);
    row.cost = score_of(of.cost);
    for (const decision::Rejection& reason : of.reasons)
      row.reasons.push_back({to_string(reason.failure), reason.words, reason.count});
    out.rows.push_back(std::move(row));
  }
}

// Scores over the share of the draws: the inverse of the distribution of each condition, of one action.
Plot plot_of(const std::string& scene, const std::string& action,
             const std::vector<std::pair<std::string, std::vector<decision::Future>>>& conditions) {
  Plot plot;
  plot.title = "What if: " + action;
  plot.subtitle = scene + "; each line: its draws in order, a score over the share of draws below it";
  plot.x_label = "share of draws [%]";
  const size_t n = conditions.front().second.size();
  for (size_t i = 0; i < n; ++i)
    plot.x.push_back(n > 1 ? 100.0 * static_cast<double>(i) / static_cast<double>(n - 1) : 0);
  const std::pair<const char*, std::pair<const char*, double decision::Future::*>> scores[] = {
      {"energy", {"J", &decision::Future::energy}},
      {"least clearance", {"m", &decision::Future::clearance}},
      {"largest effort over its limit", {"1", &decision::Future::effort_share}},
      {"largest following error", {"rad, m", &decision::Future::following_error}}};
  for (const auto& [title, of] : scores) {
    PlotPanel panel{title, of.first, {}};
    for (const auto& [name, futures] : conditions) {
      PlotSeries series{name, {}};
      for (const decision::Future& f : futures)
        series.y.push_back(std::isfinite(f.*of.second) ? f.*of.second : std::numeric_limits<double>::quiet_NaN());
      std::sort(series.y.begin(), series.y.end());
      panel.series.push_back(std::move(series));
    }
    plot.panels.push_back(std::move(panel));
  }
  return plot;
}

struct Condition {
  std::string name;
  std::vector<Disturbance> disturbances;
};

Result<std::vector<Condition>> conditions_of(const WhatIfOptions& options, const dynamics::Model& model,
                                             WhatIfAnswer& answer) {
  const std::vector<Disturbance> doubt = options.certain ? std::vector<Disturbance>{} : own_doubt(model);
  std::vector<Condition> out = {{"as it is", doubt}};
  Condition together{"all together", doubt};
  for (const std::string& sentence : options.questions) {
    const Result<decision::Question> question = decision::understand(sentence, model);
    if (!question) return question.error();
    answer.understood.push_back(question->understood);
    out.push_back({sentence, doubt});
    for (std::vector<Disturbance>* of : {&out.back().disturbances, &together.disturbances})
      of->insert(of->end(), question->disturbances.begin(), question->disturbances.end());
  }
  if (options.questions.size() > 1) out.push_back(std::move(together));
  return out;
}

Result<decision::FutureOptions> future_options(const WhatIfOptions& options) {
  if (!(options.seconds >= 0.02 && options.seconds <= 600))
    return Error{ErrorCode::kBadInput, "--seconds must be from 0.02 to 600"};
  if (!(options.speed > 0 && options.speed <= 1))
    return Error{ErrorCode::kBadInput, "--speed must be above 0, at most 1"};
  if (!(options.clearance >= 0 && options.clearance <= 10))
    return Error{ErrorCode::kBadInput, "--clearance must be from 0 to 10 m"};
  if (options.draws < 1 || options.draws > 100'000)
    return Error{ErrorCode::kBadInput, "--draws must be from 1 to 100000"};
  decision::FutureOptions out;
  out.horizon = out.check_period * std::llround(options.seconds / out.check_period.seconds());
  out.draws = options.certain ? 1 : options.draws;
  out.seed = options.seed;
  out.bounds.clearance = options.clearance;
  return out;
}

}  // namespace

Result<WhatIfAnswer> what_if(const WhatIfOptions& options, const JobOutput& output, Diagnostics& diagnostics) {
  Result<decision::FutureOptions> future = future_options(options);
  if (!future) return future.error();
  std::optional<scene::Scene> scene = scene::read_scene(options.scene, options.read, diagnostics);
  if (!scene) return diagnostics.to_error();
  const std::optional<Twin> twin = make_twin(std::move(*scene), diagnostics);
  if (!twin) return diagnostics.to_error();
  WhatIfAnswer answer;
  answer.scene = options.scene, answer.draws = future->draws;
  scene::State now = make_state(twin->model);
  const Result<std::vector<decision::Action>> actions = candidates(options, twin->model, now);
  if (!actions) return actions.error();
  const Result<std::vector<Condition>> conditions = conditions_of(options, twin->model, answer);
  if (!conditions) return conditions.error();
  ThreadPool pool(options.threads);
  future->pool = &pool;
  std::vector<std::pair<std::string, std::vector<decision::Future>>> of_first;
  for (const Condition& condition : *conditions) {
    if (output.progress) {
      output.progress(static_cast<double>(of_first.size()) / static_cast<double>(conditions->size()), condition.name);
    }
    const Result<decision::Futures> futures =
        decision::foresee(twin->model, now, *actions, condition.disturbances, *future);
    if (!futures) return futures.error();
    add_rows(condition.name, *futures, *actions, answer);
    const auto draws = static_cast<std::ptrdiff_t>(future->draws);
    of_first.emplace_back(condition.name, std::vector(futures->all.begin(), futures->all.begin() + draws));
    for (const std::string& note : futures->notes) {
      const bool known = std::find(answer.notes.begin(), answer.notes.end(), note) != answer.notes.end();
      if (!known) answer.notes.push_back(note);
    }
  }
  if (!options.plots.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.plots, error);
    if (error) return Error{ErrorCode::kUnavailable, options.plots + ": cannot be made: " + error.message()};
    const std::string file = (std::filesystem::path(options.plots) / "what_if.svg").string();
    const Result<void> written = write_file(file, to_svg(plot_of(options.scene, actions->front().name, of_first)));
    if (!written) return written.error();
    answer.plots.push_back(file);
  }
  return answer;
}

std::string to_text(const WhatIfAnswer& answer) {
  std::string out = answer.scene + ": " + std::to_string(answer.draws) + (answer.draws == 1 ? " draw" : " draws") +
                    " a condition; median (5 % to 95 %)\n";
  for (const std::string& words : answer.understood) out += "  asked: " + words + "\n";
  size_t width = 8;
  for (const WhatIfRow& row : answer.rows) width = std::max(width, row.action.size());
  const auto cell = [](const WhatIfScore& s, double scale) {
    const auto n = [&](double x) { return short_number(scale * x); };
    return n(s.median) + (s.low == s.high ? "" : " (" + n(s.low) + " to " + n(s.high) + ")");
  };
  std::string condition;
  char line[512];
  for (const WhatIfRow& row : answer.rows) {
    if (row.condition != condition) {
      condition = row.condition;
      std::snprintf(line, sizeof line, "\n%s\n  %-4s %-*s %-24s %-26s %-28s %-24s %-24s %s\n", condition.c_str(),
                    "rank", static_cast<int>(width), "action", "time [s]", "energy [J]", "clearance [mm]",
                    "effort / limit", "off setpoint [mrad, mm]", "risk");
      out += line;
    }
    std::snprintf(line, sizeof line, "  %-4s %-*s %-24s %-26s %-28s %-24s %-24s %.2g (%.2g to %.2g)\n",
                  row.rejected ? "-" : std::to_string(row.rank).c_str(), static_cast<int>(width), row.action.c_str(),
                  cell(row.time, 1).c_str(), cell(row.energy, 1).c_str(), cell(row.clearance, 1e3).c_str(),
                  cell(row.effort_share, 1).c_str(), cell(row.following_error, 1e3).c_str(), row.risk, row.risk_low,
                  row.risk_high);
    out += line;
    for (const WhatIfReason& reason : row.reasons)
      out += "       " + std::to_string(reason.count) + " x " + reason.failure + ": " + reason.words + "\n";
  }
  if (!answer.notes.empty()) out += "\n";
  for (const std::string& note : answer.notes) out += "note: " + note + "\n";
  for (const std::string& file : answer.plots) out += "plot: " + file + "\n";
  return out;
}

std::string to_json(const WhatIfAnswer& answer) {
  using Json = nlohmann::ordered_json;
  const auto score = [](const WhatIfScore& s) {
    const auto n = [](double x) { return std::isfinite(x) ? Json(x) : Json(); };
    return Json{{"low", n(s.low)}, {"median", n(s.median)}, {"high", n(s.high)}, {"tail", n(s.tail)}};
  };
  Json out{{"scene", answer.scene}, {"draws", answer.draws}, {"understood", answer.understood}};
  out["rows"] = Json::array();
  for (const WhatIfRow& row : answer.rows) {
    Json reasons = Json::array();
    for (const WhatIfReason& r : row.reasons)
      reasons.push_back({{"failure", r.failure}, {"words", r.words}, {"count", r.count}});
    out["rows"].push_back({{"condition", row.condition},
                           {"action", row.action},
                           {"rank", row.rank},
                           {"rejected", row.rejected},
                           {"risk", {{"share", row.risk}, {"low", row.risk_low}, {"high", row.risk_high}}},
                           {"time_s", score(row.time)},
                           {"energy_J", score(row.energy)},
                           {"clearance_m", score(row.clearance)},
                           {"effort_share", score(row.effort_share)},
                           {"following_error", score(row.following_error)},
                           {"cost", score(row.cost)},
                           {"reasons", reasons}});
  }
  out["notes"] = answer.notes;
  out["plots"] = answer.plots;
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace geoul::runtime
