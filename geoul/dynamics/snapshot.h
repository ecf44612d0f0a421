// A world at an instant as bytes: whoever restores them and steps on gets the same bits as the world that went on.
// Saved: the state, the commands, what contact remembers (warm starts, sleepers), and the breaks so far. Not saved: the
// scene and its model. A world in which joints were attached, detached or broke has another model than its scene began
// with, so restore() wants a world of the same structure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "geoul/core/result.h"
#include "geoul/dynamics/world.h"

namespace geoul::dynamics {

// Appends. Some kB for a robot; grows with contacts.
void save(const World& world, std::string& out);

// Error: kBadInput where the bytes are none of save(), or of a world of another structure; the world is then at no
// instant that was, and needs another restore. Controls::motion and the options stay as they are.
Result<void> restore(std::string_view bytes, World& world);

// Of every bit of the state: FNV-1a, 64 bits, over its numbers in order.
std::uint64_t hash_state(const scene::State& state);

}  // namespace geoul::dynamics
