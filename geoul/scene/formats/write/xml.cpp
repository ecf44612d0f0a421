#include "geoul/scene/formats/write/xml.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numbers>

#include "geoul/scene/formats/write/mechanism.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene::write {
namespace {

namespace fs = std::filesystem;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string text(double value) {
  if (value == 0) return "0";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char out[32];
  const auto [end, failure] = std::to_chars(out, out + sizeof out, value);
  return failure == std::errc{} ? std::string(out, end) : "0";
}

std::string text(const Vec3d& v) { return text(v.x) + " " + text(v.y) + " " + text(v.z); }
std::string quaternion_text(const Quatd& q) { return text(q.w) + " " + text(q.x) + " " + text(q.y) + " " + text(q.z); }

// R = Rz(yaw) Ry(pitch) Rx(roll). Near pitch = +-90 degrees yaw is hardly known; pitch and roll are then those of what
// is left of R without it, so that the product is R again to rounding.
std::string rpy_text(const Quatd& q) {
  using std::atan2, std::cos, std::sin;
  const Mat3<long double> R = rotation_matrix(normalized(Quat<long double>(q)));
  const long double yaw = std::hypot(R.r0.x, R.r1.x) > 1e-12L ? atan2(R.r1.x, R.r0.x) : 0;
  const long double c = cos(yaw), s = sin(yaw);
  const Mat3<long double> A{c * R.r0 + s * R.r1, c * R.r1 - s * R.r0, R.r2};  // Rz(-yaw) R
  const long double pitch = atan2(-A.r2.x, A.r0.x);
  const long double roll = atan2(-A.r1.z, A.r1.y);
  return text(Vec3d{static_cast<double>(roll), static_cast<double>(pitch), static_cast<double>(yaw)});
}

// Inverse of linear_color (IEC 61966-2-1).
std::string screen_color(const std::array<float, 4>& linear) {
  std::string out;
  for (int k = 0; k < 4; ++k) {
    const double c = std::clamp(static_cast<double>(linear[static_cast<std::size_t>(k)]), 0.0, 1.0);
    const double s = k == 3 ? c : c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
    out += (k == 0 ? "" : " ") + text(std::clamp(s, 0.0, 1.0));
  }
  return out;
}

void Xml::start(const std::string& name, Attributes attributes) {
  out_ += std::string(2 * open_.size(), ' ') + "<" + name;
  for (const auto& [key, content] : attributes) {
    if (!content.empty()) out_ += std::string(" ") + key + "=\"" + escaped(content) + "\"";
  }
}

void Xml::open(const std::string& name, Attributes attributes) {
  start(name, attributes);
  out_ += ">\n";
  open_.push_back(name);
}

void Xml::close() {
  const std::string name = open_.back();
  open_.pop_back();
  out_ += std::string(2 * open_.size(), ' ') + "</" + name + ">\n";
}

void Xml::leaf(const std::string& name, Attributes attributes) {
  start(name, attributes);
  out_ += "/>\n";
}

void Xml::value(const std::string& name, const std::string& content, Attributes attributes) {
  start(name, attributes);
  out_ += ">" + escaped(content) + "</" + name + ">\n";
}

MeshFiles::MeshFiles(const Scene& scene, const std::string& file) : scene_(scene) {
  const fs::path path(file);
  relative_ = path.stem().string() + "_meshes";
  folder_ = (path.parent_path() / relative_).string();
}

Result<std::string> MeshFiles::save(const Mesh& mesh, const std::string& stem) {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return Error{ErrorCode::kUnavailable, folder_ + ": cannot be made: " + failed.message()};
  std::string clean = stem;
  std::replace_if(
      clean.begin(), clean.end(), [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_'); }, '_');
  if (clean.empty() || clean.size() > 60) clean = "mesh";
  const int n = names_[clean]++;
  const std::string name = clean + (n == 0 ? "" : "_" + std::to_string(n)) + ".obj";
  std::string out;
  char line[128];
  const auto add = [&](const char* word, const Vec3<float>& v) {
    std::snprintf(line, sizeof line, "%s %.9g %.9g %.9g\n", word, static_cast<double>(v.x), static_cast<double>(v.y),
                  static_cast<double>(v.z));
    out += line;
  };
  for (const auto& v : mesh.vertices) add("v", v);
  const bool by_corner = !mesh.corner_normals.empty();
  for (const auto& v : by_corner ? mesh.corner_normals : mesh.normals) add("vn", v);
  std::size_t corner = 0;
  for (const auto& t : mesh.triangles) {
    out += "f";
    for (const std::uint32_t i : t) {
      ++corner;
      out += " " + std::to_string(i + 1);
      if (by_corner || !mesh.normals.empty()) out += "//" + std::to_string(by_corner ? corner : i + std::size_t{1});
    }
    out += "\n";
  }
  const auto written = write_atomically((fs::path(folder_) / name).string(), out);
  if (!written) return written.error();
  return relative_ + "/" + name;
}

Result<std::string> MeshFiles::name(MeshId mesh) {
  const auto found = done_.find(mesh.value);
  if (found != done_.end()) return found->second;
  const Mesh& own = scene_.meshes[mesh.index()];
  const auto name = save(own, fs::path(own.path).stem().string());
  if (name) done_[mesh.value] = *name;
  return name;
}

Result<std::string> MeshFiles::name(const Mesh& mesh, const std::string& stem) { return save(mesh, stem); }

Mesh height_field_mesh(const HeightField& field) {
  Mesh mesh;
  for (int r = 0; r < field.rows; ++r) {
    for (int c = 0; c < field.columns; ++c) {
      mesh.vertices.push_back({static_cast<float>((c / (field.columns - 1.0) - 0.5) * field.size_x),
                               static_cast<float>((r / (field.rows - 1.0) - 0.5) * field.size_y),
                               field.heights[static_cast<std::size_t>(r * field.columns + c)]});
      if (r == 0 || c == 0) continue;
      const auto v = static_cast<std::uint32_t>(r * field.columns + c);
      const auto w = static_cast<std::uint32_t>(field.columns);
      mesh.triangles.push_back({v - w - 1, v - w, v});
      mesh.triangles.push_back({v - w - 1, v, v - 1});
    }
  }
  return mesh;
}

Mesh cone_mesh(const Cone& cone, int around) {
  Mesh mesh;
  const auto low = static_cast<float>(-cone.height / 2), high = static_cast<float>(cone.height / 2);
  mesh.vertices = {{0, 0, low}, {0, 0, high}};
  const auto n = static_cast<std::uint32_t>(around);
  for (std::uint32_t i = 0; i < n; ++i) {
    const double angle = 2 * std::numbers::pi * i / n;
    mesh.vertices.push_back(
        {static_cast<float>(cone.radius * std::cos(angle)), static_cast<float>(cone.radius * std::sin(angle)), low});
    const std::uint32_t a = 2 + i, b = 2 + (i + 1) % n;
    mesh.triangles.push_back({0, b, a});
    mesh.triangles.push_back({1, a, b});
  }
  return mesh;
}

}  // namespace geoul::scene::write
