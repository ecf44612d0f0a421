#include "geoul/history/journal.h"

#include <algorithm>
#include <optional>

#include "geoul/core/crc32.h"
#include "geoul/history/little_endian.h"

namespace geoul::history {
namespace {

constexpr std::string_view kMagic{"GEOULJ1\n", 8};
constexpr std::size_t kHeaderBytes = 8 + 24 + 4, kSecondHeader = kJournalBlock / 2;

std::uint32_t record_crc(std::uint64_t salt, const char* record, std::string_view head, std::string_view body) {
  char begin[8 + 4 + 9];  // salt, size, sequence and kind
  store(salt, begin);
  std::copy_n(record, 4, begin + 8);
  std::copy_n(record + 8, 9, begin + 12);
  return crc32(body, crc32(head, crc32({begin, sizeof(begin)})));
}

std::optional<JournalHeader> header_at(std::string_view bytes, std::size_t at) {
  if (bytes.size() < at + kHeaderBytes) return std::nullopt;
  const std::string_view content = bytes.substr(at, kHeaderBytes - 4);
  if (content.substr(0, 8) != kMagic || crc32(content) != load<std::uint32_t>(bytes.data() + at + kHeaderBytes - 4))
    return std::nullopt;
  const char* fields = content.data() + 8;
  return JournalHeader{load<std::uint64_t>(fields), load<std::uint64_t>(fields + 8), load<std::uint64_t>(fields + 16)};
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name, Diagnostics& diagnostics, JournalContents& out)
      : bytes_(bytes), name_(name), diagnostics_(diagnostics), out_(out), next_(out.header.first) {}

  void read() {
    for (std::size_t at = kJournalBlock; at < bytes_.size();) {
      std::optional<JournalRecord> record = record_at(at);
      if (!record && at % kJournalBlock != 0 && ends_here(at)) {
        at = (at / kJournalBlock + 1) * kJournalBlock;
        continue;
      }
      if (!record || missing(*record)) {
        const std::size_t found = find(at);
        if (found == bytes_.size()) return torn(at);
        record = record_at(found);
        if (record->kind != JournalKind::kMark) holes_.push_back({at, next_, record->sequence});
        if (counted(*record)) next_ = record->sequence;
        at = found;
      }
      take(*record);
      at += kJournalRecordHead + record->payload.size();
      end_ = at;
    }
  }
  std::uint64_t end() const { return (end_ + kJournalBlock - 1) / kJournalBlock * kJournalBlock; }

  // A hole below what was acknowledged is damage; above it, it is the end.
  void judge() {
    if (next_ <= out_.acknowledged) holes_.push_back({bytes_.size(), next_, out_.acknowledged + 1});
    for (const Hole& hole : holes_) {
      if (hole.next > out_.acknowledged) {
        while (!out_.records.empty() && out_.records.back().sequence >= hole.next) out_.records.pop_back();
        return torn(hole.at);
      }
      diagnostics_.error({name_, 0, "byte " + std::to_string(hole.at)}, "journal-damaged",
                         "records " + std::to_string(hole.next) + " to " + std::to_string(hole.found - 1) +
                             " were acknowledged and cannot be read: the disk has lost them",
                         "look after the disk; all other records are kept");
    }
  }

 private:
  struct Hole {
    std::size_t at;
    std::uint64_t next, found;  // sequences
  };
  static bool counted(const JournalRecord& r) {
    return r.kind == JournalKind::kChannel || r.kind == JournalKind::kMessage;
  }
  bool missing(const JournalRecord& record) const { return counted(record) && record.sequence != next_; }
  bool ends_here(std::size_t at) const {
    const std::size_t left = std::min({kJournalBlock - at % kJournalBlock, bytes_.size() - at, std::size_t{4}});
    return bytes_.substr(at, left) == std::string_view(kZeros, left);
  }

