#include "geoul/link/opcua/opcua_server.h"

#include <atomic>
#include <cmath>
#include <mutex>
#include <set>

#include "geoul/link/opcua/gateway.h"
#include "geoul/link/opcua/opcua_link.h"

namespace geoul::link {
namespace {

using opcua::json_text;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kRetry{5};  // after the address was in use

std::string number(double value) {
  if (std::isnan(value)) return "null";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.17g", value);
  return digits;
}

template <class List, class Write>
std::string list(const List& items, Write write) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? "," : "") + write(item);
  return out + "]";
}

std::string identity(const OpcuaIdentity& known) {
  return R"("manufacturer":)" + json_text(known.manufacturer) + R"(,"model":)" + json_text(known.model) +
         R"(,"product_code":)" + json_text(known.product_code) + R"(,"serial_number":)" +
         json_text(known.serial_number);
}

std::string load(const std::optional<double>& mass) { return mass ? R"({"mass":)" + number(*mass) + "}" : "null"; }

std::string describe(const OpcuaAxis& axis) {
  const std::string range =
      axis.range ? "[" + number(axis.range->first) + "," + number(axis.range->second) + "]" : "null";
  return R"({"name":)" + json_text(axis.name) + R"(,"description":)" + json_text(axis.description) + R"(,"linear":)" +
         (axis.is_linear ? "true" : "false") + R"(,"profile":)" + std::to_string(static_cast<int>(axis.profile)) +
         R"(,"range":)" + range + R"(,"load":)" + load(axis.load_mass) + "}";
}

std::string describe(const OpcuaPowerTrain& train) {
  return R"({"name":)" + json_text(train.name) + R"(,"axis":)" + std::to_string(train.axis) + R"(,"motor":{"name":)" +
         json_text(train.motor_name) + "," + identity(train.motor) + "}}";
}

std::string describe(const OpcuaMotionDevice& device) {
  return R"({"name":)" + json_text(device.name) + R"(,"description":)" + json_text(device.description) + "," +
         identity(device.identity) + R"(,"category":)" + std::to_string(static_cast<int>(device.category)) +
         R"(,"flange_load":)" + load(device.flange_load_mass) + R"(,"axes":)" +
         list(device.axes, [](const OpcuaAxis& axis) { return describe(axis); }) + R"(,"power_trains":)" +
         list(device.power_trains, [](const OpcuaPowerTrain& train) { return describe(train); }) + "}";
}

std::string describe(const OpcuaController& controller) {
  return R"({"name":)" + json_text(controller.name) + "," + identity(controller.identity) + R"(,"software":{"name":)" +
         json_text(controller.software_name) + R"(,"manufacturer":)" + json_text(controller.software_manufacturer) +
         R"(,"revision":)" + json_text(controller.software_revision) + R"(},"task":{"name":)" +
         json_text(controller.task_name) + R"(,"program":)" + json_text(controller.program) + R"(,"loaded":)" +
         (controller.program.empty() ? "false" : "true") + "}}";
}

std::string describe(const OpcuaTwin& twin) {
  const auto variable = [](const OpcuaVariable& v) {
    return R"({"name":)" + json_text(v.name) + R"(,"unit":)" + json_text(v.unit) + R"(,"description":)" +
           json_text(v.description) + "}";
  };
  return R"({"name":)" + json_text(twin.name) + R"(,"devices":)" +
         list(twin.devices, [](const OpcuaMotionDevice& device) { return describe(device); }) + R"(,"controllers":)" +
         list(twin.controllers, [](const OpcuaController& controller) { return describe(controller); }) +
         R"(,"safety_states":)" + list(twin.safety_states, [](const std::string& name) { return json_text(name); }) +
         R"(,"variables":)" + list(twin.variables, variable) + "}";
}

// Adds to `wrong` where a name is empty or stands twice among its like.
void check_names(const std::vector<std::string>& names, const std::string& what, std::string& wrong) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty()) wrong += "; " + what + " has no name";
    if (!name.empty() && !seen.insert(name).second) wrong += "; " + what + " '" + name + "' stands twice";
  }
}

