#include "geoul/link/mqtt/plain_topics.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace geoul::link {
namespace {

using nlohmann::json;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

template <class Number>
std::optional<Number> whole_text(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Read {
  Value value;
  bool is_bad = false;
};

// A leaf of a JSON document; none for objects and arrays.
std::optional<Read> read_leaf(const json& leaf) {
  if (leaf.is_boolean()) return Read{leaf.get<bool>()};
  if (leaf.is_number_unsigned() && leaf.get<std::uint64_t>() >> 63 != 0) return Read{leaf.get<double>()};
  if (leaf.is_number_integer()) return Read{leaf.get<std::int64_t>()};
  if (leaf.is_number()) return Read{leaf.get<double>(), !std::isfinite(leaf.get<double>())};
  if (leaf.is_string()) return Read{leaf.get<std::string>()};
  if (leaf.is_null()) return Read{Value(), true};
  return std::nullopt;
}

// A payload that is the value itself. None for JSON objects and arrays, and for bytes that are no text.
std::optional<Read> read_whole(std::string_view payload) {
  const std::string_view text = trimmed(payload);
  if (const auto integer = whole_text<std::int64_t>(text)) return Read{*integer};
  if (const auto number = whole_text<double>(text)) return Read{*number, !std::isfinite(*number)};
  if (text == "true" || text == "false") return Read{text == "true"};
  const json document = json::parse(text, nullptr, false);
  if (!document.is_discarded()) return read_leaf(document);
  // A text that is no JSON: quoted, the parser tells whether it is UTF-8.
  try {
    (void)json(std::string(payload)).dump();
  } catch (const json::exception&) {
    return std::nullopt;
  }
  return Read{std::string(payload)};
}

const json* find(const json& document, const std::string& pointer) {
  const json::json_pointer at(pointer);  // checked by parse_plain_name()
  return document.contains(at) ? &document.at(at) : nullptr;
}

ValueType type_of(const Value& value) { return static_cast<ValueType>(value.index()); }

}  // namespace

Result<PlainName> parse_plain_name(std::string_view name) {
  const auto bad = [&](const std::string& what) {
    return Error{ErrorCode::kBadInput,
                 "signal '" + std::string(name) + "': " + what + "; a plain signal is topic or topic#/json/pointer"};
  };
  const std::size_t hash = name.find('#');
  PlainName out{std::string(name.substr(0, hash)), ""};
  if (hash != std::string_view::npos) {
    out.pointer = name.substr(hash + 1);
    if (out.topic.empty() || out.topic.back() == '/' || out.pointer.empty())
      return bad("a wildcard is no single value");
    if (out.pointer[0] != '/') return bad("the pointer does not begin with '/'");
    for (std::size_t i = 0; i < out.pointer.size(); ++i) {
      if (out.pointer[i] != '~') continue;
      const char next = i + 1 < out.pointer.size() ? out.pointer[i + 1] : '\0';
      if (next != '0' && next != '1') return bad("in a pointer '~' is written ~0, and '/' within a name ~1");
    }
  }
  if (out.topic.empty()) return bad("no topic");
  if (out.topic.find('+') != std::string::npos) return bad("a wildcard is no single value");
  if (out.topic.find('\0') != std::string::npos || out.topic.size() > 65535) return bad("no topic of MQTT");
  return out;
}

PlainTopics::PlainTopics(Intake& intake, PlainOptions options) : intake_(intake), options_(std::move(options)) {
  const std::vector<std::string>& names = intake.options().signals;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const PlainName name = parse_plain_name(names[i]).value();
    topics_[name.topic].push_back({name.pointer, static_cast<std::uint32_t>(i)});
  }
}

std::vector<std::string> PlainTopics::filters() const {
  std::vector<std::string> filters;
  for (const auto& [topic, bound] : topics_) filters.push_back(topic);
  return filters;
}

void PlainTopics::fault(std::string_view topic, const std::string& what) {
  ++malformed_;
  intake_.set_problem("topic " + std::string(topic) + ": " + what);
}

void PlainTopics::message(std::string_view topic, std::string_view payload, bool retained) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return;
  if (payload.size() > kMaxPayloadBytes) return fault(topic, "a message of more than 4 MiB; split the document");
  std::vector<Intake::Item> items;
  std::optional<json> document;
  std::optional<Time> time;
  const auto push = [&](std::uint32_t signal, const Read& read) {
    const Quality quality = read.is_bad ? Quality::kBad : retained ? Quality::kUncertain : Quality::kGood;
    items.push_back({signal, read.value, quality, time});
  };
  for (const Bound& bound : at->second) {
    if (bound.pointer.empty()) {
      const auto read = read_whole(payload);
      if (read)
        push(bound.signal, *read);
      else
        fault(topic, "the payload is no single value; name one in it: " + at->first + "#/...");
      continue;
    }
    if (!document) {
      document = json::parse(payload, nullptr, false);
      if (document->is_discarded()) return fault(topic, "the payload is no JSON, and a value in it is asked for");
      const json* when = options_.time_pointer.empty() ? nullptr : find(*document, options_.time_pointer);
      if (when != nullptr && when->is_number() && std::abs(when->get<double>() * options_.time_unit) < 9e9) {
        time = Time::from_seconds(when->get<double>() * options_.time_unit);
      }
    }
    const json* leaf = find(*document, bound.pointer);
    const auto read = leaf == nullptr ? std::nullopt : read_leaf(*leaf);
    if (read)
      push(bound.signal, *read);
    else
      fault(topic, "the document has no value at " + bound.pointer + "; 'geoul link probe' lists what it has");
  }
  intake_.deliver(std::move(items));
}

std::string plain_payload(const Value& value, const std::string& pointer) {
  json leaf;
  std::visit([&leaf](const auto& v) { leaf = v; }, value);
  if (pointer.empty()) return std::holds_alternative<std::string>(value) ? std::get<std::string>(value) : leaf.dump();
  json document;
  document[json::json_pointer(pointer)] = leaf;
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

void browse_plain(std::string_view topic, std::string_view payload, std::map<std::string, OfferedSignal>& signals) {
  const auto add = [&](const std::string& name, const Read& read) {
    if (signals.size() >= kMaxBrowsed && !signals.contains(name)) return;
    signals[name] = {name, type_of(read.value), "", "", true, read.is_bad ? "" : to_string(read.value)};
  };
  if (topic.empty() || payload.size() > PlainTopics::kMaxPayloadBytes) return;
  if (const auto read = read_whole(payload)) return add(std::string(topic), *read);
  const json document = json::parse(payload, nullptr, false);
  if (document.is_discarded() || !document.is_structured()) return;
  const json flat = document.flatten();
  for (const auto& [pointer, leaf] : flat.items()) {
    if (document.at(json::json_pointer(pointer)).is_structured()) continue;  // empty ones are flattened to null
    if (const auto read = read_leaf(leaf)) add(std::string(topic) + "#" + pointer, *read);
  }
}

}  // namespace geoul::link
