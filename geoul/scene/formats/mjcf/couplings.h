// What MJCF says outside the tree: equalities, contact filters, tendons, actuators, keyframes.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "geoul/scene/formats/mjcf/tree.h"

namespace geoul::scene::mjcf {

// Kinds of names that elements refer to.
enum class Refers { kBody, kJoint, kSite };

// Calls `apply` for every scope of the model in which all names of these attributes exist (a replicated element is
// replicated so). An error where that is none, unless the model is attached: then what it names is not there.
void each_scope(Document& document, const Tree& tree, const Model& model, const Node& node,
                const std::vector<std::pair<const char*, Refers>>& references,
                const std::function<void(const Scope&)>& apply);

// weld, connect and joint equalities; contact excludes and pairs; tendons and sensors as findings. Bodies must stand
// at qpos0.
void read_couplings(Document& document, const Model& model, const Tree& tree, const std::string& root, Scene& scene);

// Actuators: drives and limits of joints. ctrl: the value of each in the file's order, empty: 0.
void read_actuators(Document& document, const Model& model, const Tree& tree, std::vector<double> ctrl, Scene& scene);

// contype and conaffinity as pairs of bodies that never touch.
void filter_contacts(Document& document, const Model& model, const Tree& tree, Scene& scene);

// Places the bodies at qpos0.
void place_reference(const Tree& tree, Scene& scene);

// Start state by the options' keyframe: joints' positions and velocities, bodies' poses and velocities. The ctrl of
// the keyframe (empty: none).
std::vector<double> apply_keyframe(Document& document, const Model& model, const Tree& tree, Scene& scene);

}  // namespace geoul::scene::mjcf
