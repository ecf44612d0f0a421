// Any bytes as what a live site's history holds: inputs of a RowMaker, a snapshot of it, a run's settings. The bytes
// are also changes (place, value) of a sound snapshot.
#include <cstddef>
#include <cstdint>
#include <limits>

#include "geoul/runtime/live_inputs.h"
#include "geoul/runtime/live_past.h"

namespace {

using namespace geoul;

struct Fixture {
  runtime::Bindings bindings;
  runtime::RowMakerOptions options;
  std::string sound;

  Fixture() {
    bindings.columns = {{"a", "p", "p", {}}, {"a", "v", "v", {}}, {"b", "i", "i", {}}};
    runtime::BoundJoint joint;
    joint.position = 0, joint.velocity = 1, joint.current = 2;
    bindings.joints = {joint};
    options.period = {10'000'000};
    options.rows.tolerance = {2'000'000};
    options.rows.stale_after.assign(3, Duration{100'000'000});
    options.feeds = {{0, 1}, {2}};
    runtime::RowMaker maker = make();
    for (std::int64_t k = 0; k < 20; ++k) {
      const Time time{1'000'000'000 + k * 10'000'000};
      for (std::uint32_t signal = 0; signal < 2; ++signal)
        maker.update(0, {signal, link::Quality::kGood, static_cast<double>(k), time, time});
      while (maker.take()) continue;
    }
    maker.save(sound);
  }
  runtime::RowMaker make() const {
    return {bindings, options, {0, 0, std::numeric_limits<double>::quiet_NaN()}, Time{}};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture it;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)runtime::parse_live_setup(std::string(bytes));
  runtime::RowMaker maker = it.make();
  (void)maker.restore(bytes);
  std::string changed = it.sound;
  for (std::size_t i = 0; i + 2 < size && i < 60; i += 3)
    changed[(data[i] | data[i + 1] << 8u) % changed.size()] = bytes[i + 2];
  runtime::RowMaker other = it.make();
  if (!other.restore(changed) && !other.restore(it.sound)) __builtin_trap();
  runtime::LiveInputReader reader(bytes);
  while (reader.next(other)) {
    while (other.take()) continue;
  }
  if (!reader.ok()) return 0;
  // what was read is saved and read again as it is
  std::string saved, again;
  other.save(saved);
  if (!maker.restore(saved)) __builtin_trap();
  maker.save(again);
  if (saved != again) __builtin_trap();
  return 0;
}
