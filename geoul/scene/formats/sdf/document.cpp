#include "geoul/scene/formats/sdf/document.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::sdf {

using urdf::printable;

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

int line_at(const Source& source, std::ptrdiff_t offset) {
  if (offset < 0) return 0;
  const auto after =
      std::upper_bound(source.line_starts.begin(), source.line_starts.end(), static_cast<std::size_t>(offset));
  return static_cast<int>(after - source.line_starts.begin());
}

// One word as a number; the code of what is wrong otherwise.
const char* parse(std::string_view word, bool infinite, double& value) {
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure == std::errc::result_out_of_range) return "not-finite";
  if (failure != std::errc{} || end != word.data() + word.size()) return "bad-number";
  return std::isnan(value) || (std::isinf(value) && !infinite) ? "not-finite" : nullptr;
}

}  // namespace

std::optional<int> version_number(std::string_view text) {
  const std::string_view version = trimmed(text);
  const std::size_t dot = version.find('.');
  int parts[2] = {0, 0};
  for (int k = 0; k < 2; ++k) {
    if (k == 1 && dot == std::string_view::npos) break;
    const std::string_view part = k == 0 ? version.substr(0, dot) : version.substr(dot + 1);
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), parts[k]);
    if (part.empty() || part.size() > 4 || failure != std::errc{} || end != part.data() + part.size() || parts[k] < 0) {
      return std::nullopt;
    }
  }
  return 100 * parts[0] + parts[1];
}

std::string Element::text() const { return std::string(trimmed(node.text().get())); }

const Source* Document::parse(std::string_view text, const std::string& file) {
  auto source = std::make_unique<Source>();
  source->file = file;
  source->folder = std::filesystem::path(file).parent_path().string();
  const auto fail = [&](int line, const char* code, std::string message, std::string mend) {
    diagnostics_.error({file, line, {}}, code, std::move(message), std::move(mend));
    return nullptr;
  };
  if (text.size() > options_.max_bytes) {
    return fail(0, "too-large", "the file has " + std::to_string(text.size()) + " bytes",
                "the limit is " + std::to_string(options_.max_bytes));
  }
  if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) {
    return fail(1, "bad-encoding", "the text is UTF-16", "save it as UTF-8");
  }
  source->line_starts.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') source->line_starts.push_back(i + 1);
  }
  const auto parsed = source->document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) {
    return fail(line_at(*source, parsed.offset), "bad-xml", parsed.description(),
                "close every element and quote every attribute");
  }
  source->root = source->document.child("sdf");
  const int line = line_at(*source, source->document.document_element().offset_debug());
  if (source->document.child("gazebo")) {
    return fail(line, "old-version", "this is a file of Gazebo before SDF 1.3", "convert it with: gz sdf -p FILE");
  }
  if (!source->root) return fail(line, "no-sdf", "there is no <sdf> element", "give an SDF file");
  const pugi::xml_attribute version = source->root.attribute("version");
  if (!version) return fail(line, "no-version", "<sdf> has no version", "write version=\"1.9\"");
  const auto number = version_number(version.value());
  if (!number) {
    return fail(line, "no-version", "'" + printable(version.value()) + "' is no version", "write version=\"1.9\"");
  }
  if (*number < kOldest) {
    return fail(line, "old-version", "SDF " + printable(version.value()) + " is not read",
                "convert it with: gz sdf -p FILE");
  }
  if (*number > kNewest) {
    return fail(line, "new-version", "SDF " + printable(version.value()) + " is not read", "versions 1.4 to 1.12 are");
  }
  source->version = *number;
  sources_.push_back(std::move(source));
  return sources_.back().get();
}

const Source* Document::open(const std::string& file, const Element& from) {
  const auto [place, is_new] = opened_.try_emplace(file, nullptr);
  if (!is_new) return place->second;
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  std::ifstream stream(file, std::ios::binary);
  const Location where = from ? at(from) : Location{file, 0, {}};
  if (failed || !stream) {
    diagnostics_.error(where, "not-found", "'" + printable(file) + "' cannot be opened", "check the path");
    return nullptr;
  }
  if (size > options_.max_bytes) {
    diagnostics_.error(where, "too-large", "'" + printable(file) + "' has " + std::to_string(size) + " bytes",
                       "the limit is " + std::to_string(options_.max_bytes));
    return nullptr;
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return opened_[file] = parse(text, file);
}

Location Document::at(const Element& element, std::string who) const {
  if (element.source == nullptr) return {{}, 0, std::move(who)};
  return {element.source->file, line_at(*element.source, element.node ? element.node.offset_debug() : -1),
          std::move(who)};
}

void Document::error(const Element& element, const std::string& who, const char* code, std::string message,
                     std::string mend) {
  diagnostics_.error(at(element, who), code, std::move(message), std::move(mend));
}

void Document::warning(const Element& element, const std::string& who, const char* code, std::string message,
                       std::string mend) {
  diagnostics_.warning(at(element, who), code, std::move(message), std::move(mend));
}

void Document::info(const Element& element, const std::string& who, const char* code, std::string message) {
  diagnostics_.info(at(element, who), code, std::move(message));
}

bool Document::numbers(const Element& element, const std::string& who, std::size_t least, std::size_t most,
                       double* values, bool infinite) {
  const std::string text = element.text();
  const auto fail = [&](const char* code, const std::string& what) {
    error(element, who, code, "<" + printable(element.name()) + ">" + printable(text) + ": " + what,
          most == 1 ? "write one number" : "write " + std::to_string(most) + " numbers with spaces between");
    return false;
  };
  std::size_t found = 0;
  for (std::string_view rest = text;;) {
    while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) break;
    std::size_t size = 0;
    while (size < rest.size() && !is_space(rest[size])) ++size;
    double value = 0;
    if (const char* code = sdf::parse(rest.substr(0, size), infinite, value)) {
      return fail(code, "'" + printable(rest.substr(0, size)) + "' is not a finite number");
    }
    rest.remove_prefix(size);
    if (found < most) values[found] = value;
    ++found;
  }
  if (found >= least && found <= most) return true;
  return fail("wrong-count", "there are " + std::to_string(found) + " numbers instead of " + std::to_string(most));
}

