// Counts what a program allocates: link allocations.cpp into it.
#pragma once

namespace geoul::bench {

// Calls of operator new since the program began, by all threads.
long allocations();

}  // namespace geoul::bench
