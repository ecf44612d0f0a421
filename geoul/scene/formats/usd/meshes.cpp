// UsdGeom Mesh: points and faces, and by corner the normals, texture coordinates, colours and sets of faces that looks
// need. Sources: UsdGeom Mesh, Primvar and Subset (openusd.org).
#include <algorithm>
#include <cmath>
#include <set>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMostCoordinates = 8;  // primvars of texture coordinates of one mesh

// Corners of triangles: where each stands in faceVertexIndices, and its face.
struct Cut {
  std::vector<std::size_t> corners;  // (3 ntriangle)
  std::vector<std::size_t> faces;    // (ntriangle)
};

struct Faces {
  std::size_t points = 0;
  const Value::Integers* counts = nullptr;
  const Value::Integers* indices = nullptr;
};

std::vector<bool> holes_of(const View& view, const Prim& prim, std::size_t faces) {
  std::vector<bool> holes(faces, false);
  if (const Value::Integers* list = view.integers(prim, "holeIndices")) {
    for (const std::int64_t f : *list) {
      if (f >= 0 && f < static_cast<std::int64_t>(faces)) holes[static_cast<std::size_t>(f)] = true;
    }
  }
  return holes;
}

// Fans of the faces. False, and an error, where counts and indices do not fit.
bool cut_faces(const View& view, const Prim& prim, const Faces& in, Mesh& mesh, Cut& cut) {
  const std::vector<bool> holes = holes_of(view, prim, in.counts->size());
  const bool flip = view.token(prim, "orientation").value_or("rightHanded") == "leftHanded";
  std::size_t at = 0;
  for (std::size_t f = 0; f < in.counts->size(); ++f) {
    const std::int64_t count = (*in.counts)[f];
    if (count < 3 || static_cast<std::size_t>(count) > in.indices->size() - at) {
      view.error(prim, "faceVertexCounts", "bad-mesh",
                 "face " + std::to_string(f) + " has " + std::to_string(count) + " vertices, of " +
                     std::to_string(in.indices->size() - at) + " that are left",
                 "count at least 3 a face");
      return false;
    }
    for (std::size_t k = at; k < at + static_cast<std::size_t>(count); ++k) {
      if ((*in.indices)[k] >= 0 && (*in.indices)[k] < static_cast<std::int64_t>(in.points)) continue;
      view.error(prim, "faceVertexIndices", "bad-mesh",
                 "index " + std::to_string((*in.indices)[k]) + " of " + std::to_string(in.points) + " points",
                 "indices count from 0");
      return false;
    }
    for (std::size_t k = 1; k + 1 < static_cast<std::size_t>(count) && !holes[f]; ++k) {
      const std::size_t corners[] = {at, at + (flip ? k + 1 : k), at + (flip ? k : k + 1)};
      std::array<std::uint32_t, 3> triangle{};
      for (std::size_t c = 0; c < 3; ++c) {
        triangle[c] = static_cast<std::uint32_t>((*in.indices)[corners[c]]);
        cut.corners.push_back(corners[c]);
      }
      mesh.triangles.push_back(triangle);
      cut.faces.push_back(f);
    }
    at += static_cast<std::size_t>(count);
  }
  if (at == in.indices->size()) return true;
  view.error(prim, "faceVertexCounts", "bad-mesh",
             "the counts name " + std::to_string(at) + " vertices of " + std::to_string(in.indices->size()),
             "their sum is the number of indices");
  return false;
}

// A primvar, or normals: which value each corner has.
struct Primvar {
  const Value::Reals* values = nullptr;
  const Value::Integers* indices = nullptr;
  std::size_t count = 0;  // values
  enum class By { kAll, kFace, kPoint, kCorner } by = By::kAll;

  std::size_t of(std::size_t triangle, std::size_t corner, const Mesh& mesh, const Cut& cut) const {
    const std::size_t c = 3 * triangle + corner;
    const std::size_t i = by == By::kAll     ? 0
                          : by == By::kFace  ? cut.faces[triangle]
                          : by == By::kPoint ? mesh.triangles[triangle][corner]
                                             : cut.corners[c];
    return indices ? static_cast<std::size_t>((*indices)[i]) : i;
  }
};

