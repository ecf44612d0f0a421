// What the tests over DDS share: a domain of their own, the foreign peer, and messages as lines of text. Tests only.
#pragma once

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/link/dds/cdr.h"
#include "geoul/link/dds/dds_options.h"
#include "geoul/link/dds/ros_decoder.h"

namespace geoul::link {

// Tests that run at the same time on one machine must not meet.
inline int test_domain() { return 1 + static_cast<int>(::getpid() % 200); }
inline DdsOptions test_options() {
  DdsOptions options;
  options.domain = test_domain();
  return options;
}

// Every field of a message, one a line: "/position/0\t0.25"; arrays of bytes as "bytes COUNT FNV-1a".
class Dump : public RosVisitor {
 public:
  void leaf(std::string_view path, const Value& value, std::optional<Time>) override {
    std::string text = to_string(value);
    if (const auto* number = std::get_if<double>(&value)) {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.17g", *number);
      text = digits;
    }
    lines.push_back(std::string(path) + "\t" + text);
  }
  void block(std::string_view path, RosKind, std::size_t count, std::string_view bytes) override {
    std::uint64_t hash = 14695981039346656037u;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
    char text[60];
    std::snprintf(text, sizeof text, "bytes %zu %016" PRIx64, count, hash);
    lines.push_back(std::string(path) + "\t" + text);
  }
  std::vector<std::string> lines;
};

// The lines of a sound message of a common type; one line that says what is wrong where it is not sound.
inline std::vector<std::string> dump_message(std::string_view type, std::string_view message) {
  Dump dump;
  Diagnostics diagnostics;
  const RosType* known = common_ros_types().find(type);
  if (known == nullptr) return {"unknown type"};
  if (!walk_message(common_ros_types(), *known, "", message, RosNaming::kPlain, dump, diagnostics)) {
    return {diagnostics.text()};
  }
  return dump.lines;
}

// A random message of a type, as its definition allows; arrays of bytes up to `bytes`.
class RandomMessage {
 public:
  RandomMessage(const RosTypes& types, std::uint64_t seed, std::size_t bytes = 100)
      : types_(types), random_(seed), bytes_(bytes) {}
  std::string make(const RosType& type) {
    cdr_ = CdrWriter();
    structure(type);
    return cdr_.take();
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.uniform(0, static_cast<double>(n))); }
  template <class T>
  void number() {
    if constexpr (std::is_floating_point_v<T>)
      cdr_.number(static_cast<T>(random_.uniform(-1e3, 1e3)));
    else
      cdr_.number(static_cast<T>(random_.uniform(0, 100)));
  }
  void structure(const RosType& type) {
    for (const RosField& field : type.fields) {
      std::size_t count = 1;
      if (field.array == RosArray::kFixed) count = field.size;
      if (field.array == RosArray::kSequence) {
        count = field.kind == RosKind::kUint8 ? below(bytes_ + 1) : below(5);
        cdr_.count(count);
      }
      for (std::size_t i = 0; i < count; ++i) one(field);
    }
  }
  void one(const RosField& field) {
    switch (field.kind) {
      case RosKind::kBool: return cdr_.number(static_cast<std::uint8_t>(below(2)));
      case RosKind::kInt8: return number<std::int8_t>();
      case RosKind::kUint8: return number<std::uint8_t>();
      case RosKind::kInt16: return number<std::int16_t>();
      case RosKind::kUint16: return number<std::uint16_t>();
      case RosKind::kInt32: return number<std::int32_t>();
      case RosKind::kUint32: return number<std::uint32_t>();
      case RosKind::kInt64: return number<std::int64_t>();
      case RosKind::kUint64: return number<std::uint64_t>();
      case RosKind::kFloat32: return number<float>();
      case RosKind::kFloat64: return number<double>();
      case RosKind::kString: {
        std::string text;
        for (std::size_t i = below(10); i > 0; --i) text += static_cast<char>('a' + below(26));
        return cdr_.string(text);
      }
      case RosKind::kWideString: return cdr_.count(0);
      case RosKind::kType: return structure(types_.at(field.type));
    }
  }

  const RosTypes& types_;
  Random random_;
  std::size_t bytes_;
  CdrWriter cdr_;
};

}  // namespace geoul::link
