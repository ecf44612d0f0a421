#include "geoul/decision/futures/question.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "geoul/core/nearest.h"

namespace geoul::decision {
namespace {

using std::size_t;

constexpr size_t kLongest = 400;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string number(double x) {
  char out[32];
  std::snprintf(out, sizeof out, "%.6g", x);
  return out;
}

std::string tail(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// ---- names ----

struct Named {
  std::string path;
  int at;
};

std::vector<Named> joints_of(const dynamics::Model& model) {
  std::vector<Named> out;
  for (size_t j = 0; j < model.joints.size(); ++j) {
    const scene::JointAddress& at = model.layout.joints[j];
    if (at.nv == 1 && model.joint_link[j] >= 0 && !model.links[static_cast<size_t>(model.joint_link[j])].prescribed)
      out.push_back({model.joints[j].path, at.v});
  }
  return out;
}

std::vector<Named> bodies_of(const dynamics::Model& model) {
  std::vector<Named> out;
  for (size_t b = 0; b < model.body_paths.size(); ++b) {
    if (model.bodies[b].link >= 0) out.push_back({model.body_paths[b], static_cast<int>(b)});
  }
  return out;
}

std::string list(const std::vector<Named>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < 12; ++i) out += (i == 0 ? "" : ", ") + tail(names[i].path);
  return out + (names.size() > 12 ? ", ..." : "");
}

// By path, last part, or a part that only one has; "joint 3" by its place.
Result<int> find(std::string_view words, const std::vector<Named>& names, const std::string& kind) {
  const std::string wanted = lower(words);
  if (names.empty()) return Error{ErrorCode::kBadInput, "no " + kind + " of the scene moves"};
  const std::string counted = kind + " ";
  if (wanted.rfind(counted, 0) == 0) {
    size_t place = 0;
    const char *begin = wanted.data() + counted.size(), *end = wanted.data() + wanted.size();
    const auto [stop, error] = std::from_chars(begin, end, place);
    if (error == std::errc() && stop == end) {
      if (place >= 1 && place <= names.size()) return names[place - 1].at;
      return Error{ErrorCode::kBadInput, "there is no " + wanted + ": there are " + std::to_string(names.size()) +
                                             ", counted from 1: " + list(names)};
    }
    return find(wanted.substr(counted.size()), names, kind);
  }
  using Test = std::function<bool(const std::string&)>;
  const std::array<Test, 3> tests = {
      [&](const std::string& path) { return lower(path) == wanted; },
      [&](const std::string& path) { return lower(tail(path)) == wanted; },
      [&](const std::string& path) { return lower(tail(path)).find(wanted) != std::string::npos; }};
  for (const Test& test : tests) {
    std::vector<Named> found;
    for (const Named& n : names) {
      if (test(n.path)) found.push_back(n);
    }
    if (found.size() == 1) return found[0].at;
    if (found.size() > 1)
      return Error{ErrorCode::kBadInput, "'" + std::string(words) + "' may be " + list(found) + ": say which"};
  }
  std::vector<std::string> tails;
  for (const Named& n : names) tails.push_back(tail(n.path));
  return Error{ErrorCode::kBadInput, "there is no " + kind + " '" + std::string(words) + "'; " +
                                         did_you_mean(words, tails, "there are: " + list(names))};
}

// ---- words ----

struct Token {
  std::string text;             // as written
  std::string word;             // lower case
  std::optional<double> value;  // of a number
};

// Numbers stand alone: "3kg" is "3" "kg", "x2" is "x" "2", "20%" is "20" "%".
Result<std::vector<Token>> tokens_of(std::string_view text) {
  std::vector<Token> out;
  size_t i = 0;
  const auto at = [&](size_t k) { return k < text.size() ? text[k] : '\0'; };
  const auto digit = [&](size_t k) { return std::isdigit(static_cast<unsigned char>(at(k))) != 0; };
  const auto starts_number = [&](size_t k) { return digit(k) || (at(k) == '.' && digit(k + 1)); };
  while (i < text.size()) {
    const char c = text[i];
    if (std::isspace(static_cast<unsigned char>(c)) || c == ',' || c == '?') {
      ++i;
      continue;
    }
    const bool sign = (c == '+' || c == '-') && starts_number(i + 1);
    if (sign || starts_number(i)) {
      double value = 0;
      const char* begin = text.data() + i + (c == '+' ? 1 : 0);
      const auto [stop, error] = std::from_chars(begin, text.data() + text.size(), value);
      if (error != std::errc() || !std::isfinite(value))
        return Error{ErrorCode::kBadInput, "'" + std::string(text.substr(i, 20)) + "' is no number"};
      const auto end = static_cast<size_t>(stop - text.data());
      out.push_back({std::string(text.substr(i, end - i)), {}, value});
      i = end;
      continue;
    }
    if (text.substr(i, 2) == "+-" || text.substr(i, 2) == "\xc2\xb1") {
      out.push_back({"+-", "+-", {}});
      i += 2;
      continue;
    }
    if (text.substr(i, 2) == "\xc3\x97" || ((c == 'x' || c == '*') && starts_number(i + 1))) {
      out.push_back({"x", "x", {}});
      i += c == 'x' || c == '*' ? 1 : 2;
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end])) && text[end] != ',' &&
           text[end] != '?' && text[i] != '%')
      ++end;
    const std::string word(text.substr(i, end - i));
    out.push_back({word, lower(word), {}});
    i = end;
  }
  return out;
}

