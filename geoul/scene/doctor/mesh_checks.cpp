// Triangles: mesh-open, mesh-inside-out, mesh-degenerate, mesh-duplicate, mesh-huge, bad-mesh.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {
namespace {

using Corners = std::array<std::uint32_t, 3>;

constexpr std::size_t kManyColliding = 200'000;  // triangles of one collider

struct Subject {
  const Patient& patient;
  MeshId id;
  const Mesh& mesh;
  const MeshFacts& facts;
  bool surface = false;  // a moving body touches with its surface
  bool touches = false;  // something touches with it, as surface or hull
  bool whole = false;    // it is all that is seen of its body, or touches: inside out means something
  std::vector<Symptom>& out;

  std::string name() const {
    const std::string file = mesh.path.substr(mesh.path.rfind('/') + 1);
    return "its mesh '" + file + "'";
  }
  void say(Severity severity, const char* code, std::string message, std::string mend,
           std::function<std::string(Scene&)> change) {
    out.push_back({{severity, patient.at(id), code, std::move(message), std::move(mend)}, std::move(change)});
  }
};

double height(const Vec3d& a, const Vec3d& b, const Vec3d& c) {  // over the longest edge, relative to it
  const double longest = std::max({norm(b - a), norm(c - b), norm(a - c)});
  return longest > 0 ? norm(cross(b - a, c - a)) / (longest * longest) : 0;
}

// "3 of 120 triangles of its mesh 'arm.stl'"
std::string share(std::size_t n, const Subject& s) {
  return std::to_string(n) + " of " + counted(s.mesh.triangles.size(), "triangle", "triangles") + " of " + s.name();
}

void judge_open(Subject& s) {
  if (s.facts.closed() || !s.surface) return;
  s.say(Severity::kInfo, "mesh-open",
        s.name() + " moves and is not closed: " + std::to_string(s.facts.open_edges) + " edges of " +
            counted(s.mesh.triangles.size(), "triangle", "triangles") + " have no neighbour, so it has no inside",
        "close it, or collide with its convex hull", {});
}

// Leaves out triangles; how many.
template <class Predicate>
std::size_t remove_if(Mesh& mesh, Predicate out) {
  std::vector<bool> kept;
  for (const Corners& t : mesh.triangles) kept.push_back(!out(t));
  remove_triangles(mesh, kept);
  return kept.size() - mesh.triangles.size();
}

void judge_inside_out(Subject& s) {
  if (!s.facts.closed() || !s.whole || !(s.facts.volume < 0)) return;
  s.say(Severity::kWarning, "mesh-inside-out",
        s.name() + " is inside out: its triangles run clockwise seen from outside", "reverse them; --mend does it",
        [id = s.id](Scene& scene) {
          Mesh& mesh = scene.meshes[id.index()];
          turn_triangles(mesh);
          for (Vec3<float>& n : mesh.normals) n = -n;
          for (Vec3<float>& n : mesh.corner_normals) n = -n;
          return counted(mesh.triangles.size(), "triangle", "triangles") + " reversed";
        });
}

void judge_degenerate(Subject& s) {
  if (s.facts.degenerate == 0) return;
  s.say(Severity::kInfo, "mesh-degenerate",
        share(s.facts.degenerate, s) + (s.facts.degenerate == 1 ? " has no area" : " have no area"),
        "remove them; --mend does it", [id = s.id](Scene& scene) {
          Mesh& mesh = scene.meshes[id.index()];
          const std::size_t removed = remove_if(mesh, [&](const Corners& t) {
            return !(height(Vec3d(mesh.vertices[t[0]]), Vec3d(mesh.vertices[t[1]]), Vec3d(mesh.vertices[t[2]])) > 1e-9);
          });
          return counted(removed, "triangle", "triangles") + " without area removed";
        });
}

void judge_duplicates(Subject& s) {
  if (s.facts.duplicate == 0) return;
  s.say(
      Severity::kInfo, "mesh-duplicate",
      share(s.facts.duplicate, s) + (s.facts.duplicate == 1 ? " stands there twice" : " stand there twice"),
      "remove them; --mend does it", [id = s.id](Scene& scene) {
        Mesh& mesh = scene.meshes[id.index()];
        std::set<std::array<float, 9>> seen;
        const std::size_t removed = remove_if(mesh, [&](const Corners& t) {
          std::array<std::array<float, 3>, 3> p;
          for (std::size_t k = 0; k < 3; ++k) {
            const Vec3<float>& v = mesh.vertices[t[k]];
            p[k] = {v.x + 0.0f, v.y + 0.0f, v.z + 0.0f};
          }
          std::rotate(p.begin(), std::min_element(p.begin(), p.end()), p.end());
          return !seen.insert({p[0][0], p[0][1], p[0][2], p[1][0], p[1][1], p[1][2], p[2][0], p[2][1], p[2][2]}).second;
        });
        return counted(removed, "triangle", "triangles") + " that stood there twice removed";
      });
}

void judge_size(Subject& s) {
  if (!s.touches || s.mesh.triangles.size() <= kManyColliding) return;
  s.say(Severity::kWarning, "mesh-huge",
        s.name() + " collides with " + std::to_string(s.mesh.triangles.size()) + " triangles",
        "collide with its convex hull, with primitives, or with a reduced mesh", {});
}

}  // namespace

void check_meshes(const Patient& patient, std::vector<Symptom>& out) {
  const Scene& scene = patient.scene;
  std::vector<bool> surface(scene.meshes.size()), touches(scene.meshes.size()), whole(scene.meshes.size());
  for (const Shape& shape : scene.shapes) {
    const auto use = mesh_use(scene, shape);
    if (!use) continue;
    const std::size_t m = use->mesh.index();
    const bool on_body = shape.body.valid() && shape.body.index() < scene.bodies.size();
    touches[m] = touches[m] || shape.collides;
    if (shape.collides && !use->hull && on_body && !patient.group(shape.body).held) surface[m] = true;
    const bool alone = on_body && patient.shapes_of[shape.body.index()].size() == 1;
    whole[m] = whole[m] || (shape.collides && !use->hull) || alone;
  }
  for (std::size_t m = 0; m < scene.meshes.size(); ++m) {
    if (!patient.first_user[m].valid() || patient.meshes[m].bad_indices) continue;
    Subject s{patient, MeshId::from_index(m), scene.meshes[m], patient.meshes[m], surface[m], touches[m], whole[m],
              out};
    judge_open(s);
    judge_inside_out(s);
    judge_degenerate(s);
    judge_duplicates(s);
    judge_size(s);
  }
}

}  // namespace geoul::scene::doctor
