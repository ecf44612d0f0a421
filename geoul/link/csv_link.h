// A recording as a link: plays CSV files in real time, as a plant would deliver them, so that what is live can be tried
// without one. Signals are columns. Source times are those of the recording; the receive time is now.
//
// A file that cannot be read is a problem, and is tried again; a column that no file has is a problem that names the
// nearest, and its signal stays bad. At the end all signals turn bad and the link stops, or begins again where `loop`
// is set, with the time running on. Nothing can be written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geoul/link/csv_source.h"
#include "geoul/link/link.h"

namespace geoul::link {

struct CsvLinkOptions {
  LinkOptions link = {};
  std::vector<std::string> files = {};  // one stream, in this order; times must increase
  std::string time_column = "timestamp";
  double time_unit = 1;  // [s] of one unit of the time column
  Duration period = {};  // nominal; see CsvOptions
  double speed = 1;      // of the recording
  bool loop = false;
  Duration retry_first{250'000'000};  // see Backoff
  Duration retry_longest{30'000'000'000};
};

// Needs a file, a time column and a speed above 0.
std::unique_ptr<Link> make_csv_link(CsvLinkOptions options);

}  // namespace geoul::link
