// SiteJournal: what people should know of a running site later: events, alarms, decisions and commands, in the
// catalogue; and what somebody did, in the audit trail. Small, so that every module above can be given one: watching,
// estimation, decision.
//
// Alarms have the states of ISA-18.2 / IEC 62682: raised, acknowledged, cleared. One is known by its source and name;
// it stands until it has been both cleared and acknowledged. Every change is a row of its own: nothing is written over.
//
// Decisions and commands are sealed: the audit trail holds the hash of the row, so that verify() finds a row that was
// changed, added or taken away. command() returns when the row and its seal are on the disk: act after it, never
// before.
//
// May be called from any thread. Each call waits for the disk (milliseconds): not for loops that must not wait.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/store.h"

namespace geoul::history {

struct JournalEntry {
  Time time;                  // of the run's clock
  std::int64_t severity = 0;  // 0 info, 1 warning, 2 error
  std::string source;         // who says so: "link/plc", "policy/pick"
  std::string name;           // what: "link-lost"
  std::string text;           // in words, with the remedy
  std::string data;           // JSON, or empty
};

struct Alarm {
  JournalEntry raised;  // the newest time it was
  bool active = false;  // not cleared
  bool acknowledged = false;
  std::string by;  // who acknowledged it
};

// What became of a command.
enum class CommandState { kIssued, kDone, kFailed };
struct Command {
  std::int64_t id = 0;
  JournalEntry issued;
  std::int64_t decision = 0;  // that led to it; 0: none
  std::string actor;          // who, or what policy, let it go
  CommandState state = CommandState::kIssued;
  std::string outcome;  // in words
};

class SiteJournal {
 public:
  // Of a run that the store records; the store must outlive it. Reads the alarms that stand from before.
  static Result<std::unique_ptr<SiteJournal>> open(Store& store, std::int64_t run);

  Result<void> event(const JournalEntry& entry);

  // False, and nothing is written, where it is in that state already (acknowledge: or is not known).
  Result<bool> raise(const JournalEntry& alarm);
  Result<bool> clear(Time time, const std::string& source, const std::string& name, const std::string& text);
  // Noted in the audit trail too, as an act of `actor`.
  Result<bool> acknowledge(Time time, const std::string& source, const std::string& name, const std::string& actor);
  std::vector<Alarm> alarms() const;  // that stand, by source and name

  // The id. actor: the policy or the person that decided.
  Result<std::int64_t> decide(const JournalEntry& decision, const std::string& actor);
  Result<std::int64_t> command(const JournalEntry& command, std::int64_t decision, const std::string& actor);
  Result<void> outcome(std::int64_t command, Time time, bool done, const std::string& text);
  // Of a run (0: of all) in the order in which they were issued.
  Result<std::vector<Command>> commands(std::int64_t run);

 private:
  SiteJournal(Store& store, std::int64_t run) : store_(&store), run_(run) {}
  Result<EntryRow> add(EntryKind kind, const JournalEntry& entry, const std::string& name);
  Result<std::int64_t> seal(EntryKind kind, const JournalEntry& entry, const std::string& name,
                            const std::string& actor);

  mutable std::mutex mutex_;
  Store* store_;
  std::int64_t run_;
  std::map<std::pair<std::string, std::string>, Alarm> alarms_;
};

// Compares decisions and commands with their seals. Findings: "journal-changed" (a row is not what was sealed),
// "journal-unsealed" (a warning: a row without a seal; it was never acted on), "journal-lacks" (sealed, and gone).
Result<void> verify_journal(Store& store, Diagnostics& diagnostics);

}  // namespace geoul::history
