#include "geoul/scene/formats/urdf/links.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

#include "geoul/scene/formats/urdf/packages.h"

namespace geoul::scene::urdf {

LinkReader::LinkReader(Document& document, const UrdfOptions& options, std::string root, Scene& scene)
    : document_(document), options_(options), root_(std::move(root)), scene_(scene) {
  link_names_.reserve("joints");
  link_names_.reserve("materials");
}

LinkIds LinkReader::read(pugi::xml_node robot) {
  read_materials(robot);
  LinkIds ids;
  std::map<std::string, int, std::less<>> first_line;
  for (const pugi::xml_node link : robot.children("link")) {
    const std::string name = link.attribute("name").value();
    const std::string who = "link '" + printable(name) + "'";
    if (name.empty()) {
      document_.error(link, "link", "missing-name", "a link has no name", "write name=\"...\"");
      continue;
    }
    if (const auto [place, is_new] = first_line.try_emplace(name, document_.line(link)); !is_new) {
      document_.error(link, who, "duplicate-name",
                      "this name is used for a link on line " + std::to_string(place->second) + " already",
                      "give every link a name of its own");
      continue;
    }
    const std::string part = link_names_.unique(name);
    if (part != name) {
      document_.diagnostics().info(document_.at(link, who), "renamed", "its path is " + root_ + "/" + part,
                                   "use letters, digits and _");
    }
    ids[name] = BodyId::from_index(scene_.bodies.size());
    read_link(link, name, root_ + "/" + part);
  }
  if (skipped_meshes_ > 0) {
    document_.diagnostics().info({document_.file(), 0, {}}, "meshes-not-loaded",
                                 std::to_string(skipped_meshes_) + " mesh shapes are left out, as the options say");
  }
  return ids;
}

// ---- materials ----

std::optional<std::array<double, 4>> LinkReader::color(pugi::xml_node material, const std::string& who) {
  const pugi::xml_node node = material.child("color");
  if (!node.attribute("rgba")) return std::nullopt;
  const auto rgba = document_.numbers<4>(node, "rgba", who);
  if (rgba && std::any_of(rgba->begin(), rgba->end(), [](double c) { return c < 0 || c > 1; })) {
    document_.error(node, who, "bad-color", "a colour is outside 0 to 1", "divide colours of 0 to 255 by 255");
    return std::nullopt;
  }
  return rgba;
}

MaterialId LinkReader::add_material(std::string_view name, const std::array<float, 4>& linear) {
  Material material;
  material.path = root_ + "/materials/" + material_names_.unique(name);
  material.color = linear;
  scene_.materials.push_back(material);
  return MaterialId::from_index(scene_.materials.size() - 1);
}

// The robot's own materials, then the named ones that visuals define, which other visuals may name too.
void LinkReader::read_materials(pugi::xml_node robot) {
  for (const pugi::xml_node material : robot.children("material")) {
    const std::string name = material.attribute("name").value();
    const std::string who = "material '" + printable(name) + "'";
    document_.check_children(material, who, {"color", "texture"});
    if (const auto texture = material.child("texture")) document_.note_ignored(texture);
    if (name.empty()) {
      document_.error(material, "material", "missing-name", "a material has no name", "write name=\"...\"");
      continue;
    }
    const auto rgba = color(material, who);
    const auto linear = rgba ? linear_color(*rgba) : Material{}.color;
    if (materials_.contains(name)) {
      document_.error(material, who, "duplicate-name", "this material is defined twice", "keep one");
      continue;
    }
    materials_[name] = {add_material(name, linear), linear, true};
  }
  for (const pugi::xml_node link : robot.children("link")) {
    for (const pugi::xml_node visual : link.children("visual")) {
      const pugi::xml_node material = visual.child("material");
      const std::string name = material.attribute("name").value();
      if (name.empty() || !material.child("color").attribute("rgba") || materials_.contains(name)) continue;
      if (const auto rgba = color(material, "material '" + printable(name) + "'")) {
        const auto linear = linear_color(*rgba);
        materials_[name] = {add_material(name, linear), linear, false};
      }
    }
  }
}

MaterialId LinkReader::visual_material(pugi::xml_node visual, const std::string& who) {
  const pugi::xml_node material = visual.child("material");
  if (!material) return {};
  document_.check_children(material, who, {"color", "texture"});
  if (const auto texture = material.child("texture")) document_.note_ignored(texture);
  const std::string name = material.attribute("name").value();
  const auto known = materials_.find(name);
  if (known == materials_.end() || name.empty()) {
    const bool has_color = material.child("color").attribute("rgba");
    if (!has_color) {
      if (!name.empty() && !material.child("texture")) {
        document_.warning(material, who, "unknown-material", "there is no material '" + printable(name) + "'",
                          "define it under <robot>, or give it a <color>");
      }
      return {};
    }
    const auto rgba = color(material, who);
    return rgba ? add_material(name.empty() ? "unnamed" : name, linear_color(*rgba)) : MaterialId{};
  }
  if (material.child("color").attribute("rgba")) {
    const auto rgba = color(material, who);
    if (rgba && linear_color(*rgba) != known->second.linear) {
      document_.warning(material, who, "material-conflict",
                        "material '" + printable(name) + "' has another colour elsewhere; this visual keeps its own",
                        "give the two colours two names");
      return add_material(name, linear_color(*rgba));
    }
  }
  return known->second.id;
}

// ---- links ----

void LinkReader::read_link(pugi::xml_node link, const std::string& name, const std::string& path) {
  const std::string who = "link '" + printable(name) + "'";
  document_.check_children(link, who, {"inertial", "*visual", "*collision"});
  Body body;
  body.path = path;
  body.source = document_.at(link, path);
  body.mass = read_mass(link, who);
  scene_.bodies.push_back(body);
  const BodyId id = BodyId::from_index(scene_.bodies.size() - 1);
  Names names;
  for (const pugi::xml_node visual : link.children("visual")) read_shape(visual, id, false, names, who);
  for (const pugi::xml_node collision : link.children("collision")) read_shape(collision, id, true, names, who);
}

MassProperties LinkReader::read_mass(pugi::xml_node link, const std::string& who) {
  const pugi::xml_node inertial = link.child("inertial");
  if (!inertial) return {};
  document_.check_children(inertial, who, {"origin", "mass", "inertia"});
  const Posed X = document_.origin(inertial, who);
  MassProperties own;
  const pugi::xml_node mass = inertial.child("mass"), inertia = inertial.child("inertia");
  if (!mass || !inertia) {
    document_.error(
        inertial, who, "missing-element", std::string("<inertial> has no <") + (mass ? "inertia" : "mass") + ">",
        mass ? "write <inertia ixx=... iyy=... izz=... ixy=... ixz=... iyz=.../>" : "write <mass value=\"...\"/>");
    return {};
  }
  own.mass = document_.required_number(mass, "value", who);
  if (own.mass < 0) {
    document_.error(mass, who, "negative-mass", "the mass is negative", "write a mass in kg");
  }
  own.inertia.xx = document_.required_number(inertia, "ixx", who);
  own.inertia.yy = document_.required_number(inertia, "iyy", who);
  own.inertia.zz = document_.required_number(inertia, "izz", who);
  own.inertia.xy = document_.number(inertia, "ixy", who, 0);
  own.inertia.xz = document_.number(inertia, "ixz", who, 0);
  own.inertia.yz = document_.number(inertia, "iyz", who, 0);
  return moved(X, own);
}

// ---- shapes ----

double LinkReader::size(pugi::xml_node node, const char* attribute, const std::string& who) {
  const std::size_t errors = document_.diagnostics().error_count();
  const double value = document_.required_number(node, attribute, who);
  if (document_.diagnostics().error_count() != errors) return 1;
  if (value > 0) return value;
  document_.error(
      node, who, "bad-size",
      "<" + printable(node.name()) + "> has " + attribute + " " + printable(node.attribute(attribute).value()),
      "write a positive length in metres");
  return 1;
}

std::optional<Geometry> LinkReader::primitive(pugi::xml_node geometry, const std::string& who) {
  const pugi::xml_node node = geometry.find_child([](pugi::xml_node n) { return n.type() == pugi::node_element; });
  const std::string_view kind = node.name();
  if (kind == "sphere") return Sphere{size(node, "radius", who)};
  if (kind == "cylinder") return Cylinder{size(node, "radius", who), size(node, "length", who)};
  if (kind == "capsule") return Capsule{size(node, "radius", who), size(node, "length", who)};
  if (kind == "box") {
    if (!node.attribute("size")) {
      document_.error(node, who, "missing-attribute", "<box> has no size", "write size=\"x y z\"");
      return std::nullopt;
    }
    const auto s = document_.numbers<3>(node, "size", who);
    if (!s) return std::nullopt;
    if (*std::min_element(s->begin(), s->end()) <= 0) {
      document_.error(node, who, "bad-size", "<box> has size " + printable(node.attribute("size").value()),
                      "write positive lengths in metres");
      return std::nullopt;
    }
    return Box{{(*s)[0], (*s)[1], (*s)[2]}};
  }
  document_.error(node ? node : geometry, who, "bad-geometry",
                  node ? "there is no geometry of kind <" + printable(kind) + ">" : "<geometry> is empty",
                  "write box, sphere, cylinder, capsule or mesh");
  return std::nullopt;
}

void LinkReader::read_shape(pugi::xml_node element, BodyId body, bool collision, Names& names, const std::string& who) {
  if (collision) {
    document_.check_children(element, who, {"origin", "geometry"});
  } else {
    document_.check_children(element, who, {"origin", "geometry", "material"});
  }
  const MaterialId material = collision ? MaterialId{} : visual_material(element, who);
  const Posed X = document_.origin(element, who);
  const pugi::xml_node geometry = element.child("geometry");
  if (!geometry) {
    document_.error(element, who, "missing-element", std::string("<") + element.name() + "> has no <geometry>",
                    "add one, or remove the element");
    return;
  }
  Shape shape;
  shape.body = body;
  shape.X_BS = X;
  shape.material = material;
  shape.visible = !collision;
  shape.collides = collision;
  const std::string given = element.attribute("name").value();
  const std::string name = given.empty() ? (collision ? "collision" : "visual") : given;
  if (const pugi::xml_node mesh = geometry.child("mesh")) {
    read_mesh_shape(mesh, shape, names, name, who);
    return;
  }
  const auto made = primitive(geometry, who);
  if (!made) return;
  shape.path = scene_.bodies[body.index()].path + "/" + names.unique(name);
  shape.geometry = *made;
  scene_.shapes.push_back(std::move(shape));
}

// A mesh whose file has several materials becomes one visual shape a material, unless the URDF gives a material.
void LinkReader::read_mesh_shape(pugi::xml_node mesh, Shape shape, Names& names, std::string_view name,
                                 const std::string& who) {
  Vec3d scale{1, 1, 1};
  if (mesh.attribute("scale")) {
    const auto s = document_.numbers<3>(mesh, "scale", who);
    if (!s) return;
    scale = {(*s)[0], (*s)[1], (*s)[2]};
    if (scale.x == 0 || scale.y == 0 || scale.z == 0) {
      document_.error(mesh, who, "bad-size", "the scale of a mesh is 0", "write three numbers that are not 0");
      return;
    }
  }
  if (!options_.load_meshes) {
    ++skipped_meshes_;
    return;
  }
  MeshEntry* entry = load_mesh(mesh, who);
  if (entry == nullptr) {
    scene_.bodies[shape.body.index()].shapes_missing = true;
    return;
  }
  const std::string folder = scene_.bodies[shape.body.index()].path + "/";
  const auto add = [&](MeshId id) {
    shape.path = folder + names.unique(name);
    if (shape.collides && options_.max_hulls > 0) {
      shape.geometry = ConvexHull{id, scale, options_.max_hulls};
    } else {
      shape.geometry = TriangleMesh{id, scale};
    }
    scene_.shapes.push_back(shape);
  };
  const bool split = shape.visible && !shape.material.valid();
  if (!split || entry->parts.size() == 1) {
    if (!entry->whole.valid()) {
      scene_.meshes.push_back(merged(entry->parts));
      entry->whole = MeshId::from_index(scene_.meshes.size() - 1);
    }
    if (split && entry->parts[0].color) shape.material = add_material(name, *entry->parts[0].color);
    add(entry->whole);
    return;
  }
  for (std::size_t i = 0; i < entry->parts.size(); ++i) {
    if (!entry->part_ids[i].valid()) {
      scene_.meshes.push_back(entry->parts[i].mesh);
      entry->part_ids[i] = MeshId::from_index(scene_.meshes.size() - 1);
    }
    shape.material = entry->parts[i].color ? add_material(name, *entry->parts[i].color) : MaterialId{};
    add(entry->part_ids[i]);
  }
}

LinkReader::MeshEntry* LinkReader::load_mesh(pugi::xml_node mesh, const std::string& who) {
  const char* uri = mesh.attribute("filename").value();
  if (*uri == 0) {
    document_.error(mesh, who, "missing-attribute", "<mesh> has no filename", "write filename=\"package://...\"");
    return nullptr;
  }
  const std::string folder = std::filesystem::path(document_.file()).parent_path().string();
  const Lookup lookup = find_mesh(uri, folder, options_.packages);
  if (!lookup.file) {
    document_.warning(mesh, who, "mesh-not-found", lookup.failure + "; the shape is left out", lookup.mend);
    return nullptr;
  }
  const auto [place, is_new] = meshes_.try_emplace(*lookup.file);
  MeshEntry& entry = place->second;
  if (is_new) {
    Diagnostics found;
    auto parts = read_mesh_file(*lookup.file, options_.mesh, found);
    // Found by the URDF's line, so that both places are named.
    for (const Finding& finding : found.findings()) {
      document_.diagnostics().add({finding.severity, document_.at(mesh, who), finding.code,
                                   finding.where.file + ": " + finding.message, finding.mend});
    }
    if (parts) {
      entry.loaded = true;
      entry.parts = std::move(*parts);
      entry.part_ids.resize(entry.parts.size());
    }
  }
  return entry.loaded ? &entry : nullptr;
}

}  // namespace geoul::scene::urdf
