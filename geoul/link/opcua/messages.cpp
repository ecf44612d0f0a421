#include "geoul/link/opcua/messages.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

namespace geoul::link::opcua {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 6;
constexpr std::size_t kMaxWord = 4096;  // bytes of a version, a name, a problem; longer ones are no message of ours

// What is missing in a message; caught in parse_message.
struct Malformed {
  std::string what;
};
[[noreturn]] void malformed(std::string what) { throw Malformed{std::move(what)}; }

const Json& member(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end()) malformed(std::string("no '") + key + "'");
  return *at;
}

std::string text_of(const Json& json, const char* what, std::size_t longest = kMaxWord) {
  if (!json.is_string()) malformed(std::string("'") + what + "' is no text");
  const auto& text = json.get_ref<const std::string&>();
  if (text.size() > longest) malformed(std::string("'") + what + "' is too long");
  return text;
}
std::string text(const Json& object, const char* key, std::size_t longest = kMaxWord) {
  return text_of(member(object, key), key, longest);
}

std::uint64_t count_of(const Json& json, std::uint64_t most, const char* what) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most) {
    malformed(std::string("'") + what + "' is no count up to " + std::to_string(most));
  }
  return json.get<std::uint64_t>();
}
std::uint64_t count(const Json& object, const char* key,
                    std::uint64_t most = std::numeric_limits<std::int64_t>::max()) {
  return count_of(member(object, key), most, key);
}

bool truth(const Json& object, const char* key) {
  const Json& json = member(object, key);
  if (!json.is_boolean()) malformed(std::string("'") + key + "' is neither true nor false");
  return json.get<bool>();
}

const Json& list_of(const Json& json, std::size_t size, const char* what) {
  if (!json.is_array() || (size != 0 && json.size() != size)) malformed(std::string("'") + what + "' is no such list");
  return json;
}
const Json& list(const Json& object, const char* key) { return list_of(member(object, key), 0, key); }

double number_of(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const std::string word = text_of(json, "value");
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (word == "inf") return std::numeric_limits<double>::infinity();
  if (word == "-inf") return -std::numeric_limits<double>::infinity();
  malformed("a value '" + word.substr(0, 40) + "' is no number");
}

// A value by its kind: the order of ValueType, and 4 for none.
std::optional<Value> value_of(const Json& kind, const Json& json) {
  switch (count_of(kind, 4, "kind")) {
    case 0: return Value(number_of(json));
    case 1:
      if (!json.is_number_integer()) malformed("a value is no integer");
      if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{1} << 63)
        malformed("a value is too large");
      return Value(json.get<std::int64_t>());
    case 2:
      if (!json.is_boolean()) malformed("a value is no truth");
      return Value(json.get<bool>());
    case 3: return Value(text_of(json, "value", kMaxFrameBytes));
    default: return std::nullopt;
  }
}

std::optional<Time> time_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Time{static_cast<std::int64_t>(count_of(json, std::numeric_limits<std::int64_t>::max(), "time"))};
}

Quality quality_of(const Json& json) { return static_cast<Quality>(count_of(json, 2, "quality")); }

Updates updates_of(const Json& json) {
  Updates updates;
  updates.lost = count(json, "lost");
  const Json& items = list(json, "items");
  updates.items.reserve(items.size());
  for (const Json& item : items) {
    list_of(item, 5, "item");
    updates.items.push_back(
        {static_cast<std::uint32_t>(count_of(item[0], std::numeric_limits<std::uint32_t>::max(), "signal")),
         quality_of(item[1]), value_of(item[2], item[3]), time_of(item[4])});
  }
  return updates;
}

ErrorCode code_of(const std::string& word) {
  if (word == "not-found") return ErrorCode::kNotFound;
  if (word == "bad-input") return ErrorCode::kBadInput;
  if (word == "unsupported") return ErrorCode::kUnsupported;
  if (word == "unavailable") return ErrorCode::kUnavailable;
  return ErrorCode::kInternal;
}

Reply reply_of(const Json& json) {
  Reply reply;
  reply.id = count(json, "id");
  if (!truth(json, "ok")) {
    reply.error = Error{code_of(text(json, "code")), text(json, "error")};
    return reply;
  }
  if (json.contains("whole")) reply.whole = truth(json, "whole");
  if (json.contains("url")) reply.url = text(json, "url");
  if (json.contains("namespaces")) {
    for (const Json& uri : list(json, "namespaces")) reply.namespaces.push_back(text_of(uri, "namespace"));
  }
  if (json.contains("offered")) {
    for (const Json& offer : list(json, "offered")) {
      list_of(offer, 6, "offer");
      if (!offer[4].is_boolean()) malformed("an offer does not say whether it can be written");
      reply.offered.push_back({text_of(offer[0], "name"), static_cast<ValueType>(count_of(offer[1], 3, "kind")),
                               text_of(offer[2], "unit"), text_of(offer[3], "description", kMaxFrameBytes),
                               offer[4].get<bool>(), text_of(offer[5], "value", kMaxFrameBytes)});
    }
  }
  if (json.contains("samples")) {
    for (const Json& sample : list(json, "samples")) {
      list_of(sample, 4, "sample");
      reply.samples.push_back({0, quality_of(sample[0]), value_of(sample[1], sample[2]), time_of(sample[3])});
    }
  }
  if (json.contains("values")) {
    for (const Json& value : list(json, "values")) {
      list_of(value, 2, "value");
      // What is no signal keeps its place, as empty text.
      reply.values.push_back(value_of(value[0], value[1]).value_or(Value(std::string())));
    }
  }
  return reply;
}

