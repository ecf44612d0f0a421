// Counts what a program allocates: whoever calls allocations() has every operator new and delete of the program passed
// through here.
#pragma once

namespace geoul::scenarios {

// Calls of operator new since the program began, by all threads.
long allocations();

}  // namespace geoul::scenarios
