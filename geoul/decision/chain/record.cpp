#include "geoul/decision/chain/record.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "geoul/core/crc32.h"

namespace geoul::decision::chain {
namespace {

constexpr std::array<std::string_view, kEventCount> kNames = {
    "proposed",     "rehearsed",  "checked",      "approved",    "released", "sent",
    "acknowledged", "closed",     "rolling-back", "rolled-back", "refused",  "expired",
    "withdrawn",    "distrusted", "trusted",      "epoch",       "outcome"};

void escape(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
}

bool unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return false;
    if (text[i] == 't') {
      out += '\t';
    } else if (text[i] == 'n') {
      out += '\n';
    } else if (text[i] == '\\') {
      out += '\\';
    } else {
      return false;
    }
  }
  return true;
}

std::string crc_text(std::string_view line) {
  char text[9];
  std::snprintf(text, sizeof(text), "%08x", crc32(line));
  return text;
}

bool read_line(std::string_view line, Record& out) {
  const std::size_t last = line.rfind('\t');
  if (last == std::string_view::npos || crc_text(line.substr(0, last)) != line.substr(last + 1)) return false;
  line = line.substr(0, last);
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find('\t', begin), line.size());
    if (parts.size() == kMostFields + 6) return false;
    parts.emplace_back();
    if (!unescape(line.substr(begin, end - begin), parts.back())) return false;
    begin = end + 1;
  }
  if (parts.size() < 6 || !parse_integer(parts[0], out.sequence) || !parse_integer(parts[1], out.time.ns)) return false;
  int event = 0;
  while (event < kEventCount && kNames[std::size_t(event)] != parts[2]) ++event;
  if (event == kEventCount) return false;
  out.event = static_cast<Event>(event);
  out.command = parts[3], out.actor = parts[4], out.words = parts[5];
  out.fields.assign(parts.begin() + 6, parts.end());
  return true;
}

}  // namespace

std::string_view to_string(Event event) { return kNames[static_cast<std::size_t>(event)]; }

bool parse_integer(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  // One way to write each number: what is read is written again as the same bytes.
  return error == std::errc() && end == text.data() + text.size() && std::to_string(out) == text;
}

std::string encode(const Record& record) {
  std::string out = std::to_string(record.sequence) + '\t' + std::to_string(record.time.ns) + '\t';
  out += to_string(record.event);
  for (const std::string* text : {&record.command, &record.actor, &record.words}) out += '\t', escape(*text, out);
  for (const std::string& field : record.fields) out += '\t', escape(field, out);
  const std::string crc = crc_text(out);
  return out + '\t' + crc + '\n';
}

std::vector<Record> read_records(std::string_view text, const std::string& name, Diagnostics& diagnostics) {
  std::vector<Record> out;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      diagnostics.warning({name, number, ""}, "record-torn", "the last line has no end: it was never acknowledged",
                          "cut it off");
      break;
    }
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.size() > kMostRecordBytes) {
      diagnostics.error({name, number, ""}, "record-size", "a record of " + std::to_string(line.size()) + " bytes");
      break;
    }
    Record record;
    if (!read_line(line, record)) {
      diagnostics.error({name, number, ""}, "record-line", "no record of a command, or one that was changed",
                        "restore the log from its copy; nothing after this line is believed");
      break;
    }
    if (record.sequence != std::int64_t(out.size()) + 1) {
      diagnostics.error({name, number, ""}, "record-order",
                        "record " + std::to_string(record.sequence) + " where " + std::to_string(out.size() + 1) +
                            " belongs: records are missing or moved",
                        "restore the log from its copy");
      break;
    }
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace geoul::decision::chain
