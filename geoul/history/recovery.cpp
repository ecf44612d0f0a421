#include "geoul/history/recovery.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "geoul/history/journal.h"
#include "geoul/history/little_endian.h"
#include "geoul/history/recorder.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostJournalBytes = 1u << 30;

struct Journals {
  std::string bytes[2];
  JournalContents contents[2];
  int older() const { return contents[0].header.generation < contents[1].header.generation ? 0 : 1; }
  bool any() const { return contents[0].written || contents[1].written; }
};

Result<void> read_journals(const fs::path& folder, Journals& out, Diagnostics& diagnostics) {
  for (int i = 0; i < 2; ++i) {
    const fs::path path = journal_path(folder, i);
    Result<std::string> bytes = read_file(path, kMostJournalBytes);
    if (!bytes && bytes.error().code != ErrorCode::kNotFound) return bytes.error();
    if (bytes) out.bytes[i] = std::move(*bytes);
    out.contents[i] = read_journal(out.bytes[i], path.string(), diagnostics);
  }
  return {};
}

// By number.
std::map<std::uint64_t, fs::path> segment_files(const fs::path& folder) {
  std::map<std::uint64_t, fs::path> out;
  std::error_code code;
  for (fs::directory_iterator entry(segments_path(folder), code), end; !code && entry != end; entry.increment(code)) {
    if (const auto number = segment_number(entry->path().filename().string())) out[*number] = entry->path();
  }
  return out;
}

class Recovery {
 public:
  Recovery(const fs::path& folder, const SegmentOptions& options, const SegmentDone& done, Diagnostics& diagnostics)
      : folder_(folder), diagnostics_(diagnostics), writer_(segments_path(folder), options, {}, done) {}

  Result<Recovered> run() {
    if (Result<void> done = read_journals(folder_, journals_, diagnostics_); !done) return done.error();
    const std::map<std::uint64_t, fs::path> files = segment_files(folder_);
    if (!files.empty()) out_.number = files.rbegin()->first;
    if (!journals_.any()) return out_;
    find_checkpoint();
    if (Result<void> done = go_on(files); !done) return done.error();
    if (Result<void> done = replay(); !done) return done.error();
    out_.channels = writer_.channels();
    if (Result<void> done = writer_.close_segment(); !done) return done.error();
    if (Result<void> done = end_journal(); !done) return done.error();
    return out_;
  }

 private:
  // The newest: what ended a journal and what began the next one have the same sequence, and only the later one knows
  // the labels.
  void find_checkpoint() {
    for (const int i : {journals_.older(), 1 - journals_.older()}) {
      const JournalContents& journal = journals_.contents[i];
      for (const JournalRecord& record : journal.records) {
        if (record.kind != JournalKind::kCheckpoint) continue;
        auto found = decode_checkpoint(record.payload);
        if (found && (!has_checkpoint_ || found->sequence >= start_.sequence)) {
          has_checkpoint_ = true;
          start_ = std::move(*found);
        }
      }
      out_.generation = std::max(out_.generation, journal.header.generation);
    }
    covered_ = start_.sequence;
  }

  // Segments that were closed after the checkpoint stand as they are; one that was not is written on from there, and
  // later ones, whose messages are all in the journal, are written again.
  Result<void> go_on(const std::map<std::uint64_t, fs::path>& files) {
    SegmentCheckpoint start = start_;
    std::vector<fs::path> again;
    for (auto file = files.lower_bound(start.file.empty() ? start.number + 1 : start.number); file != files.end();
         ++file) {
      const std::string name = file->second.filename().string();
      if (const auto last = last_sequence(file->second)) {
        covered_ = std::max(covered_, *last);
        start.number = std::max(start.number, file->first);
        if (name == start.file) start.file.clear();
      } else if (name != start.file) {
        again.push_back(file->second);
      }
    }
    for (const fs::path& path : again) {
      std::error_code code;
      if (!fs::remove(path, code))
        return Error{ErrorCode::kUnavailable, path.string() + ": cannot be removed: " + code.message()};
    }
    Result<void> resumed = writer_.resume(start);
    if (resumed || resumed.error().code == ErrorCode::kUnavailable) return resumed;
    diagnostics_.error({(segments_path(folder_) / start.file).string(), 0, {}}, "segment-lost", resumed.error().message,
                       "what follows is kept in a new segment");
    start.file.clear();
    return writer_.resume(start);
  }

