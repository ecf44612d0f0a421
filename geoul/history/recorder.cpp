#include "geoul/history/recorder.h"

#include <fcntl.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include "geoul/history/journal.h"
#include "geoul/history/little_endian.h"
#include "geoul/history/recovery.h"

namespace geoul::history {
namespace {

constexpr std::uint64_t kLeastJournal = 64u << 10;
constexpr std::uint64_t kSlack = 1u << 20;  // of a journal, for a checkpoint after its end
constexpr std::size_t kKeptBuffers = 4;

struct Batch {
  std::string commit;
  std::uint64_t last = 0;   // sequence
  bool checkpoint = false;  // asked for after it
};

}  // namespace

struct Recorder::Impl {
  std::filesystem::path folder;
  RecorderOptions options;
  PosixFile lock;
  SegmentWriter segments;  // of the segment thread, once it runs

  // Of the commit thread.
  PosixFile journal[2];
  int current = 0;
  std::uint64_t generation = 0, salt = 0, offset = 0;

  std::mutex mutex;  // of all below
  std::condition_variable to_commit, to_segments, committed;
  std::string pending;  // records, after room for a mark
  std::size_t channels = 0;
  std::uint64_t next = 1, durable = 0;
  bool commit_idle = false, stop = false, commits_done = false;
  int waiting = 0;
  bool other_free = false;           // the other journal may be written over
  std::optional<Batch> checkpoint_;  // made, and not yet in the journal
  std::deque<Batch> queue;           // for the segment thread
  std::vector<std::string> buffers;  // to use again
  std::optional<Error> error;
  std::thread commit_thread, segment_thread;
  bool closed = false;

  Impl(std::filesystem::path f, RecorderOptions o, SegmentDone done)
      : folder(std::move(f)),
        options(std::move(o)),
        segments(segments_path(folder), options.segment, options.labels, std::move(done)),
        pending(kJournalMark, '\0') {}

  void fail(const Error& e) {
    const std::lock_guard guard(mutex);
    if (!error) error = e;
    to_commit.notify_all(), to_segments.notify_all(), committed.notify_all();
  }

  std::uint64_t most_pending() const { return options.journal_bytes / 4; }
  bool something_pending() const { return pending.size() > kJournalMark; }

  // Both, with the room that they will ever need.
  Result<void> open_journals() {
    for (int i = 0; i < 2; ++i) {
      Result<PosixFile> opened = PosixFile::open(journal_path(folder, i), O_RDWR | O_CREAT);
      if (!opened) return opened.error();
      journal[i] = std::move(*opened);
      if (Result<void> done = journal[i].allocate(options.journal_bytes + kSlack); !done) return done;
    }
    return {};
  }

  // A new journal over the free one.
  Result<void> begin_journal(int which, std::uint64_t first) {
    current = which;
    offset = kJournalBlock;
    return journal[which].write_at(0, encode_journal_header({++generation, salt, first}));
  }

  // Puts a commit behind the others, on the disk.
  Result<void> commit(std::string& bytes, std::uint64_t acknowledged) {
    encode_journal_mark(acknowledged, salt, bytes);
    end_journal_commit(bytes);
    if (Result<void> done = journal[current].write_at(offset, bytes); !done) return done;
    offset += bytes.size();
    return journal[current].sync();
  }

  Result<void> commit_checkpoint(const SegmentCheckpoint& checkpoint, std::uint64_t acknowledged) {
    std::string bytes(kJournalMark, '\0');
    encode_journal_record(JournalKind::kCheckpoint, checkpoint.sequence, salt, encode(checkpoint), {}, bytes);
    return commit(bytes, acknowledged);
  }

  // ---- the commit thread ----

  void commit_loop() {
    std::unique_lock guard(mutex);
    for (;;) {
      commit_idle = true;
      to_commit.wait(guard, [&] { return error || checkpoint_ || something_pending() || stop; });
      commit_idle = false;
      if (error) break;
      if (checkpoint_) {
        if (!put_checkpoint(guard)) break;
      } else if (something_pending()) {
        if (!put_batch(guard)) break;
      } else {
        break;  // stop
      }
    }
    commits_done = true;
    to_segments.notify_all();
  }

  bool put_checkpoint(std::unique_lock<std::mutex>& guard) {
    std::string bytes = std::move(checkpoint_->commit);
    checkpoint_.reset();
    const std::uint64_t acknowledged = durable;
    guard.unlock();
    const Result<void> done = commit(bytes, acknowledged);
    if (!done) fail(done.error());
    guard.lock();
    other_free = true;
    return static_cast<bool>(done);
  }

