#include "geoul/link/dds/ros_decoder.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "geoul/link/dds/cdr.h"

namespace geoul::link {
namespace {

constexpr std::uint32_t kMaxItems = 64;  // of an array that gives signals
constexpr std::size_t kMaxName = 255;    // a longer one is no name: the item has its number
constexpr std::size_t kSizes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

bool names_items(std::string_view field) { return field == "name" || field == "names" || field == "joint_names"; }

class Walk {
 public:
  Walk(const RosTypes& types, std::string_view topic, std::string_view message, RosNaming naming, RosVisitor& visitor)
      : types_(types), reader_(message), naming_(naming), visitor_(visitor), path_(topic) {}

  bool run(const RosType& type) {
    if (reader_.ok()) structure(type);
    return reader_.ok();
  }
  const CdrReader& reader() const { return reader_; }
  const std::string& path() const { return path_; }

 private:
  // Adds one word to the path, and takes it off again: but after a fault the path stays where that was.
  class Step {
   public:
    Step(Walk& walk, std::string_view word) : walk_(walk), size_(walk.path_.size()) {
      if (!walk.reader_.ok()) return;
      walk.path_ += '/';
      walk.path_ += word;
    }
    ~Step() {
      if (walk_.reader_.ok()) walk_.path_.resize(size_);
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Walk& walk_;
    std::size_t size_;
  };

  void leaf(const Value& value) {
    if (reader_.ok() && !is_muted_) visitor_.leaf(path_, value, stamp_);
  }

  void structure(const RosType& type) {
    if (naming_ == RosNaming::kSignals) {
      if (type.name == "builtin_interfaces/msg/Time" || type.name == "builtin_interfaces/msg/Duration")
        return instant();
      if (type.name == "tf2_msgs/msg/TFMessage") return transforms(type);
      if (type.name == "geometry_msgs/msg/TransformStamped") return transform(type);
    }
    const std::optional<Time> outer_stamp = stamp_;
    std::optional<std::vector<std::string_view>> outer_names;
    for (const RosField& field : type.fields) {
      if (!reader_.ok()) return;
      const Step step(*this, field.name);
      if (field.array == RosArray::kNone) {
        one(field);
      } else if (naming_ == RosNaming::kSignals && field.kind == RosKind::kString && names_items(field.name)) {
        if (!outer_names) outer_names = std::move(names_);
        item_names(field);
      } else {
        items(field);
      }
    }
    stamp_ = outer_stamp;
    if (outer_names) names_ = std::move(*outer_names);
  }

  void one(const RosField& field) {
    switch (field.kind) {
      case RosKind::kType:
        if (naming_ == RosNaming::kSignals && types_.at(field.type).name == "std_msgs/msg/Header") return header();
        return structure(types_.at(field.type));
      case RosKind::kString: return leaf(std::string(reader_.string()));
      case RosKind::kWideString: return leaf(reader_.wide_string());
      default: return leaf(number(field.kind));
    }
  }

  Value number(RosKind kind) {
    switch (kind) {
      case RosKind::kBool: return reader_.truth();
      case RosKind::kInt8: return std::int64_t{reader_.number<std::int8_t>()};
      case RosKind::kUint8: return std::int64_t{reader_.number<std::uint8_t>()};
      case RosKind::kInt16: return std::int64_t{reader_.number<std::int16_t>()};
      case RosKind::kUint16: return std::int64_t{reader_.number<std::uint16_t>()};
      case RosKind::kInt32: return std::int64_t{reader_.number<std::int32_t>()};
      case RosKind::kUint32: return std::int64_t{reader_.number<std::uint32_t>()};
      case RosKind::kInt64: return reader_.number<std::int64_t>();
      case RosKind::kUint64: {
        const auto value = reader_.number<std::uint64_t>();  // beyond int64: as a double
        if (value > INT64_MAX) return static_cast<double>(value);
        return static_cast<std::int64_t>(value);
      }
      case RosKind::kFloat32: return double{reader_.number<float>()};
      default: return reader_.number<double>();
    }
  }

