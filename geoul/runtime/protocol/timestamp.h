// Time as google.protobuf.Timestamp.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "geoul/core/time.h"

namespace geoul::runtime {

inline constexpr std::int64_t kSecond = 1'000'000'000;  // [ns]

inline void set(google::protobuf::Timestamp& out, Time time) {
  // as protobuf has it: nanos are never negative
  std::int64_t seconds = time.ns / kSecond, nanos = time.ns % kSecond;
  if (nanos < 0) {
    --seconds;
    nanos += kSecond;
  }
  out.set_seconds(seconds);
  out.set_nanos(static_cast<std::int32_t>(nanos));
}

}  // namespace geoul::runtime
