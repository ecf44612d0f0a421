// glTF 2.0: the triangles of the scene's nodes. Source: Khronos, glTF 2.0 specification (2021), clauses 3.5 to 3.9 and
// 4 (binary container); KHR_mesh_quantization. Metres; y is up. Materials give baseColorFactor. Skins and morph targets
// are not applied, textures not read.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "geoul/scene/formats/mesh/parts.h"

namespace geoul::scene::mesh {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostTokens = 1'000'000;  // of the JSON: its tree takes at most some 170 bytes for each
constexpr int kDeepest = 64;
constexpr std::size_t kMostZeros = 1'000'000;  // values of a sparse accessor that no byte of the file stands for

// Brackets and commas outside of strings, before a tree is made of them.
bool is_bounded(std::string_view text) {
  std::size_t tokens = 0;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
      continue;
    }
    quoted = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',' || c == '{' || c == '[') ++tokens;
    if (tokens > kMostTokens || depth > kDeepest) return false;
  }
  return true;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xFF));
  }
  return out;
}

// "%20" and the like.
std::string decode_uri(std::string_view uri) {
  std::string out;
  const auto hex = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < uri.size(); ++i) {
    const bool coded = uri[i] == '%' && i + 2 < uri.size() && hex(uri[i + 1]) >= 0 && hex(uri[i + 2]) >= 0;
    out.push_back(coded ? static_cast<char>(16 * hex(uri[i + 1]) + hex(uri[i + 2])) : uri[i]);
    if (coded) i += 2;
  }
  return out;
}

// Members of objects that may be anything.
const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}
const Json* item(const Json& root, const char* list, std::size_t index) {
  const Json* all = member(root, list);
  return all && all->is_array() && index < all->size() ? &(*all)[index] : nullptr;
}
std::optional<std::size_t> whole(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (!value || !value->is_number_unsigned()) return std::nullopt;
  return value->get<std::size_t>();
}
std::string text(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value && value->is_string() ? value->get<std::string>() : std::string();
}
template <std::size_t N>
std::optional<std::array<double, N>> numbers(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (!value || !value->is_array() || value->size() != N) return std::nullopt;
  std::array<double, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    if (!(*value)[i].is_number()) return std::nullopt;
    out[i] = (*value)[i].get<double>();
  }
  return out;
}

Affine node_transform(const Json& node) {
  if (const auto m = numbers<16>(node, "matrix")) {  // column by column
    const auto& c = *m;
    return {{{c[0], c[4], c[8]}, {c[1], c[5], c[9]}, {c[2], c[6], c[10]}}, {c[12], c[13], c[14]}};
  }
  const auto t = numbers<3>(node, "translation").value_or(std::array<double, 3>{0, 0, 0});
  const auto q = numbers<4>(node, "rotation").value_or(std::array<double, 4>{0, 0, 0, 1});
  const auto s = numbers<3>(node, "scale").value_or(std::array<double, 3>{1, 1, 1});
  Quatd R{q[3], q[0], q[1], q[2]};
  const double length = squared_norm(R);
  if (length != 1 && length > 0 && std::isfinite(length)) R = normalized(R);
  return {rotation_matrix(R) * Mat3d::diagonal({s[0], s[1], s[2]}), {t[0], t[1], t[2]}};
}

struct Reader {
  const Source& source;
  std::string_view chunk;  // BIN of a container
  Json root = {};
  std::vector<std::string> owned = {};
  std::map<std::size_t, std::string_view> buffers = {};
  std::size_t loaded = 0;  // bytes of buffers outside the container
  std::vector<MeshPart> parts = {};
  std::map<std::size_t, std::size_t> part_of_material = {};

  bool fail(std::string what, const char* code = "bad-mesh") {
    source.fail(code, std::move(what));
    return false;
  }