// None, and a warning, where its numbers do not fit the mesh.
std::optional<Primvar> read_primvar(const View& view, const Prim& prim, const std::string& name, int components,
                                    const Faces& faces, const char* interpolation_otherwise) {
  const std::optional<Resolved> a = view.attribute(prim, name);
  if (!a) return std::nullopt;
  const auto refuse = [&](const std::string& what) {
    view.warning(prim, name, "bad-primvar", "'" + name + "' " + what + "; the mesh is shown without it",
                 "write one for each of what its interpolation names");
    return std::nullopt;
  };
  Primvar out;
  out.values = std::get_if<Value::Reals>(&a->value->content);
  if (!out.values || a->spec->type.components() != components) return refuse("is of type " + a->spec->type_name);
  out.count = out.values->size() / static_cast<std::size_t>(components);
  const std::string by = interpolation(view, prim, name, interpolation_otherwise);
  out.by = by == "uniform"       ? Primvar::By::kFace
           : by == "faceVarying" ? Primvar::By::kCorner
           : by == "constant"    ? Primvar::By::kAll
                                 : Primvar::By::kPoint;
  const std::size_t wanted = out.by == Primvar::By::kFace     ? faces.counts->size()
                             : out.by == Primvar::By::kCorner ? faces.indices->size()
                             : out.by == Primvar::By::kPoint  ? faces.points
                                                              : 1;
  if (view.stage.attribute(prim, name + ":indices")) out.indices = view.integers(prim, name + ":indices");
  const std::size_t there = out.indices ? out.indices->size() : out.count;
  if (there < wanted) {
    return refuse("has " + std::to_string(there) + " values of the " + std::to_string(wanted) + " that '" + by +
                  "' asks for");
  }
  for (const std::int64_t i : out.indices ? *out.indices : Value::Integers{}) {
    if (i < 0 || i >= static_cast<std::int64_t>(out.count)) return refuse("has an index out of range");
  }
  for (const double x : *out.values) {
    if (!std::isfinite(static_cast<float>(x))) return refuse("holds a number that is not finite");
  }
  return out;
}

Vec3<float> unit(const Vec3d& v, const Vec3<float>& otherwise) {
  const double length = norm(v);
  return length > 1e-12 ? Vec3<float>((1 / length) * v) : otherwise;
}

Vec3<float> face_normal(const Mesh& mesh, std::size_t t) {
  const auto& [a, b, c] = mesh.triangles[t];
  const Vec3d p(mesh.vertices[a]);
  return unit(cross(Vec3d(mesh.vertices[b]) - p, Vec3d(mesh.vertices[c]) - p), {0, 0, 1});
}

// Cofactors of a linear map with the sign of its determinant: the inverse transpose up to a positive factor.
Mat3d normal_map(const Mat3d& S) {
  const double sign = determinant(S) < 0 ? -1 : 1;
  const Vec3d a = S.column(0), b = S.column(1), c = S.column(2);
  return transpose(Mat3d{sign * cross(b, c), sign * cross(c, a), sign * cross(a, b)});
}

void read_normals(const View& view, const Prim& prim, const Faces& faces, const Cut& cut, const Frame* bake,
                  Mesh& mesh) {
  const bool primvar = view.stage.attribute(prim, "primvars:normals").has_value();
  const std::string name = primvar ? "primvars:normals" : "normals";
  const std::optional<Primvar> normals = read_primvar(view, prim, name, 3, faces, primvar ? "constant" : "vertex");
  if (!normals || normals->by == Primvar::By::kAll) return;
  const Mat3d M = bake ? normal_map(bake->S) : Mat3d::identity();
  const auto value = [&](std::size_t i) {
    const Value::Reals& v = *normals->values;
    const Vec3d n{v[3 * i], v[3 * i + 1], v[3 * i + 2]};
    return bake ? M * n : n;
  };
  if (normals->by == Primvar::By::kPoint && !normals->indices && normals->count == mesh.vertices.size()) {
    for (std::size_t i = 0; i < normals->count; ++i) {
      mesh.normals.push_back(bake ? unit(value(i), {0, 0, 1}) : Vec3<float>(value(i)));
    }
    return;
  }
  mesh.corner_normals.reserve(cut.corners.size());
  for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
    for (std::size_t c = 0; c < 3; ++c) {
      mesh.corner_normals.push_back(unit(value(normals->of(t, c, mesh, cut)), face_normal(mesh, t)));
    }
  }
}

