// libFuzzer target: any bytes as a recording. Whatever is read must keep the reader's promises.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "geoul/link/csv_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace geoul;
  const link::CsvOptions options{.time_column = "t", .columns = {"a", "b"}, .period = Duration::from_seconds(0.04)};
  Diagnostics diagnostics;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto recording = link::parse_csv(text, "fuzz.csv", options, diagnostics);
  if (recording.has_value() != diagnostics.ok()) std::abort();
  if (!recording) return 0;
  if (recording->rows() == 0 || recording->values.size() != 2 * recording->rows()) std::abort();
  for (const double value : recording->values) {
    if (!std::isfinite(value)) std::abort();
  }
  for (std::size_t i = 1; i < recording->rows(); ++i) {
    if (recording->time[i] <= recording->time[i - 1]) std::abort();
  }
  return 0;
}
