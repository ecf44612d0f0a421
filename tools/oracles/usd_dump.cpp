// Prints a USD file as Geoul composes it, for usd_compare.py: a line of JSON for the file, then one for each prim.
//   usd_dump FILE...     values at the default time;    usd_dump -t TIME FILE...    at a time code
//   usd_dump -l FILE...  looks instead of prims, for usd_look_compare.py: a line for each shape, see print_looks()
// File: {"file", "read": whether read_scene() takes it, "parsed", "errors": [...], "warnings": [codes], counts of the
// scene} Prim: {"path", "type", "apis", "instance", "world": 16 numbers row by row as USD writes them, in units of the
// file,
//        "attributes": {name: [type, value]}, "relationships": {name: [targets]}}
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/usd/view.h"

namespace {

using namespace geoul;
using namespace geoul::scene::usd;

void print(const std::string& text) {
  std::putchar('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      std::printf("\\%c", c);
    } else if (u < 0x20) {
      std::printf("\\u%04x", u);
    } else {
      std::putchar(c);
    }
  }
  std::putchar('"');
}
void print(double x) {
  if (std::isnan(x)) {
    std::fputs("NaN", stdout);
  } else if (std::isinf(x)) {
    std::fputs(x > 0 ? "Infinity" : "-Infinity", stdout);
  } else {
    std::printf("%.17g", x);
  }
}
void print(std::int64_t x) { std::printf("%lld", static_cast<long long>(x)); }

template <class List>
void print_list(const List& list) {
  std::putchar('[');
  bool first = true;
  for (const auto& item : list) {
    if (!first) std::putchar(',');
    first = false;
    print(item);
  }
  std::putchar(']');
}

void print_value(const Value& v) {
  if (const auto* x = std::get_if<Value::Reals>(&v.content)) return print_list(*x);
  if (const auto* x = std::get_if<Value::Integers>(&v.content)) return print_list(*x);
  if (const auto* x = std::get_if<Value::Strings>(&v.content)) return print_list(*x);
  std::fputs("null", stdout);
}

void print_prim(const View& view, const Prim& prim) {
  const Stage& stage = view.stage;
  std::fputs("{\"path\":", stdout), print(prim.path);
  std::fputs(",\"type\":", stdout), print(prim.type_name);
  std::fputs(",\"apis\":", stdout), print_list(*prim.api_schemas);
  std::printf(",\"instance\":%s,\"world\":", prim.instance ? "true" : "false");
  const Frame& X = view.placement(prim).in_world;
  const Mat3d L = rotation_matrix(X.X.R) * X.S;
  const double m = view.meters;
  const double world[16] = {L.r0.x, L.r1.x, L.r2.x, 0, L.r0.y,      L.r1.y,      L.r2.y,      0,
                            L.r0.z, L.r1.z, L.r2.z, 0, X.X.p.x / m, X.X.p.y / m, X.X.p.z / m, 1};
  print_list(world);
  std::map<std::string, std::string> attributes;
  std::set<std::string> relationships;
  for (const Opinion& o : prim.opinions) {
    for (const AttributeSpec& a : o.spec->attributes) attributes.emplace(a.name, a.type_name);
    for (const RelationshipSpec& r : o.spec->relationships) relationships.insert(r.name);
  }
  std::fputs(",\"attributes\":{", stdout);
  bool first = true;
  for (const auto& [name, type] : attributes) {
    if (!first) std::putchar(',');
    first = false;
    print(name), std::fputs(":[", stdout), print(type), std::putchar(',');
    const auto value = stage.attribute(prim, name);
    value ? print_value(*value->value) : print_value(Value{});
    std::putchar(','), print_list(stage.connections(prim, name)), std::putchar(']');
  }
  std::fputs("},\"relationships\":{", stdout);
  first = true;
  Diagnostics ignored;
  for (const std::string& name : relationships) {
    if (!first) std::putchar(',');
    first = false;
    print(name), std::putchar(':'), print_list(stage.targets(prim, name, ignored));
  }
  std::puts("}}");
}

// Weighted sums: equal lists, equal sums to rounding.
template <class List, class Get>
double sum_of(const List& list, Get get) {
  double sum = 0;
  for (std::size_t i = 0; i < list.size(); ++i) sum += get(list[i]) * (1 + static_cast<double>(i % 97));
  return sum;
}

