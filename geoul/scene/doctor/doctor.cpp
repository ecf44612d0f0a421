#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {

std::span<const Check> checks() {
  // Lengths before what is judged by them; what removes things, and so renumbers them, last.
  static constexpr Check kChecks[] = {
      {"names", check_names},   {"units", check_units},   {"limits", check_limits}, {"inertia", check_inertia},
      {"masses", check_masses}, {"meshes", check_meshes}, {"shapes", check_shapes}, {"use", check_use},
  };
  return kChecks;
}

std::vector<Symptom> examine(const Scene& scene) {
  const Patient patient(scene);
  std::vector<Symptom> out;
  for (const Check& check : checks()) check.look(patient, out);
  return out;
}

std::vector<Change> treat(Scene& scene, const std::set<std::string, std::less<>>& only) {
  std::vector<Change> changes;
  for (const Check& check : checks()) {
    std::vector<Symptom> found;
    check.look(Patient(scene), found);
    for (const Symptom& symptom : found) {
      const std::string& code = symptom.finding.code;
      const Code* known = find_code(code);
      const bool asked = only.empty() ? known && known->remedy == Remedy::kAutomatic : only.contains(code);
      if (!symptom.mend || !asked) continue;
      std::string words = symptom.mend(scene);
      if (!words.empty()) changes.push_back({code, symptom.finding.where, std::move(words)});
    }
  }
  return changes;
}

}  // namespace geoul::scene::doctor
