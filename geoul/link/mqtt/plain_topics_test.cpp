#include "geoul/link/mqtt/plain_topics.h"

#include <gtest/gtest.h>

namespace geoul::link {
namespace {

struct Fixture {
  Time clock{1'700'000'000'000'000'000};
  Intake intake;
  PlainTopics plain;
  std::vector<Update> updates;
  explicit Fixture(std::vector<std::string> signals, PlainOptions options = {})
      : intake({.id = "plant", .signals = std::move(signals), .now = [this] { return clock; }}),
        plain(intake, std::move(options)) {}
  const std::vector<Update>& send(std::string_view topic, std::string_view payload, bool retained = false) {
    plain.message(topic, payload, retained);
    updates.clear();
    intake.take(updates);
    return updates;
  }
};

TEST(PlainNames, AreATopicWithAPointerAndNoWildcard) {
  EXPECT_EQ(parse_plain_name("a/b").value().topic, "a/b");
  EXPECT_EQ(parse_plain_name("a/b#/c/0").value().pointer, "/c/0");
  EXPECT_EQ(parse_plain_name("a#/x~1y~0z").value().pointer, "/x~1y~0z");
  for (const char* name : {"", "#", "a/#", "a/+/b", "+", "#/x", "a#", "a#x", "a#/~2", "a#/~", "a+#/x"}) {
    EXPECT_FALSE(parse_plain_name(name)) << name;
  }
  EXPECT_NE(parse_plain_name("a/#").error().message.find("wildcard"), std::string::npos);
}

TEST(PlainTopics, ReadNumbersTruthAndText) {
  Fixture f({"t"});
  EXPECT_EQ(f.send("t", "1.5").at(0).value, Value(1.5));
  EXPECT_EQ(f.send("t", " -17\n").at(0).value, Value(std::int64_t{-17}));
  EXPECT_EQ(f.send("t", "true").at(0).value, Value(true));
  EXPECT_EQ(f.send("t", "\"quoted\"").at(0).value, Value(std::string("quoted")));
  EXPECT_EQ(f.send("t", "running").at(0).value, Value(std::string("running")));
  EXPECT_EQ(f.send("t", "nan").at(0).quality, Quality::kBad);
  EXPECT_EQ(f.send("t", "null").at(0).quality, Quality::kBad);
  EXPECT_EQ(f.send("t", "2", true).at(0).quality, Quality::kUncertain) << "kept by the broker: of unknown age";
  EXPECT_TRUE(f.send("other", "1").empty());
  EXPECT_TRUE(f.send("t", "\xff\xfe").empty());
  EXPECT_TRUE(f.send("t", "{\"a\":1}").empty());
  EXPECT_EQ(f.plain.malformed(), 2u);
}

TEST(PlainTopics, ReadValuesOfADocumentWithItsTime) {
  Fixture f({"t#/a/1", "t#/b", "t#/c~1d", "t"}, {.time_pointer = "/timestamp"});
  f.send("t", R"({"timestamp": 1699999999000, "a": [1, 2.5], "b": "on", "c/d": 18446744073709551615})");
  ASSERT_EQ(f.updates.size(), 3u);
  EXPECT_EQ(f.updates[0].value, Value(2.5));
  EXPECT_EQ(f.updates[0].source_time, f.clock - Duration{1'000'000'000});
  EXPECT_EQ(f.updates[1].value, Value(std::string("on")));
  EXPECT_EQ(f.updates[2].value, Value(0x1p64));
  EXPECT_EQ(f.plain.malformed(), 1u) << "the whole document is no value";
  EXPECT_EQ(f.plain.filters(), std::vector<std::string>{"t"});
}

TEST(PlainTopics, NameWhatTheyDoNotFind) {
  Fixture f({"t#/a"});
  EXPECT_TRUE(f.send("t", "{\"b\": 1}").empty());
  EXPECT_NE(f.intake.health().problem.find("no value at /a"), std::string::npos);
  EXPECT_TRUE(f.send("t", "{\"a\": {}}").empty());
  EXPECT_TRUE(f.send("t", "{broken").empty());
  EXPECT_NE(f.intake.health().problem.find("no JSON"), std::string::npos);
  EXPECT_TRUE(f.send("t", std::string(100'000, '[')).empty());
  EXPECT_EQ(f.plain.malformed(), 4u);
}

TEST(PlainTopics, WriteTextOrADocument) {
  EXPECT_EQ(plain_payload(1.5, ""), "1.5");
  EXPECT_EQ(plain_payload(std::string("go"), ""), "go");
  EXPECT_EQ(plain_payload(true, "/a/b"), R"({"a":{"b":true}})");
}

TEST(PlainTopics, BrowsingListsTheLeavesOfDocuments) {
  std::map<std::string, OfferedSignal> signals;
  browse_plain("t", R"({"a": [1, {"b/c": true}], "d": null, "e": {}})", signals);
  browse_plain("u", "3.5", signals);
  ASSERT_EQ(signals.size(), 4u);
  EXPECT_EQ(signals.at("t#/a/0").type, ValueType::kInteger);
  EXPECT_EQ(signals.at("t#/a/1/b~1c").value, "true");
  EXPECT_EQ(signals.at("t#/d").value, "");
  EXPECT_EQ(signals.at("u").value, "3.5");
}

}  // namespace
}  // namespace geoul::link
