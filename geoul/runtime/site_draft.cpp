#include "geoul/runtime/site_draft.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "geoul/link/units.h"

namespace geoul::runtime {
namespace {

// "Axis_1.ActualPosition" -> {"axis", "1", "actual", "position"}
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> out;
  char before = 0;
  for (const char c : name) {
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    const bool was_letter = std::isalpha(static_cast<unsigned char>(before)) != 0;
    const bool was_digit = std::isdigit(static_cast<unsigned char>(before)) != 0;
    const bool was_small = std::islower(static_cast<unsigned char>(before)) != 0;
    const bool begins = (letter && (!was_letter || (std::isupper(static_cast<unsigned char>(c)) && was_small))) ||
                        (digit && !was_digit);
    if (begins) out.emplace_back();
    if (letter || digit) out.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    before = c;
  }
  return out;
}

bool has_any(const std::vector<std::string>& words, std::initializer_list<const char*> wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const char* w) { return std::find(words.begin(), words.end(), w) != words.end(); });
}

// A wish, not a measurement: what a controller wants its joints to do.
bool is_wanted(const std::vector<std::string>& words) {
  return has_any(words, {"target", "command", "commanded", "setpoint", "desired", "reference", "goal"});
}

struct Candidate {
  std::size_t signal = 0;
  std::vector<std::string> words;
  Meaning meaning = Meaning::kNone;
};

// Of one joint, by Meaning.
using Chosen = std::array<std::optional<std::size_t>, 4>;

class Drafter {
 public:
  Drafter(const Twin& twin, const LinkSpec& link, const std::vector<link::OfferedSignal>& offered)
      : twin_(twin), link_(link), offered_(offered) {
    for (const scene::JointId id : twin.moving) {
      const scene::Joint& joint = twin.scene.joints[id.index()];
      if (velocity_size(joint.type) == 1 && joint.enabled) joints_.push_back(id);
    }
    for (std::size_t i = 0; i < offered.size(); ++i) {
      Candidate c{i, words_of(offered[i].name), meaning_of(offered[i].name, offered[i].unit)};
      if (c.meaning != Meaning::kNone && offered[i].type != link::ValueType::kText) candidates_.push_back(std::move(c));
    }
    chosen_.resize(joints_.size());
    choose_by_name();
    choose_by_number();
  }

  SiteDraft run(const std::string& scene) {
    std::string out = head(scene);
    out += "bind:\n  joints:\n";
    std::size_t bound = 0;
    for (std::size_t j = 0; j < joints_.size(); ++j) {
      out += joint(j);
      bound += chosen_[j][1] ? 1 : 0;
    }
    if (bound == 0) out += "    []   # nothing fits by its name: take lines from above and name signals from below\n";
    out += rest();
    return {std::move(out), std::to_string(bound) + " of " + std::to_string(joints_.size()) + " joints bound to " +
                                std::to_string(used_.size()) + " of " + std::to_string(offered_.size()) + " signals"};
  }

 private:
  // A signal whose name holds all words of the joint's own.
  void choose_by_name() {
    for (std::size_t j = 0; j < joints_.size(); ++j) {
      const std::vector<std::string> label = words_of(label_of(twin_.scene.joints[joints_[j].index()].path));
      for (const Candidate& c : candidates_) {
        const bool fits = !label.empty() && std::all_of(label.begin(), label.end(), [&](const std::string& w) {
          return std::find(c.words.begin(), c.words.end(), w) != c.words.end();
        });
        if (fits) take(j, c);
      }
    }
  }

  // A family of names that differ in one number and has a member for each joint: taken in order.
  void choose_by_number() {
    std::map<std::pair<Meaning, std::string>, std::map<long, const Candidate*>> families;
    for (const Candidate& c : candidates_) {
      if (used_.contains(c.signal)) continue;
      for (std::size_t at = 0; at < c.words.size(); ++at) {
        if (!std::isdigit(static_cast<unsigned char>(c.words[at][0])) || c.words[at].size() > 4) continue;
        std::string key;
        for (std::size_t k = 0; k < c.words.size(); ++k) key += (k == at ? "#" : c.words[k]) + " ";
        families[{c.meaning, key}][std::stol(c.words[at])] = &c;
      }
    }
    for (const auto& [key, members] : families) {
      if (members.size() != joints_.size()) continue;
      if (members.rbegin()->first - members.begin()->first + 1 != static_cast<long>(members.size())) continue;
      std::size_t j = 0;
      for (const auto& [number, candidate] : members) take(j++, *candidate);
    }
  }

  // The first one that fits is kept, but a measured value is better than a wanted one.
  void take(std::size_t j, const Candidate& c) {
    std::optional<std::size_t>& place = chosen_[j][static_cast<std::size_t>(c.meaning)];
    if (place && (is_wanted(c.words) || !is_wanted(words_of(offered_[*place].name)))) return;
    if (place) used_.erase(*place);
    place = c.signal;
    used_.insert(c.signal);
  }