  bool put_batch(std::unique_lock<std::mutex>& guard) {
    if (offset + pending.size() + kJournalBlock > options.journal_bytes) {
      if (!other_free) {
        to_commit.wait(guard, [&] { return error || checkpoint_; });
        return !error;
      }
      other_free = false;
      const std::uint64_t first = durable + 1;
      guard.unlock();
      const Result<void> begun = begin_journal(1 - current, first);
      if (!begun) fail(begun.error());
      guard.lock();
      if (!begun) return false;
      queue.push_back({{}, durable, true});
      to_segments.notify_one();
    }
    Batch batch{take_buffer(), next - 1, false};
    std::swap(batch.commit, pending);
    if (waiting > 0) committed.notify_all();  // writers that had no room
    const std::uint64_t acknowledged = durable;
    guard.unlock();
    const Result<void> done = commit(batch.commit, acknowledged);
    if (!done) fail(done.error());
    guard.lock();
    if (!done) return false;
    durable = batch.last;
    queue.push_back(std::move(batch));
    to_segments.notify_one();
    if (waiting > 0) committed.notify_all();
    return true;
  }

  std::string take_buffer() {
    std::string out;
    if (!buffers.empty()) out = std::move(buffers.back()), buffers.pop_back();
    out.assign(kJournalMark, '\0');
    return out;
  }

  // ---- the segment thread ----

  void segment_loop() {
    std::unique_lock guard(mutex);
    for (;;) {
      to_segments.wait(guard, [&] { return error || !queue.empty() || commits_done; });
      if (error || queue.empty()) return;
      Batch batch = std::move(queue.front());
      queue.pop_front();
      guard.unlock();
      Result<void> done = batch.checkpoint ? make_checkpoint(batch) : put_in_segments(batch.commit);
      if (!done) fail(done.error());
      guard.lock();
      if (batch.checkpoint && done) {
        checkpoint_ = std::move(batch);
        to_commit.notify_one();
      } else if (buffers.size() < kKeptBuffers) {
        buffers.push_back(std::move(batch.commit));
      }
    }
  }

  Result<void> make_checkpoint(Batch& batch) {
    const Result<SegmentCheckpoint> made = segments.checkpoint(batch.last);
    if (!made) return made.error();
    batch.commit.assign(kJournalMark, '\0');
    encode_journal_record(JournalKind::kCheckpoint, batch.last, salt, encode(*made), {}, batch.commit);
    return {};
  }

  Result<void> put_in_segments(const std::string& commit) {
    const char* at = commit.data() + kJournalMark;
    for (const char* end = commit.data() + commit.size(); end - at >= std::ptrdiff_t{kJournalRecordHead};) {
      const auto size = load<std::uint32_t>(at);
      if (size == 0) break;  // the rest of a block
      const auto sequence = load<std::uint64_t>(at + 8);
      const char* payload = at + kJournalRecordHead;
      Result<void> done;
      if (static_cast<JournalKind>(at[16]) == JournalKind::kMessage) {
        done = segments.write(sequence, load<std::uint16_t>(payload), {load<std::int64_t>(payload + 2)},
                              {load<std::int64_t>(payload + 10)},
                              {payload + kJournalMessageHead, size - kJournalMessageHead});
      } else if (const auto channel = decode_channel({payload, size})) {
        done = segments.add_channel(*channel);
      }
      if (!done) return done;
      at = payload + size;
    }
    return {};
  }

  // ---- the caller's threads ----

  // Puts a record among the pending ones; the lock is held.
  std::uint64_t add(JournalKind kind, std::string_view head, std::string_view body) {
    encode_journal_record(kind, next, salt, head, body, pending);
    if (commit_idle) to_commit.notify_one();
    return next++;
  }
  bool wait_for_room(std::unique_lock<std::mutex>& guard) {
    if (!error && pending.size() >= most_pending()) {
      ++waiting;
      committed.wait(guard, [&] { return error || pending.size() < most_pending(); });
      --waiting;
    }
    return !error;
  }

