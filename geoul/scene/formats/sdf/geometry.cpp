#include "geoul/scene/formats/sdf/geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/sdf/files.h"
#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene::sdf {
namespace {

using urdf::printable;

// Unit sphere of 32 x 16 faces.
Mesh unit_sphere() {
  constexpr int kAround = 32, kUp = 16;
  Mesh mesh;
  mesh.path = "ellipsoid";
  mesh.vertices.push_back({0, 0, -1});
  for (int r = 1; r < kUp; ++r) {
    const double polar = std::numbers::pi * (static_cast<double>(r) / kUp - 0.5);
    for (int c = 0; c < kAround; ++c) {
      const double angle = 2 * std::numbers::pi * c / kAround;
      mesh.vertices.push_back(
          Vec3<float>(Vec3d{std::cos(polar) * std::cos(angle), std::cos(polar) * std::sin(angle), std::sin(polar)}));
    }
  }
  mesh.vertices.push_back({0, 0, 1});
  const auto at = [&](int r, int c) { return static_cast<std::uint32_t>(1 + (r - 1) * kAround + c % kAround); };
  const auto top = static_cast<std::uint32_t>(mesh.vertices.size() - 1);
  for (int c = 0; c < kAround; ++c) {
    mesh.triangles.push_back({0, at(1, c + 1), at(1, c)});
    for (int r = 1; r + 1 < kUp; ++r) {
      mesh.triangles.push_back({at(r, c), at(r, c + 1), at(r + 1, c + 1)});
      mesh.triangles.push_back({at(r, c), at(r + 1, c + 1), at(r + 1, c)});
    }
    mesh.triangles.push_back({top, at(kUp - 1, c), at(kUp - 1, c + 1)});
  }
  return mesh;
}

struct Point {
  double x, y;
};
double turn(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

// Triangles of a simple polygon, counter-clockwise; empty where it crosses itself. Ear clipping, O(n^2) to O(n^3).
std::vector<std::array<std::uint32_t, 3>> ears(const std::vector<Point>& points) {
  std::vector<std::uint32_t> left(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) left[i] = static_cast<std::uint32_t>(i);
  std::vector<std::array<std::uint32_t, 3>> out;
  while (left.size() > 3) {
    const std::size_t n = left.size();
    bool cut = false;
    for (std::size_t i = 0; i < n && !cut; ++i) {
      const std::uint32_t a = left[(i + n - 1) % n], b = left[i], c = left[(i + 1) % n];
      if (turn(points[a], points[b], points[c]) <= 0) continue;
      const bool empty = std::none_of(left.begin(), left.end(), [&](std::uint32_t p) {
        return p != a && p != b && p != c && turn(points[a], points[b], points[p]) >= 0 &&
               turn(points[b], points[c], points[p]) >= 0 && turn(points[c], points[a], points[p]) >= 0;
      });
      if (!empty) continue;
      out.push_back({a, b, c});
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
      cut = true;
    }
    if (!cut) return {};
  }
  if (turn(points[left[0]], points[left[1]], points[left[2]]) <= 0) return {};
  out.push_back({left[0], left[1], left[2]});
  return out;
}

}  // namespace

std::vector<Made> GeometryReader::read(const Element& geometry, bool whole, const std::string& who) {
  const pugi::xml_node node = geometry.node.find_child([](pugi::xml_node n) {
    return n.type() == pugi::node_element && std::string_view(n.name()).find(':') == std::string_view::npos;
  });
  const Element shape{node, geometry.source};
  const std::string_view kind = shape.name();
  const auto one = [](Geometry made) { return std::vector<Made>{{std::move(made), {}, {}, {}}}; };
  const auto size = [&](const char* child, double otherwise) { return document_.length(shape, child, who, otherwise); };
  if (!node || kind == "empty") return {};
  if (kind == "sphere") return one(Sphere{size("radius", 1)});
  if (kind == "cylinder") return one(Cylinder{size("radius", 1), size("length", 1)});
  if (kind == "capsule") return one(Capsule{size("radius", 0.5), size("length", 1)});
  if (kind == "cone") return one(Cone{size("radius", 0.5), size("length", 1)});
  if (kind == "box") {
    const Vec3d s = document_.vector(shape, "size", who, {1, 1, 1});
    if (s.x > 0 && s.y > 0 && s.z > 0) return one(Box{s});
    document_.error(shape, who, "bad-size", "<box> has size " + printable(shape.child("size").text()),
                    "write positive lengths in metres");
    return {};
  }
  if (kind == "ellipsoid") return ellipsoid(shape, who);
  if (kind == "plane") return plane(shape, who);
  if (kind == "mesh") return mesh(shape, whole, who);
  if (kind == "polyline") return polyline(geometry, who);
  if (kind == "heightmap" || kind == "image") {
    document_.warning(shape, who, "not-supported", "a <" + std::string(kind) + "> is left out", "write it as a mesh");
    return {};
  }
  document_.error(shape, who, "bad-geometry", "there is no geometry of kind <" + printable(kind) + ">",
                  "write box, sphere, cylinder, capsule, cone, ellipsoid, plane, polyline or mesh");
  return {};
}

std::vector<Made> GeometryReader::plane(const Element& element, const std::string& who) {
  const Vec3d normal = document_.vector(element, "normal", who, {0, 0, 1});
  double size[2] = {1, 1};
  if (const Element given = element.child("size"); given && !given.text().empty()) {
    document_.numbers(given, who, 2, 2, size);
  }
  const double length = norm(normal);
  if (!(length > 0) || !std::isfinite(length)) {
    document_.error(element, who, "zero-axis", "the normal has no length", "write 0 0 1");
    return {};
  }
  if (size[0] <= 0 || size[1] <= 0) {
    document_.error(element, who, "bad-size", "<plane> has a size that is not positive", "write lengths in metres");
    return {};
  }
  const Vec3d n{normal.x / length, normal.y / length, normal.z / length};
  Made made{Plane{size[0], size[1]}, {}, {}, {}};
  made.X.R = n.z < -0.999999999 ? Quatd{0, 1, 0, 0} : normalized(Quatd{1 + n.z, -n.y, n.x, 0});  // z to n
  return {made};
}

std::vector<Made> GeometryReader::ellipsoid(const Element& element, const std::string& who) {
  const Vec3d r = document_.vector(element, "radii", who, {1, 1, 1});
  if (!(r.x > 0 && r.y > 0 && r.z > 0)) {
    document_.error(element, who, "bad-size", "<ellipsoid> has radii " + printable(element.child("radii").text()),
                    "write positive lengths in metres");
    return {};
  }
  if (!sphere_.valid()) {
    scene_.meshes.push_back(unit_sphere());
    sphere_ = MeshId::from_index(scene_.meshes.size() - 1);
  }
  const double m = 4.0 / 3 * std::numbers::pi * r.x * r.y * r.z;
  const MassProperties unit{
      m,
      {},
      {m / 5 * (r.y * r.y + r.z * r.z), m / 5 * (r.x * r.x + r.z * r.z), m / 5 * (r.x * r.x + r.y * r.y), 0, 0, 0}};
  document_.info(element, who, "ellipsoid", "the ellipsoid is the hull of 482 points: faces lie up to 0.5 % inside");
  return {{ConvexHull{sphere_, r}, {}, {}, unit}};
}

// A polygon drawn out along z from 0 to its height.
std::vector<Made> GeometryReader::polyline(const Element& geometry, const std::string& who) {
  constexpr std::size_t kMost = 500;
  const Element element = geometry.child("polyline");
  if (element.node.next_sibling("polyline")) {
    document_.warning(element, who, "not-supported", "several polylines in one geometry (holes) are left out",
                      "write them as a mesh");
    return {};
  }
  std::vector<Point> points;
  for (const pugi::xml_node node : element.node.children("point")) {
    double v[2] = {};
    if (!document_.numbers({node, element.source}, who, 2, 2, v)) return {};
    if (points.empty() || v[0] != points.back().x || v[1] != points.back().y) points.push_back({v[0], v[1]});
  }
  while (points.size() > 1 && points.front().x == points.back().x && points.front().y == points.back().y) {
    points.pop_back();
  }
  const double height = document_.length(element, "height", who, 1);
  // Cutting ears takes up to the third power of the points: many long polylines use the file's allowance up.
  if (!document_.take(element, points.size() * points.size() / 50)) return {};
  double area = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point &a = points[i], &b = points[(i + 1) % points.size()];
    area += a.x * b.y - a.y * b.x;
  }
  if (area < 0) std::reverse(points.begin(), points.end());
  const auto caps = points.size() < 3 || points.size() > kMost ? decltype(ears(points)){} : ears(points);
  if (caps.empty()) {
    document_.error(element, who, "bad-geometry", "the polyline is no simple polygon of 3 to 500 points",
                    "write its corners in order");
    return {};
  }
  Mesh mesh;
  mesh.path = "polyline";
  for (const double z : {0.0, height}) {
    for (const Point& p : points) mesh.vertices.push_back(Vec3<float>(Vec3d{p.x, p.y, z}));
  }
  const auto n = static_cast<std::uint32_t>(points.size());
  for (const auto& t : caps) {
    mesh.triangles.push_back({t[0], t[2], t[1]});
    mesh.triangles.push_back({t[0] + n, t[1] + n, t[2] + n});
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t k = (i + 1) % n;
    mesh.triangles.push_back({i, k, k + n});
    mesh.triangles.push_back({i, k + n, i + n});
  }
  scene_.meshes.push_back(std::move(mesh));
  return {{TriangleMesh{MeshId::from_index(scene_.meshes.size() - 1), {1, 1, 1}}, {}, {}, {}}};
}

