#include "geoul/runtime/identify_record.h"

#include <algorithm>
#include <filesystem>

#include "geoul.pb.h"
#include "geoul/history/mcap_reader.h"
#include "geoul/link/csv_source.h"

namespace geoul::runtime {
namespace {

using estimation::RowMatrix;
using scene::JointId;

std::string last_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

std::string replaced(std::string pattern, const std::string& what, const std::string& by) {
  for (std::size_t at = pattern.find(what); at != std::string::npos; at = pattern.find(what, at + by.size())) {
    pattern.replace(at, what.size(), by);
  }
  return pattern;
}

// The column of a joint: number counts the joints of one degree of the scene, in its order.
std::string column_name(const std::string& pattern, const std::string& joint, std::size_t number) {
  return replaced(replaced(replaced(pattern, "{}", joint), "{0}", std::to_string(number)), "{1}",
                  std::to_string(number + 1));
}

struct Candidate {
  JointId id;
  std::size_t number = 0;
  std::string path, name;
  bool asked = false;
};

// Joints of one degree; asked: named by the user.
std::optional<std::vector<Candidate>> candidates(const IdentifyOptions& options, const scene::Scene& scene,
                                                 Diagnostics& diagnostics) {
  std::vector<Candidate> all;
  std::vector<std::string> names;
  for (std::size_t j = 0; j < scene.joints.size(); ++j) {
    if (scene::velocity_size(scene.joints[j].type) != 1) continue;
    all.push_back({JointId::from_index(j), all.size(), scene.joints[j].path, last_name(scene.joints[j].path), false});
    names.push_back(all.back().name);
  }
  for (const std::string& asked : options.joints) {
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const Candidate& c) { return c.path == asked || c.name == asked; });
    if (at == all.end()) {
      diagnostics.error(
          {options.scene, 0, {}}, "unknown-joint", "the scene has no joint '" + asked + "' of one degree",
          names.empty() ? "" : "its joints are " + [&] {
            std::string list;
            for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
            return list;
          }());
    } else {
      at->asked = true;
    }
  }
  if (!diagnostics.ok()) return std::nullopt;
  if (!options.joints.empty()) std::erase_if(all, [](const Candidate& c) { return !c.asked; });
  return all;
}

std::string shown(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) list += (i == 0 ? "" : ", ") + names[i];
  return list + (names.size() > kMost ? ", and " + std::to_string(names.size() - kMost) + " more" : "");
}

std::optional<JointRecording> read_csv_recording(const IdentifyOptions& options, std::vector<Candidate> joints,
                                                 Diagnostics& diagnostics) {
  const auto header = link::read_csv_header(options.recording, diagnostics);
  if (!header) return std::nullopt;
  const auto has = [&](const std::string& column) {
    return std::find(header->begin(), header->end(), column) != header->end();
  };
  const auto complete = [&](const Candidate& c) {
    return has(column_name(options.position, c.name, c.number)) && has(column_name(options.torque, c.name, c.number));
  };
  if (options.joints.empty()) std::erase_if(joints, [&](const Candidate& c) { return !complete(c); });
  for (const Candidate& c : joints) {
    for (const std::string& pattern : {options.position, options.torque}) {
      const std::string column = column_name(pattern, c.name, c.number);
      if (has(column)) continue;
      diagnostics.error({options.recording, 1, column}, "no-column",
                        "there is no such column for joint '" + c.name + "'",
                        "name columns with --position, --velocity, --torque; there are " + shown(*header));
    }
  }
  if (joints.empty()) {
    diagnostics.error({options.recording, 1, {}}, "no-joints",
                      "no joint of the scene has columns like '" + options.position + "' and '" + options.torque + "'",
                      "name columns with --position and --torque; there are " + shown(*header));
  }
  if (!diagnostics.ok()) return std::nullopt;
  const bool velocities = std::all_of(joints.begin(), joints.end(), [&](const Candidate& c) {
    return has(column_name(options.velocity, c.name, c.number));
  });
  link::CsvOptions csv;
  csv.time_column = options.time_column;
  for (const std::string& pattern : {options.position, options.torque, options.velocity}) {
    if (pattern == options.velocity && !velocities) continue;
    for (const Candidate& c : joints) csv.columns.push_back(column_name(pattern, c.name, c.number));
  }
  const auto recording = link::read_csv(options.recording, csv, diagnostics);
  if (!recording) return std::nullopt;
  JointRecording out;
  const auto rows = static_cast<Eigen::Index>(recording->rows()), n = static_cast<Eigen::Index>(joints.size());
  const auto width = static_cast<Eigen::Index>(csv.columns.size());
  const Eigen::Map<const RowMatrix> values(recording->values.data(), rows, width);
  out.record.q = values.leftCols(n);
  out.record.tau = values.middleCols(n, n);
  if (velocities) out.record.v = values.rightCols(n);
  for (const Time& t : recording->time) {
    out.record.time.push_back(static_cast<double>((t - recording->time.front()).ns) * 1e-9);
  }
  for (const Candidate& c : joints) {
    out.joints.push_back(c.id);
    out.record.names.push_back(c.name);
  }
  return out;
}