  Result<void> start(const Recovered& found, std::uint64_t random) {
    generation = found.generation, next = found.next, durable = found.next - 1, salt = random;
    segments.start_after(found.number);
    if (Result<void> done = open_journals(); !done) return done;
    if (Result<void> done = begin_journal(found.free, next); !done) return done;
    SegmentCheckpoint empty;
    empty.sequence = durable, empty.number = found.number, empty.labels = options.labels;
    if (Result<void> done = commit_checkpoint(empty, durable); !done) return done;
    if (Result<void> done = sync_folder(folder); !done) return done;
    other_free = true;
    commit_thread = std::thread([this] { commit_loop(); });
    segment_thread = std::thread([this] { segment_loop(); });
    return {};
  }

  Result<void> close() {
    if (std::exchange(closed, true)) return error ? Result<void>(*error) : Result<void>();
    {
      const std::lock_guard guard(mutex);
      stop = true;
      to_commit.notify_all();
    }
    if (commit_thread.joinable()) commit_thread.join();
    if (segment_thread.joinable()) segment_thread.join();
    if (error) return *error;
    Result<void> done = segments.close_segment();
    if (done) {
      Result<SegmentCheckpoint> made = segments.checkpoint(durable);
      done = made ? commit_checkpoint(*made, durable) : made.error();
    }
    if (!done) error = done.error();
    lock = {};
    return done;
  }

  ~Impl() { (void)close(); }
};

Recorder::Recorder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recorder::Recorder(Recorder&&) noexcept = default;
Recorder& Recorder::operator=(Recorder&&) noexcept = default;
Recorder::~Recorder() = default;

Result<Recorder> Recorder::open(const std::filesystem::path& folder, RecorderOptions options, SegmentDone done,
                                Diagnostics& diagnostics) {
  GEOUL_EXPECTS(options.journal_bytes >= kLeastJournal && options.journal_bytes <= (512u << 20));
  Result<PosixFile> lock = lock_folder(folder);
  if (!lock) return lock.error();
  const Result<Recovered> found = recover_locked(folder, options.segment, done, diagnostics);
  if (!found) return found.error();
  auto impl = std::make_unique<Impl>(folder, std::move(options), std::move(done));
  impl->lock = std::move(*lock);
  std::random_device device;  // tells this recorder's records from another one's; nothing else depends on it
  const std::uint64_t salt = std::uint64_t{device()} << 32 | device();
  if (Result<void> started = impl->start(*found, salt); !started) {
    impl->closed = true;
    return started.error();
  }
  return Recorder(std::move(impl));
}

Result<std::uint16_t> Recorder::add_channel(const McapChannelInfo& channel) {
  Impl& r = *impl_;
  std::unique_lock guard(r.mutex);
  GEOUL_EXPECTS(!r.closed && r.channels < 0xffff);
  if (!r.wait_for_room(guard)) return *r.error;
  r.add(JournalKind::kChannel, encode(channel), {});
  return static_cast<std::uint16_t>(++r.channels);
}

Result<std::uint64_t> Recorder::write(std::uint16_t channel_id, Time log_time, Time publish_time,
                                      std::string_view data) {
  Impl& r = *impl_;
  GEOUL_EXPECTS(log_time.ns >= 0 && publish_time.ns >= 0);
  if (data.size() > r.most_pending()) {
    return Error{ErrorCode::kUnsupported, "a message of " + std::to_string(data.size()) + " bytes is over the limit " +
                                              std::to_string(r.most_pending()) + "; give the recorder larger journals"};
  }
  char head[kJournalMessageHead];
  store(channel_id, head), store(log_time.ns, head + 2), store(publish_time.ns, head + 10);
  std::unique_lock guard(r.mutex);
  GEOUL_EXPECTS(!r.closed && channel_id >= 1 && channel_id <= r.channels);
  if (!r.wait_for_room(guard)) return *r.error;
  return r.add(JournalKind::kMessage, {head, sizeof(head)}, data);
}

Result<void> Recorder::wait(std::uint64_t sequence) {
  Impl& r = *impl_;
  std::unique_lock guard(r.mutex);
  GEOUL_EXPECTS(sequence < r.next);
  ++r.waiting;
  r.committed.wait(guard, [&] { return r.error || r.durable >= sequence; });
  --r.waiting;
  return r.durable >= sequence ? Result<void>() : *r.error;
}

std::uint64_t Recorder::acknowledged() const {
  const std::lock_guard guard(impl_->mutex);
  return impl_->durable;
}

Result<void> Recorder::close() { return impl_->close(); }

}  // namespace geoul::history
