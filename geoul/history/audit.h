// The audit trail: who did what and when, as a chain of hashes, in a file and in the catalogue. A record's hash is the
// SHA-256 of its sequence, time, actor, action and payload (each text with its length, integers as 8 bytes
// little-endian) and of the hash before it; the first one's is 64 zeros. One line a record, fields parted by tabs:
//   sequence  time [ns]  actor  action  payload  previous  hash        (\t \n \\ stand for tab, end of line, backslash)
// What verify_audit finds: a record changed, taken out, put in, moved, or the end cut off; of a cut that was made in
// file and catalogue alike only who has kept a head (audit_head) can tell, so keep one elsewhere.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/history/catalogue.h"
#include "geoul/history/posix_file.h"

namespace geoul::history {

// The hash of the row's other fields.
std::string audit_hash(const AuditRow& row);
// Its line, with the end of line.
std::string encode_audit(const AuditRow& row);

// Reads lines. Findings: "audit-line" (no such record), "audit-torn" (a warning: the last line has no end, it was never
// acknowledged).
std::vector<AuditRow> read_audit(std::string_view text, const std::string& name, Diagnostics& diagnostics);

// Findings, each with the sequence: "audit-hash" (the record was changed), "audit-order" (records are missing or
// moved), "audit-chain" (it does not follow the one before it).
void check_chain(const std::vector<AuditRow>& rows, const std::string& name, Diagnostics& diagnostics);

// "12:9f86d0...": what to keep elsewhere. Empty of no rows.
std::string audit_head(const std::vector<AuditRow>& rows);

// Compares file and catalogue and checks both; findings of the above, and "audit-differs", "audit-lacks" (one of the
// two ends early), "audit-head" (the head that was kept is not in the chain).
struct AuditCheck {
  std::size_t records = 0;
  std::string head;
};
Result<AuditCheck> verify_audit(const std::filesystem::path& file, Catalogue& catalogue, std::int64_t site,
                                const std::string& kept_head, Diagnostics& diagnostics);

// Appends; one process at a time (the recorder's lock). Not thread-safe.
class AuditTrail {
 public:
  // Goes on where file and catalogue end. A record that a crash has kept from the catalogue is put into it, a torn line
  // is cut off. kBadInput where the two tell different stories: see verify_audit.
  static Result<AuditTrail> open(const std::filesystem::path& file, Catalogue& catalogue, std::int64_t site);
  // On the disk, in both, when it returns.
  Result<AuditRow> append(Time time, const std::string& actor, const std::string& action, const std::string& payload);

 private:
  AuditTrail(PosixFile file, Catalogue& catalogue, std::int64_t site)
      : file_(std::move(file)), catalogue_(&catalogue), site_(site) {}
  PosixFile file_;
  Catalogue* catalogue_;
  std::int64_t site_;
  std::int64_t sequence_ = 0;
  std::string hash_;
};

}  // namespace geoul::history