std::optional<JointRecording> read_mcap_recording(const IdentifyOptions& options, std::vector<Candidate> joints,
                                                  Diagnostics& diagnostics) {
  auto reader = history::McapReader::open(options.recording);
  if (!reader) {
    diagnostics.error({options.recording, 0, {}}, "not-found", reader.error().message);
    return std::nullopt;
  }
  struct Row {
    double time;
    std::vector<double> q, v, tau;
  };
  std::vector<Row> rows;
  std::vector<std::string> seen;
  bool sound = true;
  history::McapQuery query;
  query.topics = {"/joints"};
  const Result<void> read = reader->for_each(query, [&](const history::McapMessage& message) {
    ::geoul::JointStates states;
    if (!states.ParseFromArray(message.data.data(), static_cast<int>(message.data.size()))) return sound = false;
    if (rows.empty()) {
      for (const auto& joint : states.joints()) seen.push_back(joint.name());
      if (options.joints.empty()) {
        std::erase_if(joints,
                      [&](const Candidate& c) { return std::find(seen.begin(), seen.end(), c.path) == seen.end(); });
      }
    }
    Row row{static_cast<double>(message.log_time.ns) * 1e-9, {}, {}, {}};
    for (const Candidate& c : joints) {
      const auto at = std::find_if(states.joints().begin(), states.joints().end(), [&](const auto& joint) {
        return joint.name() == c.path && joint.position_size() == 1 && joint.velocity_size() == 1 &&
               joint.effort_size() == 1;
      });
      if (at == states.joints().end()) return sound = false;
      row.q.push_back(at->position(0));
      row.v.push_back(at->velocity(0));
      row.tau.push_back(at->effort(0));
    }
    rows.push_back(std::move(row));
    return true;
  });
  if (!read || !sound || rows.empty() || joints.empty()) {
    diagnostics.error({options.recording, 0, "/joints"}, "no-joints",
                      !read ? read.error().message : "no messages with position, velocity and effort of the joints",
                      seen.empty() ? "give a recording of Geoul, or a CSV" : "it has " + shown(seen));
    return std::nullopt;
  }
  JointRecording out;
  const auto n = static_cast<Eigen::Index>(joints.size());
  out.record.q.resize(static_cast<Eigen::Index>(rows.size()), n);
  out.record.v = out.record.tau = out.record.q;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.record.time.push_back(rows[i].time - rows.front().time);
    for (Eigen::Index j = 0; j < n; ++j) {
      const auto r = static_cast<Eigen::Index>(i);
      out.record.q(r, j) = rows[i].q[static_cast<std::size_t>(j)];
      out.record.v(r, j) = rows[i].v[static_cast<std::size_t>(j)];
      out.record.tau(r, j) = rows[i].tau[static_cast<std::size_t>(j)];
    }
  }
  for (const Candidate& c : joints) {
    out.joints.push_back(c.id);
    out.record.names.push_back(c.name);
  }
  return out;
}

}  // namespace

std::optional<JointRecording> read_joint_recording(const IdentifyOptions& options, const scene::Scene& scene,
                                                   Diagnostics& diagnostics) {
  auto joints = candidates(options, scene, diagnostics);
  if (!joints) return std::nullopt;
  const bool mcap = std::filesystem::path(options.recording).extension() == ".mcap";
  auto out = mcap ? read_mcap_recording(options, std::move(*joints), diagnostics)
                  : read_csv_recording(options, std::move(*joints), diagnostics);
  if (!out) return std::nullopt;
  out->record.where = {options.recording, 0, {}};
  estimation::check_record(out->record, diagnostics);
  if (!diagnostics.ok()) return std::nullopt;
  return out;
}

}  // namespace geoul::runtime