template <class List>
std::vector<std::string> names_of(const List& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

std::string check(const OpcuaTwin& twin) {
  std::string wrong;
  check_names({twin.name}, "the twin", wrong);
  check_names(names_of(twin.devices), "a motion device", wrong);
  check_names(names_of(twin.controllers), "a controller", wrong);
  check_names(twin.safety_states, "a safety state", wrong);
  check_names(names_of(twin.variables), "a variable", wrong);
  for (const OpcuaMotionDevice& device : twin.devices) {
    check_names(names_of(device.axes), "an axis of '" + device.name + "'", wrong);
    check_names(names_of(device.power_trains), "a power train of '" + device.name + "'", wrong);
    for (const OpcuaPowerTrain& train : device.power_trains) {
      if (train.axis >= device.axes.size())
        wrong += "; power train '" + train.name + "' of '" + device.name + "' moves no axis of it";
      if (train.motor_name.empty()) wrong += "; the motor of power train '" + train.name + "' has no name";
    }
  }
  for (const OpcuaController& controller : twin.controllers) {
    if (controller.software_name.empty() || controller.task_name.empty()) {
      wrong += "; controller '" + controller.name + "' has no name of its software or its task";
    }
  }
  return wrong.empty() ? wrong : wrong.substr(2);
}

class ServerOverGateway final : public OpcuaServer {
 public:
  ServerOverGateway(OpcuaTwin twin, OpcuaServerOptions options)
      : options_(std::move(options)),
        description_(describe(twin)),
        nvariable_(twin.variables.size()),
        ndevice_(twin.devices.size()),
        nsafety_(twin.safety_states.size()),
        gateway_({.id = twin.name, .folder = options_.gateway_folder, .log = options_.log}) {
    for (const OpcuaMotionDevice& device : twin.devices)
      naxis_ += device.axes.size(), nmotor_ += device.power_trains.size();
  }
  ~ServerOverGateway() override { stop(); }

  void start() override {
    gateway_.start({.on_up = [this] { serve(); },
                    .on_message = [this](opcua::Message message) { hear(std::move(message)); },
                    .on_down = [this](std::string problem, Duration) { lose(std::move(problem)); },
                    .on_tick = [this] { tick(); }});
  }
  void stop() override {
    gateway_.stop();
    const std::lock_guard lock(mutex_);
    health_.is_listening = false;
    health_.sessions = 0;
  }
  std::int64_t gateway_pid() const override { return gateway_.pid(); }
  OpcuaServerHealth health() const override {
    const std::lock_guard lock(mutex_);
    return health_;
  }

  void publish(const OpcuaTwinValues& values) override {
    GEOUL_EXPECTS(values.axes.empty() || values.axes.size() == naxis_);
    GEOUL_EXPECTS(values.speed_overrides.empty() || values.speed_overrides.size() == ndevice_);
    GEOUL_EXPECTS(values.motor_temperatures.empty() || values.motor_temperatures.size() == nmotor_);
    GEOUL_EXPECTS(values.safety.empty() || values.safety.size() == nsafety_);
    GEOUL_EXPECTS(values.variables.empty() || values.variables.size() == nvariable_);
    const bool passed = is_serving_ && gateway_.send(message(values));
    const std::lock_guard lock(mutex_);
    ++(passed ? health_.published : health_.dropped);
  }

 private:
  static std::string message(const OpcuaTwinValues& values) {
    std::string out = R"({"type":"values","time":")" + std::to_string(values.time.ns) + '"';
    const auto grade = [](Quality quality) { return std::to_string(static_cast<int>(quality)); };
    if (!values.axes.empty()) {
      out += R"(,"axes":)" + list(values.axes, [&](const OpcuaAxisValue& axis) {
               return "[" + number(axis.position) + "," + number(axis.speed) + "," + number(axis.acceleration) + "," +
                      grade(axis.quality) + "]";
             });
    }
    if (!values.speed_overrides.empty()) out += R"(,"overrides":)" + list(values.speed_overrides, number);
    if (!values.motor_temperatures.empty()) out += R"(,"temperatures":)" + list(values.motor_temperatures, number);
    if (!values.safety.empty()) {
      const auto truth = [](const std::optional<bool>& known) { return known ? (*known ? "true" : "false") : "null"; };
      out += R"(,"safety":)" + list(values.safety, [&](const OpcuaSafetyValue& state) {
               return "[" + (state.mode ? std::to_string(static_cast<int>(*state.mode)) : "null") + "," +
                      truth(state.emergency_stop) + "," + truth(state.protective_stop) + "]";
             });
    }
    if (!values.variables.empty()) {
      out += R"(,"variables":)" + list(values.variables, [&](const OpcuaVariableValue& variable) {
               return "[" + number(variable.value) + "," + grade(variable.quality) + "]";
             });
    }
    return out + "}";
  }

  void serve() {
    const std::string folder = options_.state_folder.empty() ? default_opcua_state_folder() : options_.state_folder;
    if (folder.empty()) return set_problem("there is no folder for certificates: set HOME or XDG_STATE_HOME");
    gateway_.send(R"({"type":"serve","id":1,"host":)" + json_text(options_.host) + R"(,"port":)" +
                  std::to_string(options_.port) + R"(,"state_folder":)" + json_text(folder) + R"(,"version":)" +
                  json_text(GEOUL_VERSION) + R"(,"description":)" + description_ + "}");
  }

  void set_problem(std::string problem) {
    const std::lock_guard lock(mutex_);
    health_.problem = std::move(problem);
  }

  void lose(std::string problem) {
    is_serving_ = false;
    retry_ = {};
    const std::lock_guard lock(mutex_);
    health_.is_listening = false;
    health_.sessions = 0;
    ++health_.restarts;
    health_.problem = std::move(problem);
  }

  void tick() {
    if (retry_ == Steady::time_point() || Steady::now() < retry_) return;
    retry_ = {};
    serve();
  }

  void hear(opcua::Message message) {
    if (const auto* login = std::get_if<opcua::Login>(&message)) {
      const bool accepted = options_.login && options_.login(login->user, login->password);
      gateway_.send(R"({"type":"verdict","id":)" + std::to_string(login->id) + R"(,"accepted":)" +
                    (accepted ? "true" : "false") + "}");
      if (!accepted) set_problem("user '" + login->user + "' was refused by the OPC UA server");
    } else if (const auto* sessions = std::get_if<opcua::Sessions>(&message)) {
      const std::lock_guard lock(mutex_);
      health_.sessions = sessions->count;
    } else if (const auto* problem = std::get_if<opcua::Problem>(&message)) {
      set_problem(problem->text);
    } else if (const auto* reply = std::get_if<opcua::Reply>(&message)) {
      const std::lock_guard lock(mutex_);
      health_.is_listening = !reply->error;
      health_.problem = reply->error ? reply->error->message : "";
      if (!reply->error) health_.url = reply->url;
      is_serving_ = !reply->error;
      if (reply->error) retry_ = Steady::now() + kRetry;
    }
  }

  OpcuaServerOptions options_;
  std::string description_;
  std::size_t naxis_ = 0, nmotor_ = 0, nvariable_, ndevice_, nsafety_;
  std::atomic<bool> is_serving_ = false;
  Steady::time_point retry_;  // of the gateway's thread; zero: not due
  mutable std::mutex mutex_;
  OpcuaServerHealth health_;  // under the mutex
  opcua::Gateway gateway_;    // last: its thread uses all of the above
};

}  // namespace

Result<std::unique_ptr<OpcuaServer>> make_opcua_server(OpcuaTwin twin, OpcuaServerOptions options) {
  if (std::string wrong = check(twin); !wrong.empty()) return Error{ErrorCode::kBadInput, "OPC UA server: " + wrong};
  if (options.port == 0)
    return Error{ErrorCode::kBadInput, "OPC UA server: port 0: name the port that clients connect to, 4840 by custom"};
  return std::unique_ptr<OpcuaServer>(std::make_unique<ServerOverGateway>(std::move(twin), std::move(options)));
}

}  // namespace geoul::link
