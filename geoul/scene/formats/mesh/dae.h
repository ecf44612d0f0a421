// What the two halves of the COLLADA reader share: dae.cpp walks the nodes and reads materials, dae_mesh.cpp reads the
// triangles of a <geometry>.
// Source: COLLADA 1.4.1 specification (Khronos, 2008); what 1.5 changes does not bear on what is read here.
#pragma once

#include <map>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene::mesh {

// The file, and where everything with an id stands in it.
struct DaeDocument {
  explicit DaeDocument(const Source& from) : source(from) {}

  const Source& source;
  pugi::xml_document xml;
  std::map<std::pair<std::string_view, std::string_view>, pugi::xml_node> by_id;  // element name, id; the first of each
  std::vector<pugi::xml_node> nodes;                                              // every <node>

  // Reads the XML and indexes it; false and a finding where it is broken, no COLLADA or nested deeper than kMaxDepth.
  bool open();
  // "#id" of an element of this name in this file; an empty node where there is none.
  pugi::xml_node find(std::string_view element, std::string_view url) const;

  int line(pugi::xml_node node) const;
  // bad-mesh, at the line of the element; returns false.
  bool fail(pugi::xml_node at, std::string message) const;
  // mesh-incomplete: something is left out and the rest is read. The first kMaxLeftOut of a file are said.
  void leave_out(pugi::xml_node at, std::string message) const;

  static constexpr int kMaxDepth = 200;  // of XML elements, and of nodes after instancing
  static constexpr int kMaxLeftOut = 10;
  mutable int left_out = 0;
};

// Triangles of one material symbol, three vertices of their own for each.
struct DaeGroup {
  std::string_view symbol;
  Mesh mesh;
};

// Reads <geometry> elements, each once: none where there is a finding. Groups without triangles are left out.
class DaeGeometries {
 public:
  explicit DaeGeometries(const DaeDocument& document) : document_(document) {}
  const std::vector<DaeGroup>* read(pugi::xml_node geometry);

 private:
  // Numbers of a <float_array>, as many as its count.
  struct Array {
    std::vector<float> values;
    bool good = false;
  };
  // Three numbers an element, found in an array.
  struct Vectors {
    const std::vector<float>* values = nullptr;
    std::size_t count = 0, stride = 0, first[3] = {0, 0, 0};  // of x, y and z in the first element
    Vec3<float> at(std::size_t i) const {
      return {(*values)[first[0] + i * stride], (*values)[first[1] + i * stride], (*values)[first[2] + i * stride]};
    }
  };
  struct Inputs {
    Vectors positions, normals;
    bool has_normals = false;
    bool normals_by_vertex = false;  // else by an index of their own
    std::size_t position_offset = 0, normal_offset = 0, stride = 1;
  };

  const Array* array(pugi::xml_node element);
  bool vectors(pugi::xml_node source, Vectors& out);
  bool inputs(pugi::xml_node primitive, Inputs& out);
  bool indices(pugi::xml_node list, std::size_t stride, std::vector<std::uint32_t>& out);
  bool primitive(pugi::xml_node element, DaeGroup& group);
  bool polygon(pugi::xml_node element, const Inputs& inputs, std::size_t first, std::size_t corners, DaeGroup& group);
  bool triangle(pugi::xml_node element, const Inputs& inputs, std::array<std::size_t, 3> corners, DaeGroup& group);
  bool add(pugi::xml_node element, const Inputs& inputs, std::size_t corner, DaeGroup& group);

  const DaeDocument& document_;
  std::map<std::size_t, Array> arrays_;  // by the hash of their element
  std::map<std::size_t, std::pair<bool, std::vector<DaeGroup>>> geometries_;
  PolygonCutter cutter_;
  std::size_t corners_ = 0;  // read so far, of all geometries
  // Of the primitive at hand.
  std::vector<std::uint32_t> indices_;
  std::vector<Vec3<float>> points_;
  std::vector<std::array<std::uint32_t, 3>> cut_;
};

}  // namespace geoul::scene::mesh
