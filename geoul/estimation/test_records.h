// Real recordings for tests and figures: read from where they stand, never copied.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "geoul/core/contract.h"
#include "geoul/estimation/identify.h"
#include "geoul/scene/scene.h"

namespace geoul::estimation {

inline std::vector<double> read_numbers(const std::string& file) {
  std::ifstream in(file);
  std::vector<double> numbers;
  for (double x; in >> x;) numbers.push_back(x);
  return numbers;
}

// Rows [begin, end) of the log of a Franka Emika Panda (Gaz et al., IEEE RA-L 4(4), 2019; GPL, so it stands outside the
// project). None where it is not on this machine.
inline std::optional<MotionRecord> panda_log(const std::string& source_folder, double from, double to) {
  const std::string folder = source_folder + "/../shared/data/panda_log/exciting_traj_";
  if (!std::filesystem::exists(folder + "time.txt")) return std::nullopt;
  const std::vector<double> time = read_numbers(folder + "time.txt");
  const auto n = static_cast<Eigen::Index>(time.size());
  const auto begin = static_cast<Eigen::Index>(from * static_cast<double>(n));
  const auto end = static_cast<Eigen::Index>(to * static_cast<double>(n));
  const auto table = [&](const char* what) -> RowMatrix {
    const std::vector<double> all = read_numbers(folder + what + ".txt");
    return Eigen::Map<const RowMatrix>(all.data(), n, 7).middleRows(begin, end - begin);
  };
  MotionRecord record;
  for (int j = 1; j <= 7; ++j) record.names.push_back("joint" + std::to_string(j));
  record.time.assign(time.begin() + begin, time.begin() + end);
  record.q = table("positions");
  record.v = table("velocity");
  record.tau = table("torques");
  return record;
}

inline const RegularOptions kPandaClock{1e-3, true, 0, 0.5};

// A column of a recording of the UR3e cell (scenarios/ur3e_cell/data; lines end in CR).
using Columns = std::vector<std::pair<std::string, std::vector<double>>>;
inline Columns read_ur3e(const std::string& file) {
  std::ifstream in(file);
  Columns columns;
  std::string line;
  while (std::getline(in, line, '\r')) {
    if (!line.empty() && line.front() == '\n') line.erase(0, 1);
    if (line.empty()) continue;
    const bool head = columns.empty();
    std::size_t at = 0, from = 0;
    while (from <= line.size()) {
      const std::size_t end = std::min(line.find(',', from), line.size());
      const std::string field = line.substr(from, end - from);
      if (head)
        columns.emplace_back(field, std::vector<double>());
      else
        columns.at(at++).second.push_back(std::strtod(field.c_str(), nullptr));
      from = end + 1;
    }
  }
  return columns;
}

// The six joints' columns `name`_0 to _5.
inline RowMatrix ur3e_table(const Columns& columns, const std::string& name) {
  RowMatrix out;
  for (int j = 0; j < 6; ++j) {
    for (const auto& [column, values] : columns) {
      if (column != name + "_" + std::to_string(j)) continue;
      if (out.size() == 0) out.resize(static_cast<Eigen::Index>(values.size()), 6);
      for (std::size_t i = 0; i < values.size(); ++i) out(static_cast<Eigen::Index>(i), j) = values[i];
    }
  }
  return out;
}

// The five moves as motions: what the controller refers to with its own torques, or what was measured with currents.
inline std::vector<RegularMotion> ur3e_motions(const std::string& source_folder, bool measured) {
  std::vector<RegularMotion> motions;
  for (const char* name : {"L0L1", "L1L2", "L2L3", "L3L4", "L4L5"}) {
    const Columns columns = read_ur3e(source_folder + "/scenarios/ur3e_cell/data/" + name + ".csv");
    RegularMotion m;
    m.period = 0.04;
    m.q = ur3e_table(columns, measured ? "actual_q" : "target_q");
    m.v = ur3e_table(columns, measured ? "actual_qd" : "target_qd");
    m.a = measured ? slopes(m.v, 1, m.period) : ur3e_table(columns, "target_qdd");
    m.tau = ur3e_table(columns, measured ? "actual_current" : "target_moment");
    motions.push_back(std::move(m));
  }
  return motions;
}

inline scene::Scene ur3e_scene(const std::string& source_folder, const std::string& name) {
  Diagnostics diagnostics;
  auto scene = scene::read_scene(source_folder + "/scenarios/ur3e_cell/" + name, diagnostics);
  GEOUL_EXPECTS(scene && diagnostics.ok());
  return *scene;
}

// The arm of testdata/panda_arm.urdf.
inline scene::Scene panda_arm(const std::string& source_folder) {
  Diagnostics diagnostics;
  auto scene = scene::read_scene(source_folder + "/geoul/estimation/testdata/panda_arm.urdf", diagnostics);
  GEOUL_EXPECTS(scene && diagnostics.ok());
  return *scene;
}

inline std::vector<scene::JointId> all_joints(const scene::Scene& scene) {
  std::vector<scene::JointId> joints;
  for (std::size_t j = 0; j < scene.joints.size(); ++j) {
    if (scene::velocity_size(scene.joints[j].type) == 1) joints.push_back(scene::JointId::from_index(j));
  }
  return joints;
}

// The same rows of a regular motion as the record has, and of each column the root of the mean square.
inline RowMatrix at_rows(const RowMatrix& regular, const RegularMotion& motion) {
  RowMatrix out(static_cast<Eigen::Index>(motion.position.size()), regular.cols());
  for (std::size_t r = 0; r < motion.position.size(); ++r) {
    out.row(static_cast<Eigen::Index>(r)) = regular.row(motion.position[r]);
  }
  return out;
}
inline Eigen::VectorXd root_mean_square(const RowMatrix& e) {
  return (e.colwise().squaredNorm() / static_cast<double>(e.rows())).cwiseSqrt().transpose();
}

}  // namespace geoul::estimation
