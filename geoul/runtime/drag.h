// Dragging: springs by which people pull on bodies of a running simulation, one a client.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/result.h"
#include "geoul/dynamics/world.h"

namespace geoul::runtime {

// A damped spring of no length between a point of a body and a point of the world.
struct Drag {
  std::string body;                 // path
  Vec3d point_B;                    // in the body's frame [m]
  Vec3d target_W;                   // [m]
  std::optional<double> stiffness;  // [N/m]; none: the whole mechanism swings at 2 Hz, as far as a step allows
  std::optional<double> damping;    // [N.s/m]; none: critical for that
};

class Drags {
 public:
  struct Pull {
    Drag drag;
    scene::BodyId body;
    double stiffness = 0, damping = 0;
    Vec3d point_W, force_W;  // of the newest apply()
  };

  // From the next step on, instead of what the client dragged before. Errors (nothing changes): kNotFound for a body
  // that there is not; kBadInput for NaN, a negative gain, one that a step of the world cannot follow (named, with what
  // it can), a point or target beyond 10 km, a body of the ground or one whose motion is prescribed.
  Result<void> set(std::uint64_t client, const Drag& drag, const dynamics::World& world);
  void release(std::uint64_t client);
  const std::map<std::uint64_t, Pull>& pulls() const { return pulls_; }

  // All pulls, with their gains as they are; restore() wants a world of the same scene. kBadInput where the bytes are
  // none of save().
  void save(std::string& out) const;
  Result<void> restore(std::string_view bytes, const dynamics::World& world);

  // Writes the wrenches of all pulls at the present state into world.controls.
  void apply(dynamics::World& world);

 private:
  std::map<std::uint64_t, Pull> pulls_;
  bool applied_ = false;
};

// A drag as bytes, for recordings of what people did.
void encode(const Drag& drag, std::string& out);
std::optional<Drag> decode_drag(std::string_view bytes);

}  // namespace geoul::runtime
