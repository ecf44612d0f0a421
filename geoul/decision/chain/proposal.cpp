#include <charconv>
#include <cmath>
#include <cstdio>

#include "geoul/core/sha256.h"
#include "geoul/decision/chain/chain.h"

namespace geoul::decision::chain {
namespace {

constexpr std::size_t kHead = 8;  // fields before the expectations, four each

std::string text_of(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}
bool read(const std::string& text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(out);
}

}  // namespace

std::vector<std::string> encode(const Proposal& p) {
  std::vector<std::string> out{p.id,
                               p.kind,
                               p.target,
                               p.payload,
                               p.roll_back,
                               std::to_string(p.data.ns),
                               std::to_string(p.expires.ns),
                               std::to_string(p.verify_within.ns)};
  for (const Expectation& e : p.expectations) {
    out.insert(out.end(), {e.signal, text_of(e.low), text_of(e.high), e.contradicts ? "contradicts" : "reaches"});
  }
  return out;
}

std::optional<Proposal> decode(const std::vector<std::string>& fields) {
  if (fields.size() < kHead || (fields.size() - kHead) % 4 != 0) return std::nullopt;
  Proposal out{fields[0], fields[1], fields[2], fields[3], fields[4], {}, {}, {}, {}};
  if (!parse_integer(fields[5], out.data.ns) || !parse_integer(fields[6], out.expires.ns) ||
      !parse_integer(fields[7], out.verify_within.ns)) {
    return std::nullopt;
  }
  for (std::size_t i = kHead; i < fields.size(); i += 4) {
    Expectation e{fields[i], 0, 0, fields[i + 3] == "contradicts"};
    if (!read(fields[i + 1], e.low) || !read(fields[i + 2], e.high)) return std::nullopt;
    out.expectations.push_back(std::move(e));
  }
  return out;
}

std::string digest(const Proposal& proposal) {
  Sha256 sha;
  for (const std::string& field : encode(proposal)) {
    const std::uint64_t size = field.size();  // each with its length, so that no two contents read alike
    sha.add(&size, sizeof(size));
    sha.add(field);
  }
  return hex(sha.finish());
}

const Rule& Policy::rule(const std::string& kind) const {
  const auto it = kinds.find(kind);
  return it == kinds.end() ? otherwise : it->second;
}

std::string_view to_string(Step step) {
  constexpr std::string_view kNames[] = {"proposed",    "rehearsed",    "checked",      "released",
                                         "sent",        "acknowledged", "rolling-back", "closed",
                                         "rolled-back", "refused",      "expired",      "withdrawn"};
  return kNames[static_cast<std::size_t>(step)];
}

}  // namespace geoul::decision::chain
