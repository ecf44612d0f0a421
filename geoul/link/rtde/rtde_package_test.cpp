#include "geoul/link/rtde/rtde_package.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "geoul/link/rtde/rtde_controller.h"
#include "geoul/link/rtde/rtde_variables.h"

namespace geoul::link {
namespace {

std::vector<std::uint8_t> bytes_of(RtdePackageType type, const std::vector<std::uint8_t>& payload) {
  std::vector<std::uint8_t> out;
  append_package(type, payload, out);
  return out;
}

RtdePackage only_package(Bytes bytes) {
  RtdePackageReader reader;
  reader.append(bytes);
  auto package = reader.next();
  EXPECT_TRUE(package && *package);
  EXPECT_EQ(reader.waiting(), 0u);
  return **package;
}

// Bytes written out by hand from the RTDE Guide.
TEST(RtdePackage, HasTheBytesOfTheGuide) {
  EXPECT_EQ(bytes_of(RtdePackageType::kProtocolVersion, encode_protocol_version(2)),
            (std::vector<std::uint8_t>{0, 5, 'V', 0, 2}));
  EXPECT_EQ(bytes_of(RtdePackageType::kStart, {}), (std::vector<std::uint8_t>{0, 3, 'S'}));
  EXPECT_EQ(bytes_of(RtdePackageType::kSetupOutputs, encode_output_setup({125, {"timestamp", "actual_q"}})),
            (std::vector<std::uint8_t>{0,   29,  'O', 0x40, 0x5F, 0x40, 0,   0,   0,   0,   0,   't', 'i', 'm', 'e',
                                       's', 't', 'a', 'm',  'p',  ',',  'a', 'c', 't', 'u', 'a', 'l', '_', 'q'}));
  EXPECT_EQ(bytes_of(RtdePackageType::kSetupInputs, encode_recipe({3, {RtdeType::kUint8, RtdeType::kInUse}})),
            (std::vector<std::uint8_t>{0, 16, 'I', 3, 'U', 'I', 'N', 'T', '8', ',', 'I', 'N', '_', 'U', 'S', 'E'}));
  EXPECT_EQ(bytes_of(RtdePackageType::kText, encode_text({RtdeLevel::kWarning, "ab", "c"})),
            (std::vector<std::uint8_t>{0, 9, 'M', 2, 'a', 'b', 1, 'c', 2}));
}

TEST(RtdePackage, ValuesOfEveryTypeComeBack) {
  const std::vector<RtdeType> types = {
      RtdeType::kBool,   RtdeType::kUint8,    RtdeType::kUint32,   RtdeType::kUint64,       RtdeType::kInt32,
      RtdeType::kDouble, RtdeType::kVector3d, RtdeType::kVector6d, RtdeType::kVector6Int32, RtdeType::kVector6Uint32};
  std::vector<std::uint8_t> payload = {7};
  std::vector<double> sent;
  for (const RtdeType type : types) {
    for (std::size_t e = 0; e < element_count(type); ++e) {
      const bool is_signed = type == RtdeType::kInt32 || type == RtdeType::kVector6Int32;
      const double value = value_type(type) == ValueType::kDouble ? -1.25e-7 * static_cast<double>(e + 1)
                           : type == RtdeType::kBool              ? 1
                           : is_signed                            ? -7.0 - static_cast<double>(e)
                                                                  : 200.0 + static_cast<double>(e);
      sent.push_back(value);
      append_element(type, value, payload);
    }
  }
  const RtdePackage package = only_package(bytes_of(RtdePackageType::kData, payload));
  EXPECT_EQ(decode_data_recipe(package).value(), 7);
  std::vector<Value> values;
  ASSERT_TRUE(decode_data(package, types, values));
  ASSERT_EQ(values.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(number_of(values[i]), sent[i]) << i;
  EXPECT_TRUE(std::holds_alternative<bool>(values[0]));
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(values[3]));
  EXPECT_FALSE(decode_data(package, std::span(types).first(9), values));
}

TEST(RtdePackage, NumbersAreHeldWithinTheirType) {
  const auto sent = [](RtdeType type, double value) {
    std::vector<std::uint8_t> out;
    append_element(type, value, out);
    return out;
  };
  using B = std::vector<std::uint8_t>;
  EXPECT_EQ(sent(RtdeType::kUint8, 300), (B{255}));
  EXPECT_EQ(sent(RtdeType::kUint8, -4), (B{0}));
  EXPECT_EQ(sent(RtdeType::kInt32, -3e9), (B{0x80, 0, 0, 0}));
  EXPECT_EQ(sent(RtdeType::kInt32, 3e9), (B{0x7F, 255, 255, 255}));
  EXPECT_EQ(sent(RtdeType::kUint64, 1e30), B(8, 255));
  EXPECT_EQ(sent(RtdeType::kUint32, std::nan("")), (B{0, 0, 0, 0}));
  EXPECT_EQ(sent(RtdeType::kBool, std::nan("")), (B{0}));
}

TEST(RtdePackage, ArriveInPiecesOfAnySize) {
  std::vector<std::uint8_t> stream;
  for (int i = 0; i < 50; ++i) {
    append_package(RtdePackageType::kData, std::vector<std::uint8_t>(static_cast<std::size_t>(i * 37), 1), stream);
  }
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    RtdePackageReader reader;
    std::size_t count = 0;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.append(Bytes(stream).subspan(at, std::min(piece, stream.size() - at)));
      while (true) {
        const auto package = reader.next();
        ASSERT_TRUE(package);
        if (!*package) break;
        EXPECT_EQ((*package)->payload.size(), 37 * count++);
      }
    }
    EXPECT_EQ(count, 50u) << piece;
  }
}