GeometryReader::MeshEntry* GeometryReader::load(const Element& element, const std::string& who) {
  const std::string uri = element.child("uri").text();
  const Lookup found = find_file(uri, element.source->folder, document_.options().search, false);
  if (!found.file) {
    if (found.code == "path-escape") {
      document_.error(element, who, "path-escape", found.failure, found.mend);
    } else {
      document_.warning(element, who, "mesh-not-found", found.failure + "; the shape is left out", found.mend);
    }
    return nullptr;
  }
  const auto [place, is_new] = meshes_.try_emplace(*found.file);
  MeshEntry& entry = place->second;
  if (is_new) {
    Diagnostics findings;
    auto parts = read_mesh_file(*found.file, document_.options().mesh, findings);
    for (const Finding& finding : findings.findings()) {
      document_.diagnostics().add({finding.severity, document_.at(element, who), finding.code,
                                   finding.where.file + ": " + finding.message, finding.mend});
    }
    if (parts) {
      entry.loaded = true;
      entry.parts = std::move(*parts);
      entry.part_ids.resize(entry.parts.size());
    }
  }
  return entry.loaded ? &entry : nullptr;
}

std::vector<Made> GeometryReader::mesh(const Element& element, bool whole, const std::string& who) {
  if (element.child("uri").text().empty()) {
    document_.error(element, who, "missing-element", "<mesh> has no <uri>", "write <uri>model://...</uri>");
    return {};
  }
  const Vec3d scale = document_.vector(element, "scale", who, {1, 1, 1});
  if (scale.x == 0 || scale.y == 0 || scale.z == 0) {
    document_.error(element, who, "bad-size", "the scale of a mesh is 0", "write three numbers that are not 0");
    return {};
  }
  if (!document_.options().load_meshes) {
    ++skipped_;
    return {};
  }
  if (element.child("submesh")) {
    document_.warning(element, who, "not-supported", "a <submesh> cannot be picked; the whole mesh is used",
                      "write the part into a file of its own");
  }
  MeshEntry* entry = load(element, who);
  if (entry == nullptr) return {};
  std::vector<Made> out;
  if (whole || entry->parts.size() == 1) {
    if (!entry->whole.valid()) {
      scene_.meshes.push_back(merged(entry->parts));
      entry->whole = MeshId::from_index(scene_.meshes.size() - 1);
    }
    out.push_back({TriangleMesh{entry->whole, scale}, {}, entry->parts[0].color, {}});
    return out;
  }
  for (std::size_t i = 0; i < entry->parts.size(); ++i) {
    if (!entry->part_ids[i].valid()) {
      scene_.meshes.push_back(entry->parts[i].mesh);
      entry->part_ids[i] = MeshId::from_index(scene_.meshes.size() - 1);
    }
    out.push_back({TriangleMesh{entry->part_ids[i], scale}, {}, entry->parts[i].color, {}});
  }
  return out;
}

void GeometryReader::report() {
  if (skipped_ == 0) return;
  document_.diagnostics().info({{}, 0, {}}, "meshes-not-loaded",
                               std::to_string(skipped_) + " mesh shapes are left out, as the options say");
}

MaterialId Materials::add(const Material& m, const std::string& name) {
  const Key key{m.color,
                m.metallic,
                m.roughness,
                m.emission,
                {m.static_friction, m.dynamic_friction, m.restitution, m.torsional_friction, m.rolling_friction}};
  const auto [place, is_new] = made_.try_emplace(key);
  if (!is_new) return place->second;
  Material made = m;
  made.path = root_ + "/materials/" + names_.unique(name);
  scene_.materials.push_back(made);
  return place->second = MaterialId::from_index(scene_.materials.size() - 1);
}

}  // namespace geoul::scene::sdf
