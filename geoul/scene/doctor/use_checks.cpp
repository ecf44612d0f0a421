// Names and use: duplicate-path, loose-body, unused-body, unused-material, unused-mesh.
#include <algorithm>
#include <map>
#include <set>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {
namespace {

// Calls f(path) for everything that must have a name of its own, in the order of validate().
template <class S, class F>
void each_path(S& scene, F&& f) {
  for (auto& body : scene.bodies) f(body.path);
  for (auto& joint : scene.joints) f(joint.path);
  for (auto& site : scene.sites) f(site.path);
}

std::string rename_duplicates(Scene& scene) {
  std::set<std::string> all, used;
  each_path(scene, [&](const std::string& path) { all.insert(path); });
  std::vector<std::string> renamed;
  each_path(scene, [&](std::string& path) {
    if (used.insert(path).second) return;
    const std::string old = path;
    for (int i = 1; !all.insert(path).second; ++i) path = old + "_" + std::to_string(i);
    used.insert(path);
    renamed.push_back(path);
  });
  return "renamed: " + listed(renamed);
}

// What is gone from a list of used flags; ids are those that are left, in order.
template <class Id>
std::vector<Id> kept_ids(const std::vector<bool>& used) {
  std::vector<Id> ids(used.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) ids[i] = Id::from_index(next++);
  }
  return ids;
}

template <class T>
void keep(std::vector<T>& values, const std::vector<bool>& used) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!used[i]) continue;
    if (next != i) values[next] = std::move(values[i]);
    ++next;
  }
  values.resize(next);
}

std::vector<bool> used_materials(const Scene& scene) {
  std::vector<bool> used(scene.materials.size());
  for (const Shape& s : scene.shapes) {
    if (s.material.valid() && s.material.index() < used.size()) used[s.material.index()] = true;
  }
  return used;
}

std::string remove_materials(Scene& scene) {
  const std::vector<bool> used = used_materials(scene);
  const auto ids = kept_ids<MaterialId>(used);
  for (Shape& s : scene.shapes) {
    if (s.material.valid() && s.material.index() < ids.size()) s.material = ids[s.material.index()];
  }
  const std::size_t before = scene.materials.size();
  keep(scene.materials, used);
  return counted(before - scene.materials.size(), "material", "materials") + " removed";
}

std::string remove_meshes(Scene& scene) {
  std::vector<bool> used(scene.meshes.size());
  for (const Shape& s : scene.shapes) {
    if (const auto use = mesh_use(scene, s)) used[use->mesh.index()] = true;
  }
  const auto ids = kept_ids<MeshId>(used);
  for (Shape& s : scene.shapes) {
    std::visit(
        [&](auto& g) {
          if constexpr (requires { g.mesh; }) {
            if (g.mesh.valid() && g.mesh.index() < ids.size()) g.mesh = ids[g.mesh.index()];
          }
        },
        s.geometry);
  }
  const std::size_t before = scene.meshes.size();
  keep(scene.meshes, used);
  return counted(before - scene.meshes.size(), "mesh", "meshes") + " removed";
}

void judge_unused(const Patient& patient, std::vector<Symptom>& out) {
  const Scene& scene = patient.scene;
  const std::string file = scene.bodies.empty() ? "" : scene.bodies[0].source.file;
  // what is missing may use them
  if (std::any_of(scene.bodies.begin(), scene.bodies.end(), [](const Body& b) { return b.shapes_missing; })) return;
  const auto say = [&](const char* code, const std::vector<std::string>& names, const char* one, const char* many,
                       std::string (*remove)(Scene&)) {
    if (names.empty()) return;
    out.push_back({{Severity::kInfo,
                    {file, 0, {}},
                    code,
                    counted(names.size(), one, many) + " used by nothing: " + listed(names),
                    "remove; --mend does it"},
                   remove});
  };
  std::vector<std::string> materials, meshes;
  const std::vector<bool> used = used_materials(scene);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) materials.push_back(scene.materials[i].path);
  }
  for (std::size_t i = 0; i < scene.meshes.size(); ++i) {
    if (!patient.first_user[i].valid()) meshes.push_back(scene.meshes[i].path);
  }
  say("unused-material", materials, "material is", "materials are", remove_materials);
  say("unused-mesh", meshes, "mesh is", "meshes are", remove_meshes);
}

void judge_bodies(const Patient& patient, std::vector<Symptom>& out) {
  const Scene& scene = patient.scene;
  std::vector<bool> named(scene.bodies.size());  // by a site, camera or spring
  const auto name = [&](BodyId b) {
    if (b.valid() && b.index() < named.size()) named[b.index()] = true;
  };
  for (const Site& s : scene.sites) name(s.body);
  for (const Camera& c : scene.cameras) name(c.body);
  for (const Spring& s : scene.springs) name(s.a), name(s.b);
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    const Body& body = scene.bodies[b];
    const BodyId id = BodyId::from_index(b);
    if (!patient.joints_of[b].empty() || named[b] || body.kinematic || body.shapes_missing) continue;
    const auto& shapes = patient.shapes_of[b];
    const bool touches =
        std::any_of(shapes.begin(), shapes.end(), [&](ShapeId s) { return scene.shapes[s.index()].collides; });
    if (shapes.empty() && body.mass.mass == 0) {
      out.push_back({{Severity::kInfo, patient.at(id), "unused-body", "it has no mass, no shape and no joint",
                      "remove it, or join it to something"},
                     {}});
    } else if (!touches && body.gravity && norm(scene.gravity) > 0) {
      out.push_back({{Severity::kWarning, patient.at(id), "loose-body",
                      "it has no joint and nothing that touches: it falls for ever",
                      "join it to something (a fixed joint to the world holds it), or give it a collider"},
                     {}});
    }
  }
}

}  // namespace

void check_names(const Patient& patient, std::vector<Symptom>& out) {
  std::map<std::string, int> count;
  each_path(patient.scene, [&](const std::string& path) { ++count[path]; });
  std::function<std::string(Scene&)> mend = rename_duplicates;
  for (const auto& [path, n] : count) {
    if (n < 2) continue;
    out.push_back({{Severity::kError,
                    {{}, 0, path},
                    "duplicate-path",
                    counted(static_cast<std::size_t>(n), "thing", "things") + " have this name",
                    "give every body, joint and site a name of its own; --mend numbers them"},
                   mend});
    mend = {};  // one change renames all
  }
}

void check_use(const Patient& patient, std::vector<Symptom>& out) {
  judge_bodies(patient, out);
  judge_unused(patient, out);
}

}  // namespace geoul::scene::doctor
