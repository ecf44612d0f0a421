// The twin as an OPC UA server: a motion device system after OPC 40010-1 (Robotics), listed as a machine after OPC
// 40001-1 (Machinery), with the nodesets of these specifications. Served by node-opcua in a process of its own
// (gateway.h), which is started anew when it fails; the values are pushed to it at the rate of the caller. Nothing can
// be written: what acts on the plant goes through the twin's policy.
//
// On loopback anybody may read without a name or encryption. On other addresses messages are signed or encrypted,
// clients need a trusted certificate (trust_opcua_certificate; the problem names those that came) and a user that
// `login` accepts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/signal.h"

namespace geoul::link {

struct OpcuaIdentity {  // empty where it is not known
  std::string manufacturer = {}, model = {}, product_code = {}, serial_number = {};
};

enum class OpcuaMotionProfile : std::uint8_t {
  kOther,
  kRotary,
  kRotaryEndless,
  kLinear,
  kLinearEndless
};  // AxisMotionProfileEnumeration

struct OpcuaAxis {
  std::string name = {};  // unique in its device; no '/'
  std::string description = {};
  OpcuaMotionProfile profile = OpcuaMotionProfile::kOther;
  bool is_linear = false;                               // m, m/s and m/s2 instead of rad, rad/s and rad/s2
  std::optional<std::pair<double, double>> range = {};  // of position [rad or m]
  std::optional<double> load_mass = {};                 // carried beside the arm [kg]
};

struct OpcuaPowerTrain {
  std::string name = {};  // unique in its device
  std::size_t axis = 0;   // that it moves: index in the device
  std::string motor_name = {};
  OpcuaIdentity motor = {};
};

// MotionDeviceCategoryEnumeration of 40010-1, in its order.
enum class OpcuaDeviceCategory : std::uint8_t {
  kOther,
  kArticulatedRobot,
  kScaraRobot,
  kCartesianRobot,
  kSphericalRobot,
  kParallelRobot,
  kCylindricalRobot
};

struct OpcuaMotionDevice {
  std::string name = {};  // unique in the twin
  std::string description = {};
  OpcuaIdentity identity = {};
  OpcuaDeviceCategory category = OpcuaDeviceCategory::kOther;
  std::vector<OpcuaAxis> axes = {};
  std::vector<OpcuaPowerTrain> power_trains = {};
  std::optional<double> flange_load_mass = {};  // [kg]
};

struct OpcuaController {
  std::string name = {};
  OpcuaIdentity identity = {};
  std::string software_name = {}, software_manufacturer = {}, software_revision = {};
  std::string task_name = {}, program = {};  // the program that the task runs
};

struct OpcuaVariable {
  std::string name = {};  // unique in the twin
  std::string unit = {};  // "N.m"; empty: none
  std::string description = {};
};

struct OpcuaTwin {
  std::string name = {};  // of the motion device system
  std::vector<OpcuaMotionDevice> devices = {};
  std::vector<OpcuaController> controllers = {};  // each controls all devices
  std::vector<std::string> safety_states = {};    // names
  std::vector<OpcuaVariable> variables = {};      // what the twin knows beyond its motion
};

// NaN: not known, and told as such.
struct OpcuaAxisValue {
  double position = 0, speed = 0, acceleration = 0;
  Quality quality = Quality::kGood;
};

enum class OpcuaOperationalMode : std::uint8_t {
  kOther,
  kManualReducedSpeed,
  kManualHighSpeed,
  kAutomatic,
  kAutomaticExternal
};

struct OpcuaSafetyValue {  // what is not known is told as such
  std::optional<OpcuaOperationalMode> mode;
  std::optional<bool> emergency_stop, protective_stop;
};

struct OpcuaVariableValue {
  double value = 0;
  Quality quality = Quality::kGood;
};

// Values at one time. Each list is empty (no news) or whole: axes, speed overrides [%] and motor temperatures [degC] of
// all devices, in the order of the description.
struct OpcuaTwinValues {
  Time time;  // UNIX
  std::span<const OpcuaAxisValue> axes = {};
  std::span<const double> speed_overrides = {};
  std::span<const double> motor_temperatures = {};
  std::span<const OpcuaSafetyValue> safety = {};
  std::span<const OpcuaVariableValue> variables = {};
};

struct OpcuaServerOptions {
  std::string host = "127.0.0.1";  // address to listen at; "0.0.0.0": all of this machine
  std::uint16_t port = 4840;       // 0 is not supported: clients need to know it
  std::function<bool(const std::string& user, const std::string& password)> login = {};  // empty: no users
  std::string state_folder = {};                   // certificates; empty: $XDG_STATE_HOME/geoul/opcua
  std::string gateway_folder = {};                 // empty: as gateway.h says
  std::function<void(std::string_view)> log = {};  // lines that the gateway prints; from a thread of the server
};

struct OpcuaServerHealth {
  bool is_listening = false;
  std::string url;                           // "opc.tcp://127.0.0.1:4840", once it has listened
  std::string problem;                       // newest, one line with its remedy
  int sessions = 0;                          // of clients
  std::uint64_t published = 0, dropped = 0;  // calls of publish() that were passed on, or not
  std::uint64_t restarts = 0;                // of the gateway
};

class OpcuaServer {
 public:
  virtual ~OpcuaServer() = default;  // stops
  virtual void start() = 0;          // in the background, until stop(). Once
  virtual void stop() = 0;           // within two seconds
  // Passes values on. Never waits; may be called before it listens, and at any rate: clients sample what they want.
  virtual void publish(const OpcuaTwinValues& values) = 0;
  virtual OpcuaServerHealth health() const = 0;
  // Process id of the gateway while it runs; 0 else.
  virtual std::int64_t gateway_pid() const = 0;
};

// kBadInput: empty or repeated names, a power train without its axis; with all that is wrong in one line.
Result<std::unique_ptr<OpcuaServer>> make_opcua_server(OpcuaTwin twin, OpcuaServerOptions options);

}  // namespace geoul::link
