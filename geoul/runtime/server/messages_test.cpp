#include "geoul/runtime/server/messages.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace geoul::runtime {
namespace {

using nlohmann::json;

// RFC 4648, section 10.
TEST(Base64, HasTheValuesOfItsStandard) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(ServerMessages, TextThatIsNotUtf8IsReplacedAndNeverThrown) {
  const std::string text = status_text(StatusLevel::kError, "\xff\xfe");
  EXPECT_EQ(json::parse(text)["level"], 2);
}

TEST(ServerMessages, OnlyBinarySchemasAreEncoded) {
  const json message = json::parse(advertise_text({{1, "/a", "json", "A", "jsonschema", "{}", false}}));
  EXPECT_EQ(message["channels"][0]["schema"], "{}");
}

TEST(ClientMessages, SubscriptionsAreParsed) {
  const auto message = parse_client_text(R"({"op":"subscribe","subscriptions":[{"id":3,"channelId":4294967295}]})");
  ASSERT_TRUE(message);
  const auto& request = std::get<SubscribeRequest>(*message);
  EXPECT_EQ(request.subscriptions[0].id, 3u);
  EXPECT_EQ(request.subscriptions[0].channel_id, 4294967295u);
}

TEST(ClientMessages, NumbersOutsideOfTheirRangeAreRefused) {
  for (const char* number : {"-1", "4294967296", "1.5", "1e400", "\"1\"", "null", "[1]"}) {
    EXPECT_FALSE(parse_client_text(R"({"op":"unsubscribe","subscriptionIds":[)" + std::string(number) + "]}"))
        << number;
  }
}

TEST(ClientMessages, ListsHaveALimit) {
  std::string ids = "0";
  for (std::size_t i = 0; i < kMaxListEntries; ++i) ids += ",0";
  EXPECT_FALSE(parse_client_text(R"({"op":"unsubscribe","subscriptionIds":[)" + ids + "]}"));
}

TEST(ClientMessages, DeepNestingIsNoHarm) {
  EXPECT_FALSE(parse_client_text(std::string(1'000'000, '[')));
  EXPECT_FALSE(parse_client_text(R"({"op":"x","y":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}"));
}

TEST(ClientMessages, CapabilitiesThatAreNotOfferedAreNamed) {
  const auto message = parse_client_text(R"({"op":"fetchAsset","uri":"file:///etc/passwd","requestId":1})");
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, ErrorCode::kUnsupported);
}

const std::filesystem::path kFolder = GEOUL_SOURCE_DIR "/geoul/runtime/server";

Result<ClientMessage> parse_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  return path.extension() == ".bin" ? parse_client_frame(bytes) : parse_client_text(bytes);
}

// testdata/bad/expected.txt: file, code.
TEST(ClientMessages, EveryBadFileIsRefusedWithItsCode) {
  std::ifstream expected(kFolder / "testdata/bad/expected.txt");
  std::string file, code;
  std::ptrdiff_t count = 0;
  while (expected >> file >> code) {
    ++count;
    const auto message = parse_file(kFolder / "testdata/bad" / file);
    ASSERT_FALSE(message) << file;
    EXPECT_EQ(message.error().code, code == "unsupported" ? ErrorCode::kUnsupported : ErrorCode::kBadInput) << file;
    EXPECT_FALSE(message.error().message.empty()) << file;
  }
  const std::filesystem::directory_iterator files(kFolder / "testdata/bad");
  EXPECT_EQ(count + 1, std::distance(begin(files), end(files)));
  EXPECT_GE(count, 30);
}

TEST(ClientMessages, TheSeedsOfTheFuzzTargetAreSound) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / "messages_fuzz_seeds")) {
    EXPECT_TRUE(parse_file(entry.path())) << entry.path();
  }
}

TEST(ClientMessages, ServiceCallsAreParsedAtAnyLength) {
  const std::string frame("\x02\x01\0\0\0\x02\0\0\0\x04\0\0\0jsonBODY", 21);
  const auto message = parse_client_frame(frame);
  ASSERT_TRUE(message);
  const auto& request = std::get<ServiceRequest>(*message);
  EXPECT_EQ(request.service_id, 1u);
  EXPECT_EQ(request.call_id, 2u);
  EXPECT_EQ(request.encoding, "json");
  EXPECT_EQ(request.payload, "BODY");
  for (std::size_t size = 0; size < 17; ++size) EXPECT_FALSE(parse_client_frame(frame.substr(0, size))) << size;
}

}  // namespace
}  // namespace geoul::runtime
