#include "geoul/decision/chain/recommendation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace geoul::decision::chain {
namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

std::string sentence(const Consequence& c) {
  return c.quantity + ": " + short_number(c.expected) + " " + c.unit + " in " + short_number(c.ahead.seconds()) +
         " s (" + short_number(100 * c.confidence) + " % within " + short_number(c.low) + " to " +
         short_number(c.high) + ")";
}

void check(const Consequence& c, const std::string& path, Diagnostics& diagnostics) {
  const bool band = std::isfinite(c.low) && std::isfinite(c.high) && c.low <= c.expected && c.expected <= c.high;
  if (!band) diagnostics.error({"", 0, path}, "no-spread", c.quantity + " has no band around what is expected");
  if (!(c.confidence > 0 && c.confidence <= 1)) {
    diagnostics.error({"", 0, path}, "no-confidence", c.quantity + ": how much the band holds is not said");
  }
}

// JSON, written piece by piece.
struct Json {
  std::string text;
  bool first = true;

  void comma() {
    if (!first) text += ',';
    first = false;
  }
  void string(std::string_view value) {
    text += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text += '\\', text += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        char code[8];
        std::snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(c));
        text += code;
      } else {
        text += c;
      }
    }
    text += '"';
  }
  void key(std::string_view name) { comma(), string(name), text += ':'; }
  void field(std::string_view name, std::string_view value) { key(name), string(value); }
  void field(std::string_view name, const std::string& value) { field(name, std::string_view(value)); }
  void field(std::string_view name, const char* value) { field(name, std::string_view(value)); }
  void field(std::string_view name, double value) {
    key(name);
    char number[32];
    if (!std::isfinite(value)) return void(text += "null");
    text.append(number, std::to_chars(number, number + sizeof(number), value).ptr);
  }
  void field(std::string_view name, std::int64_t value) { key(name), text += std::to_string(value); }
  void field(std::string_view name, bool value) { key(name), text += value ? "true" : "false"; }
  template <class List, class One>
  void list(std::string_view name, const List& items, One&& one) {
    key(name), text += '[', first = true;
    for (const auto& item : items) {
      comma(), text += '{', first = true;
      one(item);
      text += '}', first = false;
    }
    text += ']', first = false;
  }
  void consequences(const std::vector<Consequence>& items) {
    list("consequences", items, [this](const Consequence& c) {
      field("quantity", c.quantity), field("unit", c.unit), field("expected", c.expected), field("low", c.low);
      field("high", c.high), field("confidence", c.confidence), field("ahead_s", c.ahead.seconds());
    });
  }
};

}  // namespace

void check(const Recommendation& r, Diagnostics& diagnostics) {
  if (r.data.empty()) diagnostics.error({"", 0, r.id}, "no-data", "it does not say which data it rests on");
  for (const DataUsed& data : r.data) {
    if (data.newest > r.made) diagnostics.error({"", 0, data.signal}, "future-data", "measured after it was used");
    if (!(std::isfinite(data.deviation) && data.deviation >= 0)) {
      diagnostics.error({"", 0, data.signal}, "no-spread", "how good the value is is not said");
    }
  }
  if (r.consequences.empty()) diagnostics.error({"", 0, r.id}, "no-consequence", "it does not say what will happen");
  for (const Consequence& c : r.consequences) check(c, r.id, diagnostics);
  if (r.uncertainty.empty()) diagnostics.error({"", 0, r.id}, "no-uncertainty", "it does not say what may be wrong");
  if (r.alternatives.empty()) {
    diagnostics.error({"", 0, r.id}, "no-alternative", "nothing else was looked at; to do nothing is an alternative");
  }
  for (const Alternative& a : r.alternatives) {
    if (a.why.empty())
      diagnostics.error({"", 0, a.action}, "no-why", "it does not say why this is not the first choice");
    for (const Consequence& c : a.consequences) check(c, a.action, diagnostics);
  }
}

Duration oldest_data(const Recommendation& r, Time now) {
  Duration out;
  for (const DataUsed& data : r.data) out = std::max(out, now - data.newest);
  return out;
}

std::string words(const Recommendation& r, Time now) {
  std::string out = r.action + ", because " + r.reason + "\n";
  for (const Consequence& c : r.consequences) out += "  predicted: " + sentence(c) + "\n";
  out += "  from " + std::to_string(r.futures) + " futures; uncertain: " + r.uncertainty + "\n";
  for (const DataUsed& data : r.data) {
    out += "  rests on " + data.signal + " = " + data.value + " +- " + short_number(data.deviation) + ", " +
           short_number((now - data.newest).seconds()) + " s old\n";
  }
  for (const Alternative& a : r.alternatives) {
    out += std::string(a.rejected ? "  rejected: " : "  or: ") + a.action + ", because " + a.why + "\n";
    for (const Consequence& c : a.consequences) out += "    predicted: " + sentence(c) + "\n";
  }
  return out;
}

std::string to_json(const Recommendation& r) {
  Json json;
  json.text = "{";
  json.field("id", r.id), json.field("action", r.action), json.field("reason", r.reason);
  json.field("made_ns", r.made.ns), json.field("uncertainty", r.uncertainty);
  json.field("futures", std::int64_t{r.futures});
  json.list("data", r.data, [&](const DataUsed& d) {
    json.field("signal", d.signal), json.field("newest_ns", d.newest.ns), json.field("value", d.value);
    json.field("deviation", d.deviation);
  });
  json.consequences(r.consequences);
  json.list("alternatives", r.alternatives, [&](const Alternative& a) {
    json.field("action", a.action), json.field("rejected", a.rejected), json.field("why", a.why);
    json.consequences(a.consequences);
  });
  return json.text + "}";
}

}  // namespace geoul::decision::chain
