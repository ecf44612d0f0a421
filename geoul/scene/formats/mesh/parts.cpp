#include "geoul/scene/formats/mesh/parts.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>

namespace geoul::scene::mesh {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::size_t kMostCutting = 200'000'000;  // steps over all concave polygons of a file, about a second

bool finite(const Vec3<float>& v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }
// Negative zero joins with zero.
Vec3<float> to_float(const Vec3d& v) { return {float(v.x) + 0.0f, float(v.y) + 0.0f, float(v.z) + 0.0f}; }

std::uint64_t hash(const Vec3<float>& p, const Vec3<float>& n) {
  const float values[6] = {p.x, p.y, p.z, n.x, n.y, n.z};
  std::uint64_t h = 0x9E3779B97F4A7C15u;
  for (const float value : values) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    h = (h ^ bits) * 0xFF51AFD7ED558CCDu;
    h ^= h >> 32;
  }
  return h;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }

}  // namespace

Mat3d normal_matrix(const Mat3d& A) {
  const Mat3d rows{cross(A.r1, A.r2), cross(A.r2, A.r0), cross(A.r0, A.r1)};
  return determinant(A) < 0 ? -1.0 * rows : rows;
}

void append(const Mesh& from, const Affine& X, Mesh& to) {
  const bool normals = from.normals.size() == from.vertices.size() && to.normals.size() == to.vertices.size();
  const auto base = static_cast<std::uint32_t>(to.vertices.size());
  for (const Vec3<float>& v : from.vertices) to.vertices.push_back(to_float(X.A * Vec3d(v) + X.p));
  if (normals) {
    const Mat3d N = normal_matrix(X.A);
    for (const Vec3<float>& v : from.normals) {
      const Vec3d n = N * Vec3d(v);
      const double length = norm(n);
      to.normals.push_back(length > 0 && std::isfinite(length) ? to_float((1 / length) * n) : Vec3<float>{0, 0, 1});
    }
  } else {
    to.normals.clear();
  }
  const bool mirrored = determinant(X.A) < 0;
  for (const auto& t : from.triangles) {
    to.triangles.push_back({base + t[0], base + t[mirrored ? 2 : 1], base + t[mirrored ? 1 : 2]});
  }
}

void join_vertices(Mesh& mesh) {
  const std::size_t n = mesh.vertices.size();
  const bool has_normals = !mesh.normals.empty();
  std::size_t slots = 16;
  while (slots < 2 * n) slots *= 2;
  std::vector<std::uint32_t> table(slots, kNone), first(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const Vec3<float> p = mesh.vertices[i], normal = has_normals ? mesh.normals[i] : Vec3<float>{};
    std::size_t slot = hash(p, normal) & (slots - 1);
    while (table[slot] != kNone &&
           !(mesh.vertices[table[slot]] == p && (!has_normals || mesh.normals[table[slot]] == normal))) {
      slot = (slot + 1) & (slots - 1);
    }
    if (table[slot] == kNone) table[slot] = i;
    first[i] = table[slot];
  }
  for (auto& t : mesh.triangles) t = {first[t[0]], first[t[1]], first[t[2]]};
  std::erase_if(mesh.triangles, [](const auto& t) { return t[0] == t[1] || t[1] == t[2] || t[2] == t[0]; });
  // Those that a triangle uses stay, in their order.
  std::vector<std::uint32_t>& number = table;
  number.assign(n, kNone);
  for (const auto& t : mesh.triangles) {
    for (const std::uint32_t i : t) number[i] = 0;
  }
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (number[i] == kNone) continue;
    mesh.vertices[kept] = mesh.vertices[i];
    if (has_normals) mesh.normals[kept] = mesh.normals[i];
    number[i] = kept++;
  }
  mesh.vertices.resize(kept);
  if (has_normals) mesh.normals.resize(kept);
  for (auto& t : mesh.triangles) t = {number[t[0]], number[t[1]], number[t[2]]};
}

MaybeParts finish(const Source& source, std::vector<MeshPart> parts) {
  for (MeshPart& part : parts) {
    part.mesh.path = source.name;
    for (Vec3<float>& v : part.mesh.vertices) {
      if (!finite(v)) return source.fail("not-finite", "a vertex is NaN, infinite or beyond 3e38");
      v = {v.x + 0.0f, v.y + 0.0f, v.z + 0.0f};
    }
    join_vertices(part.mesh);
  }
  std::erase_if(parts, [](const MeshPart& part) { return part.mesh.triangles.empty(); });
  if (parts.empty()) return source.fail("empty-mesh", "there is no triangle in it", "export a surface");
  return parts;
}

// ---- polygons ----