// Names of primvars that may be texture coordinates.
std::set<std::string> coordinate_names(const Prim& prim) {
  std::set<std::string> out;
  for (const Opinion& o : prim.opinions) {
    for (const AttributeSpec& a : o.spec->attributes) {
      if (a.name.rfind("primvars:", 0) == 0 && a.type.base == Base::kReal && a.type.array && a.type.components() == 2) {
        out.insert(a.name);
      }
    }
  }
  return out;
}

void read_coordinates(const View& view, const Prim& prim, const Faces& faces, const Cut& cut, Mesh& mesh) {
  for (const std::string& name : coordinate_names(prim)) {
    if (mesh.textures.size() == kMostCoordinates) {
      view.warning(prim, name, "too-many-primvars", "more than 8 texture coordinates; the others are left out");
      return;
    }
    const std::optional<Primvar> st = read_primvar(view, prim, name, 2, faces, "constant");
    if (!st) continue;
    TextureCoordinates out;
    out.name = name.substr(std::string("primvars:").size());
    out.st.reserve(cut.corners.size());
    for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t i = st->of(t, c, mesh, cut);
        out.st.push_back({static_cast<float>((*st->values)[2 * i]), static_cast<float>((*st->values)[2 * i + 1])});
      }
    }
    mesh.textures.push_back(std::move(out));
  }
}

void read_colors(const View& view, const Prim& prim, const Faces& faces, const Cut& cut, Mesh& mesh) {
  const auto color = read_primvar(view, prim, "primvars:displayColor", 3, faces, "constant");
  if (!color || color->by == Primvar::By::kAll) return;
  const auto opacity = read_primvar(view, prim, "primvars:displayOpacity", 1, faces, "constant");
  for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
    for (std::size_t c = 0; c < 3; ++c) {
      const std::size_t i = 3 * color->of(t, c, mesh, cut);
      const auto at = [&](std::size_t k) { return static_cast<float>((*color->values)[i + k]); };
      const double alpha = opacity && opacity->count > 0 ? (*opacity->values)[opacity->of(t, c, mesh, cut)] : 1;
      mesh.colors.push_back({at(0), at(1), at(2), static_cast<float>(alpha)});
    }
  }
}

// False, and an error, where a subset names a face that is not there.
bool read_sets(const View& view, const std::vector<const Prim*>& subsets, const Faces& faces, const Cut& cut,
               Mesh& mesh) {
  std::vector<std::uint32_t> set(faces.counts->size(), 0);
  for (std::size_t k = 0; k < subsets.size(); ++k) {
    const Prim& prim = *subsets[k];
    const Value::Integers* list = view.integers(prim, "indices");
    std::size_t twice = 0;
    for (const std::int64_t f : list ? *list : Value::Integers{}) {
      if (f < 0 || f >= static_cast<std::int64_t>(set.size())) {
        view.error(prim, "indices", "bad-mesh",
                   "index " + std::to_string(f) + " of " + std::to_string(set.size()) + " faces",
                   "indices count from 0");
        return false;
      }
      std::uint32_t& of = set[static_cast<std::size_t>(f)];
      if (of != 0 && of != k + 1) ++twice;
      if (of == 0) of = static_cast<std::uint32_t>(k + 1);
    }
    if (twice > 0) {
      view.warning(prim, "indices", "overlapping-subsets",
                   std::to_string(twice) + " faces are in a subset before this one too, whose material they keep",
                   "name each face once");
    }
  }
  if (subsets.empty()) return true;
  for (const std::size_t f : cut.faces) mesh.face_sets.push_back(set[f]);
  return true;
}

}  // namespace

