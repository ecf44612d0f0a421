// The plant's end of the chain: applies every command at most once, and answers every copy of it alike, through lost
// and doubled messages and crashes. A state machine without time, files or sockets of its own.
//
// What is applied goes into a register of the plant: for each target the payload, and with it, in one stroke, the
// sequence it came with. Whoever runs this must write the records, then the register, then send the answers, in this
// order; a crash may come between any two of them. After a crash: a new PlantEnd, replay() every record, resume() with
// what the register holds.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "geoul/decision/chain/messages.h"
#include "geoul/decision/chain/record.h"

namespace geoul::decision::chain {

struct PlantEffects {
  std::vector<Record> records;     // first
  std::optional<ToPlant> apply;    // then: into the register, with its sequence
  std::vector<FromPlant> answers;  // then
};

// What stands beside a payload in the register: the message it came with.
struct RegisterMark {
  std::int64_t epoch = 0, sequence = 0;
};

class PlantEnd {
 public:
  // clock_skew: how far this clock and the chain's may be apart, at most. A command is not applied where its expiry may
  // have passed.
  explicit PlantEnd(Duration clock_skew);
  void replay(const Record& record);
  void resume(const std::map<std::string, RegisterMark>& marks);  // by target
  PlantEffects handle(const ToPlant& message, Time now);
  std::size_t remembered() const { return outcomes_.size(); }

 private:
  struct Past {
    Outcome outcome = Outcome::kApplied;
    Time when;
    std::string target;
  };
  void emit(Record record, PlantEffects& effects);
  void apply(const Record& record);

  Duration skew_;
  std::int64_t next_ = 1, epoch_ = 0, settled_ = 0;
  std::map<std::int64_t, Past> outcomes_;         // by sequence
  std::map<std::string, std::int64_t> register_;  // sequence of each target
};

}  // namespace geoul::decision::chain
