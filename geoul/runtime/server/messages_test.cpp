#include "geoul/runtime/server/messages.h"

#include <gtest/gtest.h>

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
