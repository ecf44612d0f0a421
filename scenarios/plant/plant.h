// What the protocols of geoul_plant share. A protocol is a source of its own, with a function that declares its
// options, named in main.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace geoul::plant {

// Each declares its options, and returns what runs when it is chosen; that returns the exit code.
using Protocol = std::function<int()>;
Protocol add_rtde(CLI::App& app);

}  // namespace geoul::plant