  bool parse(std::string_view json) {
    if (!is_bounded(json)) return fail("its JSON has more than a million parts, or nests too deeply", "mesh-too-large");
    root = Json::parse(json.begin(), json.end(), nullptr, false);
    if (!root.is_object()) return fail("it is no JSON object");
    const Json* asset = member(root, "asset");
    if (!asset || text(*asset, "version").substr(0, 2) != "2.") {
      return fail("it is not glTF 2 (asset.version)", "mesh-not-supported");
    }
    if (const Json* required = member(root, "extensionsRequired"); required && required->is_array()) {
      for (const Json& extension : *required) {
        const std::string name = extension.is_string() ? extension.get<std::string>() : "?";
        if (name.rfind("KHR_materials_", 0) == 0 || name == "KHR_mesh_quantization" ||
            name == "KHR_texture_transform" || name == "KHR_lights_punctual" || name.rfind("EXT_texture_", 0) == 0 ||
            name == "KHR_texture_basisu") {
          continue;
        }
        return fail("it needs the extension " + name.substr(0, 64) + ", which is not read", "mesh-not-supported");
      }
    }
    return true;
  }

  // Bytes of a buffer; loaded at the first call.
  std::optional<std::string_view> buffer(std::size_t index) {
    if (const auto known = buffers.find(index); known != buffers.end()) return known->second;
    const Json* entry = item(root, "buffers", index);
    if (!entry) return fail("a view names a buffer that is not there"), std::nullopt;
    const std::string uri = text(*entry, "uri");
    std::string_view bytes;
    if (uri.empty()) {
      if (index != 0 || chunk.empty()) return fail("a buffer has neither uri nor binary chunk"), std::nullopt;
      bytes = chunk;
    } else if (uri.rfind("data:", 0) == 0) {
      const std::size_t comma = uri.find(";base64,");
      auto decoded = comma == std::string::npos ? std::nullopt : decode_base64(std::string_view(uri).substr(comma + 8));
      if (!decoded) return fail("a data URI is not base64"), std::nullopt;
      owned.push_back(std::move(*decoded));
      bytes = owned.back();
    } else {
      auto file = read_beside(source, decode_uri(uri), source.options.max_bytes);
      if (!file) {
        fail("the buffer '" + uri.substr(0, 200) + "' is not in the folder of the file", "mesh-not-found");
        return std::nullopt;
      }
      owned.push_back(std::move(*file));
      bytes = owned.back();
    }
    loaded += uri.empty() ? 0 : bytes.size();
    if (loaded > source.options.max_bytes) return fail("the buffers are too large", "mesh-too-large"), std::nullopt;
    const auto length = whole(*entry, "byteLength");
    if (!length || *length > bytes.size()) return fail("a buffer is shorter than its byteLength"), std::nullopt;
    return buffers[index] = bytes.substr(0, *length);
  }

  // `count` values of `bytes` each from a view; `stride` gets their distance.
  std::optional<const char*> place(const Json& accessor, const char* offset_key, std::size_t count, std::size_t bytes,
                                   std::size_t& stride) {
    const auto index = whole(accessor, "bufferView");
    const Json* view = index ? item(root, "bufferViews", *index) : nullptr;
    const auto number = view ? whole(*view, "buffer") : std::nullopt;
    if (!number) return fail("an accessor names a view that is not there"), std::nullopt;
    const auto data = buffer(*number);
    if (!data) return std::nullopt;
    const std::size_t begin = whole(*view, "byteOffset").value_or(0), length = whole(*view, "byteLength").value_or(0);
    const std::size_t offset = whole(accessor, offset_key).value_or(0);
    stride = whole(*view, "byteStride").value_or(bytes);
    const bool fits = begin <= data->size() && length <= data->size() - begin && stride >= bytes && stride <= 4096 &&
                      offset <= length &&
                      (count == 0 || (bytes <= length - offset && count - 1 <= (length - offset - bytes) / stride));
    if (!fits) return fail("an accessor reaches beyond its view or buffer"), std::nullopt;
    return data->data() + begin + offset;
  }

