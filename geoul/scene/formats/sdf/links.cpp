#include "geoul/scene/formats/sdf/links.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <set>

#include "geoul/scene/formats/sdf/geometry.h"

namespace geoul::scene::sdf {
namespace {

using std::numbers::pi;

constexpr std::uint32_t kAllBits = 0xffff;

struct LinkReader {
  Document& document;
  Tree& tree;
  Scene& scene;
  GeometryReader geometry;
  Materials materials;
  struct Mask {
    std::uint32_t bits = 0;
    bool collides = false, mixed = false, self_collide = false;
  };
  std::vector<Mask> masks = {};  // (nbody)

  // Pose of a part of a link in the link's frame.
  Posed pose_in_link(const Part& link, const Element& element, const std::string& who) {
    const auto pose = document.pose(element, who);
    if (pose.relative_to.empty()) return pose.X;
    const auto target = resolve(document, tree, pose.element, who, link.scope, pose.relative_to, "relative_to");
    if (!target) return pose.X;
    const TransformL X_WL =
        tree.frames.in_world(link.scope) * tree.frames.frames[static_cast<std::size_t>(link.frame)].X;
    return rounded(inverse(X_WL) * tree.frames.in_world_of(*target, link.scope) * precise(pose.X));
  }

  Sym3d inertia(const Element& element, const std::string& who) {
    const auto entry = [&](const char* name, double otherwise) {
      return document.number(element, name, who, otherwise);
    };
    return {entry("ixx", 1), entry("iyy", 1), entry("izz", 1), entry("ixy", 0), entry("ixz", 0), entry("iyz", 0)};
  }

  MassProperties mass(const Element& link, const std::string& who) {
    const Element element = link.child("inertial");
    if (!element) return {1, {}, {1, 1, 1, 0, 0, 0}};
    document.check_children(element, {"mass", "pose", "inertia", "density", "fluid_added_mass"});
    if (const Element added = element.child("fluid_added_mass")) {
      document.warning(added, who, "fluid-added-mass",
                       "the mass of water that moves along is left out: it moves as in air",
                       "add it to the inertia where the body is under water");
    }
    const auto pose = document.pose(element, who);
    if (!pose.relative_to.empty()) {
      document.error(pose.element, who, "bad-inertia", "the pose of <inertial> may not be relative to another frame",
                     "write it in the link");
    }
    MassProperties own;
    own.mass = document.number(element, "mass", who, 1);
    own.inertia = inertia(element.child("inertia"), who);
    if (own.mass < 0) {
      document.error(element, who, "negative-mass", "the mass is negative", "write a mass in kg");
    } else if (own.mass == 0) {
      document.warning(element, who, "no-mass", "the mass is 0, which Gazebo refuses", "write a mass in kg");
    }
    return moved(pose.X, own);
  }

  static bool automatic(const Element& link) {
    const std::string word = link.child("inertial").attribute("auto");
    return word == "true" || word == "1";
  }

  // Mass of the collisions by their densities. Source: SDF 1.11, <inertial auto>.
  MassProperties collision_mass(const Element& link, const MassProperties& sum, const std::string& who) {
    const Element element = link.child("inertial");
    if (!(sum.mass > 0)) {
      document.error(element, who, "no-mass", "auto=\"true\", but no collision of the link has a volume",
                     "add one, or write the mass");
      return {1, {}, {1, 1, 1, 0, 0, 0}};
    }
    const double given = document.number(element, "mass", who, sum.mass);
    if (!element.child("mass")) return sum;
    if (!(given > 0)) {
      document.error(element, who, "negative-mass", "the mass is not positive", "write a mass in kg");
      return sum;
    }
    MassProperties scaled = sum;
    const double k = given / sum.mass;
    const Sym3d& I = sum.inertia;
    scaled.mass = given;
    scaled.inertia = {k * I.xx, k * I.yy, k * I.zz, k * I.xy, k * I.xz, k * I.yz};
    return scaled;
  }

  std::optional<std::array<double, 4>> color(const Element& material, const char* name, const std::string& who) {
    const Element element = material.child(name);
    if (!element || element.text().empty()) return std::nullopt;
    std::array<double, 4> rgba{0, 0, 0, 1};
    if (!document.numbers(element, who, 3, 4, rgba.data())) return std::nullopt;
    for (double& c : rgba) c = std::clamp(c, 0.0, 1.0);
    return rgba;
  }