struct Unit {
  const char* name;
  double factor;
};
constexpr std::array<Unit, 6> kMass = {{{"kg", 1}, {"g", 1e-3}, {"t", 1e3}, {"", 0}, {"", 0}, {"", 0}}};
constexpr std::array<Unit, 6> kForce = {{{"n", 1}, {"kn", 1e3}, {"", 0}, {"", 0}, {"", 0}, {"", 0}}};
constexpr std::array<Unit, 6> kEffort = {{{"n.m", 1}, {"nm", 1}, {"mnm", 1e-3}, {"n\xc2\xb7m", 1}, {"n", 1}, {"", 0}}};
constexpr std::array<Unit, 6> kGravity = {{{"m/s2", 1}, {"m/s^2", 1}, {"", 0}, {"", 0}, {"", 0}, {"", 0}}};
constexpr std::array<Unit, 6> kLength = {{{"m", 1}, {"mm", 1e-3}, {"cm", 1e-2}, {"", 0}, {"", 0}, {"", 0}}};
constexpr std::array<Unit, 6> kPlace = {
    {{"rad", 1}, {"mrad", 1e-3}, {"deg", 0.017453292519943295}, {"m", 1}, {"mm", 1e-3}, {"", 0}}};
constexpr std::array<Unit, 6> kSeconds = {{{"s", 1}, {"ms", 1e-3}, {"", 0}, {"", 0}, {"", 0}, {"", 0}}};
using Units = std::array<Unit, 6>;

std::string names_of(const Units& units) {
  std::string out;
  for (const Unit& u : units) out += u.factor == 0 ? "" : (out.empty() ? "" : ", ") + std::string(u.name);
  return out;
}

// What is left of a sentence; what is understood is taken out.
struct Sentence {
  std::vector<Token> left;

  std::optional<size_t> place(std::initializer_list<std::string_view> words) const {
    for (size_t i = 0; i < left.size(); ++i) {
      if (!left[i].value && std::find(words.begin(), words.end(), left[i].word) != words.end()) return i;
    }
    return {};
  }
  void erase(size_t from, size_t count = 1) {
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(from),
               left.begin() + static_cast<std::ptrdiff_t>(from + count));
  }
  bool take(std::initializer_list<std::string_view> words) {
    const std::optional<size_t> at = place(words);
    if (at) erase(*at);
    return at.has_value();
  }
  bool number_at(size_t i) const { return i < left.size() && left[i].value.has_value(); }
  bool word_at(size_t i, std::string_view word) const {
    return i < left.size() && !left[i].value && left[i].word == word;
  }
  std::string rest() const {
    std::string out;
    for (const Token& t : left) out += (out.empty() ? "" : " ") + t.text;
    return out;
  }
};

