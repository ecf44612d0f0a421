// Contact of one world: what touches, and one step of the islands that do. Contacts with true Coulomb cones are solved
// together with joint limits, dry friction and loops (contact_solver.h); drives, springs and damping are implicit. An
// island in contact takes this step whichever integrator is chosen: q+ = q moved by dt v+. See docs/notes/contact.md.
#pragma once

#include <cstdint>
#include <vector>

#include "geoul/collision/collision.h"
#include "geoul/dynamics/contact_solver.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

struct ContactMaterial {
  double static_friction = 0.5, dynamic_friction = 0.5, restitution = 0;
  double torsion = 0, rolling = 0;    // [m]
  double stiffness = 0, damping = 0;  // [N/m], [N.s/m]; 0: rigid
};

// The constant part, made by compile().
struct ContactSetup {
  collision::CollisionModel geometry;
  collision::PairFilter filter;
  std::vector<ContactMaterial> materials;  // (ncollider)
};

// Bodies of one rigid group, of one joint (unless it says collision_enabled) and excluded pairs never touch. Friction
// and restitution of a pair are the means of the two materials', as in UsdPhysics' default. None where nothing
// collides.
std::shared_ptr<const ContactSetup> set_up_contact(const scene::Scene& scene, const Model& model,
                                                   Diagnostics& diagnostics);

// One touching point after a step.
struct Contact {
  int a = 0, b = 0;  // colliders
  std::uint64_t id = 0;
  Vec3d p_W, normal_W;  // normal from a to b
  double distance = 0;  // [m] before the step
  Vec3d force_W;        // on b, mean over the step [N]
  double impulse[6] = {};
};

// Of one world. A copy keeps the contacts (warm starts) and makes its own working memory.
struct ContactData {
  std::vector<Contact> contacts;
  std::vector<Contact> before;
  std::vector<char> touched;  // (nisland)
  collision::CollisionData collision;
  RowProblem rows, positions;
  RowWork work;
  std::vector<double> v, change;          // (nv)
  std::vector<double> laws, laws_before;  // (3 nv) impulses of friction, lower and upper limits; warm starts
  std::vector<int> law_of_row;            // of the rows behind those of the contacts: place in `laws`
  struct Part {
    std::size_t at;
    int next;
  };
  std::vector<Part> parts;      // of the rows, in one chain for each island
  std::vector<int> first_part;  // (nisland) -1 where there is none

  ContactData() = default;
  ContactData(const ContactData& other)
      : contacts(other.contacts),
        touched(other.touched),
        v(other.v),
        change(other.change),
        laws(other.laws),
        laws_before(other.laws_before),
        first_part(other.first_part) {}
  ContactData& operator=(const ContactData&) = delete;
};

// Finds what may touch within the step into data.contact; whether anything does.
bool find_contacts(const Model& model, const StepOptions& options, Data& data, const scene::State& state);

// Steps the islands that find_contacts marked.
StepReport step_contacts(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                         scene::State& state);

}  // namespace geoul::dynamics