  MaterialId look(const Element& visual, const Made& made, const std::string& who) {
    const Element element = visual.child("material");
    const double solid = 1 - std::clamp(document.number(visual, "transparency", who, 0), 0.0, 1.0);
    if (!element && !made.color && solid == 1) return {};
    Material m;
    if (made.color) m.color = *made.color;
    if (element) {
      document.check_children(element, {"ambient", "diffuse", "specular", "emissive", "pbr", "lighting", "double_sided",
                                        "shininess", "render_order"});
      const Element metal = element.child("pbr").child("metal");
      const auto diffuse = color(element, "diffuse", who);
      if (diffuse) m.color = linear_color(*diffuse);
      if (const auto emissive = color(element, "emissive", who)) {
        const auto linear = linear_color(*emissive);
        m.emission = {linear[0], linear[1], linear[2]};
      }
      if (metal) {
        m.metallic = static_cast<float>(std::clamp(document.number(metal, "metalness", who, 0.5), 0.0, 1.0));
        m.roughness = static_cast<float>(std::clamp(document.number(metal, "roughness", who, 0.5), 0.0, 1.0));
        document.check_children(metal, {"metalness", "roughness"});
      }
    }
    m.color[3] *= static_cast<float>(solid);
    return materials.add(m, visual.attribute("name"));
  }

  // Friction and bounce of a collision; SDF's defaults are 1 and 0.
  MaterialId touch(const Element& collision, const std::string& who) {
    const Element surface = collision.child("surface"), friction = surface.child("friction");
    document.check_children(surface, {"friction", "bounce", "contact"});
    Material m;
    m.static_friction = m.dynamic_friction = 1;
    const Element ode = friction.child("ode"), bullet = friction.child("bullet");
    const double mu = ode ? document.number(ode, "mu", who, 1) : document.number(bullet, "friction", who, 1);
    const double other = ode ? document.number(ode, "mu2", who, mu) : document.number(bullet, "friction2", who, mu);
    if (mu < 0 || other < 0) {
      document.error(ode ? ode : bullet, who, "bad-friction", "a friction is negative", "write a number >= 0");
      return {};
    }
    if (mu != other) {
      document.warning(ode ? ode : bullet, who, "anisotropic-friction",
                       "friction differs by direction; the first, " + std::to_string(mu) + ", is used for both",
                       "write mu2 equal to mu");
    }
    m.static_friction = m.dynamic_friction = mu;
    if (const Element torsional = friction.child("torsional")) {
      // The patch of radius a turns with 3 pi / 16 a mu of the normal force (SDF specification, <torsional>).
      const bool patch = document.boolean(torsional, "use_patch_radius", who, true);
      const double radius = document.number(torsional, "patch_radius", who, 0);
      const double coefficient = document.number(torsional, "coefficient", who, 1);
      if (patch && radius >= 0 && coefficient >= 0) m.torsional_friction = 3 * pi / 16 * radius * coefficient;
      if (!patch) {
        document.warning(torsional, who, "torsional-friction",
                         "torsional friction by surface_radius depends on the depth of contact; left out",
                         "write patch_radius");
      }
    }
    m.restitution = document.number(surface.child("bounce"), "restitution_coefficient", who, 0);
    if (m.restitution < 0 || m.restitution > 1) {
      document.error(surface.child("bounce"), who, "bad-restitution", "the restitution is outside 0 to 1",
                     "write a number between");
      m.restitution = 0;
    }
    return materials.add(m, "contact");
  }

  void mask(const Element& collision, Mask& mask, const std::string& who) {
    const std::string text = collision.child("surface").child("contact").child("collide_bitmask").text();
    std::uint32_t bits = kAllBits;
    if (!text.empty()) {
      const bool hex = text.starts_with("0x") || text.starts_with("0X");
      const char* begin = text.data() + (hex ? 2 : 0);
      const auto [end, failure] = std::from_chars(begin, text.data() + text.size(), bits, hex ? 16 : 10);
      if (failure != std::errc{} || end != text.data() + text.size()) {
        document.error(collision, who, "bad-number", "'" + printable(text) + "' is no bit mask", "write 0x01");
        bits = kAllBits;
      }
    }
    mask.mixed = mask.mixed || (mask.collides && mask.bits != bits);
    mask.bits |= bits;
    mask.collides = true;
  }

