// What the readers of single mesh formats share: the bytes they are given, how they refuse, text and polygons, and how
// the parts of a file are finished. Readers reserve memory only for what the bytes in hand can hold.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/scene/formats/mesh/mesh_file.h"

namespace geoul::scene::mesh {

struct Source {
  std::string_view bytes;
  const std::string& name;
  std::filesystem::path folder;  // that other files may be read from, or below it; empty: none
  const MeshOptions& options;
  Diagnostics& diagnostics;

  // Notes an error; line 0 where lines say nothing.
  std::nullopt_t fail(const char* code, std::string message, std::string mend = "export the mesh again",
                      int line = 0) const {
    diagnostics.error({name, line, {}}, code, std::move(message), std::move(mend));
    return std::nullopt;
  }
  std::nullopt_t too_many(const char* what) const {
    return fail("mesh-too-large", std::string("there are more than ") + std::to_string(options.max_vertices) + what,
                "reduce the mesh");
  }
};

using MaybeParts = std::optional<std::vector<MeshPart>>;
MaybeParts read_stl(const Source& source);
MaybeParts read_obj(const Source& source);
MaybeParts read_dae(const Source& source);
MaybeParts read_ply(const Source& source);
MaybeParts read_gltf(const Source& source);  // JSON, or the binary container by its magic
MaybeParts read_3mf(const Source& source);

// Linear map and shift.
struct Affine {
  Mat3d A = Mat3d::identity();
  Vec3d p;
};
inline Affine operator*(const Affine& a, const Affine& b) { return {a.A * b.A, a.A * b.p + a.p}; }
// Turns normals, up to length: cofactors, without the sign of the determinant.
Mat3d normal_matrix(const Mat3d& A);

// Appends vertices and triangles of `from`, moved by X; turned round where X mirrors, so that counter-clockwise stays
// outside. Normals of `to` are kept while every vertex has one.
void append(const Mesh& from, const Affine& X, Mesh& to);

// Joins vertices of equal position and normal, leaves out those of no triangle and triangles of fewer than three
// vertices; refuses (empty-mesh, not-finite) parts without triangles and vertices that are not finite.
MaybeParts finish(const Source& source, std::vector<MeshPart> parts);
void join_vertices(Mesh& mesh);

// Cuts a simple polygon into triangles of corners: a fan where it is convex, else by ears. False where the work of
// all concave polygons so far exceeds its bound.
class PolygonCutter {
 public:
  bool cut(std::span<const Vec3<float>> corners, std::vector<std::array<std::uint32_t, 3>>& triangles);

 private:
  std::size_t work_ = 0;
  std::vector<std::array<double, 2>> flat_;
  std::vector<std::uint32_t> ring_;
};

// A regular file of bounded size (never a pipe or a device, which could block or have no end).
std::optional<std::string> read_bounded(const std::filesystem::path& path, std::size_t max_bytes);
// A file that the mesh names, from the mesh's own folder or below; none where it is elsewhere, missing or too large.
std::optional<std::string> read_beside(const Source& source, std::string_view file, std::size_t max_bytes);

// ---- text ----

// Words of text, with the line they stand on.
struct Words {
  std::string_view rest;
  int line = 1;

  std::string_view next();          // over line ends; empty at the end
  std::string_view next_on_line();  // empty at the end of the line
  void skip_line();                 // behind the next line end
};
// The whole word as one number; false for anything else.
bool parse_number(std::string_view word, double& value);
bool parse_number(std::string_view word, float& value);  // rounded from double
bool parse_integer(std::string_view word, std::int64_t& value);

}  // namespace geoul::scene::mesh
