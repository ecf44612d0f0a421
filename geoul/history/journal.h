// The journal: where records are durable before they are in a segment. Two files, used in turn and never grown while
// they are written. A file is blocks of 4,096 bytes:
//   block 0   the header, twice (at 0 and 2,048), so that no half page can take it
//   then      commits, one after the other, each from the begin of a block: what is acknowledged is never written again
// A commit is records: u32 size of the payload, u32 CRC-32, u64 sequence, u8 kind, payload; little-endian. The CRC
// covers all but itself, and starts from the file's salt (one a recorder), so that what another one left behind is not
// read; what this one left behind has sequences before the header's. A size of
// 0 ends a commit before the end of its block. The first record of a commit is a mark: the last sequence that was
// acknowledged when it was written. Hence whoever finds a hole knows whether what is missing was ever promised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"

namespace geoul::history {

enum class JournalKind : std::uint8_t {
  kMark = 1,        // the last sequence acknowledged, u64
  kCheckpoint = 2,  // what stands in a segment: see segments.h; its sequence is the last one that does
  kChannel = 3,     // records of MCAP: a schema or none, a channel
  kMessage = 4,     // u16 channel, u64 log time, u64 publish time, data
};

inline constexpr std::size_t kJournalBlock = 4096;
inline constexpr std::size_t kJournalRecordHead = 17;  // bytes before the payload
inline constexpr std::size_t kJournalMark = kJournalRecordHead + 8;
inline constexpr std::size_t kJournalMessageHead = 18;

struct JournalHeader {
  std::uint64_t generation = 0;  // of two files the one with the greater was begun later
  std::uint64_t salt = 0;
  std::uint64_t first = 0;  // sequence of the first record
};
// One block.
std::string encode_journal_header(const JournalHeader& header);

struct JournalRecord {
  JournalKind kind = JournalKind::kMark;
  std::uint64_t sequence = 0;
  std::string_view payload;
};
// Appends the record; the payload is head and body joined.
void encode_journal_record(JournalKind kind, std::uint64_t sequence, std::uint64_t salt, std::string_view head,
                           std::string_view body, std::string& out);
// Writes a mark over the first kJournalMark bytes of a commit.
void encode_journal_mark(std::uint64_t acknowledged, std::uint64_t salt, std::string& commit);
// Fills the last block with zeros.
void end_journal_commit(std::string& commit);

// What stands in the bytes of a journal file, damage included. Payloads view the bytes.
struct JournalContents {
  bool written = false;  // false: an empty file, or one that was never used
  JournalHeader header;
  std::vector<JournalRecord> records;  // without marks, in order; sequences of channels and messages rise by one
  std::uint64_t acknowledged = 0;      // by the newest mark
  std::uint64_t end = 0;               // where the next commit goes
};
// Findings: "journal-header" (both headers damaged: nothing is read), "journal-damaged" (a hole with sound records
// after it), "journal-torn" (a warning: the end is not whole, and nothing says that it was acknowledged).
JournalContents read_journal(std::string_view bytes, const std::string& name, Diagnostics& diagnostics);

}  // namespace geoul::history