  std::optional<JournalRecord> record_at(std::size_t at) const {
    if (bytes_.size() - at < kJournalRecordHead) return std::nullopt;
    const char* head = bytes_.data() + at;
    const auto size = load<std::uint32_t>(head);
    const auto sequence = load<std::uint64_t>(head + 8);
    const auto kind = static_cast<std::uint8_t>(head[16]);
    if (size == 0 || size > bytes_.size() - at - kJournalRecordHead || kind < 1 || kind > 4) return std::nullopt;
    const JournalRecord out{static_cast<JournalKind>(kind), sequence, bytes_.substr(at + kJournalRecordHead, size)};
    // Cheap tests before the CRC: a search asks at every byte.
    const std::uint64_t most = next_ + bytes_.size() / kJournalRecordHead;
    if (sequence > most || (counted(out) ? sequence < next_ : sequence + 1 < out_.header.first)) return std::nullopt;
    if (out.kind == JournalKind::kMessage && size < kJournalMessageHead) return std::nullopt;
    if (out.kind == JournalKind::kMark && size != 8) return std::nullopt;
    if (record_crc(out_.header.salt, head, out.payload, {}) != load<std::uint32_t>(head + 4)) return std::nullopt;
    return out;
  }

  // The next sound record that is not older than what was read; the end where there is none.
  std::size_t find(std::size_t at) const {
    for (; at + kJournalRecordHead <= bytes_.size(); ++at) {
      if (record_at(at)) return at;
    }
    return bytes_.size();
  }

  void take(const JournalRecord& record) {
    if (record.kind == JournalKind::kMark) {
      out_.acknowledged = std::max(out_.acknowledged, load<std::uint64_t>(record.payload.data()));
      return;
    }
    if (counted(record)) next_ = record.sequence + 1;
    out_.records.push_back(record);
  }

  // Zeros and what an earlier use left are an end like any; a started commit that is not whole is worth a word.
  void torn(std::size_t at) {
    const bool blank = bytes_.size() - at < kJournalRecordHead ||
                       bytes_.substr(at, kJournalRecordHead) == std::string_view(kZeros, kJournalRecordHead);
    if (blank || (at % kJournalBlock == 0 && holes_.empty())) return;
    diagnostics_.warning({name_, 0, "byte " + std::to_string(at)}, "journal-torn",
                         "the last commit is not whole: it was never acknowledged, and is left out");
  }

  static constexpr char kZeros[kJournalRecordHead] = {};
  std::string_view bytes_;
  const std::string& name_;
  Diagnostics& diagnostics_;
  JournalContents& out_;
  std::uint64_t next_;                 // sequence
  std::uint64_t end_ = kJournalBlock;  // of the last sound record
  std::vector<Hole> holes_;
};

}  // namespace

std::string encode_journal_header(const JournalHeader& header) {
  std::string one(kMagic);
  put(header.generation, one), put(header.salt, one), put(header.first, one);
  put(crc32(one), one);
  std::string out = one;
  out.resize(kSecondHeader);
  out += one;
  out.resize(kJournalBlock);
  return out;
}

void encode_journal_record(JournalKind kind, std::uint64_t sequence, std::uint64_t salt, std::string_view head,
                           std::string_view body, std::string& out) {
  char begin[kJournalRecordHead];
  store(static_cast<std::uint32_t>(head.size() + body.size()), begin);
  store(sequence, begin + 8);
  begin[16] = static_cast<char>(kind);
  store(record_crc(salt, begin, head, body), begin + 4);
  out.append(begin, sizeof(begin));
  out.append(head);
  out.append(body);
}

void encode_journal_mark(std::uint64_t acknowledged, std::uint64_t salt, std::string& commit) {
  std::string mark;
  char payload[8];
  store(acknowledged, payload);
  encode_journal_record(JournalKind::kMark, acknowledged, salt, {payload, 8}, {}, mark);
  commit.replace(0, kJournalMark, mark);
}

void end_journal_commit(std::string& commit) {
  commit.resize((commit.size() + kJournalBlock - 1) / kJournalBlock * kJournalBlock, '\0');
}

JournalContents read_journal(std::string_view bytes, const std::string& name, Diagnostics& diagnostics) {
  JournalContents out;
  std::optional<JournalHeader> header = header_at(bytes, 0);
  const std::optional<JournalHeader> second = header_at(bytes, kSecondHeader);
  if (!header || (second && second->generation > header->generation)) header = second;
  if (!header) {
    if (bytes.substr(0, kJournalBlock).find_first_not_of('\0') != std::string_view::npos) {
      diagnostics.error({name, 0, "byte 0"}, "journal-header", "both headers of the journal are damaged",
                        "look after the disk; what stands in segments is kept");
    }
    return out;
  }
  out.written = true;
  out.header = *header;
  Reader reader(bytes, name, diagnostics, out);
  reader.read();
  reader.judge();
  out.end = reader.end();
  return out;
}

}  // namespace geoul::history
