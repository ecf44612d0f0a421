#include "geoul/history/site_journal.h"

#include <algorithm>
#include <charconv>

#include "geoul/core/sha256.h"
#include "geoul/history/little_endian.h"

namespace geoul::history {
namespace {

constexpr std::int64_t kAll = INT64_MAX;
// The state of an alarm and the kind of a command row stand before the name, so that no name can pass for another.
constexpr const char *kRaised = "raised ", *kCleared = "cleared ", *kAcknowledged = "acknowledged ";
constexpr const char *kIssued = "issued ", *kDone = "done ", *kFailed = "failed ", *kDecided = "decided ";
constexpr const char* kSealed = "sealed";  // action of the audit trail; its payload: table, id, SHA-256

bool strip(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

std::string seal_of(EntryKind kind, const EntryRow& row) {
  std::string bytes;
  for (const std::int64_t number : {row.id, row.site, row.run, row.time.ns, row.severity}) put(number, bytes);
  for (const std::string* text : {&row.source, &row.name, &row.text, &row.data}) put_text(*text, bytes);
  Sha256 hash;
  hash.add(bytes);
  return std::string(to_string(kind)) + " " + std::to_string(row.id) + " " + hex(hash.finish());
}

JournalEntry entry_of(const EntryRow& row, std::string_view name) {
  return {row.time, row.severity, row.source, std::string(name), row.text, row.data};
}

// "12 policy/pick\n{...}": a command's decision or an outcome's command, an actor, and the data.
std::string with_head(std::int64_t id, const std::string& actor, const std::string& data) {
  return std::to_string(id) + " " + actor + "\n" + data;
}
struct Head {
  std::int64_t id = 0;
  std::string actor, data;
};
Head read_head(const std::string& text) {
  Head out;
  const std::size_t line = text.find('\n');
  const char* end = text.data() + std::min(line, text.size());
  const auto [at, code] = std::from_chars(text.data(), end, out.id);
  if (code == std::errc() && at < end) out.actor.assign(at + 1, end);
  if (line != std::string::npos) out.data = text.substr(line + 1);
  return out;
}

}  // namespace

Result<std::unique_ptr<SiteJournal>> SiteJournal::open(Store& store, std::int64_t run) {
  std::unique_ptr<SiteJournal> out(new SiteJournal(store, run));
  const auto rows = store.catalogue().entries(EntryKind::kAlarm, {.site = store.site().id, .most = kAll});
  if (!rows) return rows.error();
  for (const EntryRow& row : *rows) {
    std::string_view name = row.name;
    const bool raised = strip(name, kRaised), cleared = !raised && strip(name, kCleared);
    if (!raised && !cleared && !strip(name, kAcknowledged)) continue;
    const std::pair key(row.source, std::string(name));
    Alarm& alarm = out->alarms_[key];
    if (raised) {
      alarm = {entry_of(row, name), true, false, {}};
    } else if (cleared) {
      alarm.active = false;
    } else {
      alarm.acknowledged = true, alarm.by = row.data;
    }
    if (!alarm.active && alarm.acknowledged) out->alarms_.erase(key);
  }
  return out;
}

Result<EntryRow> SiteJournal::add(EntryKind kind, const JournalEntry& entry, const std::string& name) {
  EntryRow row{0, store_->site().id, run_, entry.time, entry.severity, entry.source, name, entry.text, entry.data};
  if (const Result<void> done = store_->catalogue().add(kind, {&row, 1}); !done) return done.error();
  return row;
}

Result<void> SiteJournal::event(const JournalEntry& entry) {
  const Result<EntryRow> row = add(EntryKind::kEvent, entry, entry.name);
  return row ? Result<void>() : row.error();
}

Result<bool> SiteJournal::raise(const JournalEntry& alarm) {
  const std::lock_guard guard(mutex_);
  const std::pair key(alarm.source, alarm.name);
  const auto found = alarms_.find(key);
  if (found != alarms_.end() && found->second.active) return false;
  const Result<EntryRow> row = add(EntryKind::kAlarm, alarm, kRaised + alarm.name);
  if (!row) return row.error();
  alarms_[key] = {alarm, true, false, {}};
  return true;
}

Result<bool> SiteJournal::clear(Time time, const std::string& source, const std::string& name,
                                const std::string& text) {
  const std::lock_guard guard(mutex_);
  const auto found = alarms_.find({source, name});
  if (found == alarms_.end() || !found->second.active) return false;
  const Result<EntryRow> row = add(EntryKind::kAlarm, {time, 0, source, name, text, {}}, kCleared + name);
  if (!row) return row.error();
  found->second.active = false;
  if (found->second.acknowledged) alarms_.erase(found);
  return true;
}

Result<bool> SiteJournal::acknowledge(Time time, const std::string& source, const std::string& name,
                                      const std::string& actor) {
  const std::lock_guard guard(mutex_);
  const auto found = alarms_.find({source, name});
  if (found == alarms_.end() || found->second.acknowledged) return false;
  const Result<AuditRow> noted = store_->note(time, actor, "acknowledged", source + ": " + name);
  if (!noted) return noted.error();
  const Result<EntryRow> row =
      add(EntryKind::kAlarm, {time, 0, source, name, "acknowledged by " + actor, actor}, kAcknowledged + name);
  if (!row) return row.error();
  found->second.acknowledged = true, found->second.by = actor;
  if (!found->second.active) alarms_.erase(found);
  return true;
}

std::vector<Alarm> SiteJournal::alarms() const {
  const std::lock_guard guard(mutex_);
  std::vector<Alarm> out;
  for (const auto& [key, alarm] : alarms_) out.push_back(alarm);
  return out;
}

Result<std::int64_t> SiteJournal::seal(EntryKind kind, const JournalEntry& entry, const std::string& name,
                                       const std::string& actor) {
  const Result<EntryRow> row = add(kind, entry, name);
  if (!row) return row.error();
  const Result<AuditRow> noted = store_->note(entry.time, actor, kSealed, seal_of(kind, *row));
  if (!noted) return noted.error();
  return row->id;
}

Result<std::int64_t> SiteJournal::decide(const JournalEntry& decision, const std::string& actor) {
  JournalEntry entry = decision;
  entry.data = with_head(0, actor, decision.data);
  return seal(EntryKind::kDecision, entry, kDecided + decision.name, actor);
}

Result<std::int64_t> SiteJournal::command(const JournalEntry& command, std::int64_t decision,
                                          const std::string& actor) {
  JournalEntry entry = command;
  entry.data = with_head(decision, actor, command.data);
  return seal(EntryKind::kCommand, entry, kIssued + command.name, actor);
}

Result<void> SiteJournal::outcome(std::int64_t command, Time time, bool done, const std::string& text) {
  const JournalEntry entry{time, done ? 0 : 1, "outcome", {}, text, with_head(command, "plant", {})};
  const Result<std::int64_t> row = seal(EntryKind::kCommand, entry, done ? kDone : kFailed, "plant");
  return row ? Result<void>() : row.error();
}

Result<std::vector<Command>> SiteJournal::commands(std::int64_t run) {
  const auto rows =
      store_->catalogue().entries(EntryKind::kCommand, {.site = store_->site().id, .run = run, .most = kAll});
  if (!rows) return rows.error();
  std::map<std::int64_t, Command> by_id;
  for (const EntryRow& row : *rows) {
    std::string_view name = row.name;
    Head head = read_head(row.data);
    if (strip(name, kIssued)) {
      Command& command = by_id[row.id];
      command.id = row.id, command.decision = head.id, command.actor = head.actor;
      command.issued = entry_of(row, name), command.issued.data = std::move(head.data);
    }
  }
  for (const EntryRow& row : *rows) {
    const bool done = row.name == kDone;
    const auto found = by_id.find(read_head(row.data).id);
    if ((!done && row.name != kFailed) || found == by_id.end()) continue;
    found->second.state = done ? CommandState::kDone : CommandState::kFailed;
    found->second.outcome = row.text;
  }
  std::vector<Command> out;
  for (auto& [id, command] : by_id) out.push_back(std::move(command));
  return out;
}

Result<void> verify_journal(Store& store, Diagnostics& diagnostics) {
  const Result<std::vector<AuditRow>> audit = store.catalogue().audit(store.site().id);
  if (!audit) return audit.error();
  std::map<std::string, std::string> sealed;  // "commands 12" -> the whole seal
  for (const AuditRow& row : *audit) {
    if (row.action == kSealed) sealed[row.payload.substr(0, row.payload.rfind(' '))] = row.payload;
  }
  const std::string file = (store.folder() / "catalogue").string();
  for (const EntryKind kind : {EntryKind::kDecision, EntryKind::kCommand}) {
    const auto rows = store.catalogue().entries(kind, {.site = store.site().id, .most = kAll});
    if (!rows) return rows.error();
    for (const EntryRow& row : *rows) {
      const std::string what = std::string(to_string(kind)) + " " + std::to_string(row.id);
      const auto found = sealed.find(what);
      if (found == sealed.end()) {
        diagnostics.warning({file, 0, what}, "journal-unsealed",
                            "the audit trail does not know this row: it was broken off before anything was done, or "
                            "put in by a hand");
        continue;
      }
      if (found->second != seal_of(kind, row))
        diagnostics.error({file, 0, what}, "journal-changed", "this row is not what was sealed in the audit trail",
                          "restore the catalogue");
      sealed.erase(found);
    }
  }
  for (const auto& [what, seal] : sealed) {
    diagnostics.error({file, 0, what}, "journal-lacks", "the audit trail has sealed this row, and it is gone",
                      "restore the catalogue");
  }
  return {};
}

}  // namespace geoul::history