double unit_at(const Sentence& s, size_t i, const Units& units) {
  if (i >= s.left.size() || s.left[i].value) return 0;
  for (const Unit& u : units) {
    if (u.factor != 0 && s.left[i].word == u.name) return u.factor;
  }
  return 0;
}

std::string words_of(const Distribution& d) {
  return d.kind == Distribution::Kind::kUniform ? number(d.a) + " to " + number(d.b) : number(d.a);
}

// "A", "A to B" or "A +- B" from place i on; how many tokens.
std::pair<Distribution, size_t> range_at(const Sentence& s, size_t i) {
  const double a = *s.left[i].value;
  if (s.word_at(i + 1, "to")) {
    const size_t second = s.word_at(i + 2, "x") ? i + 3 : i + 2;
    if (s.number_at(second)) {
      const double b = *s.left[second].value;
      return {Distribution::uniform(std::min(a, b), std::max(a, b)), second + 1 - i};
    }
  }
  if (s.word_at(i + 1, "+-") && s.number_at(i + 2)) {
    const double b = std::abs(*s.left[i + 2].value);
    return {Distribution::uniform(a - b, a + b), 3};
  }
  return {Distribution::constant(a), 1};
}

// A number with one of the units.
std::optional<Distribution> take_amount(Sentence& s, const Units& units) {
  for (size_t i = 0; i < s.left.size(); ++i) {
    if (!s.number_at(i)) continue;
    auto [d, count] = range_at(s, i);
    const double factor = unit_at(s, i + count, units);
    if (factor == 0) continue;
    d.a *= factor, d.b *= factor;
    s.erase(i, count + 1);
    return d;
  }
  return {};
}

// x2, doubles, +20 %, 20 % less.
std::optional<Distribution> take_factor(Sentence& s) {
  constexpr std::array<std::pair<std::string_view, double>, 8> kWords = {{{"doubles", 2},
                                                                          {"doubled", 2},
                                                                          {"double", 2},
                                                                          {"halves", 0.5},
                                                                          {"halved", 0.5},
                                                                          {"half", 0.5},
                                                                          {"triples", 3},
                                                                          {"tripled", 3}}};
  for (const auto& [word, factor] : kWords) {
    if (s.take({word})) return Distribution::constant(factor);
  }
  for (size_t i = 0; i < s.left.size(); ++i) {
    if (s.word_at(i, "x") && s.number_at(i + 1)) {
      const auto [d, count] = range_at(s, i + 1);
      s.erase(i, count + 1);
      return d;
    }
    if (!s.number_at(i)) continue;
    auto [d, count] = range_at(s, i);
    if (!s.word_at(i + count, "%") && !s.word_at(i + count, "percent")) continue;
    s.erase(i, count + 1);
    const bool less = s.take({"less", "slower", "lower", "lighter", "weaker"});
    (void)s.take({"more", "faster", "higher", "heavier", "stronger"});
    const double sign = less ? -0.01 : 0.01;
    if (d.kind == Distribution::Kind::kConstant) return Distribution::constant(1 + sign * d.a);
    const double a = 1 + sign * d.a, b = 1 + sign * d.b;
    return Distribution::uniform(std::min(a, b), std::max(a, b));
  }
  return {};
}

Error refuse(std::string_view sentence, const std::string& what, const dynamics::Model& model) {
  std::string out = "'" + std::string(sentence.substr(0, kLongest)) + "': " + what + ". What can be asked:";
  for (const std::string& line : what_can_be_asked(model)) out += "\n  " + line;
  return Error{ErrorCode::kBadInput, out};
}

// ---- sentences ----

struct Understanding {
  const dynamics::Model& model;
  Sentence s;
  Question out = {};
  std::string wrong = {};

  bool fail(std::string what) {
    if (wrong.empty()) wrong = std::move(what);
    return false;
  }
  void add(Parameter parameter, int target, const Distribution& value) {
    Disturbance d;
    d.parameter = parameter, d.target = target, d.value = value;
    out.disturbances.push_back(d);
  }
  Disturbance& last() { return out.disturbances.back(); }