  static std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
    return out + "\"";
  }

  std::string head(const std::string& scene) const {
    std::string out =
        "# A first draft by 'geoul site init': read it, then try it with 'geoul run'.\n"
        "# Keys and units: docs/notes/site_file.md\n";
    out +=
        "site: " + quoted(twin_.scene.name.empty() ? "site" : twin_.scene.name) + "\nscene: " + quoted(scene) + "\n\n";
    out += "links:\n  - id: plant\n    url: " + quoted(link_.url) + "\n";
    for (const auto& [key, value] : link_.options) out += "    " + key + ": " + quoted(value) + "\n";
    out +=
        "    # period_s: 0.01      # nominal, where you know it: rows are gathered by it\n"
        "    # stale_after_s: 0.5  # an older signal is not used\n";
    std::string units;
    for (const std::size_t i : used_) {
      const std::string& unit = offered_[i].unit;
      const Result<link::Unit> known = link::parse_unit(unit);
      if (!known) {
        units += "      # the plant writes the unit " + quoted(unit) + ", which is not known: write it anew\n      # " +
                 quoted(offered_[i].name) + ": {unit: }\n";
      } else if (known->factor != 1 || known->offset != 0) {
        units += "      " + quoted(offered_[i].name) + ": {unit: " + quoted(unit) + "}\n";
      }
    }
    if (!units.empty())
      out += "    signals:              # units as the plant says; what is not listed is taken for SI\n" + units;
    return out + "\n";
  }

  std::string joint(std::size_t j) const {
    const Chosen& chosen = chosen_[j];
    const std::string path = twin_.scene.joints[joints_[j].index()].path;
    const std::string off = chosen[1] ? "" : "# ";
    std::string out = "    " + off + "- joint: " + quoted(path) + "\n";
    const auto line = [&](const char* key, std::size_t k) {
      if (chosen[k]) out += "    " + off + "  " + key + ": " + quoted("plant/" + offered_[*chosen[k]].name) + "\n";
    };
    line("position", 1);
    line("velocity", 2);
    line("current", 3);
    if (!chosen[1]) out += "    #   position: plant/?     # no signal fits by its name\n";
    if (chosen[1] && !chosen[2]) out += "      # no velocity fits: it is derived from the position\n";
    return out;
  }

  std::string rest() const {
    std::string out = "\n# What else the plant offers:\n";
    std::size_t shown = 0;
    for (std::size_t i = 0; i < offered_.size(); ++i) {
      if (used_.contains(i)) continue;
      if (++shown > 500) break;
      const link::OfferedSignal& s = offered_[i];
      std::string line = "#   plant/" + s.name + "  " + link::to_string(s.type);
      if (!s.unit.empty()) line += " [" + s.unit + "]";
      if (!s.value.empty()) line += " = " + s.value.substr(0, 40);
      std::replace(line.begin(), line.end(), '\n', ' ');
      out += line + "\n";
    }
    if (shown > 500) out += "#   ... and more: 'geoul link probe' lists all\n";
    return out;
  }

  const Twin& twin_;
  const LinkSpec& link_;
  const std::vector<link::OfferedSignal>& offered_;
  std::vector<scene::JointId> joints_;
  std::vector<Candidate> candidates_;
  std::vector<Chosen> chosen_;  // (joints)
  std::set<std::size_t> used_;
};

}  // namespace

Meaning meaning_of(const std::string& name, const std::string& unit) {
  const std::vector<std::string> words = words_of(name);
  if (has_any(words, {"tcp", "tool", "pose", "temperature", "voltage", "mode", "offset", "error", "limit"}))
    return Meaning::kNone;
  const Result<link::Unit> known = link::parse_unit(unit);
  const std::string dimension = known ? link::to_string(known->dimension) : "1";
  const auto may_be = [&](std::initializer_list<const char*> dimensions) {
    return dimension == "1" ||
           std::any_of(dimensions.begin(), dimensions.end(), [&](const char* d) { return dimension == d; });
  };
  if (has_any(words, {"velocity", "velocities", "speed", "qd", "dq", "vel"}) && may_be({"s-1.rad", "m.s-1"}))
    return Meaning::kVelocity;
  if (has_any(words, {"current", "amps"}) && may_be({"A"})) return Meaning::kCurrent;
  if (has_any(words, {"position", "positions", "angle", "q", "pos", "joint"}) && may_be({"rad", "m"}) &&
      !has_any(words, {"acceleration", "torque", "effort", "moment", "qdd", "force"}))
    return Meaning::kPosition;
  return Meaning::kNone;
}

SiteDraft draft_site(const Twin& twin, const std::string& scene, const LinkSpec& link,
                     const std::vector<link::OfferedSignal>& offered) {
  return Drafter(twin, link, offered).run(scene);
}

}  // namespace geoul::runtime
