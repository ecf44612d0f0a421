#include "geoul/link/opcua/messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace geoul::link::opcua {
namespace {

namespace fs = std::filesystem;
const fs::path kData = GEOUL_SOURCE_DIR "/geoul/link/opcua/testdata";

std::string read(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

template <class T>
T parse(const std::string& name) {
  const auto message = parse_message(read(kData / "good" / (name + ".json")));
  EXPECT_TRUE(message) << name;
  return message ? std::get<T>(*message) : T();
}

TEST(OpcuaMessages, UpdatesKeepEveryDigit) {
  const auto updates = parse<Updates>("updates");
  EXPECT_EQ(updates.lost, 2u);
  ASSERT_EQ(updates.items.size(), 8u);
  EXPECT_EQ(updates.items[0].value, Value(1.5));
  EXPECT_EQ(updates.items[0].time, Time{1'700'000'000'123'456'700});
  EXPECT_EQ(updates.items[1].value, Value(std::int64_t{-9007199254740993}));
  EXPECT_EQ(updates.items[1].quality, Quality::kUncertain);
  EXPECT_EQ(updates.items[1].time, std::nullopt);
  EXPECT_EQ(updates.items[2].value, Value(true));
  EXPECT_EQ(updates.items[3].value, std::nullopt);
  EXPECT_EQ(updates.items[3].quality, Quality::kBad);
  EXPECT_EQ(updates.items[4].value, Value(std::string("\xC3\xA9")));
  EXPECT_TRUE(std::isnan(std::get<double>(*updates.items[5].value)));
  EXPECT_EQ(updates.items[6].value, Value(-HUGE_VAL));
  EXPECT_EQ(updates.items[7].value, Value(3.0));  // a double that JavaScript wrote without a point
}

TEST(OpcuaMessages, AllKindsAreRead) {
  EXPECT_EQ(parse<Hello>("hello").protocol, kProtocol);
  EXPECT_EQ(parse<Pong>("pong").n, 7u);
  EXPECT_EQ(parse<Live>("live").peer, "opc.tcp://cell:4840");
  EXPECT_EQ(parse<Down>("down").problem, "nothing listens at opc.tcp://cell:4840");
  EXPECT_EQ(parse<Problem>("problem").signals, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_EQ(parse<Units>("units").items.at(1), (std::pair<std::uint32_t, std::string>(3, "mm/s")));
  EXPECT_EQ(parse<Event>("event").severity, 700);
  EXPECT_EQ(parse<Login>("login").user, "geoul");
  EXPECT_EQ(parse<Sessions>("sessions").count, 3);
  EXPECT_EQ(parse<Reply>("reply_write").id, 9u);
  EXPECT_EQ(parse<Reply>("reply_error").error->code, ErrorCode::kBadInput);
  const auto browse = parse<Reply>("reply_browse");
  ASSERT_EQ(browse.offered.size(), 1u);
  EXPECT_EQ(browse.offered[0].unit, "rad");
  EXPECT_TRUE(browse.offered[0].can_write);
  EXPECT_FALSE(browse.whole);
  EXPECT_EQ(parse<Reply>("reply_history").samples.size(), 2u);
  EXPECT_EQ(parse<Reply>("reply_call").values, (std::vector<Value>{std::int64_t{42}, std::string()}));
  EXPECT_EQ(parse<Reply>("reply_serve").namespaces.size(), 2u);
}

TEST(OpcuaMessages, BadFilesAreRefusedForTheirReason) {
  const std::map<std::string, std::string> reasons = {{"a_list", "no object"},
                                                      {"down_too_long", "'problem' is too long"},
                                                      {"empty_object", "no 'type'"},
                                                      {"event_severity_is_text", "'severity' is no count"},
                                                      {"hello_protocol_is_text", "'protocol' is no count"},
                                                      {"login_without_password", "no 'password'"},
                                                      {"no_json", "no JSON"},
                                                      {"not_utf8", "no JSON"},
                                                      {"pong_beyond_63_bits", "'n' is no count"},
                                                      {"pong_fraction", "'n' is no count"},
                                                      {"pong_negative", "'n' is no count"},
                                                      {"pong_without_n", "no 'n'"},
                                                      {"problem_signals_is_text", "'signals' is no such list"},
                                                      {"reply_error_without_code", "no 'code'"},
                                                      {"reply_offer_kind_4", "'kind' is no count"},
                                                      {"reply_offer_short", "'offer' is no such list"},
                                                      {"reply_ok_is_number", "'ok' is neither"},
                                                      {"reply_sample_is_number", "'sample' is no such list"},
                                                      {"too_deep", "nested too deeply"},
                                                      {"two_values", "no JSON"},
                                                      {"type_is_number", "'type' is no text"},
                                                      {"unknown_type", "'obey' is unknown"},
                                                      {"units_item_short", "'item' is no such list"},
                                                      {"units_text_is_number", "'unit' is no text"},
                                                      {"units_without_items", "no 'items'"},
                                                      {"updates_double_is_word", "'many' is no number"},
                                                      {"updates_integer_beyond_63_bits", "too large"},
                                                      {"updates_integer_is_fraction", "no integer"},
                                                      {"updates_item_long", "'item' is no such list"},
                                                      {"updates_item_short", "'item' is no such list"},
                                                      {"updates_items_is_object", "'items' is no such list"},
                                                      {"updates_kind_5", "'kind' is no count"},
                                                      {"updates_lost_negative", "'lost' is no count"},
                                                      {"updates_quality_3", "'quality' is no count"},
                                                      {"updates_signal_beyond_32_bits", "'signal' is no count"},
                                                      {"updates_text_is_number", "'value' is no text"},
                                                      {"updates_time_negative", "'time' is no count"},
                                                      {"updates_truth_is_number", "no truth"},
                                                      {"updates_without_items", "no 'items'"}};
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kData / "bad")) {
    ++files;
    const std::string name = entry.path().stem().string();
    const auto message = parse_message(read(entry.path()));
    ASSERT_FALSE(message) << name;
    ASSERT_TRUE(reasons.count(name)) << name << ": " << message.error().message;
    EXPECT_NE(message.error().message.find(reasons.at(name)), std::string::npos)
        << name << ": " << message.error().message;
    EXPECT_EQ(message.error().code, ErrorCode::kBadInput);
  }
  EXPECT_EQ(files, reasons.size());
}

TEST(OpcuaMessages, FramesComeWholeHoweverTheyAreCut) {
  const std::string stream = frame("{}") + frame("[1]") + frame(std::string(70'000, 'x'));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, stream.size()}) {
    FrameReader reader;
    std::vector<std::string> payloads;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(reader.feed(std::string_view(stream).substr(at, piece), payloads));
    }
    ASSERT_EQ(payloads.size(), 3u);
    EXPECT_EQ(payloads[1], "[1]");
    EXPECT_EQ(payloads[2].size(), 70'000u);
  }
}

TEST(OpcuaMessages, FramesOfNoOrTooManyBytesAreRefused) {
  std::vector<std::string> payloads;
  EXPECT_FALSE(FrameReader().feed(std::string(4, '\0'), payloads));
  EXPECT_FALSE(FrameReader().feed(std::string("\x01\x00\x00\x01", 4), payloads));  // one more than 16 MiB
  EXPECT_TRUE(FrameReader().feed(std::string("\x00\x00\x00\x01", 4), payloads));
  EXPECT_TRUE(payloads.empty());
}

TEST(OpcuaMessages, ValuesAreWrittenWithTheirKind) {
  EXPECT_EQ(value_fields(1.5), R"("kind":0,"value":1.5)");
  EXPECT_EQ(value_fields(std::nan("")), R"("kind":0,"value":"nan")");
  EXPECT_EQ(value_fields(-HUGE_VAL), R"("kind":0,"value":"-inf")");
  EXPECT_EQ(value_fields(std::int64_t{9007199254740993}), R"("kind":1,"value":"9007199254740993")");
  EXPECT_EQ(value_fields(true), R"("kind":2,"value":true)");
  EXPECT_EQ(value_fields(std::string("a\"\n")), R"("kind":3,"value":"a\"\n")");
  EXPECT_EQ(json_text("\xFF"), "\"\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace geoul::link::opcua