  static std::size_t component_size(std::size_t type) {
    return type == 5120 || type == 5121 ? 1 : type == 5122 || type == 5123 ? 2 : type == 5125 || type == 5126 ? 4 : 0;
  }
  static double component(const char* at, std::size_t type, bool normalized) {
    const auto get = [&](auto zero) {
      std::memcpy(&zero, at, sizeof zero);
      return static_cast<double>(zero);
    };
    switch (type) {
      case 5120: return normalized ? std::max(get(std::int8_t{}) / 127, -1.0) : get(std::int8_t{});
      case 5121: return get(std::uint8_t{}) / (normalized ? 255 : 1);
      case 5122: return normalized ? std::max(get(std::int16_t{}) / 32767, -1.0) : get(std::int16_t{});
      case 5123: return get(std::uint16_t{}) / (normalized ? 65535 : 1);
      case 5125: return get(std::uint32_t{});
      default: return get(float{});
    }
  }

  // All values of an accessor of 1 or 3 components.
  std::optional<std::vector<double>> values(std::size_t index, std::size_t components) {
    const Json* accessor = item(root, "accessors", index);
    const auto count = accessor ? whole(*accessor, "count") : std::nullopt;
    const auto type = accessor ? whole(*accessor, "componentType") : std::nullopt;
    const std::size_t size = type ? component_size(*type) : 0;
    if (!count || size == 0 || text(*accessor, "type") != (components == 3 ? "VEC3" : "SCALAR")) {
      return fail("an accessor is missing, or of another type"), std::nullopt;
    }
    if (*count > source.options.max_vertices * (components == 3 ? 1 : 6)) {
      return source.too_many(" vertices"), std::nullopt;
    }
    const Json* flag = member(*accessor, "normalized");
    const bool normalized = flag && flag->is_boolean() && flag->get<bool>();
    const Json* sparse = member(*accessor, "sparse");
    std::size_t stride = 0;
    std::optional<const char*> data;
    if (member(*accessor, "bufferView")) {
      data = place(*accessor, "byteOffset", *count, components * size, stride);
      if (!data) return std::nullopt;
    } else if (!sparse || *count > kMostZeros) {
      return fail("an accessor has no view"), std::nullopt;
    }
    std::vector<double> out(*count * components, 0.0);
    for (std::size_t i = 0; data && i < *count; ++i) {
      for (std::size_t k = 0; k < components; ++k) {
        out[components * i + k] = component(*data + i * stride + k * size, *type, normalized);
      }
    }
    if (sparse && !overlay(*sparse, *count, components, *type, normalized, out)) return std::nullopt;
    return out;
  }

  bool overlay(const Json& sparse, std::size_t count, std::size_t components, std::size_t type, bool normalized,
               std::vector<double>& out) {
    const auto n = whole(sparse, "count");
    const Json *indices = member(sparse, "indices"), *replaced = member(sparse, "values");
    const auto index_type = indices ? whole(*indices, "componentType") : std::nullopt;
    const std::size_t index_size = index_type ? component_size(*index_type) : 0, size = component_size(type);
    if (!n || *n > count || !replaced || index_size == 0) return fail("a sparse accessor is not well formed");
    std::size_t index_stride = 0, stride = 0;
    const auto at = place(*indices, "byteOffset", *n, index_size, index_stride);
    const auto from = at ? place(*replaced, "byteOffset", *n, components * size, stride) : std::nullopt;
    if (!from) return false;
    for (std::size_t i = 0; i < *n; ++i) {
      const double index = component(*at + i * index_stride, *index_type, false);
      if (!(index >= 0 && index < static_cast<double>(count))) return fail("a sparse index is out of range");
      for (std::size_t k = 0; k < components; ++k) {
        out[components * static_cast<std::size_t>(index) + k] =
            component(*from + i * stride + k * size, type, normalized);
      }
    }
    return true;
  }

  // Vertices that a primitive would add, by its accessors; 0 where it has no triangles.
  std::size_t vertices_of(const Json& primitive) {
    const Json* attributes = member(primitive, "attributes");
    const auto position = attributes ? whole(*attributes, "POSITION") : std::nullopt;
    const Json* accessor = position ? item(root, "accessors", *position) : nullptr;
    return accessor ? std::min(whole(*accessor, "count").value_or(0), source.options.max_vertices + 1) : 0;
  }

