// The twin in the words of OPC 40010 (link/opcua/opcua_server.h): one motion device a mechanism, one axis a joint of
// one degree of freedom, and the signals as variables. What the twin does not know (power trains, motors, safety) is
// left out.
#pragma once

#include <string>
#include <vector>

#include "geoul/link/opcua/opcua_server.h"
#include "geoul/runtime/player.h"

namespace geoul::runtime {

class OpcuaTwin {
 public:
  // name: of the site or scene. The twin must outlive it.
  OpcuaTwin(const Twin& twin, const std::string& name, const std::vector<link::SignalInfo>& signals);

  const link::OpcuaTwin& description() const { return description_; }
  // Values of a state, for the description. stale: by joint of the scene; such an axis stands where it was seen last,
  // and is told as uncertain. The spans of the result are this object's own and hold until the next call.
  link::OpcuaTwinValues values(const Snapshot& snapshot, const std::vector<bool>& stale, Time unix_time);

  static constexpr std::size_t kMaxVariables = 10'000;  // signals beyond are left out

 private:
  const Twin& twin_;
  link::OpcuaTwin description_;
  std::vector<scene::JointId> axes_;  // in the order of the description
  std::size_t signals_ = 0;           // that are variables
  std::vector<link::OpcuaAxisValue> axis_values_;
  std::vector<link::OpcuaVariableValue> variable_values_;
};

}  // namespace geoul::runtime
