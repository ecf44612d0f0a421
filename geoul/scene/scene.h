// Scene: what a person wrote, in SI units, whatever file it came from. Plain data; every reader makes it,
// dynamics compiles it, writers and viewers read it. Names are USD paths: "/Cell/UR3e/forearm".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/scene/geometry.h"
#include "geoul/scene/ids.h"
#include "geoul/scene/joint.h"

namespace geoul::scene {

struct MassProperties {
  double mass = 0;  // [kg]
  Vec3d center;     // centre of mass in the body frame [m]
  Sym3d inertia;    // about the centre of mass, along the body's axes [kg m2]

  bool operator==(const MassProperties&) const = default;
};

struct Body {
  std::string path;
  Posed X_WB;    // at the start
  Motiond V_WB;  // at the start: angular velocity and velocity of the body's origin, in the world frame
  MassProperties mass;
  bool kinematic = false;  // moved by a given motion, whatever the forces
  bool gravity = true;
  Location source;              // where it was written
  bool shapes_missing = false;  // a mesh of it could not be found: its shapes are not all there
};

// A named frame on a body: where something is mounted, measured or grasped.
struct Site {
  std::string path;
  BodyId body;
  Posed X_BS;
};

// Pinhole camera; looks along -z of its frame, y up.
struct Camera {
  std::string path;
  BodyId body;
  Posed X_BC;
  double vertical_fov = 0.8;  // [rad]
  double near = 0.05;         // [m]
  double far = 1000;          // [m]
};

// A light as the file says it; dynamics and contact know nothing of it. It shines along -z of its frame (a sphere and a
// dome all round; a dome's image has its upper pole along +y of the frame). Source: UsdLux LightAPI.
struct Light {
  enum class Kind { kDistant, kSphere, kDisk, kRectangle, kCylinder, kDome };

  std::string path;
  BodyId body;
  Posed X_BL;
  Kind kind = Kind::kDistant;
  std::array<float, 3> color{1, 1, 1};  // linear
  double intensity = 1;                 // luminance = color x intensity x 2^exposure [cd/m2], before normalize
  double exposure = 0;
  bool normalize = false;             // divided by the area that shines [m2] (a distant light: by its solid angle)
  std::optional<double> temperature;  // [K] of a black body, whose colour multiplies color
  double radius = 0.5;                // sphere, disk, cylinder [m]
  double width = 1, height = 1;       // rectangle along x and y; a cylinder's width is its length along x [m]
  double angle = 0;                   // distant: across the source [rad]
  double cone_angle = 0;              // half angle of a spot [rad]; 0: none
  double cone_softness = 0;           // 0 to 1
  TextureMap image;                   // of a rectangle or a dome (latitude and longitude)
};
const char* to_string(Light::Kind kind);

struct Scene {
  std::string name;
  Vec3d gravity{0, 0, -9.81};  // [m/s2]
  Vec3d up{0, 0, 1};           // for viewers
  double meters_per_unit = 1;  // of the file it came from; the scene itself is in SI
  double kilograms_per_unit = 1;

  std::vector<Body> bodies;
  std::vector<Joint> joints;
  std::vector<Location> joint_sources;  // (njoint), or empty
  std::vector<Mimic> mimics;
  std::vector<Coupling> couplings;
  std::vector<Spring> springs;
  std::vector<Shape> shapes;
  std::vector<Material> materials;
  std::vector<Mesh> meshes;
  std::vector<Texture> textures;
  std::vector<Site> sites;
  std::vector<Camera> cameras;
  std::vector<Light> lights;
  std::vector<std::pair<BodyId, BodyId>> collision_exclusions;  // pairs that never touch
};

// Lookups by path; none where it does not exist. O(n).
std::optional<BodyId> find_body(const Scene& scene, std::string_view path);
std::optional<JointId> find_joint(const Scene& scene, std::string_view path);
std::optional<SiteId> find_site(const Scene& scene, std::string_view path);

// "the world" or the body's path.
std::string body_name(const Scene& scene, BodyId body);

// Mass properties of a solid of uniform density [kg/m3] in the shape's frame; none for planes, height fields and
// meshes that are not closed. Closed forms; meshes by signed tetrahedra (Mirtich, J. Graphics Tools 1(2), 1996).
std::optional<MassProperties> solid_mass(const Scene& scene, const Geometry& geometry, double density);

// Sum of two bodies' mass properties in one frame, and the same written in another frame.
MassProperties combine(const MassProperties& a, const MassProperties& b);
MassProperties moved(const Posed& X_AB, const MassProperties& in_B);

// Eigenvalues [kg m2] of an inertia, ascending.
Vec3d principal_moments(const Sym3d& inertia);

// Whether a real distribution of mass can have this inertia: moments that are not negative and the triangle
// inequality, to 1e-6 of the largest moment. Finite numbers.
enum class InertiaFault { kNone, kNegative, kTriangle };
InertiaFault inertia_fault(const MassProperties& mass);

// What is wrong with a scene by itself, before it is compiled: ids out of range, NaN, names that collide, axes of
// zero length, limits reversed, joints of a body with itself, non-physical inertia (mass <= 0, negative moments,
// triangle inequality) of bodies that can move. Codes: see validate.cpp.
void validate(const Scene& scene, Diagnostics& diagnostics);
// The same for one joint of a scene whose other parts are valid.
void validate_joint(const Scene& scene, JointId joint, Diagnostics& diagnostics);

// Any scene file by its ending (.usda .usdc .usd .usdz .urdf .xacro .sdf, .xml for MJCF, meshes .stl .obj .ply .dae
// .gltf .glb .3mf as one body). All problems go to diagnostics; none is returned where errors make the scene unusable.
std::optional<Scene> read_scene(const std::string& file, Diagnostics& diagnostics);

}  // namespace geoul::scene