  Time time() {
    const auto seconds = reader_.number<std::int32_t>();
    return {std::int64_t{seconds} * 1'000'000'000 + reader_.number<std::uint32_t>()};
  }
  void instant() { leaf(time().ns); }

  void header() {
    const Time stamp = time();
    stamp_ = stamp;
    {
      const Step step(*this, "stamp");
      leaf(stamp.ns);
    }
    const Step step(*this, "frame_id");
    leaf(std::string(reader_.string()));
  }

  void transforms(const RosType& type) {
    const RosType& item = types_.at(type.fields[0].type);
    const std::uint32_t count = reader_.count(item.least_bytes);
    for (std::uint32_t i = 0; i < count && reader_.ok(); ++i) transform(item);
  }

  void transform(const RosType& type) {
    const std::optional<Time> outer_stamp = stamp_;
    stamp_ = time();
    const std::string_view parent = reader_.string(), child = reader_.string();
    {
      const Step parent_step(*this, parent);
      const Step child_step(*this, child);
      structure(types_.at(type.fields[2].type));
    }
    stamp_ = outer_stamp;
  }

  // Count of an array's items, each of which takes at least `least` bytes.
  std::uint32_t item_count(const RosField& field) {
    const std::uint64_t least = field.kind == RosKind::kType     ? types_.at(field.type).least_bytes
                                : field.kind >= RosKind::kString ? 4
                                                                 : kSizes[static_cast<std::size_t>(field.kind)];
    if (field.array == RosArray::kSequence) return reader_.count(least);
    if (field.size > reader_.left() / least) reader_.fail("count");
    return field.size;
  }

  void item_names(const RosField& field) {
    const std::uint32_t count = item_count(field);
    names_.clear();
    for (std::uint32_t i = 0; i < count && reader_.ok(); ++i) names_.push_back(reader_.string());
  }

  void items(const RosField& field) {
    const std::uint32_t count = item_count(field);
    const bool is_number = field.kind < RosKind::kString;
    const bool is_signals = naming_ == RosNaming::kSignals;
    const bool is_named = is_signals && is_number && names_.size() == count;
    if (is_number && count > 0 && (is_signals ? count > kMaxItems && !is_named : field.kind == RosKind::kUint8)) {
      const std::size_t size = kSizes[static_cast<std::size_t>(field.kind)];
      const std::string_view bytes = reader_.bytes(std::uint64_t{count} * size, size);
      if (reader_.ok() && !is_muted_) visitor_.block(path_, field.kind, count, bytes);
      return;
    }
    const bool was_muted = is_muted_;
    for (std::uint32_t i = 0; i < count && reader_.ok(); ++i) {
      is_muted_ = was_muted || (is_signals && i >= kMaxItems && !is_named);
      const bool has_name = is_named && names_[i].size() <= kMaxName;
      const Step step(*this, has_name ? names_[i] : std::string_view(number_ = std::to_string(i)));
      one(field);
    }
    is_muted_ = was_muted;
  }

  const RosTypes& types_;
  CdrReader reader_;
  RosNaming naming_;
  RosVisitor& visitor_;
  std::string path_;
  std::string number_;
  std::optional<Time> stamp_;
  std::vector<std::string_view> names_;
  bool is_muted_ = false;  // items beyond kMaxItems are read and not told
};

// Puts together what one message says of the signals that are asked for.
class Gather : public RosVisitor {
 public:
  Gather(const std::vector<std::string>& names, const std::vector<std::uint32_t>& order,
         std::vector<Intake::Item>& items)
      : names_(names), order_(order), items_(items) {}

  void leaf(std::string_view path, const Value& value, std::optional<Time> stamp) override {
    auto at = std::lower_bound(order_.begin(), order_.end(), path,
                               [&](std::uint32_t i, std::string_view wanted) { return names_[i] < wanted; });
    for (; at != order_.end() && names_[*at] == path; ++at) items_.push_back({*at, value, Quality::kGood, stamp});
  }

