// Site: what a site file (YAML) says: which scene, which recordings and live links feed it, which signals mean what,
// what the report judges, where to serve and record. Plain data; names of joints and sites are checked against a scene
// by check_names. Paths of files are relative to the site file. All values SI. The format, key by key:
// docs/notes/site_file.md.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/time.h"
#include "geoul/link/units.h"

namespace geoul::runtime {

inline constexpr double kNoBound = std::numeric_limits<double>::quiet_NaN();  // reported only

// One signal: "rtde/actual_q_0" is column actual_q_0 of source rtde.
struct SignalName {
  std::string source;
  std::string column;
  int line = 0;
};

// A name in the scene, and where it was written.
struct ScenePath {
  std::string path;
  int line = 0;
};

// What a signal is called out there and in which unit it comes; a column without an entry is called as it is, in SI.
struct SignalEntry {
  std::string column;
  std::string name;  // of the protocol; empty: the column's, behind the link's prefix
  std::string unit_text;
  link::Unit unit;
  int line = 0;
};

struct Source {
  std::string id;
  std::vector<std::string> files;  // to open, in the order they are played
  std::vector<std::string> names;  // the same as written, to be referred to
  std::string time_column;
  double time_unit = 1;  // [s]
  Duration period;       // nominal; 0: not given
  std::vector<SignalEntry> signals;
  int line = 0;
};

// A live connection. A source of the same id holds recordings of it: the same bindings serve both.
struct LinkSpec {
  std::string id;
  std::string url;       // its scheme says the protocol: links.h
  Duration period;       // nominal; 0: not given
  Duration stale_after;  // a signal older than this is not used; 0: as the protocol has it (links.h)
  std::string prefix;    // before the names of columns that have no entry
  std::vector<SignalEntry> signals;
  std::string folder;                          // of the site file: names of files are relative to it
  std::map<std::string, std::string> options;  // the other keys, checked by the protocol's own reader: links.h
  int line = 0;
};

struct JointBinding {
  ScenePath joint;
  SignalName position;
  std::optional<SignalName> velocity;  // none: the derivative of the position
  std::optional<SignalName> current;
  // What the robot's own controller wanted, and the torque of its own inverse dynamics; all four or none.
  struct Reference {
    SignalName position, velocity, acceleration, torque;
  };
  std::optional<Reference> reference;
};

struct SiteBinding {
  ScenePath site;
  std::optional<ScenePath> relative_to;                     // body or site; none: the world
  std::optional<std::array<SignalName, 6>> pose;            // position, rotation vector
  std::optional<std::array<SignalName, 3>> specific_force;  // in the site's own axes
};

// A measurement by a name of its own. Where it measures a joint, the twin says what it should be.
struct SensorBinding {
  enum class Measures : std::uint8_t { kItself, kPosition, kVelocity, kEffort };
  std::string name;
  SignalName value;
  std::optional<ScenePath> joint;
  Measures measures = Measures::kItself;  // of the joint; kItself: there is none
  int line = 0;
};

// A number that the plant is set to: a set-point, a payload, a recipe's value. Clients see it as a parameter.
struct ParameterBinding {
  std::string name;
  SignalName value;
  int line = 0;
};

// The twin to others than the studio, while it runs. Both stay on this machine unless the site says otherwise.
struct OpcuaServe {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4840;
};
struct RosServe {
  int domain = -1;                   // 0 to 232; -1: ROS_DOMAIN_ID, else 0
  std::string network;               // name or address of an interface; empty: this machine alone
  std::string node_namespace = "/";  // before its topics
  bool reliable_sensors = false;     // RViz asks for reliable data until it is told otherwise
};
struct TwinServe {
  std::optional<OpcuaServe> opcua;
  std::optional<RosServe> ros;
};

// Bounds are NaN where a figure is only reported.
struct GravityTorque {
  std::vector<ScenePath> joints;
  double max_relative_error = kNoBound;
};

struct Judge {
  double rest_velocity = 1e-6;  // [rad/s], [rad/s2]: a row is at rest when every reference is at most this
  double rest_acceleration = 1e-6;
  std::optional<GravityTorque> gravity_torque;
  std::vector<double> torque_reference_rmse;  // [N.m] one a bound joint, or empty
  std::vector<double> torque_measured_rmse;
  struct ConstantTransform {
    ScenePath from, to;
    double max_mean_deviation = kNoBound;  // [m]
    double max_deviation = kNoBound;
  };
  std::optional<ConstantTransform> constant_transform;
  struct PoseError {
    ScenePath site;
    double max_mean_error = kNoBound;  // [m]
    double max_error = kNoBound;
  };
  std::optional<PoseError> pose;
  struct CurrentFit {
    ScenePath joint;
    std::string file;            // as in Source::names
    double max_rmse = kNoBound;  // [A]
  };
  double moving_above = 0.02;  // [rad/s]
  std::vector<CurrentFit> current;
  double fixed_position = kNoBound;  // [m], [rad]
  double fixed_rotation = kNoBound;
  double specific_force_rmse = kNoBound;  // [m/s2]
};

struct Site {
  std::string file;
  std::string name;
  std::string scene;  // file to open
  std::vector<Source> sources;
  std::vector<LinkSpec> links;
  std::vector<JointBinding> joints;
  std::vector<SiteBinding> sites;
  std::vector<SensorBinding> sensors;
  std::vector<ParameterBinding> parameters;
  Judge judge;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;
  TwinServe serve;
  std::string record_folder = "recordings";  // relative to where the program runs
};

// Reads a site file and checks it by itself: every key, type and range; references to sources; files that exist;
// joints bound twice. None where anything is an error. Codes: not-found, yaml, too-large, unknown-key, missing-key,
// duplicate-key, bad-type, bad-value, duplicate-name, joint-bound-twice, site-bound-twice, unknown-source,
// unknown-file, bad-unit.
std::optional<Site> read_site(const std::string& file, Diagnostics& diagnostics);
// The same of a text that stands for the file, which need not exist.
std::optional<Site> parse_site(const std::string& text, const std::string& file, Diagnostics& diagnostics);

}  // namespace geoul::runtime
