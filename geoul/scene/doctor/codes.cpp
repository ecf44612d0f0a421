// Every code of the doctor, and those of others that `geoul check` explains. Thresholds: docs/notes/doctor.md.
#include <algorithm>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {
namespace {

struct Entry {
  Code code;
  bool own = true;
};

constexpr Entry kCodes[] = {
    // mass
    {{"bad-inertia", Remedy::kAutomatic,
      "No solid has such moments: a body that spins with them gains energy from nothing."}},
    {{"zero-inertia", Remedy::kAutomatic,
      "A part that moves without inertia turns infinitely fast under any moment, or takes all of it from its rotor."}},
    {{"inertia-size", Remedy::kOnRequest,
      "A thousandfold error is a unit (g, mm) or a placeholder; the part will be far too slow or too fast."}},
    {{"missing-mass", Remedy::kOnRequest,
      "What moves without mass feels no gravity and no impact; efforts that reach only it accelerate it without "
      "bound."}},
    {{"com-outside", Remedy::kByHand,
      "The centre of mass sets gravity's moment at every joint below it; outside the shapes it is rarely meant."}},
    {{"too-dense", Remedy::kByHand,
      "No material is that heavy: the mass, or the size of the shapes, is wrong by a unit."}},
    // joints
    {{"reversed-limits", Remedy::kAutomatic,
      "No position lies between the limits, so there is none the joint may take."}},
    {{"degrees", Remedy::kAutomatic,
      "URDF and Geoul's numbers are radians: as written the joint may turn many times before its limit."}},
    {{"radians", Remedy::kOnRequest,
      "Angles in MJCF are degrees unless the compiler says otherwise: as written the joint can hardly move."}},
    // units
    {{"millimetres", Remedy::kOnRequest,
      "Gravity is 9.81 m/s2: a model a thousand times too large falls and swings 32 times too slowly."}},
    {{"mesh-millimetres", Remedy::kOnRequest, "It touches, hides and is seen a thousand times too large."}},
    {{"gravity-up", Remedy::kByHand,
      "Up for the eye and down for gravity disagree: files of two conventions were mixed."}},
    // meshes and shapes
    {{"mesh-open", Remedy::kByHand,
      "An open surface has no inside: what gets behind it is not pushed out, and it has no volume to weigh."}},
    {{"mesh-inside-out", Remedy::kAutomatic,
      "Geoul turns it by itself; other programs light it black, push contacts inwards or give it negative mass."}},
    {{"mesh-degenerate", Remedy::kAutomatic,
      "They touch nothing and have no normal; Geoul leaves them out of contact."}},
    {{"mesh-duplicate", Remedy::kAutomatic,
      "The surface counts twice: for volume, for transparency, for contact points."}},
    {{"mesh-huge", Remedy::kByHand, "Contact and memory grow with the triangles; a hull or primitives feel the same."}},
    {{"zero-size", Remedy::kByHand, "A shape without size has no inside and no surface."}},
    {{"mirrored-collider", Remedy::kOnRequest,
      "Geoul turns the triangles of the mirror image; programs that do not collide with it inside out."}},
    {{"uneven-collider", Remedy::kOnRequest,
      "Geoul scales the triangles; programs that keep one factor for a collider see another shape."}},
    // names and use
    {{"duplicate-path", Remedy::kAutomatic, "A name must find one thing: bindings, recordings and scripts go by it."}},
    {{"loose-body", Remedy::kByHand, "It leaves the scene in a second, and bounds and cameras follow it."}},
    {{"unused-body", Remedy::kByHand, "It costs nothing, and often is what a joint that was lost used to hold."}},
    {{"unused-material", Remedy::kAutomatic, "It costs nothing; a misspelt binding leaves such a material behind."}},
    {{"unused-mesh", Remedy::kAutomatic, "It is read and kept for nothing."}},
    // found by readers, validate, compile and outlook
    {{"mesh-not-found", Remedy::kByHand, "What is missing is neither seen nor touched."}, false},
    {{"not-found", Remedy::kByHand, ""}, false},
    {{"open-weld-loop", Remedy::kByHand,
      "Fixed joints are structure: where two routes give one part two poses, one of them is wrong."},
     false},
    {{"open-loop", Remedy::kByHand, "No pose closes the mechanism, so it cannot be assembled."}, false},
    {{"joint-apart", Remedy::kByHand, "The part jumps to its joint as the simulation starts."}, false},
    {{"no-mass", Remedy::kByHand, "Force over no mass is infinite acceleration."}, false},
    {{"no-inertia", Remedy::kByHand, "Moment over no inertia is infinite acceleration."}, false},
    {{"stiff-law", Remedy::kByHand, "A drive faster than the step explodes, or shows another motion than its own."},
     false},
    {{"stiff-spring", Remedy::kByHand, "A spring faster than the step adds energy until everything flies."}, false},
    {{"tiny-inertia", Remedy::kByHand, "Rounding of the heavy parts is as large as the motion of the light one."},
     false},
    {{"mass-ratio", Remedy::kByHand, "Contact between very unequal masses converges slowly in every solver."}, false},
    {{"deep-overlap", Remedy::kOnRequest,
      "Solids that start inside each other are pushed apart at the first step: the mechanism jumps, or is jammed."},
     false},
    {{"beyond-limit", Remedy::kByHand, "The limit pushes the joint back as the simulation starts."}, false},
    {{"target-beyond-limit", Remedy::kByHand, "The drive pushes against the limit for ever."}, false},
    {{"weak-drive", Remedy::kByHand, "It cannot hold the start pose."}, false},
    {{"zero-limit", Remedy::kByHand, "0 means none at all here; exporters write it for \"not given\"."}, false},
    {{"locked-joint", Remedy::kByHand, "Equal limits are a fixed joint that costs a degree of freedom."}, false},
    {{"units-differ", Remedy::kByHand, "A stage has the units of its root layer; USD converts nothing by itself."},
     false},
    {{"up-axis-differs", Remedy::kByHand, "A stage has the up axis of its root layer; USD turns nothing by itself."},
     false},
    {{"no-units", Remedy::kByHand, "A USD file without metersPerUnit is in centimetres, whatever was meant."}, false},
};

const Entry* find_entry(std::string_view code) {
  const auto* found =
      std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Entry& e) { return e.code.code == code; });
  return found == std::end(kCodes) ? nullptr : found;
}

}  // namespace

const Code* find_code(std::string_view code) {
  const Entry* entry = find_entry(code);
  return entry ? &entry->code : nullptr;
}

bool is_own(std::string_view code) {
  const Entry* entry = find_entry(code);
  return entry && entry->own;
}

std::vector<std::string> mendable_errors() { return {"reversed-limits"}; }

}  // namespace geoul::scene::doctor
