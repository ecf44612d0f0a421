// Typed access to YAML with findings instead of exceptions. Internal to the site file's reader.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"

namespace geoul::runtime {

// One file being read.
class YamlFile {
 public:
  YamlFile(std::string file, Diagnostics& diagnostics) : file_(std::move(file)), diagnostics_(diagnostics) {}

  // Parses the file; an undefined node after a finding.
  YAML::Node load();
  // The same of a text that stands for the file.
  YAML::Node parse(const std::string& text);

  void error(const YAML::Node& at, std::string path, std::string code, std::string message, std::string mend = {});
  void error_at(int line, std::string path, std::string code, std::string message, std::string mend = {});
  const std::string& name() const { return file_; }

 private:
  std::string file_;
  Diagnostics& diagnostics_;
};

int line_of(const YAML::Node& node);

// One mapping, whose keys must be among the known ones. Getters return the default after adding a finding.
class YamlMap {
 public:
  YamlMap(YamlFile& file, const YAML::Node& node, std::string path, std::vector<std::string> known);

  bool ok() const { return ok_; }
  bool has(const std::string& key) const { return find(key).IsDefined(); }
  // The value; undefined where there is none, with a finding where it is required.
  YAML::Node get(const std::string& key, bool required);
  std::string text(const std::string& key, bool required, std::string otherwise = {});
  double number(const std::string& key, bool required, double otherwise);  // finite, >= 0
  bool flag(const std::string& key, bool otherwise);
  std::vector<YAML::Node> list(const std::string& key, bool required);
  std::vector<std::string> texts(const std::string& key, bool required);
  std::vector<double> numbers(const std::string& key, bool required);
  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  YamlFile& file() const { return file_; }
  const YAML::Node& node() const { return node_; }

 private:
  YAML::Node find(const std::string& key) const;
  std::optional<double> to_number(const YAML::Node& node, const std::string& where);

  YamlFile& file_;
  YAML::Node node_;
  std::string path_;
  bool ok_ = false;
};

}  // namespace geoul::runtime
