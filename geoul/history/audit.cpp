#include "geoul/history/audit.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "geoul/core/sha256.h"
#include "geoul/history/little_endian.h"

namespace geoul::history {
namespace {

constexpr std::size_t kHashDigits = 64, kFields = 7;
constexpr std::uint64_t kMostBytes = 1u << 30;

std::string zeros() { return std::string(kHashDigits, '0'); }

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\t')
      out += "\\t";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\\')
      out += "\\\\";
    else
      out.push_back(c);
  }
  return out;
}

// None where a backslash stands before anything else.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    const char next = ++i < text.size() ? text[i] : '\0';
    if (next != 't' && next != 'n' && next != '\\') return std::nullopt;
    out.push_back(next == 't' ? '\t' : next == 'n' ? '\n' : '\\');
  }
  return out;
}

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

std::optional<AuditRow> decode_audit(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size() && fields.size() <= kFields;) {
    const std::size_t end = std::min(line.find('\t', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() != kFields) return std::nullopt;
  const auto sequence = number(fields[0]), time = number(fields[1]);
  const auto actor = unescaped(fields[2]), action = unescaped(fields[3]), payload = unescaped(fields[4]);
  if (!sequence || !time || !actor || !action || !payload || !is_hash(fields[5]) || !is_hash(fields[6]))
    return std::nullopt;
  AuditRow out{*sequence, {*time}, *actor, *action, *payload, std::string(fields[5]), std::string(fields[6])};
  // One way to write a record: "+1", "01" or a needless escape is a change too.
  const std::string again = encode_audit(out);
  return std::string_view(again).substr(0, again.size() - 1) == line ? std::optional(out) : std::nullopt;
}

bool same(const AuditRow& a, const AuditRow& b) { return encode_audit(a) == encode_audit(b); }

}  // namespace

std::string audit_hash(const AuditRow& row) {
  std::string bytes;
  put(row.sequence, bytes), put(row.time.ns, bytes);
  put_text(row.actor, bytes), put_text(row.action, bytes), put_text(row.payload, bytes), put_text(row.previous, bytes);
  Sha256 hash;
  hash.add(bytes);
  return hex(hash.finish());
}

std::string encode_audit(const AuditRow& row) {
  std::string out = std::to_string(row.sequence) + "\t" + std::to_string(row.time.ns);
  for (const std::string* text : {&row.actor, &row.action, &row.payload, &row.previous, &row.hash})
    out += "\t" + escaped(*text);
  return out + "\n";
}

std::vector<AuditRow> read_audit(std::string_view text, const std::string& name, Diagnostics& diagnostics) {
  std::vector<AuditRow> out;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      diagnostics.warning({name, line, {}}, "audit-torn", "the last line has no end: it was never acknowledged");
      break;
    }
    if (auto row = decode_audit(text.substr(0, end))) {
      out.push_back(std::move(*row));
    } else {
      diagnostics.error({name, line, {}}, "audit-line", "this line is no audit record: it was damaged or changed");
    }
    text.remove_prefix(end + 1);
  }
  return out;
}

void check_chain(const std::vector<AuditRow>& rows, const std::string& name, Diagnostics& diagnostics) {
  std::int64_t expected = 1;
  std::string previous = zeros();
  for (const AuditRow& row : rows) {
    const Location where{name, 0, "record " + std::to_string(row.sequence)};
    if (audit_hash(row) != row.hash)
      diagnostics.error(where, "audit-hash", "the record was changed: its hash is another");
    if (row.sequence != expected) {
      const bool ahead = row.sequence > expected;
      diagnostics.error(
          where, "audit-order",
          ahead ? "records " + std::to_string(expected) + " to " + std::to_string(row.sequence - 1) +
                      " are missing before it"
                : "it stands after record " + std::to_string(expected - 1) + ": records were moved or repeated");
    }
    if (row.previous != previous)
      diagnostics.error(where, "audit-chain",
                        "it does not follow the record before it: one of the two was changed or taken out");
    expected = row.sequence + 1;
    previous = row.hash;
  }
}

std::string audit_head(const std::vector<AuditRow>& rows) {
  return rows.empty() ? std::string() : std::to_string(rows.back().sequence) + ":" + rows.back().hash;
}

