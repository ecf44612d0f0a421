// Reads STL (text and binary), OBJ (with its MTL), PLY (text and binary), DAE, glTF (also GLB) and 3MF files into
// meshes in metres.
//
// Coordinates are taken as the file writes them, with all transforms of nodes applied, and with these rules:
//   STL, OBJ, PLY  one unit is one metre; there is no up axis
//   DAE            the <unit meter="..."> is applied; the <up_axis> is ignored unless apply_up_axis is set, because
//                  robot descriptions have relied on that since RViz and Gazebo ignore it
//   glTF           metres; y is up by the standard, and turned to z only where apply_up_axis is set
//   3MF            the unit is applied; z is up
// Points and lines are dropped, polygons are cut into triangles, equal vertices are joined. A node that mirrors turns
// its triangles round, so that counter-clockwise stays outside. One part a material. A bad file gives findings, never a
// crash. Codes: mesh-not-found, mesh-too-large, mesh-format, bad-mesh, empty-mesh, not-finite, mesh-not-supported
// (right by its format, but packed in a way that is not read). More in docs/notes/meshes.md.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/geometry.h"

namespace geoul::scene {

enum class MeshFormat { kStl, kObj, kDae, kPly, kGltf, k3mf };

struct MeshOptions {
  bool apply_up_axis = false;  // turn a glTF, or a Y_UP or X_UP DAE, so that z is up
  // What a file may hold before it is refused.
  std::size_t max_bytes = std::size_t{256} << 20;
  std::size_t max_vertices = 20'000'000;  // after polygons are cut and nodes are instanced
  std::size_t max_nodes = 100'000;        // of a DAE (after instancing), glTF or 3MF
};

// The triangles of one material of the file.
struct MeshPart {
  Mesh mesh;
  std::optional<std::array<float, 4>> color;  // linear r g b alpha, where the file gives one
};

// By the ending of the name, in any case; none for other endings.
std::optional<MeshFormat> mesh_format(std::string_view file);

// At least one part with at least one triangle, or none with an error in diagnostics. Other files (MTL of an OBJ,
// buffers of a glTF) are read only from the file's own folder or below.
std::optional<std::vector<MeshPart>> read_mesh_file(const std::string& file, const MeshOptions& options,
                                                    Diagnostics& diagnostics);

// Same from bytes; name is what findings and Mesh::path say. Reads no other file.
std::optional<std::vector<MeshPart>> read_mesh_bytes(std::string_view bytes, MeshFormat format, const std::string& name,
                                                     const MeshOptions& options, Diagnostics& diagnostics);

// All parts as one mesh: for contact. Normals are kept where every part has them.
Mesh merged(const std::vector<MeshPart>& parts);

// Whether the surface is closed: with vertices of equal position taken as one, every edge is used once in each
// direction by as many triangles. A closed mesh has a volume.
bool is_closed(const Mesh& mesh);

// Linear colour of one written for a screen (sRGB, IEC 61966-2-1); alpha stays.
std::array<float, 4> linear_color(const std::array<double, 4>& srgb);

}  // namespace geoul::scene