  Result<void> replay() {
    const int order[2] = {journals_.older(), 1 - journals_.older()};
    std::uint64_t next = 0, found = 0;
    for (const int i : order) {
      bool first = true;
      for (const JournalRecord& record : journals_.contents[i].records) {
        if (record.kind == JournalKind::kCheckpoint) continue;
        if (std::exchange(first, false) && next != 0 && record.sequence > next) lost_between(next, record.sequence, i);
        next = record.sequence + 1;
        const bool fresh = record.sequence > (record.kind == JournalKind::kChannel ? start_.sequence : covered_);
        if (!fresh) continue;
        ++found;
        if (Result<void> done = put(record); !done) return done;
      }
    }
    last_ = std::max(
        {covered_, next == 0 ? 0 : next - 1, journals_.contents[0].acknowledged, journals_.contents[1].acknowledged});
    out_.next = last_ + 1;
    if (found > 0) {
      diagnostics_.info({folder_.string(), 0, {}}, "recovered",
                        std::to_string(found) + " records of the journal were put into segments");
    }
    return {};
  }

  void lost_between(std::uint64_t next, std::uint64_t found, int journal) {
    if (next > std::max(start_.sequence, covered_)) {
      diagnostics_.error({journal_path(folder_, journal).string(), 0, {}}, "journal-damaged",
                         "records " + std::to_string(next) + " to " + std::to_string(found - 1) +
                             " were acknowledged and cannot be read: the disk has lost them",
                         "look after the disk; all other records are kept");
    }
  }

  Result<void> put(const JournalRecord& record) {
    if (record.kind == JournalKind::kChannel) {
      const auto channel = decode_channel(record.payload);
      if (channel) return writer_.add_channel(*channel);
      return skip(record, "a channel");
    }
    const char* head = record.payload.data();
    const auto channel = load<std::uint16_t>(head);
    const Time log{load<std::int64_t>(head + 2)}, publish{load<std::int64_t>(head + 10)};
    if (channel < 1 || channel > writer_.channels().size() || log.ns < 0 || publish.ns < 0)
      return skip(record, "a message");
    return writer_.write(record.sequence, channel, log, publish, record.payload.substr(kJournalMessageHead));
  }

  // A record with a right CRC and a wrong content, or of a channel that the disk has lost.
  Result<void> skip(const JournalRecord& record, const char* what) {
    diagnostics_.error({folder_.string(), 0, "record " + std::to_string(record.sequence)}, "journal-damaged",
                       std::string(what) + " of the journal cannot be read, and is left out");
    return {};
  }

  // Appends that everything stands in segments, behind all that the newest journal holds.
  Result<void> end_journal() {
    const int newest = 1 - journals_.older();
    const JournalContents& journal = journals_.contents[newest];
    out_.free = 1 - newest;
    SegmentCheckpoint done;
    done.sequence = last_;
    done.number = out_.number = std::max(out_.number, start_.number + 1);
    done.newest = start_.newest;
    for (const auto& [number, path] : segment_files(folder_)) done.number = out_.number = std::max(out_.number, number);
    std::string commit(kJournalMark, '\0');
    encode_journal_mark(last_, journal.header.salt, commit);
    encode_journal_record(JournalKind::kCheckpoint, last_, journal.header.salt, encode(done), {}, commit);
    end_journal_commit(commit);
    Result<PosixFile> file = PosixFile::open(journal_path(folder_, newest), O_RDWR);
    if (!file) return file.error();
    if (Result<void> written = file->write_at(journal.end, commit); !written) return written;
    return file->sync();
  }

  const fs::path& folder_;
  Diagnostics& diagnostics_;
  SegmentWriter writer_;
  Journals journals_;
  Recovered out_;
  bool has_checkpoint_ = false;
  SegmentCheckpoint start_;
  std::uint64_t covered_ = 0, last_ = 0;  // sequences
};

}  // namespace

fs::path journal_path(const fs::path& folder, int which) { return folder / ("journal-" + std::to_string(which)); }
fs::path segments_path(const fs::path& folder) { return folder / "segments"; }

Result<PosixFile> lock_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(segments_path(folder), code);
  if (code) return Error{ErrorCode::kUnavailable, folder.string() + ": cannot make the folder: " + code.message()};
  Result<PosixFile> lock = PosixFile::open(folder / "lock", O_RDWR | O_CREAT);
  if (lock && !lock->lock())
    return Error{ErrorCode::kUnavailable,
                 folder.string() + ": another recorder writes there; stop it, or take another folder"};
  return lock;
}

Result<Recovered> recover_locked(const fs::path& folder, const SegmentOptions& options, const SegmentDone& done,
                                 Diagnostics& diagnostics) {
  return Recovery(folder, options, done, diagnostics).run();
}

Result<bool> recover(const fs::path& folder, const SegmentOptions& options, const SegmentDone& done,
                     Diagnostics& diagnostics) {
  Result<PosixFile> lock = PosixFile::open(folder / "lock", O_RDWR);
  if (!lock) return lock.error().code == ErrorCode::kNotFound ? Result<bool>(false) : lock.error();
  if (!lock->lock()) return false;
  const Result<Recovered> recovered = recover_locked(folder, options, done, diagnostics);
  if (!recovered) return recovered.error();
  return true;
}

}  // namespace geoul::history