double Document::number(const Element& parent, const char* child, const std::string& who, double otherwise,
                        bool infinite) {
  const Element element = parent.child(child);
  if (!element || element.text().empty()) return otherwise;
  double value = otherwise;
  return numbers(element, who, 1, 1, &value, infinite) ? value : otherwise;
}

Vec3d Document::vector(const Element& parent, const char* child, const std::string& who, const Vec3d& otherwise) {
  const Element element = parent.child(child);
  if (!element || element.text().empty()) return otherwise;
  double v[3] = {};
  return numbers(element, who, 3, 3, v) ? Vec3d{v[0], v[1], v[2]} : otherwise;
}

bool Document::boolean(const Element& parent, const char* child, const std::string& who, bool otherwise) {
  const Element element = parent.child(child);
  std::string text = element.text();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!element || text.empty()) return otherwise;
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  error(element, who, "bad-word", "<" + std::string(child) + ">" + printable(text) + " is neither true nor false",
        "write true or false");
  return otherwise;
}

double Document::length(const Element& parent, const char* child, const std::string& who, double otherwise) {
  const double value = number(parent, child, who, otherwise);
  if (value > 0) return value;
  error(parent.child(child), who, "bad-size",
        "<" + std::string(parent.name()) + "> has " + child + " " + printable(parent.child(child).text()),
        "write a positive length in metres");
  return otherwise;
}

Posed Document::rotation_text(const Element& pose, const std::string& who) {
  Posed X;
  const std::string format = pose.attribute("rotation_format");
  const std::string degrees = pose.attribute("degrees");
  const bool quaternion = format == "quat_xyzw";
  if (!format.empty() && format != "euler_rpy" && !quaternion) {
    error(pose, who, "bad-word", "there is no rotation_format '" + printable(format) + "'",
          "write euler_rpy or quat_xyzw");
    return X;
  }
  if (pose.text().empty()) return X;
  double v[7] = {};
  if (!numbers(pose, who, quaternion ? 7 : 6, quaternion ? 7 : 6, v)) return X;
  X.p = {v[0], v[1], v[2]};
  if (!quaternion) {
    const double unit = degrees == "true" || degrees == "1" ? std::numbers::pi / 180 : 1;
    X.R = urdf::rotation_of_rpy(unit * v[3], unit * v[4], unit * v[5]);
    return X;
  }
  if (degrees == "true" || degrees == "1") {
    error(pose, who, "bad-word", "a quaternion has no degrees", "remove degrees=\"true\"");
  }
  const double size = std::sqrt(v[3] * v[3] + v[4] * v[4] + v[5] * v[5] + v[6] * v[6]);
  if (!(size > 1e-6) || !std::isfinite(size)) {
    error(pose, who, "bad-rotation", "the quaternion has no length", "write 0 0 0 1 for no rotation");
    return X;
  }
  X.R = normalized(Quatd{v[6] / size, v[3] / size, v[4] / size, v[5] / size});
  return X;
}

Document::PoseText Document::pose(const Element& parent, const std::string& who) {
  PoseText out;
  out.element = parent.child("pose");
  if (!out.element) return out;
  out.X = rotation_text(out.element, who);
  out.relative_to = out.element.attribute("relative_to");
  if (out.relative_to.empty() && parent.source->version < 107) out.relative_to = out.element.attribute("frame");
  return out;
}

bool Document::take(const Element& element, std::size_t count) {
  if (taken_ > options_.max_elements) return false;
  taken_ += count;
  if (taken_ <= options_.max_elements) return true;
  error(element, "", "too-many", "there are more than " + std::to_string(options_.max_elements) + " elements",
        "split the file, or include less");
  return false;
}

void Document::check_children(const Element& parent, std::initializer_list<std::string_view> known) {
  for (const pugi::xml_node child : parent.node.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    if (name.find(':') != std::string_view::npos) continue;  // somebody's own, by the specification
    if (std::find(known.begin(), known.end(), name) == known.end()) note_ignored({child, parent.source});
  }
}

void Document::note_ignored(const Element& element) {
  Ignored& entry = ignored_[printable(element.node.parent().name()) + "/" + printable(element.name())];
  if (entry.count++ == 0) entry.where = at(element);
}

void Document::report_ignored() {
  for (const auto& [name, entry] : ignored_) {
    const std::string times = entry.count > 1 ? " (" + std::to_string(entry.count) + " times)" : "";
    diagnostics_.info(entry.where, "ignored", "<" + name + "> is not used" + times);
  }
}

}  // namespace geoul::scene::sdf
