// libFuzzer target: any bytes as what a controller sends, and as what a client sends to the simulated controller.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "geoul/link/rtde/rtde_controller.h"

namespace {

using namespace geoul;
using namespace geoul::link;

void as_client(Bytes bytes) {
  RtdePackageReader reader;
  reader.append(bytes);
  std::vector<RtdeType> types = {RtdeType::kDouble, RtdeType::kVector6d, RtdeType::kUint64, RtdeType::kBool};
  std::vector<Value> values;
  while (true) {
    const auto package = reader.next();
    if (!package || !*package) return;
    (void)decode_accepted(**package);
    (void)decode_controller_version(**package);
    if (const auto text = decode_text(**package)) {
      for (const char c : text->message + text->source) {
        if (static_cast<unsigned char>(c) < 0x20) std::abort();
      }
    }
    if (const auto recipe = decode_recipe(**package)) types = recipe->types;
    if (decode_data(**package, types, values)) {
      std::size_t expected = 0;
      for (const RtdeType type : types) expected += element_count(type);
      if (values.size() != expected) std::abort();
    }
  }
}

void as_controller(Bytes bytes) {
  // one for all runs: to make it costs more than a run, and all it keeps are values of inputs
  static RtdeController controller(
      {{*find_output("actual_q"), *find_output("robot_mode")}, 7, {Time{1'000'000'000}}, {1, 2, 3, 4, 5, 6, 7}},
      {5, 11, 0, 0});
  std::vector<std::uint8_t> out;
  RtdeSession session(controller, 1, 500);
  // agreed already, so that the fuzzer need not find the version first
  std::vector<std::uint8_t> begin;
  append_package(RtdePackageType::kProtocolVersion, encode_protocol_version(2), begin);
  if (!session.receive(begin, out)) std::abort();
  (void)session.receive(bytes, out);
  controller.play(0, Time{2'000'000'000});
  if (session.wants(0)) session.append_data(out);
  // whatever it answers must be packages
  RtdePackageReader reader;
  reader.append(out);
  while (true) {
    const auto package = reader.next();
    if (!package) std::abort();
    if (!*package) break;
  }
  if (reader.waiting() != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  as_client({bytes, size});
  as_controller({bytes, size});
  return 0;
}
