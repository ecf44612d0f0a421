// LiveHistory: records what a live site's links deliver, without ever making the loop wait. The loop hands over inputs,
// snapshots and events; a thread writes them through history::Recorder, waits for the disk, and keeps the journal.
//
// Recorded is what took: every input of the RowMaker, in order, from a snapshot on. Where the disk is too slow or full,
// or goes away, the twin goes on: what comes meanwhile is counted by link, said in one line with the remedy, and
// written into the journal as an event with its times as soon as it can be; recording begins again by itself, in a new
// run. What was acknowledged is never lost (recorder.h).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "geoul/history/site_journal.h"
#include "geoul/history/store.h"
#include "geoul/runtime/player.h"

namespace geoul::runtime {

struct LiveHistoryOptions {
  std::string folder;
  std::string catalogue;                                  // as HistoryPlace::catalogue
  std::string name;                                       // of the site
  std::string source;                                     // its file
  std::string setup;                                      // live_past.h
  std::vector<std::string> links;                         // ids, in the order of the site
  std::optional<std::uint64_t> most_bytes = 20ull << 30;  // retention: the oldest segments go; none: all stay
  Duration snapshot_every{5'000'000'000};                 // by the wall clock
  std::uint64_t snapshot_inputs = 50'000;                 // or after so many: bounds the time of a seek
  Duration run_length{6 * 3600'000'000'000};              // then another run begins: bounds what a reader opens
  Duration segment_span{60'000'000'000};                  // what is in an open segment cannot be looked at yet
  std::size_t queue_bytes = 64u << 20;                    // that may wait for the disk
  Duration retry_first{1'000'000'000}, retry_longest{30'000'000'000};
  history::RecorderOptions recorder = {};
  std::function<Time()> now = {};  // UNIX; empty: the system's
};

struct LiveHistoryFigures {
  std::uint64_t durable = 0;  // inputs on the disk
  std::uint64_t lost = 0;     // updates that were not recorded
  bool recording = false;
  Duration delay_p99, delay_worst;  // from an update's arrival to the disk; of the newest 4,096 batches
  std::string trouble;              // empty: none
};

class LiveHistory {
 public:
  // Begins a run. Errors: those of Store::open and Store::begin_run. The first snapshot is due at once.
  static Result<std::unique_ptr<LiveHistory>> start(LiveHistoryOptions options, Diagnostics& diagnostics);
  ~LiveHistory();  // finish()

  // ---- of the loop; none of it waits ----
  struct Batch {
    std::uint64_t first = 0;           // number of the first input
    std::uint64_t count = 0;           // of inputs
    Time time;                         // of the newest row after it
    Time received;                     // the oldest update's; 0: none
    std::string bytes;                 // LiveInputWriter
    std::vector<std::uint32_t> links;  // updates, by link
  };
  void inputs(Batch batch);
  bool wants_snapshot(Time now, std::uint64_t inputs) const;
  void snapshot(Time now, std::uint64_t inputs, Time time, std::string bytes);
  // Entries beyond twice the queue's bytes are dropped: nobody floods memory with them.
  void event(history::JournalEntry entry);
  // What became of an alarm, known by source and name; who: who acknowledged it.
  enum class AlarmChange { kRaised, kAcknowledged, kCleared };
  void alarm(AlarmChange change, history::JournalEntry entry, std::string who);
  // Into the audit trail.
  void act(Time time, std::string actor, std::string action, std::string payload);
  std::vector<PlayerWords> take_words();
  LiveHistoryFigures figures() const;

  // Writes what waits, ends the run, and says what could not be.
  Result<void> finish();
  std::int64_t run() const { return run_id_; }

 private:
  struct Item {
    enum class Kind { kInputs, kSnapshot, kEvent, kAct, kRaise, kAcknowledge, kClear } kind = Kind::kInputs;
    Batch batch;                  // of a snapshot: first, time, bytes
    history::JournalEntry entry;  // of an act: source the actor, name the action, text the payload
    std::string who = {};         // of an acknowledgement
    bool is_record() const { return kind == Kind::kInputs || kind == Kind::kSnapshot; }  // else for the journal
    std::size_t bytes() const { return sizeof(Item) + batch.bytes.size() + entry.text.size() + entry.data.size(); }
  };
  struct Loss {
    std::vector<std::uint64_t> links;  // updates, by link
    Time from, to;
    std::string why;
  };
  explicit LiveHistory(LiveHistoryOptions options);
  void work();
  Result<void> open(Diagnostics& diagnostics);
  Result<void> begin_run(Diagnostics& diagnostics);
  Result<void> end_run();
  void put(std::deque<Item>& items);
  Result<void> put_record(Item& item, std::vector<const Item*>& written, std::uint64_t& last);
  Result<void> put_snapshot(const Item& item, std::uint64_t& last);
  Result<void> put_entry(const Item& item);
  void lose(const Batch& batch, const std::string& why);
  void tell_loss();
  void fail(const Error& error);
  void try_again();
  void say(log::Level level, std::string text);
  void measure(const std::vector<const Item*>& written);
  void push(Item item);

  LiveHistoryOptions options_;
  // Of the thread.
  std::optional<history::Store> store_;
  std::unique_ptr<history::SiteJournal> journal_;
  std::uint16_t snapshot_channel_ = 0, input_channel_ = 0;
  std::optional<std::uint64_t> next_input_;  // that goes on from what is recorded; none: a snapshot must come first
  std::optional<Loss> loss_;
  std::vector<Item> kept_;  // entries that could not be written yet
  std::uint64_t kept_lost_ = 0;
  Time run_begun_, run_begin_, newest_, retry_at_;
  Duration retry_;
  std::string scratch_;
  std::vector<std::int64_t> delays_;  // ring [ns]
  std::size_t next_delay_ = 0;

  std::atomic<std::int64_t> run_id_ = 0;
  std::atomic<bool> wants_snapshot_ = true;
  Time snapshot_at_;  // of the loop
  std::uint64_t snapshot_inputs_ = 0;

  mutable std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<Item> queue_;
  std::size_t queued_ = 0;               // bytes
  std::vector<std::uint64_t> overflow_;  // updates that found the queue full, by link
  Time overflow_from_, overflow_to_;
  std::vector<PlayerWords> words_;
  LiveHistoryFigures figures_;
  bool stop_ = false;
  std::optional<Error> end_;
  std::thread thread_;
};

}  // namespace geoul::runtime
