// Ids are indices with a type of their own: a BodyId cannot be passed where a JointId is meant.
//   struct BodyTag; using BodyId = Id<BodyTag>;
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace geoul {

template <class Tag>
struct Id {
  std::int32_t value = -1;  // -1: none

  constexpr bool valid() const { return value >= 0; }
  constexpr std::size_t index() const { return static_cast<std::size_t>(value); }
  static constexpr Id from_index(std::size_t i) { return {static_cast<std::int32_t>(i)}; }
  constexpr auto operator<=>(const Id&) const = default;
};

}  // namespace geoul
