// Joints of an SDF tree into joints and couplings of a scene; welds of static models.
#pragma once

#include "geoul/scene/formats/sdf/tree.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::sdf {

// Needs the bodies of read_links. root: USD path of the world or model, for couplings.
void read_joints(Document& document, Tree& tree, const std::string& root, Scene& scene);

}  // namespace geoul::scene::sdf