// {"shape", "material": path or "", "sets": [paths], "normals": sum, "textures": {name: sum}, "colors": sum}
void print_looks(const scene::Scene& s) {
  const auto name = [&](scene::MaterialId id) { return id.valid() ? s.materials[id.index()].path : std::string(); };
  for (const scene::Shape& shape : s.shapes) {
    std::fputs("{\"shape\":", stdout), print(shape.path);
    std::fputs(",\"material\":", stdout), print(name(shape.material));
    std::vector<std::string> sets;
    for (std::size_t k = 1; k < shape.set_materials.size(); ++k) sets.push_back(name(shape.set_materials[k]));
    std::fputs(",\"sets\":", stdout), print_list(sets);
    scene::MeshId id;
    if (const auto* m = std::get_if<scene::TriangleMesh>(&shape.geometry)) id = m->mesh;
    if (const auto* m = std::get_if<scene::ConvexHull>(&shape.geometry)) id = m->mesh;
    if (id.valid()) {
      const scene::Mesh& mesh = s.meshes[id.index()];
      const auto vector = [](const Vec3<float>& n) { return static_cast<double>(n.x + 2 * n.y + 3 * n.z); };
      std::printf(",\"normals\":%.9g", sum_of(mesh.corner_normals, vector));
      std::printf(",\"colors\":%.9g",
                  sum_of(mesh.colors, [](const auto& c) { return double(c[0] + 2 * c[1] + 3 * c[2]); }));
      std::fputs(",\"textures\":{", stdout);
      for (std::size_t i = 0; i < mesh.textures.size(); ++i) {
        if (i > 0) std::putchar(',');
        print(mesh.textures[i].name);
        std::printf(":%.9g", sum_of(mesh.textures[i].st, [](const auto& p) { return double(p[0] + 2 * p[1]); }));
      }
      std::putchar('}');
    }
    std::puts("}");
  }
}

void dump(const std::string& file, std::optional<double> time) {
  Diagnostics whole;
  const auto read = scene::read_usd(file, whole);
  Diagnostics d;
  AssetFiles files;
  std::unique_ptr<Layer> root = files.layer(file, {file, 0, ""}, d);
  const bool parsed = root && d.error_count() == 0;
  std::fputs("{\"file\":", stdout), print(file);
  std::printf(",\"read\":%s,\"parsed\":%s,\"errors\":", read ? "true" : "false", parsed ? "true" : "false");
  std::vector<std::string> errors, codes;
  std::set<std::string> warnings;
  for (const Finding& f : whole.findings()) {
    if (f.severity == Severity::kError) {
      errors.push_back(f.code + ": " + f.message), codes.push_back(f.code);
    } else {
      warnings.insert(f.code);
    }
  }
  print_list(errors);
  std::fputs(",\"codes\":", stdout), print_list(codes);
  std::fputs(",\"warnings\":", stdout), print_list(warnings);
  if (read) {
    std::printf(",\"bodies\":%zu,\"joints\":%zu,\"shapes\":%zu", read->bodies.size(), read->joints.size(),
                read->shapes.size());
  }
  std::puts("}");
  if (!parsed) return;
  Stage stage = compose(std::move(root), files, d);
  stage.set_time(time);
  scene::Scene scene;
  View view{stage, d, scene, files};
  if (const Value* meters = find(stage.root_layer().metadata, "metersPerUnit")) {
    if (const auto* x = std::get_if<Value::Reals>(&meters->content)) view.meters = x->front();
  }
  place_prims(view);
  for (std::size_t i = 1; i < stage.prims().size(); ++i) print_prim(view, stage.prims()[i]);
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<double> time;
  int first = 1;
  if (argc > 2 && std::strcmp(argv[1], "-l") == 0) {
    for (int i = 2; i < argc; ++i) {
      geoul::Diagnostics d;
      std::fputs("{\"file\":", stdout), print(argv[i]), std::puts("}");
      if (const auto s = geoul::scene::read_usd(argv[i], d)) print_looks(*s);
    }
    return 0;
  }
  if (argc > 2 && std::strcmp(argv[1], "-t") == 0) time = std::atof(argv[2]), first = 3;
  if (first >= argc) return std::fputs("usage: usd_dump [-t TIME | -l] FILE...\n", stderr), 2;
  for (int i = first; i < argc; ++i) dump(argv[i], time);
  return 0;
}
