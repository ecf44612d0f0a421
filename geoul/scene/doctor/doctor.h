// The doctor of scenes: looks for what is wrong, or very likely wrong, with a scene, says why it matters and what to
// do, and mends what has one right answer. Every check is a function in the file of its family (*_checks.cpp); a
// finding has one of the codes in codes.cpp. Thresholds and where they come from: docs/notes/doctor.md. What needs the
// compiled model (loops, overlap, drives) is judged in dynamics/outlook.h.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/doctor/patient.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::doctor {

// A finding and, where there is one, its mend.
struct Symptom {
  Finding finding;
  // Makes the change in a scene of the same bodies, joints, shapes and meshes, and says it in words; may be empty.
  std::function<std::string(Scene&)> mend;
};

enum class Remedy {
  kByHand,     // the mend is a text
  kAutomatic,  // there is one right answer: made whenever mending is asked for
  kOnRequest,  // a good guess: made where its code is named
};

struct Code {
  std::string_view code;
  Remedy remedy = Remedy::kByHand;
  std::string_view why;  // why it matters, one sentence
};
// Of a code of the doctor, or of a reader's, validate's, compile's or outlook's finding that `geoul check` prints; null
// where nothing more is to be said than the finding says.
const Code* find_code(std::string_view code);
// Codes that examine() gives: it finds whatever readers, validate and compile find under them.
bool is_own(std::string_view code);
// Errors that readers may set apart (Diagnostics::set_apart) since the doctor finds and mends them.
std::vector<std::string> mendable_errors();

struct Check {
  std::string_view name;
  void (*look)(const Patient&, std::vector<Symptom>&);
};
std::span<const Check> checks();  // in the order in which they look and mend

// Everything that is found. Never throws, whatever a reader gave. O(n log n) in shapes and triangles.
std::vector<Symptom> examine(const Scene& scene);

struct Change {
  std::string code;
  Location where;
  std::string words;
};
// Mends. only: codes; empty: those of Remedy::kAutomatic. One check after the other, each on what the earlier ones
// left.
std::vector<Change> treat(Scene& scene, const std::set<std::string, std::less<>>& only);

// The checks, one a family.
void check_inertia(const Patient& patient, std::vector<Symptom>& out);
void check_masses(const Patient& patient, std::vector<Symptom>& out);
void check_limits(const Patient& patient, std::vector<Symptom>& out);
void check_meshes(const Patient& patient, std::vector<Symptom>& out);
void check_shapes(const Patient& patient, std::vector<Symptom>& out);
void check_units(const Patient& patient, std::vector<Symptom>& out);
void check_names(const Patient& patient, std::vector<Symptom>& out);
void check_use(const Patient& patient, std::vector<Symptom>& out);

}  // namespace geoul::scene::doctor
