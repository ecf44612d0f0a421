#include "scenarios/plant/machine/faults.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "scenarios/plant/machine/hidden.h"

namespace geoul::plant {
namespace {

struct KindWords {
  FaultKind kind;
  std::string_view name;
  bool has_joint;
  double size, least, most;  // where none is given, and what is allowed
  std::string_view words;
};

constexpr KindWords kKinds[] = {
    {FaultKind::kPayload, "payload", false, 0.5, -0.3, 3, "[:KG] picks up that much more than declared"},
    {FaultKind::kFriction, "friction", true, 0.6, -0.9, 20, ":JOINT[:SHARE] friction grows at once"},
    {FaultKind::kFrictionRamp, "friction_ramp", true, 0.6, -0.9, 20, ":JOINT[:SHARE] friction grows, a minute"},
    {FaultKind::kCollision, "collision", true, 60, 0, 1000, ":JOINT[:NEWTON] the end of its link is pushed for 0.1 s"},
    {FaultKind::kEncoderBias, "encoder_bias", true, 0.002, -0.5, 0.5, ":JOINT[:RAD] the encoder reads more"},
    {FaultKind::kFreezeEncoder, "freeze_encoder", true, 1e9, 0, 1e9, ":JOINT[:SECONDS] its reading stays"},
    {FaultKind::kFreezeCurrent, "freeze_current", true, 1e9, 0, 1e9, ":JOINT[:SECONDS] the current told stays"},
    {FaultKind::kSlip, "slip", false, 0.03, -0.1, 0.1, "[:METRES] the gripper slips along the flange's x"},
    {FaultKind::kLoose, "loose", true, 0.001, 0, 0.1, ":JOINT[:RAD] an elastic gear with that much play"},
    {FaultKind::kCurrentGain, "current_gain", true, 1.15, 0.2, 5, ":JOINT[:FACTOR] the current is read so many times"},
};

Result<double> number_in(const std::string& text, const std::string& words) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return Error{ErrorCode::kBadInput, "fault '" + words + "': '" + text + "' is not a number"};
  return value;
}

Error bad(const std::string& words, const std::string& why) {
  return {ErrorCode::kBadInput, "fault '" + words + "': " + why};
}

// What stands between the colons.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':')
      parts.emplace_back();
    else
      parts.back().push_back(c);
  }
  return parts;
}

}  // namespace

std::string_view to_string(FaultKind kind) {
  return std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindWords& k) { return k.kind == kind; })->name;
}

Result<Fault> read_fault(const std::string& words) {
  const std::size_t at = words.find('@');
  if (at == std::string::npos) return bad(words, "write KIND@TIME[:JOINT][:SIZE], as in friction@30:2:0.6");
  const std::string name = words.substr(0, at);
  const auto kind =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindWords& k) { return k.name == name; });
  if (kind == std::end(kKinds)) {
    std::string known;
    for (const KindWords& k : kKinds) known += (known.empty() ? "" : ", ") + std::string(k.name);
    return bad(words, "there is no '" + name + "'; it is one of " + known);
  }
  const std::vector<std::string> parts = parts_of(words.substr(at + 1));
  const std::size_t most = kind->has_joint ? 3 : 2;
  if (parts.size() > most || (kind->has_joint && parts.size() < 2))
    return bad(words, "write " + name + "@TIME" + std::string(kind->words));
  std::vector<double> numbers;
  for (const std::string& part : parts) {
    const auto value = number_in(part, words);
    if (!value) return value.error();
    numbers.push_back(*value);
  }
  Fault fault{kind->kind, numbers[0], 0, kind->size};
  if (fault.time < 0) return bad(words, "its time is negative");
  if (kind->has_joint) {
    const double joint = numbers[1];
    if (fault.kind == FaultKind::kCollision && joint < 1)
      return bad(words,
                 "a push at the shoulder's link, which stands in its axis, moves nothing; name a joint from 1 on");
    if (!(joint >= 0 && joint < double{kJoints} && joint == std::floor(joint)))
      return bad(words, "joints are 0 (shoulder_pan) to 5 (wrist_3)");
    fault.joint = static_cast<std::size_t>(joint);
  }
  if (numbers.size() == most) fault.size = numbers.back();
  if (fault.size < kind->least || fault.size > kind->most) {
    char range[64];
    std::snprintf(range, sizeof range, "its size must be %g to %g", kind->least, kind->most);
    return bad(words, range);
  }
  return fault;
}

std::string to_json(const std::vector<Fault>& faults) {
  std::string text = "[";
  for (const Fault& fault : faults) {
    char line[128];
    std::snprintf(line, sizeof line, "%s{\"kind\":\"%s\",\"time\":%.17g,\"joint\":%zu,\"size\":%.17g}",
                  text.size() > 1 ? "," : "", std::string(to_string(fault.kind)).c_str(), fault.time, fault.joint,
                  fault.size);
    text += line;
  }
  return text + "]";
}

std::string fault_help() {
  std::string text;
  for (const KindWords& kind : kKinds) text += "  " + std::string(kind.name) + "@TIME" + std::string(kind.words) + "\n";
  return text;
}

}  // namespace geoul::plant
