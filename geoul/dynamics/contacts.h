// Contact of one world: what touches, and one step of the islands that do. Contacts with true Coulomb cones are solved
// together with joint limits, dry friction and loops (contact_solver.h); drives, springs and damping are implicit. An
// island in contact takes this step whichever integrator is chosen: q+ = q moved by dt v+; one whose contacts then
// carry nothing takes the chosen integrator's step after all. See docs/notes/contact.md.
#pragma once

#include <cstdint>
#include <vector>

#include "geoul/collision/collision.h"
#include "geoul/dynamics/contact_solver.h"
#include "geoul/dynamics/sleeping.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

struct ContactMaterial {
  double static_friction = 0.5, dynamic_friction = 0.5, restitution = 0;
  double torsion = 0, rolling = 0;    // [m]
  double stiffness = 0, damping = 0;  // [N/m], [N.s/m]; 0: rigid
};

// Of a pair.
ContactMaterial mean(const ContactMaterial& a, const ContactMaterial& b);

// The constant part, made by compile().
struct ContactSetup {
  std::shared_ptr<const collision::CollisionModel> geometry;
  collision::PairFilter filter;
  std::vector<ContactMaterial> materials;  // (ncollider)
  std::vector<double> reach;               // (nbody) of any point of its colliders [m]; 1 where it has none
  std::vector<double> thickness;           // (ncollider) least half width [m]; infinite for planes and surfaces
};

// Bodies of one rigid group, of one joint (unless it says collision_enabled) and excluded pairs never touch. Friction
// and restitution of a pair are the means of the two materials', as in UsdPhysics' default. None where nothing
// collides. `before`: of the same bodies and shapes, whose geometry is shared; may be null.
std::shared_ptr<const ContactSetup> set_up_contact(const scene::Scene& scene, const Model& model,
                                                   const ContactSetup* before, Diagnostics& diagnostics);

// One touching point after a step.
struct Contact {
  int a = 0, b = 0;  // colliders
  std::uint64_t id = 0;
  Vec3d p_W, normal_W;         // normal from a to b
  double distance = 0;         // [m] before the step; negative: penetration
  Vec3d force_W;               // on b, mean over the step [N]
  Vec3d moment_W;              // of torsion and rolling friction on b, the same [N.m]
  Vec3d slip_W;                // velocity of b against a at the end [m/s]
  double cone = 0;             // by how much the force leaves its cone [N]
  double complementarity = 0;  // |normal force x normal velocity| (less what it may still close) [W]
  int iterations = 0;          // of the solve it was part of
  bool converged = true;
  double impulse[6] = {};  // normal, tangents, then moments alike [N.s, N.m.s]
  double guess[6] = {};    // of the next step's
};

// An impact that is placed inside the step.
struct Bounce {
  std::size_t block = 0;  // of RowProblem
  double time = 0;        // of the impact in the step [s]
};

// Of one world. A copy keeps the contacts (warm starts) and what sleeps, and makes its own working memory.
struct ContactData {
  std::vector<Contact> contacts;  // of the last step (of its last part, where impacts divided it): `solved` first,
                                  // then those of sleeping bodies, as they were
  int solved = 0;
  bool woken = true;             // some woke since the contacts were found, or it is a new world
  std::vector<Contact> impacts;  // of fast bodies, in the earlier parts of the last step; force_W over that part
  Sleep sleep;

  std::vector<Contact> before;
  std::vector<char> touched;  // (nisland)
  collision::CollisionData collision;
  RowProblem rows, positions;
  RowWork work;
  std::vector<double> v, change;          // (nv)
  std::vector<double> laws, laws_before;  // (3 nv) guesses of friction, lower and upper limits [N.s, N.m.s]
  std::vector<int> law_of_row;            // of the rows behind those of the contacts: place in `laws`
  struct Part {
    std::size_t at;
    int next;
  };
  std::vector<Part> parts;      // of the rows, in one chain for each island
  std::vector<int> first_part;  // (nisland) -1 where there is none
  std::vector<double> free;     // (nv) change of v without contact
  std::vector<char> flies;      // (nisland) its contacts all bounce
  std::vector<double> lost;     // (nv) of v, by rounding
  std::vector<double> start;    // (nv)
  std::vector<Bounce> bounces;
  std::vector<char> idle;                    // (nisland) its contacts carry nothing
  std::vector<Motiond> falling;              // (nbody)
  std::vector<std::pair<int, int>> passing;  // pairs that will not meet

  ContactData() = default;
  ContactData(const ContactData& other)
      : contacts(other.contacts),
        solved(other.solved),
        woken(other.woken),
        impacts(other.impacts),
        sleep(other.sleep),
        touched(other.touched),
        v(other.v),
        change(other.change),
        laws(other.laws),
        laws_before(other.laws_before),
        first_part(other.first_part),
        free(other.free),
        flies(other.flies),
        lost(other.lost),
        start(other.start),
        idle(other.idle) {}
  ContactData& operator=(const ContactData&) = delete;
};

// Finds what may touch within the step into data.contact, and wakes what is touched; whether anything awake touches.
bool find_contacts(const Model& model, const StepOptions& options, Data& data, const scene::State& state);

// Steps the islands that find_contacts marked; `idle` ones are left as they were.
StepReport step_contacts(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                         scene::State& state);

// The same for accelerations alone: the mean over the step that they would make, into state.a; q and v stay.
StepReport contact_accelerations(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                                 scene::State& state);

// ---- fast bodies (contact_impacts.cpp) ----

// For pairs that could pass through each other (collision.fast): the part of `step` after which the first of them meet,
// `step` where none do. Pairs that meet already get a part that is short beside the way they would go on.
// Leaves in `passing` the pairs that do not meet within the part.
Duration until_impact(const Model& model, Duration step, Data& data, const scene::State& state);
// Takes out contacts that lie ahead of pairs in `passing`.
void drop_passing(Data& data);
constexpr int kMostParts = 32;  // of a step

}  // namespace geoul::dynamics
