// Joints and mimics of a URDF document into a scene, and the tree that they make.
#pragma once

#include <string>

#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/formats/urdf/links.h"

namespace geoul::scene::urdf {

// Appends every joint and mimic. root: USD path of the robot.
void read_joints(Document& document, pugi::xml_node robot, const LinkIds& links, const std::string& root, Scene& scene);

// Checks that the joints make one tree over all bodies, welds the root where the options say so and sets the bodies'
// poses with all joints at their start. Needs a scene that read_joints filled without errors.
void finish_tree(Document& document, pugi::xml_node robot, bool fixed_base, const std::string& root, Scene& scene);

}  // namespace geoul::scene::urdf
