#include "geoul/runtime/links.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "geoul/core/nearest.h"
#include "geoul/link/csv_link.h"
#include "geoul/link/dds/dds_link.h"
#include "geoul/link/modbus/modbus_link.h"
#include "geoul/link/mqtt/mqtt_link.h"
#include "geoul/link/opcua/opcua_link.h"
#include "geoul/link/rtde/rtde_link.h"
#include "geoul/runtime/ros_replay.h"

namespace geoul::runtime {
namespace {

using MadeLink = Result<std::unique_ptr<link::Link>>;

Error bad(std::string message) { return {ErrorCode::kBadInput, std::move(message)}; }

// The option keys of a link as what they are; the first that is wrong is kept.
class Options {
 public:
  // only_checks: the words are read, and nothing is made of them.
  explicit Options(const LinkSpec& spec, bool only_checks = false) : spec_(spec), only_checks_(only_checks) {}

  bool has(const std::string& key) const { return spec_.options.contains(key); }
  std::string text(const std::string& key, std::string otherwise = {}) const {
    const auto at = spec_.options.find(key);
    return at == spec_.options.end() ? otherwise : at->second;
  }
  double number(const std::string& key, double otherwise, double least, double most) {
    if (!has(key)) return otherwise;
    const std::string words = text(key);
    double value = 0;
    const auto [stop, failure] = std::from_chars(words.data(), words.data() + words.size(), value);
    if (failure == std::errc() && stop == words.data() + words.size() && value >= least && value <= most) return value;
    char range[64];
    std::snprintf(range, sizeof range, "%g to %g", least, most);
    fail("'" + key + ": " + words + "' is not a number of " + range);
    return otherwise;
  }
  bool flag(const std::string& key, bool otherwise) {
    if (!has(key)) return otherwise;
    const std::string words = text(key);
    if (words == "true" || words == "false") return words == "true";
    fail("'" + key + ": " + words + "' is neither true nor false");
    return otherwise;
  }
  // Relative to the site file.
  std::string file(const std::string& name) const {
    return name.empty() ? name : (std::filesystem::path(spec_.folder) / name).string();
  }
  // One of the words, by its place.
  std::size_t choice(const std::string& key, const std::vector<std::string>& words, std::size_t otherwise) {
    if (!has(key)) return otherwise;
    const auto at = std::find(words.begin(), words.end(), text(key));
    if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
    std::string listed;
    for (const std::string& word : words) listed += (listed.empty() ? "" : ", ") + word;
    fail("'" + key + ": " + text(key) + "' is none of " + listed);
    return otherwise;
  }
  // The first line of the file that `password_file` names: secrets stay out of site files.
  std::string password() {
    if (!has("password_file")) return {};
    std::ifstream in(file(text("password_file")));
    std::string line;
    if (!std::getline(in, line))
      fail("the file '" + file(text("password_file")) + "' holds no password, or cannot be read");
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
  void fail(std::string message) { fail(bad(std::move(message))); }
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  // What there is to say once all words have been read: what is wrong, or no link where only words are checked.
  bool is_answered() const { return error_ || only_checks_; }
  MadeLink answer() const { return error_ ? MadeLink(*error_) : MadeLink(std::unique_ptr<link::Link>()); }

 private:
  const LinkSpec& spec_;
  bool only_checks_ = false;
  std::optional<Error> error_;
};

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

// "scheme://host:port", "scheme://[::1]:port"; the port may be left out, and nothing may follow.
Address address_of(const std::string& url, std::uint16_t usual_port, Options& options) {
  const std::size_t slashes = url.find("://");
  std::string rest = slashes == std::string::npos ? "" : url.substr(slashes + 3);
  if (rest.ends_with('/')) rest.pop_back();
  Address out{rest, usual_port};
  const std::size_t colon = rest.rfind(':'), bracket = rest.rfind(']');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    out.host = rest.substr(0, colon);
    const std::string port = rest.substr(colon + 1);
    unsigned value = 0;
    const auto [stop, failure] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (failure != std::errc() || stop != port.data() + port.size() || value == 0 || value > 65535)
      options.fail("'" + port + "' in '" + url + "' is not a port");
    out.port = static_cast<std::uint16_t>(value);
  }
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || out.host.find('/') != std::string::npos)
    options.fail("'" + url + "' names no host; write it as in " + url.substr(0, url.find(':')) + "://192.168.0.10");
  return out;
}

link::LinkOptions link_options(const LinkSpec& spec, std::vector<std::string> signals, std::function<Time()> now) {
  link::LinkOptions out;
  out.id = spec.id;
  out.signals = std::move(signals);
  out.now = std::move(now);
  return out;
}

// One protocol: its scheme, an example, the option keys that it takes, and how it is made.
struct Protocol {
  std::string scheme, example;
  bool sends_changes;  // only
  std::vector<std::string> keys;
  MadeLink (*make)(const LinkSpec& spec, Options& words, link::LinkOptions options);
};

MadeLink make_rtde(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  const Address address = address_of(spec.url, 30004, words);
  link::RtdeOptions out;
  out.link = std::move(options);
  out.host = address.host;
  out.port = address.port;
  out.frequency = words.number("frequency_hz", 125, 1, 500);
  std::istringstream inputs(words.text("inputs"));  // names between spaces: a comma ends the setting on a command line
  for (std::string name; inputs >> name;) out.inputs.push_back(name);
  out.analog_current = words.choice("analog_output", {"voltage", "current"}, 0) == 1;
  if (words.is_answered()) return words.answer();
  return link::make_rtde_link(std::move(out));
}

MadeLink make_modbus(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  const Address address = address_of(spec.url, 502, words);
  link::ModbusOptions out;
  out.link = std::move(options);
  out.host = address.host;
  out.port = address.port;
  out.unit = static_cast<int>(words.number("unit_id", 255, 0, 255));
  if (spec.period.ns > 0) out.period = spec.period;
  out.gap = static_cast<int>(words.number("gap", out.gap, 0, 2000));
  const std::string order = words.text("byte_order", "abcd");
  if (const auto known = link::modbus_order(order)) {
    out.order = *known;
  } else {
    words.fail("'byte_order: " + order + "' is none of abcd, cdab, badc, dcba");
  }
  if (words.is_answered()) return words.answer();
  return link::make_modbus_link(std::move(out));
}

MadeLink make_mqtt(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  link::MqttOptions out;
  link::MqttConnection& connection = out.connection;
  connection.url = spec.url;
  connection.version =
      words.choice("version", {"3.1.1", "5"}, 1) == 0 ? link::MqttVersion::k311 : link::MqttVersion::k5;
  connection.user = words.text("user");
  connection.password = words.password();
  connection.ca_file = words.file(words.text("ca_file"));
  connection.certificate_file = words.file(words.text("certificate_file"));
  connection.key_file = words.file(words.text("key_file"));
  out.mode =
      words.choice("payload", {"sparkplug", "plain"}, 0) == 0 ? link::MqttMode::kSparkplug : link::MqttMode::kPlain;
  out.host_id = words.text("host_id");
  out.plain.time_pointer = words.text("time_pointer");
  if (const Result<void> checked = link::check_mqtt_link(options, out); !checked) words.fail(checked.error());
  if (words.is_answered()) return words.answer();
  return link::make_mqtt_link(std::move(options), std::move(out));
}

MadeLink make_opcua(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  link::OpcuaOptions out;
  out.url = spec.url;
  constexpr link::OpcuaSecurity kSecurity[] = {link::OpcuaSecurity::kNone, link::OpcuaSecurity::kSign,
                                               link::OpcuaSecurity::kSignAndEncrypt};
  out.security = kSecurity[words.choice("security", {"none", "sign", "sign_and_encrypt"}, 2)];
  out.user = words.text("user");
  out.password = words.password();
  out.publishing_interval = Duration::from_seconds(words.number("publishing_s", 0.1, 0.001, 3600));
  out.sampling_interval = Duration::from_seconds(words.number("sampling_s", 0.01, 0.001, 3600));
  out.queue_size = static_cast<std::uint32_t>(words.number("queue", 100, 1, 100'000));
  if (words.is_answered()) return words.answer();
  return std::unique_ptr<link::Link>(link::make_opcua_link(std::move(options), std::move(out)));
}

MadeLink make_ros2(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  link::DdsLinkOptions out;
  out.link = std::move(options);
  out.dds.domain = static_cast<int>(words.number("domain", -1, 0, 232));
  out.dds.node_name = words.text("node_name", out.dds.node_name);
  // ros2://localhost stays on this machine, ros2://eth0 or ros2://192.168.0.5 speaks on that network
  const std::string where = spec.url.substr(std::min(spec.url.size(), std::string("ros2://").size()));
  if (where.empty()) words.fail("'" + spec.url + "' names no network; write ros2://localhost or ros2://eth0");
  out.dds.loopback_only = where == "localhost";
  if (!out.dds.loopback_only) out.dds.interface = where;
  if (words.is_answered()) return words.answer();
  return link::make_dds_link(std::move(out));
}

MadeLink make_rosbag(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  RosReplayOptions out;
  out.link = std::move(options);
  out.path = words.file(spec.url.substr(spec.url.find(':') + 1));
  out.speed = words.number("speed", 1, 1e-3, 1e3);
  out.loop = words.flag("loop", false);
  if (out.path.empty()) words.fail("'rosbag:' names no bag");
  if (words.is_answered()) return words.answer();
  return make_ros_replay_link(std::move(out));
}

MadeLink make_csv(const LinkSpec& spec, Options& words, link::LinkOptions options) {
  link::CsvLinkOptions out;
  out.link = std::move(options);
  std::string rest = spec.url.substr(spec.url.find(':') + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    out.files.push_back(words.file(rest.substr(0, comma)));
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  if (out.files.empty()) words.fail("'csv:' names no file");
  out.time_column = words.text("time_column", out.time_column);
  out.period = spec.period;
  out.speed = words.number("speed", 1, 1e-3, 1e3);
  out.loop = words.flag("loop", false);
  if (words.is_answered()) return words.answer();
  return link::make_csv_link(std::move(out));
}

const std::vector<std::string> kMqttKeys = {"version",  "user",    "password_file", "ca_file",     "certificate_file",
                                            "key_file", "payload", "host_id",       "time_pointer"};

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all = {
      {"mqtt", "mqtt://broker:1883", true, kMqttKeys, make_mqtt},
      {"mqtts", "mqtts://broker:8883", true, kMqttKeys, make_mqtt},
      {"opc.tcp",
       "opc.tcp://192.168.0.30:4840",
       true,
       {"security", "user", "password_file", "publishing_s", "sampling_s", "queue"},
       make_opcua},
      {"ros2", "ros2://localhost", false, {"domain", "node_name"}, make_ros2},
      {"rtde", "rtde://192.168.0.10", false, {"frequency_hz", "inputs", "analog_output"}, make_rtde},
      {"modbus", "modbus://192.168.0.20:502", false, {"unit_id", "byte_order", "gap"}, make_modbus},
      {"rosbag", "rosbag:recording.mcap", false, {"speed", "loop"}, make_rosbag},
      {"csv", "csv:recording.csv", false, {"time_column", "speed", "loop"}, make_csv},
  };
  return all;
}

const Protocol* find_protocol(const std::string& url) {
  if (url.find(':') == std::string::npos) return nullptr;
  const std::string scheme = url.substr(0, url.find(':'));
  const auto at =
      std::find_if(protocols().begin(), protocols().end(), [&](const Protocol& p) { return p.scheme == scheme; });
  return at == protocols().end() ? nullptr : &*at;
}

std::optional<Error> check_words(const LinkSpec& spec) {
  const Protocol* protocol = find_protocol(spec.url);
  if (!protocol) {
    std::string listed;
    for (const Protocol& p : protocols()) listed += (listed.empty() ? "" : ", ") + p.example;
    return bad("'" + spec.url + "' begins with no protocol that is known here; they are " + listed);
  }
  for (const auto& [key, value] : spec.options) {
    if (std::find(protocol->keys.begin(), protocol->keys.end(), key) != protocol->keys.end()) continue;
    return bad("'" + key + "' means nothing to " + protocol->scheme + "; " +
               did_you_mean(key, protocol->keys, "delete it"));
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& link_option_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> out;
    for (const Protocol& protocol : protocols()) out.insert(out.end(), protocol.keys.begin(), protocol.keys.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }();
  return keys;
}

std::vector<std::string> link_examples() {
  std::vector<std::string> out;
  for (const Protocol& protocol : protocols()) out.push_back(protocol.example);
  return out;
}

std::optional<Error> check_link(const LinkSpec& spec) {
  if (std::optional<Error> wrong = check_words(spec)) return wrong;
  Options words(spec, true);
  const MadeLink made = find_protocol(spec.url)->make(spec, words, {});
  return made ? std::nullopt : std::optional(made.error());
}

MadeLink make_link(const LinkSpec& spec, std::vector<std::string> signals, std::function<Time()> now,
                   std::vector<link::ExpectedUnit> units) {
  if (const std::optional<Error> wrong = check_words(spec)) return *wrong;
  Options words(spec);
  link::LinkOptions options = link_options(spec, std::move(signals), std::move(now));
  options.units = std::move(units);
  return find_protocol(spec.url)->make(spec, words, std::move(options));
}

Duration stale_after(const LinkSpec& spec) {
  if (spec.stale_after.ns > 0) return spec.stale_after;
  const Protocol* protocol = find_protocol(spec.url);
  constexpr Duration kStreams{500'000'000}, kNever{INT64_MAX};
  return protocol && protocol->sends_changes ? kNever : kStreams;
}

std::optional<Error> replace_link(Site& site, const std::string& words) {
  const std::size_t equals = words.find('=');
  if (equals == std::string::npos) return bad("'" + words + "' is no link; write ID=URL[,key=value...]");
  const std::string id = words.substr(0, equals);
  const auto link = std::find_if(site.links.begin(), site.links.end(), [&](const LinkSpec& l) { return l.id == id; });
  if (link == site.links.end()) {
    std::vector<std::string> ids;
    for (const LinkSpec& l : site.links) ids.push_back(l.id);
    return bad("the site has no link '" + id + "'; " + did_you_mean(id, ids, "list it under links"));
  }
  link->prefix.clear();
  link->options.clear();
  std::string rest = words.substr(equals + 1);
  for (bool first = true; !rest.empty() || first; first = false) {
    const std::size_t comma = rest.find(',');
    const std::string part = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const std::size_t sign = part.find('=');
    if (first) {
      link->url = part;
    } else if (sign == std::string::npos) {
      return bad("'" + part + "' is no setting; write key=value");
    } else if (part.substr(0, sign) == "prefix") {
      link->prefix = part.substr(sign + 1);
    } else {
      link->options[part.substr(0, sign)] = part.substr(sign + 1);
    }
  }
  return check_link(*link);
}

}  // namespace geoul::runtime