  // What is left names a joint or a body; nothing left: all (-1).
  bool target(const std::vector<Named>& names, const std::string& kind, int& at, std::string& words) {
    at = -1;
    words = "all";
    if (s.left.empty()) return true;
    const Result<int> found = find(s.rest(), names, kind);
    if (!found) return fail(found.error().message);
    at = *found;
    for (const Named& n : names) words = n.at == at ? n.path : words;
    s.left.clear();
    return true;
  }

  bool of_joint(Parameter by_factor, const std::string& name) {
    std::optional<Distribution> value = take_factor(s);
    Parameter parameter = by_factor;
    std::string unit;
    if (!value && by_factor == Parameter::kFrictionFactor) {
      value = take_amount(s, kEffort);
      parameter = Parameter::kFriction;
      unit = " N.m (N)";
    }
    if (!value) {
      return fail(name + " of what size? Say x2, doubles, 20 % more" +
                  (by_factor == Parameter::kFrictionFactor ? " or a number of " + names_of(kEffort) : std::string()));
    }
    int at = -1;
    std::string words;
    if (!target(joints_of(model), "joint", at, words)) return false;
    add(parameter, at, *value);
    out.understood =
        name + " of " + (at < 0 ? "all joints" : words) + (unit.empty() ? " x " : " ") + words_of(*value) + unit;
    return true;
  }

  bool payload() {
    const std::optional<Distribution> value = take_amount(s, kMass);
    if (!value) return fail("a payload of what mass? Say a number of " + names_of(kMass));
    Vec3d point;
    bool placed = false;
    for (size_t i = 0; i + 4 < s.left.size() + 0 && !placed; ++i) {
      if (!s.word_at(i, "at") || !s.number_at(i + 1) || !s.number_at(i + 2) || !s.number_at(i + 3)) continue;
      const double unit = unit_at(s, i + 4, kLength);
      if (unit == 0) return fail("at what place? Say 'at X Y Z' and one of " + names_of(kLength));
      point = unit * Vec3d{*s.left[i + 1].value, *s.left[i + 2].value, *s.left[i + 3].value};
      s.erase(i, 5);
      placed = true;
    }
    (void)s.take({"on"});
    int at = last_body(model);
    std::string words = at < 0 ? "" : model.body_paths[static_cast<size_t>(at)];
    if (at < 0) return fail("no body of the scene moves");
    if (!s.left.empty() && !target(bodies_of(model), "body", at, words)) return false;
    if (!placed) {
      const dynamics::BodyAddress& address = model.bodies[static_cast<size_t>(at)];
      const dynamics::Group& group = model.groups[static_cast<size_t>(address.group)];
      const auto node = std::find(group.bodies.begin(), group.bodies.end(), at) - group.bodies.begin();
      const Inertiad& I = group.inertia_G[static_cast<size_t>(node)];
      if (I.m > 0) point = inverse(address.X_GB) * ((1 / I.m) * I.h);
    }
    add(Parameter::kPayload, at, *value);
    last().point = point;
    out.understood = "payload " + words_of(*value) + " kg on " + words + " at " +
                     (placed ? number(point.x) + " " + number(point.y) + " " + number(point.z) + " m"
                             : std::string("its centre of mass"));
    return true;
  }