  MassProperties shapes(const Part& link, BodyId body, const char* kind, urdf::Names& names) {
    const bool collision = std::string_view(kind) == "collision";
    const std::string who = link_word(link);
    const double common = document.number(link.element.child("inertial"), "density", who, 1000);
    MassProperties sum;
    std::set<std::string> seen;
    for (const pugi::xml_node node : link.element.node.children(kind)) {
      const Element element{node, link.element.source};
      const std::string given = element.attribute("name");
      if (given.empty()) {
        document.error(element, who, "missing-name", std::string("a ") + kind + " has no name", "write name=\"...\"");
      } else if (!seen.insert(given).second) {
        document.error(element, who, "duplicate-name",
                       std::string("two of its ") + kind + "s are named '" + printable(given) + "'",
                       "give each a name of its own");
      } else if (given.size() > 3 && given.starts_with("__") && given.ends_with("__")) {
        document.error(element, who, "reserved-name", "'" + printable(given) + "' is reserved", "choose another");
      }
      if (!document.take(element)) return sum;
      if (collision) {
        document.check_children(element, {"pose", "geometry", "surface", "density"});
      } else {
        document.check_children(element,
                                {"pose", "geometry", "material", "transparency", "cast_shadows", "visibility_flags"});
      }
      if (!element.child("geometry")) {
        document.warning(element, who, "missing-element", std::string("<") + kind + "> has no <geometry>; left out",
                         "add one");
        continue;
      }
      const Posed X = pose_in_link(link, element, who);
      const double density = document.number(element, "density", who, common);
      const MaterialId surface = collision ? touch(element, who) : MaterialId{};
      if (collision) mask(element, masks[body.index()], who);
      for (Made& made : geometry.read(element.child("geometry"), collision, who)) {
        Shape shape;
        shape.path = link.path + "/" + names.unique(given.empty() ? kind : given);
        shape.body = body;
        shape.X_BS = made.X == Posed{} ? X : rounded(precise(X) * precise(made.X));
        shape.visible = !collision;
        shape.collides = collision;
        shape.material = collision ? surface : look(element, made, who);
        const auto unit = made.unit ? made.unit : solid_mass(scene, made.geometry, 1);
        if (collision && unit && density > 0) {
          const Sym3d& I = unit->inertia;
          sum = combine(sum, moved(shape.X_BS, {density * unit->mass,
                                                unit->center,
                                                {density * I.xx, density * I.yy, density * I.zz, density * I.xy,
                                                 density * I.xz, density * I.yz}}));
        }
        shape.geometry = std::move(made.geometry);
        scene.shapes.push_back(std::move(shape));
      }
    }
    return sum;
  }

  // A camera looks along x of its sensor, z up; ours along -z, y up.
  void camera(const Part& link, BodyId body, const Element& sensor, urdf::Names& names) {
    const std::string type = sensor.attribute("type"), who = link_word(link);
    const Element element = sensor.child("camera");
    if ((type != "camera" && type != "depth_camera" && type != "depth" && type != "rgbd_camera") || !element) {
      document.note_ignored(sensor);
      return;
    }
    Camera camera;
    camera.path = link.path + "/" + names.unique(sensor.attribute("name"));
    camera.body = body;
    const Quatd turn{0.5, 0.5, -0.5, -0.5};  // columns: -y, z, -x
    const TransformL X = precise(pose_in_link(link, sensor, who)) * precise(document.pose(element, who).X);
    camera.X_BC = rounded(X * precise({turn, {}}));
    const double wide = document.number(element, "horizontal_fov", who, 1.047);
    const Element image = element.child("image"), clip = element.child("clip");
    const double columns = document.number(image, "width", who, 320), rows = document.number(image, "height", who, 240);
    camera.near = document.number(clip, "near", who, 0.1);
    camera.far = document.number(clip, "far", who, 100);
    if (!(wide > 0 && wide < pi && columns > 0 && rows > 0 && camera.near > 0 && camera.far > camera.near)) {
      document.warning(sensor, who, "camera", "a camera whose view is not that of a pinhole is left out",
                       "write a horizontal_fov below pi, an image size and near below far");
      return;
    }
    camera.vertical_fov = 2 * std::atan(std::tan(wide / 2) * rows / columns);
    scene.cameras.push_back(std::move(camera));
  }