TEST(RtdePackage, AListOfNamesMayEndInAComma) {
  const std::string text = "timestamp,actual_q,";
  const RtdePackage package{RtdePackageType::kSetupInputs, {text.begin(), text.end()}};
  EXPECT_EQ(decode_input_setup(package).value(), (std::vector<std::string>{"timestamp", "actual_q"}));
}

// Each file is what one side sends; the name's beginning says which: c_ to the controller, r_ from it.
TEST(RtdePackage, SaysWhatIsWrongWithEveryBadFile) {
  const std::map<std::string, std::string> expected = {
      {"c_bad_type.bin", "unknown type 255"},
      {"c_empty_name.bin", "an empty name"},
      {"c_frequency_nan.bin", "no frequency above 0"},
      {"c_names_binary.bin", "bytes that are no text"},
      {"c_names_too_long.bin", "more than 2048 bytes of names"},
      {"c_size_zero.bin", "size of 0 bytes"},
      {"c_version_short.bin", "should hold 2 bytes"},
      {"c_setup_short.bin", "a frequency and at least one name"},
      {"r_accepted_empty.bin", "whether it was accepted"},
      {"r_controller_version_short.bin", "4 numbers of 4 bytes"},
      {"r_data_long.bin", "should have 12 bytes by its recipe"},
      {"r_data_short.bin", "should have 12 bytes by its recipe"},
      {"r_recipe_empty.bin", "holds no recipe"},
      {"r_size_two.bin", "size of 2 bytes"},
      {"r_text_level.bin", "unknown level 9"},
      {"r_text_no_level.bin", "the level"},
      {"r_text_overrun.bin", "ends inside its text"},
      {"r_types_unknown.bin", "unknown type 'VECTOR7D'"},
  };
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GEOUL_SOURCE_DIR "/geoul/link/rtde/testdata/bad")) {
    const std::string name = entry.path().filename();
    ASSERT_TRUE(expected.contains(name)) << name << " has no expected message";
    ++seen;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    RtdePackageReader reader;
    reader.append({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    const auto package = reader.next();
    std::string message = package ? "" : package.error().message;
    if (package && *package) {
      const auto take = [&](const auto& result) { message = result ? "accepted" : result.error().message; };
      std::vector<Value> values;
      const bool to_controller = name[0] == 'c';
      switch ((*package)->type) {
        case RtdePackageType::kProtocolVersion:
          to_controller ? take(decode_protocol_version(**package)) : take(decode_accepted(**package));
          break;
        case RtdePackageType::kControllerVersion: take(decode_controller_version(**package)); break;
        case RtdePackageType::kText: take(decode_text(**package)); break;
        case RtdePackageType::kSetupOutputs:
          to_controller ? take(decode_output_setup(**package)) : take(decode_recipe(**package));
          break;
        case RtdePackageType::kSetupInputs: take(decode_input_setup(**package)); break;
        case RtdePackageType::kData: take(decode_data(**package, std::vector{RtdeType::kDouble}, values)); break;
        default: take(decode_accepted(**package));
      }
    }
    EXPECT_NE(message.find(expected.at(name)), std::string::npos) << name << ": " << message;
  }
  EXPECT_EQ(seen, expected.size());
}

TEST(RtdeVariables, SignalsAreElementsOfVariables) {
  EXPECT_EQ(split_element("actual_q_5")->variable, "actual_q");
  EXPECT_EQ(split_element("actual_q_5")->element, 5u);
  EXPECT_EQ(split_element("actual_TCP_pose_3")->variable, "actual_TCP_pose");
  EXPECT_FALSE(split_element("actual_q_6"));
  EXPECT_FALSE(split_element("timestamp"));
  EXPECT_FALSE(split_element("elbow_position_3"));
  EXPECT_EQ(split_element("future_vector_2")->variable, "future_vector");
  for (const RtdeVariable& variable : rtde_outputs()) {
    if (element_count(variable.type) > 1) {
      EXPECT_EQ(split_element(variable.name + "_2")->variable, variable.name);
    }
  }
  EXPECT_EQ(rtde_signal_names().size(),
            std::set<std::string>(rtde_signal_names().begin(), rtde_signal_names().end()).size());
}

// The names that the recordings of a real robot have are the names of signals.
TEST(RtdeVariables, AreTheColumnsOfTheRealRecording) {
  Diagnostics diagnostics;
  const auto columns = read_rtde_columns({GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv"}, diagnostics);
  ASSERT_TRUE(columns) << diagnostics.text();
  EXPECT_EQ(columns->width, 172u);  // 175 columns less time, _id and timestamp
  EXPECT_EQ(columns->time.size(), 29u);
}

TEST(RtdeVariables, WritesCarryTheirMasks) {
  const auto plan = [](const std::string& name, Value value) { return plan_write(name, value, false); };
  EXPECT_EQ(plan("standard_digital_output_3", true)->values, (std::vector<double>{8, 8}));
  EXPECT_EQ(plan("standard_digital_output_3", false)->values, (std::vector<double>{8, 0}));
  EXPECT_EQ(plan("speed_slider_fraction", 0.5)->names.front(), "speed_slider_mask");
  EXPECT_EQ(plan("standard_analog_output_1", 0.25)->values, (std::vector<double>{2, 2, 0, 0.25}));
  EXPECT_EQ(plan_write("standard_analog_output_1", 0.25, true)->values, (std::vector<double>{2, 0, 0, 0.25}));
  EXPECT_EQ(plan("input_double_register_40", 1.5)->values, (std::vector<double>{1.5}));
  EXPECT_EQ(plan("input_int_register_0", 1.5).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(plan("input_bit_register_64", 2.0).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(plan("speed_slider_fraction", 1.5).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(plan("input_int_register_0", std::string("x")).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(plan("input_dubble_register_0", 1.5).error().message,
            "RTDE has no input 'input_dubble_register_0'; did you mean 'input_double_register_0', "
            "'input_double_register_1' or 'input_double_register_2'?");
}

}  // namespace
}  // namespace geoul::link