Problem problem_of(const Json& json) {
  Problem problem{text(json, "text"), {}};
  for (const Json& signal : list(json, "signals")) {
    problem.signals.push_back(
        static_cast<std::uint32_t>(count_of(signal, std::numeric_limits<std::uint32_t>::max(), "signal")));
  }
  return problem;
}

Units units_of(const Json& json) {
  Units units;
  for (const Json& item : list(json, "items")) {
    list_of(item, 2, "item");
    units.items.emplace_back(
        static_cast<std::uint32_t>(count_of(item[0], std::numeric_limits<std::uint32_t>::max(), "signal")),
        text_of(item[1], "unit"));
  }
  return units;
}

Message message_of(const Json& json) {
  if (!json.is_object()) malformed("it is no object");
  const std::string type = text(json, "type");
  if (type == "updates") return updates_of(json);
  if (type == "reply") return reply_of(json);
  if (type == "pong") return Pong{count(json, "n")};
  if (type == "hello")
    return Hello{static_cast<int>(count(json, "protocol", 1'000'000)), text(json, "node"), text(json, "library")};
  if (type == "live") return Live{text(json, "peer")};
  if (type == "down") return Down{text(json, "problem")};
  if (type == "problem") return problem_of(json);
  if (type == "units") return units_of(json);
  if (type == "login") return Login{count(json, "id"), text(json, "user"), text(json, "password")};
  if (type == "sessions") return Sessions{static_cast<int>(count(json, "count", 1'000'000))};
  if (type == "event") {
    return Event{text(json, "from"),
                 text(json, "source"),
                 text(json, "event_type"),
                 text(json, "message", kMaxFrameBytes),
                 time_of(member(json, "time")),
                 static_cast<int>(count(json, "severity", 65'535))};
  }
  malformed("its type '" + type.substr(0, 40) + "' is unknown");
}

// Depth of nesting, without regard to whether the rest is JSON; a parser would take memory for every level.
bool is_deep(std::string_view text) {
  int depth = 0;
  bool quote = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote) {
      if (c == '\\') ++i;
      if (c == '"') quote = false;
    } else if (c == '"') {
      quote = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Error bad_message(const std::string& what) {
  return {ErrorCode::kBadInput, "the OPC UA gateway sent a message that cannot be read: " + what};
}

}  // namespace

Result<void> FrameReader::feed(std::string_view bytes, std::vector<std::string>& payloads) {
  waiting_.append(bytes);
  std::size_t at = 0;
  while (waiting_.size() - at >= 4) {
    std::size_t length = 0;
    for (std::size_t k = 0; k < 4; ++k) length |= std::size_t{static_cast<unsigned char>(waiting_[at + k])} << (8 * k);
    if (length == 0 || length > kMaxFrameBytes) return bad_message("a frame of " + std::to_string(length) + " bytes");
    if (waiting_.size() - at - 4 < length) break;
    payloads.push_back(waiting_.substr(at + 4, length));
    at += 4 + length;
  }
  waiting_.erase(0, at);
  return {};
}

std::string frame(std::string_view payload) {
  GEOUL_EXPECTS(!payload.empty() && payload.size() <= kMaxFrameBytes);
  std::string out;
  out.reserve(payload.size() + 4);
  for (std::size_t k = 0; k < 4; ++k) out.push_back(static_cast<char>(payload.size() >> (8 * k) & 0xFF));
  return out.append(payload);
}

Result<Message> parse_message(std::string_view payload) {
  if (is_deep(payload)) return bad_message("it is nested too deeply");
  const Json json = Json::parse(payload, nullptr, false);
  if (json.is_discarded()) return bad_message("it is no JSON");
  try {
    return message_of(json);
  } catch (const Malformed& error) {
    return bad_message(error.what);
  }
}

std::string value_fields(const Value& value) {
  const std::string kind = R"("kind":)" + std::to_string(value.index()) + R"(,"value":)";
  switch (value.index()) {
    case 0: {
      const double number = std::get<double>(value);
      if (std::isnan(number)) return kind + "\"nan\"";
      if (std::isinf(number)) return kind + (number > 0 ? "\"inf\"" : "\"-inf\"");
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.17g", number);
      return kind + digits;
    }
    case 1: return kind + '"' + std::to_string(std::get<std::int64_t>(value)) + '"';  // JavaScript rounds above 2^53
    case 2: return kind + (std::get<bool>(value) ? "true" : "false");
    default: return kind + json_text(std::get<std::string>(value));
  }
}

std::string json_text(std::string_view text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace geoul::link::opcua