Result<AuditCheck> verify_audit(const std::filesystem::path& file, Catalogue& catalogue, std::int64_t site,
                                const std::string& kept_head, Diagnostics& diagnostics) {
  const Result<std::string> text = read_file(file, kMostBytes);
  if (!text && text.error().code != ErrorCode::kNotFound) return text.error();
  const std::vector<AuditRow> of_file = read_audit(text ? *text : std::string(), file.string(), diagnostics);
  check_chain(of_file, file.string(), diagnostics);
  const Result<std::vector<AuditRow>> found = catalogue.audit(site);
  if (!found && found.error().code != ErrorCode::kBadInput) return found.error();
  if (!found) diagnostics.error({"catalogue", 0, "audit"}, "audit-hash", found.error().message);
  const std::vector<AuditRow> of_catalogue = found ? *found : std::vector<AuditRow>();
  check_chain(of_catalogue, "catalogue", diagnostics);
  const std::size_t both = std::min(of_file.size(), of_catalogue.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (same(of_file[i], of_catalogue[i])) continue;
    diagnostics.error({file.string(), static_cast<int>(i) + 1, "record " + std::to_string(of_file[i].sequence)},
                      "audit-differs", "the file says otherwise than the catalogue");
  }
  if (found && of_file.size() != of_catalogue.size()) {
    const bool of_short_file = of_file.size() < of_catalogue.size();
    diagnostics.error({of_short_file ? file.string() : "catalogue", 0, {}}, "audit-lacks",
                      "ends after " + std::to_string(both) + " records where the " +
                          (of_short_file ? "catalogue" : "file") + " has " +
                          std::to_string(std::max(of_file.size(), of_catalogue.size())) + ": its end was cut off");
  }
  const bool kept = kept_head.empty() || std::any_of(of_file.begin(), of_file.end(), [&](const AuditRow& row) {
                      return std::to_string(row.sequence) + ":" + row.hash == kept_head;
                    });
  if (!kept) {
    diagnostics.error({file.string(), 0, {}}, "audit-head",
                      "the head that was kept, " + kept_head.substr(0, 24) +
                          "..., is not in the chain: its end was cut "
                          "off, or all of it was written anew");
  }
  return AuditCheck{of_file.size(), audit_head(of_file)};
}

Result<AuditTrail> AuditTrail::open(const std::filesystem::path& file, Catalogue& catalogue, std::int64_t site) {
  Result<PosixFile> opened = PosixFile::open(file, O_RDWR | O_CREAT);
  if (!opened) return opened.error();
  const Result<std::string> text = opened->read_all(kMostBytes);
  if (!text) return text.error();
  Diagnostics diagnostics;
  const std::vector<AuditRow> rows = read_audit(*text, file.string(), diagnostics);
  check_chain(rows, file.string(), diagnostics);
  Result<std::vector<AuditRow>> known = catalogue.audit(site);
  if (!known) return known.error();
  // At most one record may be on its way from the file to the catalogue.
  bool good = diagnostics.ok() && (known->size() == rows.size() || known->size() + 1 == rows.size());
  for (std::size_t i = 0; good && i < known->size(); ++i) good = same(rows[i], known->at(i));
  if (!good) {
    return Error{ErrorCode::kBadInput, file.string() +
                                           ": the audit trail was changed or damaged; run 'geoul history "
                                           "verify' to see where, and restore it before recording on"};
  }
  if (diagnostics.has("audit-torn")) {
    if (Result<void> cut = opened->resize(text->rfind('\n') + 1); !cut) return cut.error();  // npos + 1 is 0
  }
  if (known->size() < rows.size()) {
    if (Result<void> added = catalogue.add_audit(site, rows.back()); !added) return added.error();
  }
  AuditTrail out(std::move(*opened), catalogue, site);
  out.sequence_ = rows.empty() ? 0 : rows.back().sequence;
  out.hash_ = rows.empty() ? zeros() : rows.back().hash;
  return out;
}

Result<AuditRow> AuditTrail::append(Time time, const std::string& actor, const std::string& action,
                                    const std::string& payload) {
  AuditRow row{sequence_ + 1, time, actor, action, payload, hash_, {}};
  row.hash = audit_hash(row);
  if (Result<void> done = file_.append(encode_audit(row)); !done) return done.error();
  if (Result<void> done = file_.sync(); !done) return done.error();
  sequence_ = row.sequence, hash_ = row.hash;
  if (Result<void> done = catalogue_->add_audit(site_, row); !done) return done.error();
  return row;
}

}  // namespace geoul::history
