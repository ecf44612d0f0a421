// A simulated controller of Universal Robots, as RTDE sees it: outputs that a recording plays, registers that clients
// write and read back, and the state of each client's conversation. No sockets and no clock: bytes in, bytes out.
// Robot motion is not simulated: what the recording does not hold is NOT_FOUND, but for the registers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/link/rtde/rtde_package.h"
#include "geoul/link/rtde/rtde_variables.h"

namespace geoul::link {

// What the controller plays: variables with all their elements, one row an instant.
struct RtdeColumns {
  std::vector<RtdeVariable> variables;  // without timestamp
  std::size_t width = 0;                // values of a row: the elements of all variables, in order
  std::vector<Time> time;               // (nrow), increasing; of the column timestamp
  std::vector<double> values;           // (nrow x width)
};

// The columns of the files that RTDE documents, as one stream; others are left out. Needs a column "timestamp" [s].
std::optional<RtdeColumns> read_rtde_columns(const std::vector<std::string>& files, Diagnostics& diagnostics);

class RtdeController {
 public:
  RtdeController(RtdeColumns columns, RtdeControllerVersion version);

  const RtdeControllerVersion& version() const { return version_; }
  const RtdeColumns& columns() const { return columns_; }

  // Sets the outputs to row `row` of the columns, with this time, and what was written since on top.
  void play(std::size_t row, Time timestamp);
  // The same to these values of a row, (columns().width).
  void show(std::span<const double> row, Time timestamp);

  // Where the elements of an output stand in values(); none where the controller has no such output.
  struct Slot {
    RtdeType type = RtdeType::kDouble;
    std::size_t first = 0;
  };
  std::optional<Slot> output(std::string_view name) const;
  const std::vector<double>& values() const { return values_; }

  // Inputs are reserved by one client at a time. The type, or kNotFound or kInUse.
  RtdeType input(const std::string& name, int client) const;
  void reserve(const std::string& name, int client) { reserved_[name] = client; }
  void leave(int client);  // ends its reservations
  void write(const std::vector<std::string>& names, const std::vector<Value>& values);

 private:
  void add_output(const RtdeVariable& variable);
  void set(std::string_view name, double value);

  RtdeColumns columns_;
  RtdeControllerVersion version_;
  std::map<std::string, Slot, std::less<>> slots_;
  std::vector<double> values_;
  std::map<std::string, int> reserved_;
  std::uint64_t written_bits_ = 0, written_mask_ = 0;  // digital outputs that clients have set
  std::optional<double> written_speed_;
};

// One client's conversation, as the RTDE Guide has it. Protocol version 2 only. Inputs are taken without a start, as
// controllers do (ur_rtde relies on it).
class RtdeSession {
 public:
  RtdeSession(RtdeController& controller, int client, double cycle)
      : controller_(controller), client_(client), cycle_(cycle) {}
  ~RtdeSession() { controller_.leave(client_); }
  RtdeSession(const RtdeSession&) = delete;
  RtdeSession& operator=(const RtdeSession&) = delete;

  // Takes bytes of the client and appends what it is answered. False where the connection must be cut.
  bool receive(Bytes bytes, std::vector<std::uint8_t>& out);
  // Whether the client wants a data package in this cycle.
  bool wants(std::uint64_t cycle) const { return started_ && !outputs_.empty() && cycle % divisor_ == 0; }
  void append_data(std::vector<std::uint8_t>& out) const;
  bool started() const { return started_; }
  std::uint64_t writes() const { return writes_; }

 private:
  struct Input {
    std::vector<std::string> names;
    std::vector<RtdeType> types;
  };
  void answer(const RtdePackage& package, std::vector<std::uint8_t>& out);
  void setup_outputs(const RtdePackage& package, std::vector<std::uint8_t>& out);
  void setup_inputs(const RtdePackage& package, std::vector<std::uint8_t>& out);
  void take_inputs(const RtdePackage& package, std::vector<std::uint8_t>& out);

  RtdeController& controller_;
  int client_;
  double cycle_;  // [1/s]
  RtdePackageReader reader_;
  bool negotiated_ = false, started_ = false, outputs_valid_ = true;
  std::uint8_t output_recipe_ = 0;
  std::vector<RtdeController::Slot> outputs_;
  std::uint64_t divisor_ = 1;
  std::vector<Input> inputs_;  // recipe id - 1
  std::uint64_t writes_ = 0;
};

}  // namespace geoul::link