  bool push() {
    const std::optional<Distribution> value = take_amount(s, kForce);
    if (!value) return fail("a push of what force? Say a number of " + names_of(kForce));
    Vec3d direction{0, 0, -1};
    std::string along = "-z";
    constexpr std::array<std::pair<const char*, Vec3d>, 6> kAxes = {{{"x", {1, 0, 0}},
                                                                     {"y", {0, 1, 0}},
                                                                     {"z", {0, 0, 1}},
                                                                     {"-x", {-1, 0, 0}},
                                                                     {"-y", {0, -1, 0}},
                                                                     {"-z", {0, 0, -1}}}};
    if (const std::optional<size_t> at = s.place({"along"})) {
      const auto* axis =
          std::find_if(kAxes.begin(), kAxes.end(), [&](const auto& entry) { return s.word_at(*at + 1, entry.first); });
      if (axis == kAxes.end()) return fail("along what? Say along x, y, z, -x, -y or -z of the world");
      direction = axis->second, along = axis->first;
      s.erase(*at, 2);
    }
    double after = 0, length = 0.2;
    for (auto& [word, seconds] : {std::pair<const char*, double*>{"after", &after}, {"for", &length}}) {
      const std::optional<size_t> at = s.place({word});
      if (!at) continue;
      const double unit = unit_at(s, *at + 2, kSeconds);
      if (!s.number_at(*at + 1) || unit == 0) return fail(std::string(word) + " how long? Say '" + word + " 0.2 s'");
      *seconds = unit * *s.left[*at + 1].value;
      if (!(*seconds >= 0 && *seconds <= 1e6)) return fail(std::string(word) + ": from 0 to 1e6 s");
      s.erase(*at, 3);
    }
    (void)s.take({"on"});
    int at = last_body(model);
    if (at < 0) return fail("no body of the scene moves");
    std::string words = model.body_paths[static_cast<size_t>(at)];
    if (!s.left.empty() && !target(bodies_of(model), "body", at, words)) return false;
    add(Parameter::kPush, at, *value);
    last().direction_W = direction;
    last().begin = Time::from_seconds(after), last().length = Duration::from_seconds(length);
    out.understood = "push " + words_of(*value) + " N on " + words + " along " + along + " after " + number(after) +
                     " s for " + number(length) + " s";
    return true;
  }

  bool gravity() {
    std::optional<Distribution> value = take_factor(s);
    if (!value) {
      value = take_amount(s, kGravity);
      const double g = norm(model.gravity);
      if (value && !(g > 0)) return fail("the scene has no gravity, so its direction is not known");
      if (value) value->a /= g, value->b /= g;
    }
    if (!value) return fail("gravity of what size? Say x1.01 or a number of m/s2");
    add(Parameter::kGravityFactor, -1, *value);
    out.understood = "gravity x " + words_of(*value);
    return true;
  }

  bool conveyor() {
    const std::optional<Distribution> value = take_factor(s);
    if (!value) return fail("how much faster? Say 20 % faster, 20 % slower or x1.2");
    (void)s.take({"speed"});
    if (s.left.size() == 1) (void)s.take({"conveyor"});
    std::vector<Named> belts;
    for (const Named& joint : joints_of(model)) {
      for (size_t j = 0; j < model.joints.size(); ++j) {
        if (model.layout.joints[j].v == joint.at && model.joints[j].drive.target_velocity != 0) belts.push_back(joint);
      }
    }
    if (belts.empty())
      return fail("nothing in the scene runs at a speed of its drive (a joint whose drive has a target velocity)");
    int at = -1;
    std::string words;
    if (!target(belts, "conveyor", at, words)) return false;
    if (at < 0 && belts.size() > 1) return fail("which? There are " + list(belts));
    if (at < 0) at = belts[0].at, words = belts[0].path;
    add(Parameter::kDriveSpeed, at, *value);
    out.understood = "speed of " + words + " x " + words_of(*value);
    return true;
  }

  bool noise() {
    const std::optional<Distribution> value = take_amount(s, kPlace);
    if (!value || value->kind != Distribution::Kind::kConstant)
      return fail("noise of what size? Say one number of " + names_of(kPlace));
    add(Parameter::kStartPosition, -1, Distribution::normal(0, std::abs(value->a)));
    out.understood = "start positions off by " + number(std::abs(value->a)) + " rad (m), normal";
    return true;
  }

  bool mass() {
    const std::optional<Distribution> value = take_factor(s);
    if (!value) return fail("a mass of what size? Say x1.1 or 10 % heavier; for a load say payload 3 kg");
    int at = -1;
    std::string words;
    if (!target(bodies_of(model), "body", at, words)) return false;
    add(Parameter::kMassFactor, at, *value);
    out.understood = "mass of " + (at < 0 ? "all bodies" : words) + " x " + words_of(*value);
    return true;
  }

