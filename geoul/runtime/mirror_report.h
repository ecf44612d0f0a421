// What a mirror is judged by: the residuals of rows of recordings, as figures with the site's bounds.
#pragma once

#include <optional>
#include <vector>

#include "geoul/runtime/mirror.h"
#include "geoul/runtime/report.h"

namespace geoul::runtime {

struct MirrorFindings {
  const Twin& twin;
  const Site& site;
  const Bindings& bindings;
  const Stream& stream;
  const std::vector<RowMeasures>& rows;
  const std::vector<std::optional<CurrentModel>>& currents;
  std::size_t files = 0;  // recordings that count, from the first
  double rows_per_second = 0;
};

// Definitions, the same as in bench/oracles/ur3e/oracle.py:
//   RMSE       root of the mean square over rows in motion (not at rest) unless a note says otherwise
//   deviation  distance of the measured TCP, written in the twin's flange frame, from its mean over one recording
Report mirror_report(const MirrorFindings& findings);

}  // namespace geoul::runtime
