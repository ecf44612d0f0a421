// Trials of durability, for tests and bench: a process that records is killed at a random moment, again and again.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/history/mcap_reader.h"
#include "geoul/history/recorder.h"

namespace geoul::history {

struct KillTrials {
  int kills = 0;
  std::uint64_t messages = 0;      // found in all
  std::uint64_t acknowledged = 0;  // of them, before the kills
  std::uint64_t lost = 0;          // acknowledged and not found
  std::uint64_t wrong = 0;         // found with other bytes than were written, twice, or out of order
  int errors = 0;                  // recoveries that failed, or found damage
  int unfinished = 0;              // kills that left records in the journal alone
  double slowest_recovery = 0;     // [s]
};

// Of 1 to 2,000 bytes, a function of its number.
inline std::string trial_message(std::uint64_t number) {
  Random random(17, number);
  std::string out(1 + static_cast<std::size_t>(random.integer(2000)), '\0');
  std::uint64_t bits = random.bits();
  for (char& c : out) c = static_cast<char>(bits >> 56), bits = bits * 6364136223846793005u + 1442695040888963407u;
  return out;
}

inline RecorderOptions trial_options() {
  RecorderOptions out;
  out.journal_bytes = 512 << 10;  // small: files change while the trial runs
  out.segment.bytes = 2 << 20;
  out.segment.mcap.chunk_bytes = 64 << 10;
  return out;
}

// What a killed process leaves: how far it has come.
struct TrialProgress {
  std::atomic<std::uint64_t> acknowledged;  // messages
};

// Writes messages from number `next` on until it is killed.
[[noreturn]] inline void write_until_killed(const std::filesystem::path& folder, std::uint64_t next, std::uint64_t seed,
                                            TrialProgress& progress) {
  Diagnostics diagnostics;
  Result<Recorder> recorder = Recorder::open(folder, trial_options(), {}, diagnostics);
  if (!recorder || !recorder->add_channel({"/trial", "bytes", {}, {}, {}, {}})) ::_exit(3);
  for (Random random(seed);;) {
    std::uint64_t last = 0;
    for (std::int64_t burst = 1 + random.integer(40); burst > 0; --burst, ++next) {
      const Time time{static_cast<std::int64_t>(next)};
      const Result<std::uint64_t> written = recorder->write(1, time, time, trial_message(next));
      if (!written) ::_exit(4);
      last = *written;
    }
    if (!recorder->wait(last)) ::_exit(5);
    progress.acknowledged = next;
  }
}

// Reads the segments that were not read before; messages must go on from `next`.
inline void read_trial(const std::filesystem::path& folder, std::set<std::string>& read, std::uint64_t& next,
                       KillTrials& out) {
  std::vector<std::filesystem::path> files;
  std::error_code none_yet;  // who was killed while it opened the folder may have made nothing in it
  for (const auto& entry : std::filesystem::directory_iterator(folder / "segments", none_yet)) {
    if (read.insert(entry.path().filename().string()).second) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    Result<McapReader> reader = McapReader::open(path);
    const bool whole = reader && reader->for_each({}, [&](const McapMessage& message) {
      if (message.log_time.ns != static_cast<std::int64_t>(next) || message.data != trial_message(next)) ++out.wrong;
      ++next;
      return true;
    });
    if (!whole || !reader->verify()) ++out.errors;
  }
}

inline KillTrials run_kill_trials(const std::filesystem::path& folder, int kills, std::uint64_t seed) {
  KillTrials out;
  Random random(seed);
  void* memory = ::mmap(nullptr, sizeof(TrialProgress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  GEOUL_EXPECTS(memory != MAP_FAILED);
  auto& progress = *new (memory) TrialProgress();
  std::set<std::string> read;
  for (std::uint64_t next = 0; out.kills < kills; ++out.kills) {
    progress.acknowledged = next;
    const pid_t child = ::fork();
    if (child == 0) write_until_killed(folder, next, random.bits(), progress);
    // One in eight dies while it opens the folder.
    const bool early = random.integer(8) == 0;
    while (!early && progress.acknowledged == next && ::waitpid(child, nullptr, WNOHANG) == 0) ::usleep(100);
    ::usleep(static_cast<useconds_t>(random.integer(early ? 5'000 : 25'000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::uint64_t promised = progress.acknowledged;

    Diagnostics diagnostics;
    const auto begin = std::chrono::steady_clock::now();
    const Result<bool> done = recover(folder, trial_options().segment, {}, diagnostics);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    out.slowest_recovery = std::max(out.slowest_recovery, took.count());
    if (!done || !diagnostics.ok()) ++out.errors;
    if (diagnostics.has("recovered")) ++out.unfinished;
    read_trial(folder, read, next, out);
    if (next < promised) out.lost += promised - next;
    out.acknowledged += promised;
    out.messages = next;
  }
  ::munmap(memory, sizeof(TrialProgress));
  return out;
}

}  // namespace geoul::history
