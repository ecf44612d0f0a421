// Links of an SDF tree into bodies: mass, visuals, collisions, contact masks, cameras.
#pragma once

#include <map>

#include "geoul/scene/formats/sdf/tree.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::sdf {

// Adds a body for every link (Frame::body is set), its shapes and cameras, and the pairs that never touch.
void read_links(Document& document, Tree& tree, const std::string& root, Scene& scene);

// Adds a site for every <frame>.
void read_sites(const Tree& tree, Scene& scene);

}  // namespace geoul::scene::sdf