  bool add(const Json& primitive, const Affine& X) {
    const std::size_t mode = whole(primitive, "mode").value_or(4);
    const Json *attributes = member(primitive, "attributes"), *extensions = member(primitive, "extensions");
    for (const char* packed : {"KHR_draco_mesh_compression", "EXT_meshopt_compression"}) {
      if (extensions && member(*extensions, packed)) {
        return fail(std::string("a mesh is compressed by ") + packed + ", which is not read", "mesh-not-supported");
      }
    }
    const auto position = attributes ? whole(*attributes, "POSITION") : std::nullopt;
    if (mode < 4 || mode > 6 || !position) return true;  // points and lines
    const auto points = values(*position, 3);
    if (!points) return false;
    Mesh mesh;
    for (std::size_t i = 0; i + 2 < points->size(); i += 3) {
      mesh.vertices.push_back({float((*points)[i]), float((*points)[i + 1]), float((*points)[i + 2])});
    }
    if (const auto normal = whole(*attributes, "NORMAL")) {
      const auto n = values(*normal, 3);
      if (!n) return false;
      if (n->size() != points->size()) return fail("there are not as many normals as positions");
      for (std::size_t i = 0; i + 2 < n->size(); i += 3) {
        mesh.normals.push_back({float((*n)[i]), float((*n)[i + 1]), float((*n)[i + 2])});
      }
    }
    std::vector<std::uint32_t> order;
    if (const auto indices = whole(primitive, "indices")) {
      const auto list = values(*indices, 1);
      if (!list) return false;
      for (const double index : *list) {
        if (!(index >= 0 && index < static_cast<double>(mesh.vertices.size()))) {
          return fail("an index names a vertex that is not there");
        }
        order.push_back(static_cast<std::uint32_t>(index));
      }
    } else {
      for (std::uint32_t i = 0; i < mesh.vertices.size(); ++i) order.push_back(i);
    }
    if (mode == 4) {
      for (std::size_t i = 0; i + 2 < order.size(); i += 3) {
        mesh.triangles.push_back({order[i], order[i + 1], order[i + 2]});
      }
    }
    for (std::size_t i = 2; mode != 4 && i < order.size(); ++i) {
      if (mode == 6) mesh.triangles.push_back({order[i - 1], order[i], order[0]});
      if (mode == 5 && i % 2 == 0) mesh.triangles.push_back({order[i - 2], order[i - 1], order[i]});
      if (mode == 5 && i % 2 == 1) mesh.triangles.push_back({order[i - 2], order[i], order[i - 1]});
    }
    append(mesh, X, part(whole(primitive, "material")).mesh);
    return true;
  }

  MeshPart& part(std::optional<std::size_t> material) {
    const std::size_t key = material.value_or(~std::size_t{0});
    const auto [place, is_new] = part_of_material.try_emplace(key, parts.size());
    if (is_new) {
      parts.emplace_back();
      const Json* entry = material ? item(root, "materials", *material) : nullptr;
      const Json* rough = entry ? member(*entry, "pbrMetallicRoughness") : nullptr;
      if (entry) parts.back().color = {1, 1, 1, 1};
      if (const auto color = rough ? numbers<4>(*rough, "baseColorFactor") : std::nullopt) {
        for (std::size_t i = 0; i < 4; ++i) {
          (*parts.back().color)[i] = std::isfinite((*color)[i]) ? float(std::clamp((*color)[i], 0.0, 1.0)) : 0;
        }
      }
    }
    return parts[place->second];
  }

  struct Use {
    const Json* mesh;
    Affine X;
  };

