#include "geoul/link/modbus/modbus_address.h"

#include <gtest/gtest.h>

#include <map>

namespace geoul::link {
namespace {

ModbusAddress parsed(const std::string& name) { return parse_modbus_address(name, ModbusOrder::kAbcd).value(); }

TEST(ModbusAddress, ReadsEveryForm) {
  EXPECT_EQ(parsed("coil/5").table, ModbusTable::kCoil);
  EXPECT_EQ(parsed("discrete/65535").address, 65535);
  EXPECT_EQ(parsed("holding/100").type, ModbusType::kUint16);
  EXPECT_EQ(parsed("input/30:int16").type, ModbusType::kInt16);
  EXPECT_EQ(parsed("holding/100:float32:CDAB").order, ModbusOrder::kCdab);
  EXPECT_EQ(parsed("holding/100.15").bit, 15);
  EXPECT_EQ(parsed("holding/65532:float64").count(), 4);
  EXPECT_EQ(parse_modbus_address("holding/1:int32", ModbusOrder::kDcba)->order, ModbusOrder::kDcba);
}

TEST(ModbusAddress, SaysWhatIsWrongWithEveryBadName) {
  const std::map<std::string, std::string> expected = {
      {"", "begins with no table"},
      {"40101", "begins with no table"},
      {"hoolding/1", "begins with no table"},
      {"holding/", "no address of 0 to 65535"},
      {"holding/65536", "no address of 0 to 65535"},
      {"holding/-1", "no address of 0 to 65535"},
      {"holding/1x", "no address of 0 to 65535"},
      {"coil/5:int16", "is one bit and takes no type"},
      {"coil/5.1", "is one bit and takes no type"},
      {"holding/1.16", "names no bit of 0 to 15"},
      {"holding/1.2:int16", "names no bit of 0 to 15"},
      {"holding/1:float", "has no type 'float'; did you mean 'float32' or 'float64'?"},
      {"holding/1:bit", "has no type 'bit'"},
      {"holding/1:int32:abdc", "no order of bytes"},
      {"holding/65534:int64", "beyond the last register"},
  };
  for (const auto& [name, part] : expected) {
    const auto address = parse_modbus_address(name, ModbusOrder::kAbcd);
    ASSERT_FALSE(address) << name;
    EXPECT_NE(address.error().message.find(part), std::string::npos) << address.error().message;
  }
}

// 123456.0f is 0x47F12000; the four orders by hand.
TEST(ModbusAddress, HoldsValuesInEveryOrder) {
  const std::map<std::string, std::vector<std::uint16_t>> expected = {
      {"abcd", {0x47F1, 0x2000}}, {"cdab", {0x2000, 0x47F1}}, {"badc", {0xF147, 0x0020}}, {"dcba", {0x0020, 0xF147}}};
  for (const auto& [order, registers] : expected) {
    const ModbusAddress address = parsed("holding/0:float32:" + order);
    EXPECT_EQ(encode_registers(address, 123456.0).value(), registers) << order;
    EXPECT_EQ(decode_registers(address, registers), Value(123456.0)) << order;
  }
  // 0x0102030405060708, least register first
  EXPECT_EQ(
      decode_registers(parsed("holding/0:int64:cdab"), std::vector<std::uint16_t>{0x0708, 0x0506, 0x0304, 0x0102}),
      Value(std::int64_t{0x0102030405060708}));
}

TEST(ModbusAddress, ValuesOfEveryTypeComeBack) {
  const std::map<std::string, std::vector<Value>> values = {
      {"int16", {std::int64_t{-32768}, std::int64_t{32767}}},
      {"uint16", {std::int64_t{0}, std::int64_t{65535}}},
      {"int32", {std::int64_t{-2147483648LL}, std::int64_t{5}}},
      {"uint32", {std::int64_t{4294967295LL}}},
      {"int64", {std::int64_t{-9007199254740993LL}}},
      {"uint64", {std::int64_t{1} << 62}},
      {"float32", {-0.5, 1e-3f}},
      {"float64", {-1.25e-300}},
  };
  for (const std::string order : {"abcd", "cdab", "badc", "dcba"}) {
    for (const auto& [type, list] : values) {
      const ModbusAddress address = parsed("holding/7:" + type + ":" + order);
      for (const Value& value : list) {
        const auto registers = encode_registers(address, value);
        ASSERT_TRUE(registers) << type;
        EXPECT_EQ(number_of(decode_registers(address, *registers)), number_of(value)) << type << " " << order;
      }
    }
  }
  for (const auto& [type, value] : std::vector<std::pair<std::string, Value>>{{"int16", 32768.0},
                                                                              {"uint16", -1.0},
                                                                              {"uint16", 1.5},
                                                                              {"int32", 3e9},
                                                                              {"float32", 1e300},
                                                                              {"float64", std::string("x")}}) {
    EXPECT_EQ(encode_registers(parsed("holding/7:" + type), value).error().code, ErrorCode::kBadInput) << type;
  }
}

TEST(ModbusAddress, NeighboursAreReadTogether) {
  const std::vector<ModbusAddress> addresses = {
      parsed("holding/10:float32"), parsed("holding/0"), parsed("holding/12.3"), parsed("coil/0"),
      parsed("holding/40"),         parsed("input/0"),   parsed("coil/1999"),    parsed("holding/10.2")};
  std::vector<std::size_t> all(addresses.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto requests = plan_requests(addresses, all, 9);
  ASSERT_EQ(requests.size(), 5u);  // coil/0, coil/1999, holding/0 to 12, holding/40, input/0
  EXPECT_EQ(requests[2].first, 0);
  EXPECT_EQ(requests[2].count, 13);
  EXPECT_EQ(requests[2].signals, (std::vector<std::size_t>{1, 0, 7, 2}));
  EXPECT_EQ(plan_requests(addresses, all, 3000).size(), 3u);  // 2000 coils are one request
  EXPECT_EQ(plan_requests(addresses, all, -1).size(), 8u);
  std::vector<ModbusAddress> many;
  all.clear();
  for (int i = 0; i < 300; ++i) {
    many.push_back(parsed("holding/" + std::to_string(i)));
    all.push_back(static_cast<std::size_t>(i));
  }
  const auto cut = plan_requests(many, all, 0);
  ASSERT_EQ(cut.size(), 3u);
  EXPECT_EQ(cut[0].count, 125);
  EXPECT_EQ(cut[2].count, 50);
}

}  // namespace
}  // namespace geoul::link
