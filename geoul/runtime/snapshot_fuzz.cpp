// Any bytes as what a time machine reads: a snapshot of a small world with drags, an input, a run's settings. A
// snapshot made of nothing is refused at once; so the bytes are also changes (place, value) of a sound one.
#include <cstddef>
#include <cstdint>

#include "geoul/runtime/time_machine.h"

namespace {

using namespace geoul;

scene::Scene boxes() {
  scene::Scene out;
  for (int i = 0; i < 2; ++i) {
    scene::Body body;
    body.path = "/box" + std::to_string(i);
    body.X_WB.p = {0, 0, 0.05 + 0.1 * i};
    body.mass.mass = 1;
    body.mass.inertia = {1e-3, 1e-3, 1e-3, 0, 0, 0};
    out.bodies.push_back(body);
    scene::Shape shape;
    shape.path = body.path + "/shape";
    shape.body = scene::BodyId::from_index(static_cast<std::size_t>(i));
    shape.geometry = scene::Box{{0.1, 0.1, 0.1}};
    shape.collides = true;
    out.shapes.push_back(shape);
  }
  return out;
}

struct Fixture {
  runtime::Twin twin;
  runtime::SteppedWorld world;
  std::string sound;

  Fixture() : twin(make()), world(twin, {}) {
    (void)world.apply({1, runtime::Drag{"/box1", {}, {0, 0, 1}, std::nullopt, std::nullopt}});
    for (int i = 0; i < 20; ++i) world.step();
    world.save(sound);
  }
  static runtime::Twin make() {
    Diagnostics diagnostics;
    return *runtime::make_twin(boxes(), diagnostics);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fixture it;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto input = runtime::decode_input(bytes)) (void)it.world.apply(*input);
  (void)runtime::parse_setup(std::string(bytes));
  (void)it.world.restore(bytes);
  std::string changed = it.sound;
  for (std::size_t i = 0; i + 2 < size; i += 3) changed[(data[i] | data[i + 1] << 8u) % changed.size()] = bytes[i + 2];
  if (it.world.restore(changed)) it.world.step();
  (void)it.world.restore(it.sound);
  return 0;
}