std::string interpolation(const View& view, const Prim& prim, const std::string& attribute, const char* otherwise) {
  (void)view;
  for (const Opinion& o : prim.opinions) {
    const AttributeSpec* spec = o.spec->attribute(attribute);
    const Value* value = spec ? find(spec->metadata, "interpolation") : nullptr;
    const auto* text = value ? std::get_if<Value::Strings>(&value->content) : nullptr;
    if (text && text->size() == 1) return text->front();
  }
  return otherwise;
}

std::vector<const Prim*> material_subsets(const View& view, const Prim& mesh) {
  std::vector<const Prim*> out;
  for (int child = view.stage.first_child(mesh); child < mesh.end; child = view.stage.next_sibling(child)) {
    const Prim& prim = view.stage.prims()[static_cast<std::size_t>(child)];
    if (prim.type_name != "GeomSubset" || !view.stage.attribute(prim, "indices")) continue;
    if (view.token(prim, "elementType").value_or("face") != "face") continue;
    const bool binds =
        bound_material(view, prim, {"preview", "", "full"}) != bound_material(view, mesh, {"preview", "", "full"});
    if (binds) out.push_back(&prim);
  }
  return out;
}

std::vector<const void*> mesh_sources(const View& view, const Prim& prim, const std::vector<const Prim*>& subsets) {
  std::vector<std::string> names = {"points", "faceVertexCounts", "faceVertexIndices", "orientation", "holeIndices"};
  for (const char* name : {"normals", "primvars:normals", "primvars:displayColor", "primvars:displayOpacity"}) {
    names.push_back(name);
    names.push_back(std::string(name) + ":indices");
  }
  for (const std::string& name : coordinate_names(prim)) {
    names.push_back(name);
    names.push_back(name + ":indices");
  }
  std::vector<const void*> out;
  for (const std::string& name : names) {
    const std::optional<Resolved> a = view.stage.attribute(prim, name);
    out.push_back(a ? a->value : nullptr);
  }
  for (const Prim* subset : subsets) out.push_back(view.stage.attribute(*subset, "indices")->value);
  return out;
}

std::optional<Mesh> read_mesh(const View& view, const Prim& prim, const std::vector<const Prim*>& subsets,
                              const Frame* bake) {
  const Value::Reals* points = view.reals(prim, "points", 3);
  const Value::Integers* counts = view.integers(prim, "faceVertexCounts");
  const Value::Integers* indices = view.integers(prim, "faceVertexIndices");
  if (!points && !counts && !indices) {
    view.warning(prim, "", "empty-mesh", "the Mesh holds no points; it is left out", "write points and faces");
    return std::nullopt;
  }
  if (!points || !counts || !indices) {
    view.error(prim, "", "bad-mesh", "a Mesh needs points, faceVertexCounts and faceVertexIndices", "write all three");
    return std::nullopt;
  }
  Mesh mesh;
  mesh.path = view.token(prim, "geoul:source").value_or(prim.path);
  const Faces faces{points->size() / 3, counts, indices};
  mesh.vertices.reserve(faces.points);
  for (std::size_t i = 0; i < faces.points; ++i) {
    Vec3d p{(*points)[3 * i], (*points)[3 * i + 1], (*points)[3 * i + 2]};
    p = view.meters * (bake ? bake->S * p : p);
    if (!std::isfinite(p.x + p.y + p.z)) {
      view.error(prim, "points", "not-finite", "point " + std::to_string(i) + " is not finite", "write finite numbers");
      return std::nullopt;
    }
    mesh.vertices.push_back(Vec3<float>(p));
  }
  Cut cut;
  if (!cut_faces(view, prim, faces, mesh, cut) || !read_sets(view, subsets, faces, cut, mesh)) return std::nullopt;
  read_normals(view, prim, faces, cut, bake, mesh);
  read_coordinates(view, prim, faces, cut, mesh);
  read_colors(view, prim, faces, cut, mesh);
  if (bake && determinant(bake->S) < 0) turn_triangles(mesh);
  return mesh;
}

}  // namespace geoul::scene::usd