bool PolygonCutter::cut(std::span<const Vec3<float>> corners, std::vector<std::array<std::uint32_t, 3>>& triangles) {
  const auto n = static_cast<std::uint32_t>(corners.size());
  if (n < 3) return true;
  // Seen along Newell's normal, dropped to the plane of its two smaller axes.
  Vec3d normal;
  for (std::uint32_t i = 0; i < n && n > 3; ++i) {
    const Vec3d a(corners[i]), b(corners[(i + 1) % n]);
    normal += Vec3d{(a.y - b.y) * (a.z + b.z), (a.z - b.z) * (a.x + b.x), (a.x - b.x) * (a.y + b.y)};
  }
  const Vec3d size{std::abs(normal.x), std::abs(normal.y), std::abs(normal.z)};
  const int drop = size.x > size.y ? (size.x > size.z ? 0 : 2) : (size.y > size.z ? 1 : 2);
  const bool flip = normal[drop] < 0;
  flat_.clear();
  for (const Vec3<float>& c : corners) {
    const double u = c[(drop + 1) % 3], v = c[(drop + 2) % 3];
    flat_.push_back(flip ? std::array{v, u} : std::array{u, v});
  }
  const auto turn = [&](std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    return (flat_[b][0] - flat_[a][0]) * (flat_[c][1] - flat_[a][1]) -
           (flat_[b][1] - flat_[a][1]) * (flat_[c][0] - flat_[a][0]);
  };
  ring_.clear();
  bool convex = true;
  for (std::uint32_t i = 0; i < n; ++i) {
    ring_.push_back(i);
    convex = convex && turn(i, (i + 1) % n, (i + 2) % n) >= 0;
  }
  if (n == 3 || convex || norm(normal) == 0) {
    for (std::uint32_t k = 2; k < n; ++k) triangles.push_back({0, k - 1, k});
    return true;
  }
  std::size_t at = 0, tries = 0;
  while (ring_.size() > 3) {
    const std::size_t m = ring_.size();
    const std::uint32_t a = ring_[(at + m - 1) % m], b = ring_[at % m], c = ring_[(at + 1) % m];
    bool ear = turn(a, b, c) > 0;
    work_ += m;
    if (work_ > kMostCutting) return false;
    for (std::size_t k = 0; ear && k < m; ++k) {
      const std::uint32_t p = ring_[k];
      if (p == a || p == b || p == c || flat_[p] == flat_[a] || flat_[p] == flat_[b] || flat_[p] == flat_[c]) continue;
      ear = turn(a, b, p) < 0 || turn(b, c, p) < 0 || turn(c, a, p) < 0;
    }
    // A polygon that crosses itself may have no ear: then the corner at hand is cut off.
    if (ear || ++tries > m) {
      triangles.push_back({a, b, c});
      ring_.erase(ring_.begin() + static_cast<std::ptrdiff_t>(at % m));
      at = at % m == 0 ? 0 : at % m - 1;
      tries = 0;
    } else {
      at = (at + 1) % m;
    }
  }
  triangles.push_back({ring_[0], ring_[1], ring_[2]});
  return true;
}

// ---- files ----

std::optional<std::string> read_bounded(const fs::path& path, std::size_t max_bytes) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return std::nullopt;
  const auto size = fs::file_size(path, failed);
  if (failed || size > max_bytes) return std::nullopt;
  std::string bytes(size, '\0');
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(size))) return std::nullopt;
  return bytes;
}

std::optional<std::string> read_beside(const Source& source, std::string_view file, std::size_t max_bytes) {
  if (source.folder.empty() || file.empty() || file.find('\0') != std::string_view::npos) return std::nullopt;
  std::error_code failed;
  const fs::path inside = fs::weakly_canonical(source.folder, failed);
  if (failed) return std::nullopt;
  const fs::path path = fs::weakly_canonical(inside / fs::path(file), failed);
  if (failed) return std::nullopt;
  const bool within = std::mismatch(inside.begin(), inside.end(), path.begin(), path.end()).first == inside.end();
  return within ? read_bounded(path, max_bytes) : std::nullopt;
}

// ---- text ----

std::string_view Words::next() {
  std::size_t at = 0;
  while (at < rest.size() && is_space(rest[at])) line += rest[at++] == '\n';
  rest.remove_prefix(at);
  return next_on_line();
}

std::string_view Words::next_on_line() {
  std::size_t at = 0;
  while (at < rest.size() && is_space(rest[at]) && rest[at] != '\n') ++at;
  const std::size_t begin = at;
  while (at < rest.size() && !is_space(rest[at])) ++at;
  const std::string_view word = rest.substr(begin, at - begin);
  rest.remove_prefix(at);
  return word;
}

void Words::skip_line() {
  const std::size_t end = rest.find('\n');
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  ++line;
}

bool parse_number(std::string_view word, double& value) {
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end != word.data() + word.size() || word.empty()) return false;
  if (failure == std::errc::result_out_of_range) {  // 1e-400 is 0, 1e400 is refused as not finite
    const std::size_t exponent = word.find_first_of("eE");
    value = exponent != std::string_view::npos && word.substr(exponent + 1, 1) == "-" ? 0 : HUGE_VAL;
    return true;
  }
  return failure == std::errc{};
}

bool parse_number(std::string_view word, float& value) {
  double wide = 0;
  if (!parse_number(word, wide)) return false;
  value = static_cast<float>(wide);
  return true;
}

bool parse_integer(std::string_view word, std::int64_t& value) {
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  return failure == std::errc{} && end == word.data() + word.size() && !word.empty();
}

}  // namespace geoul::scene::mesh
