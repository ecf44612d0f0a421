// libFuzzer target: any bytes as a message of any of Geoul's types, and any text as a definition with a message of it.
// The first byte chooses: below the number of types, that type; else a definition up to a zero, then a message. A
// message that is read must be read alike by the walk and by the structs, and written back with the same fields.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geoul/link/dds/dds_test_tools.h"
#include "geoul/link/dds/ros_messages.h"

namespace {

using namespace geoul;
using namespace geoul::link;

// Whether the bytes are a message of M; what is read must survive being written.
template <class M>
void check(std::string_view type, std::string_view bytes, bool is_sound) {
  M message;
  if (ros_type(message) != type) return;
  if (static_cast<bool>(decode(bytes, message)) != is_sound) std::abort();
  if (!is_sound) return;
  std::string again;
  try {
    again = encode(message);
  } catch (const ContractError&) {
    return;  // a time beyond int32 seconds: its nanoseconds are more than a second
  }
  M read;
  if (!decode(again, read)) std::abort();
  if (encode(read) != again) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const RosTypes& common = common_ros_types();
  Diagnostics diagnostics;
  Dump plain, signals;
  if (bytes[0] >= common.size()) {
    const std::string_view text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
    RosTypes types;
    if (types.add("fuzz_msgs/Root", text, diagnostics) != diagnostics.ok()) std::abort();
    if (!diagnostics.ok()) return 0;
    const RosType* root = types.find("fuzz_msgs/msg/Root");
    if (root == nullptr) std::abort();
    (void)leaves_of_type(types, *root, "t");
    const bool is_sound = walk_message(types, *root, "t", rest, RosNaming::kPlain, plain, diagnostics);
    if (walk_message(types, *root, "t", rest, RosNaming::kSignals, signals, diagnostics) != is_sound) std::abort();
    return 0;
  }
  const RosType& type = common.at(bytes[0]);
  const bool is_sound = walk_message(common, type, "t", rest, RosNaming::kPlain, plain, diagnostics);
  if (walk_message(common, type, "t", rest, RosNaming::kSignals, signals, diagnostics) != is_sound) std::abort();
  if (is_sound != diagnostics.ok()) std::abort();
  check<RosJointState>(type.name, rest, is_sound);
  check<RosTransforms>(type.name, rest, is_sound);
  check<RosImu>(type.name, rest, is_sound);
  check<RosWrench>(type.name, rest, is_sound);
  check<RosPointCloud>(type.name, rest, is_sound);
  check<RosImage>(type.name, rest, is_sound);
  check<RosClock>(type.name, rest, is_sound);
  check<RosJointTrajectory>(type.name, rest, is_sound);
  check<RosFloat64Array>(type.name, rest, is_sound);
  check<RosParticipantEntities>(type.name, rest, is_sound);
  return 0;
}
