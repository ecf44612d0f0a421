// The packages of RTDE, Universal Robots' Real-Time Data Exchange, protocol version 2: bytes to structs and back, for
// both sides. Everything is big endian: uint16 size (of the whole package), uint8 type, payload. Source: Universal
// Robots, Real-Time Data Exchange (RTDE) Guide.
//
// Errors are kBadInput: one line that says which package is wrong and how. No function trusts a length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/signal.h"

namespace geoul::link {

enum class RtdePackageType : std::uint8_t {
  kProtocolVersion = 'V',
  kControllerVersion = 'v',
  kText = 'M',
  kData = 'U',
  kSetupOutputs = 'O',
  kSetupInputs = 'I',
  kStart = 'S',
  kPause = 'P',
};

// Types of variables; the last two are answers of a setup instead of a type.
enum class RtdeType : std::uint8_t {
  kBool,
  kUint8,
  kUint32,
  kUint64,
  kInt32,
  kDouble,
  kVector3d,
  kVector6d,
  kVector6Int32,
  kVector6Uint32,
  kNotFound,
  kInUse,
};
std::string_view to_string(RtdeType type);                    // as the protocol spells it: "VECTOR6D"
std::optional<RtdeType> rtde_type(std::string_view spelled);  // none for a type that is not of the protocol
std::size_t element_count(RtdeType type);                     // 1, 3 or 6; 0 for an answer that is no type
std::size_t byte_size(RtdeType type);                         // of all elements
ValueType value_type(RtdeType type);                          // of one element

constexpr std::size_t kRtdeNamesLimit = 2048;  // bytes of the names in one setup, commas included (RTDE Guide)
constexpr std::uint16_t kRtdeVersion = 2;

struct RtdePackage {
  RtdePackageType type = RtdePackageType::kText;
  std::vector<std::uint8_t> payload;
};

// Cuts a stream of bytes into packages. After an error the stream cannot be read further.
class RtdePackageReader {
 public:
  void append(std::span<const std::uint8_t> bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  // The next whole package, or none yet. An error where a size is below that of a header, or a type is unknown.
  Result<std::optional<RtdePackage>> next();
  std::size_t waiting() const { return buffer_.size() - read_; }  // bytes of an unfinished package
  void clear();

 private:
  std::vector<std::uint8_t> buffer_;
  std::size_t read_ = 0;
};

// Appends a package. Needs payload.size() <= 65532.
void append_package(RtdePackageType type, std::span<const std::uint8_t> payload, std::vector<std::uint8_t>& out);

struct RtdeControllerVersion {
  std::uint32_t major = 0, minor = 0, bugfix = 0, build = 0;
};
std::string to_string(const RtdeControllerVersion& version);  // "5.11.1.108"

enum class RtdeLevel : std::uint8_t { kException, kError, kWarning, kInfo };
std::string_view to_string(RtdeLevel level);

struct RtdeText {
  RtdeLevel level = RtdeLevel::kInfo;
  std::string message, source;
};

// The answer to a setup: types in the order of the names.
struct RtdeRecipe {
  std::uint8_t id = 0;
  std::vector<RtdeType> types;
};

struct RtdeOutputSetup {
  double frequency = 0;  // [1/s]
  std::vector<std::string> names;
};

using Bytes = std::span<const std::uint8_t>;

// From the controller.
Result<bool> decode_accepted(const RtdePackage& package);  // of kProtocolVersion, kStart, kPause
Result<RtdeControllerVersion> decode_controller_version(const RtdePackage& package);
Result<RtdeText> decode_text(const RtdePackage& package);
Result<RtdeRecipe> decode_recipe(const RtdePackage& package);

// To the controller.
Result<std::uint16_t> decode_protocol_version(const RtdePackage& package);
Result<RtdeOutputSetup> decode_output_setup(const RtdePackage& package);
Result<std::vector<std::string>> decode_input_setup(const RtdePackage& package);

// Both ways: the recipe of a data package, and its values, element by element in the order of the types. A UINT64 above
// 2^63 - 1 keeps its bits and so turns negative.
Result<std::uint8_t> decode_data_recipe(const RtdePackage& package);
Result<void> decode_data(const RtdePackage& package, std::span<const RtdeType> types, std::vector<Value>& values);

std::vector<std::uint8_t> encode_protocol_version(std::uint16_t version);
std::vector<std::uint8_t> encode_accepted(bool accepted);
std::vector<std::uint8_t> encode_controller_version(const RtdeControllerVersion& version);
std::vector<std::uint8_t> encode_text(const RtdeText& text);  // message and source are cut at 255 bytes
std::vector<std::uint8_t> encode_recipe(const RtdeRecipe& recipe);
std::vector<std::uint8_t> encode_output_setup(const RtdeOutputSetup& setup);
std::vector<std::uint8_t> encode_input_setup(const std::vector<std::string>& names);
// Appends one element: rounded and held within the range of its type; a number that is not finite is 0 for integers.
void append_element(RtdeType type, double value, std::vector<std::uint8_t>& out);

}  // namespace geoul::link