  void read(const Part& link) {
    const std::string who = link_word(link);
    document.check_children(link.element, {"pose", "inertial", "visual", "collision", "gravity", "kinematic",
                                           "self_collide", "sensor", "enable_wind", "must_be_base_link"});
    Frame& frame = tree.frames.frames[static_cast<std::size_t>(link.frame)];
    Body body;
    body.path = link.path;
    body.source = document.at(link.element, link.path);
    body.X_WB = rounded(tree.frames.in_world(link.scope) * frame.X);
    body.gravity = document.boolean(link.element, "gravity", who, true);
    body.kinematic = document.boolean(link.element, "kinematic", who, false) && !link.model->is_static;
    const BodyId id = BodyId::from_index(scene.bodies.size());
    frame.body = id;
    scene.bodies.push_back(body);
    masks.emplace_back();
    masks.back().self_collide = document.boolean(link.element, "self_collide", who, link.model->self_collide);
    urdf::Names names;
    shapes(link, id, "visual", names);
    const MassProperties sum = shapes(link, id, "collision", names);
    scene.bodies[id.index()].mass =
        automatic(link.element) ? collision_mass(link.element, sum, who) : mass(link.element, who);
    for (const pugi::xml_node node : link.element.node.children("sensor")) {
      camera(link, id, {node, link.element.source}, names);
    }
    if (masks.back().mixed) {
      document.warning(link.element, who, "mixed-masks",
                       "its collisions have different masks; the link touches where any of them would",
                       "give them one collide_bitmask");
    }
  }

  // Links of one model do not touch unless one of them collides with its own model; nor where masks have no bit in
  // common.
  void exclusions() {
    bool masked = false;
    std::vector<std::size_t> touching;
    std::map<const ModelInfo*, std::vector<std::size_t>> own;
    for (std::size_t b = 0; b < tree.links.size(); ++b) {
      if (!masks[b].collides) continue;
      touching.push_back(b);
      masked = masked || (masks[b].bits & kAllBits) != kAllBits;
      if (!tree.links[b].model->is_static) own[tree.links[b].model].push_back(b);
    }
    const auto quiet = [&](std::size_t a, std::size_t b) {
      return tree.links[a].model == tree.links[b].model && !tree.links[a].model->is_static && !masks[a].self_collide &&
             !masks[b].self_collide;
    };
    const auto apart = [&](std::size_t a, std::size_t b) { return masked && (masks[a].bits & masks[b].bits) == 0; };
    if (masked) {
      pairs(touching, [&](std::size_t a, std::size_t b) { return quiet(a, b) || apart(a, b); });
      return;
    }
    for (const ModelInfo& model : tree.models) {
      const auto found = own.find(&model);
      if (found != own.end() && !pairs(found->second, quiet)) return;
    }
  }

  template <class Never>
  bool pairs(const std::vector<std::size_t>& links, const Never& never) {
    constexpr std::size_t kMost = 4'000'000;
    tried += links.size() * (links.size() - 1) / 2;
    if (tried > kMost) {
      document.error(tree.links[links[0]].element, link_word(tree.links[links[0]]), "too-many",
                     "there are more than 4 million pairs of links that might touch", "split the file");
      return false;
    }
    for (std::size_t i = 0; i < links.size(); ++i) {
      for (std::size_t k = i + 1; k < links.size(); ++k) {
        if (!never(links[i], links[k])) continue;
        scene.collision_exclusions.emplace_back(BodyId::from_index(links[i]), BodyId::from_index(links[k]));
      }
    }
    return true;
  }
  std::size_t tried = 0;
};

}  // namespace

void read_links(Document& document, Tree& tree, const std::string& root, Scene& scene) {
  LinkReader reader{document, tree, scene, GeometryReader(document, scene), Materials(scene, root)};
  for (const Part& link : tree.links) reader.read(link);
  reader.exclusions();
  reader.geometry.report();
}

void read_sites(const Tree& tree, Scene& scene) {
  for (const Part& part : tree.sites) {
    const int link = tree.frames.link_of(part.frame).value_or(-1);
    const BodyId body = link < 0 ? kWorld : tree.frames.frames[static_cast<std::size_t>(link)].body;
    const TransformL X_WF =
        tree.frames.in_world(part.scope) * tree.frames.frames[static_cast<std::size_t>(part.frame)].X;
    TransformL X_WB;
    if (link >= 0) {
      const Frame& frame = tree.frames.frames[static_cast<std::size_t>(link)];
      X_WB = tree.frames.in_world(frame.scope) * frame.X;
    }
    scene.sites.push_back({part.path, body, rounded(inverse(X_WB) * X_WF)});
  }
}

}  // namespace geoul::scene::sdf