  bool run() {
    for (const char* idle : {"what", "if", "the", "of", "is", "has", "becomes", "runs", "gets"}) {
      while (s.take({idle})) {
      }
    }
    if (s.left.empty()) return fail("it says nothing");
    bool known = false, good = false;
    const auto with = [&](std::initializer_list<std::string_view> words, auto&& method) {
      if (known || !s.take(words)) return;
      known = true;
      good = method();
    };
    with({"payload", "load"}, [&] { return payload(); });
    with({"push"}, [&] { return push(); });
    with({"gravity"}, [&] { return gravity(); });
    with({"noise"}, [&] { return noise(); });
    with({"damping"}, [&] { return of_joint(Parameter::kDampingFactor, "damping"); });
    with({"gain", "gains"}, [&] { return of_joint(Parameter::kDriveGain, "drive gain"); });
    with({"friction"},
         [&] { return s.take({"contact"}) ? contact() : of_joint(Parameter::kFrictionFactor, "friction"); });
    with({"mass", "weight"}, [&] { return mass(); });
    if (!known && s.place({"faster", "slower", "speed", "conveyor"})) known = true, good = conveyor();
    if (!known) return fail("no word of it is known");
    if (good && !s.left.empty()) return fail("'" + s.rest() + "' is not understood");
    return good;
  }

  bool contact() {
    const std::optional<Distribution> value = take_factor(s);
    if (!value) return fail("contact friction of what size? Say x0.5");
    add(Parameter::kContactFriction, -1, *value);
    out.understood = "contact friction x " + words_of(*value);
    return true;
  }
};

}  // namespace

int last_body(const dynamics::Model& model) {
  int best = -1;
  size_t most = 0;
  for (size_t b = 0; b < model.bodies.size(); ++b) {
    size_t depth = 0;
    bool stands = false;  // on a joint of the scene, not afloat
    for (int link = model.bodies[b].link; link >= 0; link = model.links[static_cast<size_t>(link)].parent) {
      ++depth;
      stands = model.links[static_cast<size_t>(link)].joint.valid();
    }
    if (stands && depth >= most && depth > 0) best = static_cast<int>(b), most = depth;
  }
  return best;
}

std::vector<std::string> what_can_be_asked(const dynamics::Model& model) {
  const std::vector<Named> joints = joints_of(model), bodies = bodies_of(model);
  const int last = last_body(model);
  const std::string body = last >= 0        ? tail(model.body_paths[static_cast<size_t>(last)])
                           : bodies.empty() ? "BODY"
                                            : tail(bodies.back().path);
  const std::string joint = joints.empty() ? "JOINT" : tail(joints[joints.size() / 2].path);
  return {"payload 3 kg | payload 1 to 3 kg on " + body + " at 0 0 50 mm",
          "friction " + joint + " x2 | friction " + joint + " 4 N.m | joint 1 friction doubles",
          "damping " + joint + " x2 | gain " + joint + " x0.5",
          "mass " + body + " 10 % heavier | gravity 9.7 m/s2 | contact friction x0.5",
          "conveyor 20 % faster | noise 0.002 rad",
          "push 50 N on " + body + " along -y after 1 s for 0.2 s",
          "joints: " + list(joints)};
}

Result<int> find_degree(std::string_view words, const dynamics::Model& model) {
  return find(words, joints_of(model), "joint");
}

Result<Question> understand(std::string_view sentence, const dynamics::Model& model) {
  if (sentence.size() > kLongest) return refuse(sentence, "it is longer than 400 characters", model);
  Result<std::vector<Token>> tokens = tokens_of(sentence);
  if (!tokens) return refuse(sentence, tokens.error().message, model);
  Understanding understanding{model, {std::move(*tokens)}};
  if (!understanding.run()) return refuse(sentence, understanding.wrong, model);
  for (const Disturbance& d : understanding.out.disturbances) {
    if (const std::string words = problem(d, model); !words.empty()) return refuse(sentence, words, model);
  }
  return std::move(understanding.out);
}

}  // namespace geoul::decision
