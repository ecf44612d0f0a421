// This machine's clock. Called where the program is put together; everything else is given the time.
#pragma once

#include "geoul/core/time.h"

namespace geoul {

// Since 1970, by the system's clock, which may be set back.
Time unix_now();

}  // namespace geoul