 private:
  const std::vector<std::string>& names_;
  const std::vector<std::uint32_t>& order_;
  std::vector<Intake::Item>& items_;
};

void append_leaves(const RosTypes& types, const RosType& type, const std::string& path,
                   std::vector<OfferedSignal>& out) {
  if (type.name == "tf2_msgs/msg/TFMessage") return;
  for (const RosField& field : type.fields) {
    const std::string name = path + "/" + field.name;
    if (field.array == RosArray::kSequence || field.size > kMaxItems) continue;
    const std::uint32_t count = field.array == RosArray::kFixed ? field.size : 1;
    for (std::uint32_t i = 0; i < count && out.size() < 10'000; ++i) {
      const std::string item = field.array == RosArray::kFixed ? name + "/" + std::to_string(i) : name;
      const RosType* inner = field.kind == RosKind::kType ? &types.at(field.type) : nullptr;
      const bool is_time = inner != nullptr && (inner->name == "builtin_interfaces/msg/Time" ||
                                                inner->name == "builtin_interfaces/msg/Duration");
      if (inner != nullptr && !is_time) {
        append_leaves(types, *inner, item, out);
        continue;
      }
      const ValueType value = is_time || (field.kind > RosKind::kBool && field.kind < RosKind::kFloat32)
                                  ? ValueType::kInteger
                              : field.kind == RosKind::kBool   ? ValueType::kBoolean
                              : field.kind >= RosKind::kString ? ValueType::kText
                                                               : ValueType::kDouble;
      out.push_back({.name = item, .type = value, .unit = is_time ? "ns" : "", .description = {}, .value = {}});
    }
  }
}

struct FieldUnit {
  std::string_view type, front, unit;
};
// By the comments of the definitions; the position of a joint is left out: it is m or rad, as the joint is.
constexpr FieldUnit kUnits[] = {
    {"sensor_msgs/msg/Imu", "angular_velocity/", "rad/s"},
    {"sensor_msgs/msg/Imu", "linear_acceleration/", "m/s^2"},
    {"sensor_msgs/msg/MagneticField", "magnetic_field/", "T"},
    {"sensor_msgs/msg/Temperature", "temperature", "degC"},
    {"sensor_msgs/msg/FluidPressure", "fluid_pressure", "Pa"},
    {"sensor_msgs/msg/BatteryState", "voltage", "V"},
    {"sensor_msgs/msg/BatteryState", "temperature", "degC"},
    {"sensor_msgs/msg/BatteryState", "current", "A"},
    {"sensor_msgs/msg/NavSatFix", "latitude", "deg"},
    {"sensor_msgs/msg/NavSatFix", "longitude", "deg"},
    {"sensor_msgs/msg/NavSatFix", "altitude", "m"},
    {"geometry_msgs/msg/WrenchStamped", "wrench/force/", "N"},
    {"geometry_msgs/msg/WrenchStamped", "wrench/torque/", "N m"},
    {"geometry_msgs/msg/PoseStamped", "pose/position/", "m"},
    {"geometry_msgs/msg/TwistStamped", "twist/linear/", "m/s"},
    {"geometry_msgs/msg/TwistStamped", "twist/angular/", "rad/s"},
    {"geometry_msgs/msg/Twist", "linear/", "m/s"},
    {"geometry_msgs/msg/Twist", "angular/", "rad/s"},
    {"nav_msgs/msg/Odometry", "pose/pose/position/", "m"},
    {"nav_msgs/msg/Odometry", "twist/twist/linear/", "m/s"},
    {"nav_msgs/msg/Odometry", "twist/twist/angular/", "rad/s"},
};

}  // namespace

bool walk_message(const RosTypes& types, const RosType& type, std::string_view topic, std::string_view message,
                  RosNaming naming, RosVisitor& visitor, Diagnostics& diagnostics) {
  Walk walk(types, topic, message, naming, visitor);
  if (walk.run(type)) return true;
  diagnostics.error({.file = std::string(topic), .line = 0, .path = walk.path().substr(0, 300)}, walk.reader().fault(),
                    "this message of " + std::to_string(message.size()) + " bytes breaks " + type.name + " at byte " +
                        std::to_string(walk.reader().fault_at()) + " (" + walk.reader().fault() + ")",
                    "its writer has another version of the type, or the bytes are damaged");
  return false;
}

std::vector<OfferedSignal> leaves_of_type(const RosTypes& types, const RosType& type, std::string_view topic) {
  std::vector<OfferedSignal> out;
  append_leaves(types, type, std::string(topic), out);
  for (OfferedSignal& signal : out) {
    if (signal.unit.empty())
      signal.unit = unit_of_leaf(type.name, std::string_view(signal.name).substr(topic.size() + 1));
  }
  return out;
}

std::string_view unit_of_leaf(std::string_view type, std::string_view path_below_topic) {
  for (const FieldUnit& unit : kUnits) {
    const bool is_whole = !unit.front.ends_with('/');
    if (unit.type == type && (is_whole ? path_below_topic == unit.front : path_below_topic.starts_with(unit.front))) {
      return unit.unit;
    }
  }
  if (type == "tf2_msgs/msg/TFMessage" && path_below_topic.find("/translation/") != path_below_topic.npos) return "m";
  return {};
}

RosDecoder::RosDecoder(std::vector<std::string> signals) : names_(std::move(signals)), order_(names_.size()) {
  std::iota(order_.begin(), order_.end(), 0u);
  std::sort(order_.begin(), order_.end(), [this](auto a, auto b) { return names_[a] < names_[b]; });
}

bool RosDecoder::decode(const RosTypes& types, const RosType& type, std::string_view topic, std::string_view message,
                        std::vector<Intake::Item>& items, Diagnostics& diagnostics) {
  const std::size_t before = items.size();
  Gather gather(names_, order_, items);
  if (walk_message(types, type, topic, message, RosNaming::kSignals, gather, diagnostics)) return true;
  items.resize(before);
  return false;
}

bool RosDecoder::wants(std::string_view topic) const {
  const std::string front = std::string(topic) + "/";
  const auto at = std::lower_bound(order_.begin(), order_.end(), front,
                                   [&](std::uint32_t i, const std::string& wanted) { return names_[i] < wanted; });
  return at != order_.end() && names_[*at].starts_with(front);
}

}  // namespace geoul::link