  // Every node has one parent (clause 3.5.2), so that a second visit is a ring or a bomb.
  bool walk(const Affine& top, std::vector<Use>& uses) {
    const Json* nodes = member(root, "nodes");
    const std::size_t count = nodes && nodes->is_array() ? nodes->size() : 0;
    if (count > source.options.max_nodes) return fail("there are too many nodes", "mesh-too-large");
    std::vector<std::pair<std::size_t, Affine>> stack;
    const Json* scene = item(root, "scenes", whole(root, "scene").value_or(0));
    if (const Json* roots = scene ? member(*scene, "nodes") : nullptr; roots && roots->is_array()) {
      for (std::size_t i = roots->size(); i-- > 0;) {
        if ((*roots)[i].is_number_unsigned()) stack.emplace_back((*roots)[i].get<std::size_t>(), top);
      }
    }
    std::vector<bool> seen(count);
    while (!stack.empty()) {
      const auto [index, above] = stack.back();
      stack.pop_back();
      if (index >= count) return fail("the scene names a node that is not there");
      if (seen[index]) return fail("node " + std::to_string(index) + " has two parents, or is its own");
      seen[index] = true;
      const Json& node = (*nodes)[index];
      const Affine X = above * node_transform(node);
      if (const auto mesh = whole(node, "mesh")) {
        const Json* entry = item(root, "meshes", *mesh);
        if (!entry) return fail("a node names a mesh that is not there");
        uses.push_back({entry, X});
      }
      const Json* children = member(node, "children");
      for (std::size_t i = children && children->is_array() ? children->size() : 0; i-- > 0;) {
        if (!(*children)[i].is_number_unsigned()) return fail("a child is no index");
        stack.emplace_back((*children)[i].get<std::size_t>(), X);
      }
    }
    return true;
  }

  bool run(const Affine& top) {
    std::vector<Use> uses;
    if (!walk(top, uses)) return false;
    std::size_t total = 0;
    for (const Use& use : uses) {  // first counted, then made
      const Json* primitives = member(*use.mesh, "primitives");
      if (!primitives || !primitives->is_array()) return fail("a mesh has no primitives");
      for (const Json& primitive : *primitives) total += vertices_of(primitive);
      if (total > source.options.max_vertices) return source.too_many(" vertices"), false;
    }
    owned.reserve(member(root, "buffers") ? member(root, "buffers")->size() : 0);  // views into it stay
    for (const Use& use : uses) {
      for (const Json& primitive : *member(*use.mesh, "primitives")) {
        if (!add(primitive, use.X)) return false;
      }
    }
    return true;
  }
};

// The chunks of a binary container (clause 4.4).
bool open_container(std::string_view bytes, std::string_view& json, std::string_view& binary) {
  std::uint32_t words[3];
  if (bytes.size() < 12) return false;
  std::memcpy(words, bytes.data(), 12);
  if (words[1] != 2 || words[2] > bytes.size() || words[2] < 12) return false;
  bytes = bytes.substr(12, words[2] - 12);
  for (bool first = true; bytes.size() >= 8; first = false) {
    std::uint32_t length = 0, kind = 0;
    std::memcpy(&length, bytes.data(), 4), std::memcpy(&kind, bytes.data() + 4, 4);
    if (length > bytes.size() - 8 || (first && kind != 0x4E4F534A)) return false;
    if (first) json = bytes.substr(8, length);
    if (kind == 0x004E4942 && binary.empty()) binary = bytes.substr(8, length);
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 8 + (std::size_t{length} + 3) / 4 * 4));
  }
  return !json.empty();
}

}  // namespace

MaybeParts read_gltf(const Source& source) {
  std::string_view json = source.bytes, binary;
  if (json.substr(0, 4) == "glTF" && !open_container(source.bytes, json, binary)) {
    return source.fail("bad-mesh", "the binary container is not well formed, or not of version 2");
  }
  Affine top;
  if (source.options.apply_up_axis) top.A = {{1, 0, 0}, {0, 0, -1}, {0, 1, 0}};
  Reader reader{source, binary};
  try {
    if (!reader.parse(json) || !reader.run(top)) return std::nullopt;
  } catch (const Json::exception& failure) {
    return source.fail("bad-mesh", std::string("its JSON cannot be used: ") + failure.what());
  }
  return finish(source, std::move(reader.parts));
}

}  // namespace geoul::scene::mesh
