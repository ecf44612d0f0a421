#include "geoul/scene/formats/usd/layer.h"

#include <initializer_list>
#include <map>
#include <utility>

namespace geoul::scene::usd {
namespace {

std::map<std::string, ValueType, std::less<>> make_types() {
  std::map<std::string, ValueType, std::less<>> types = {{"bool", {Base::kBool, 1, 1, false}},
                                                         {"string", {Base::kString, 1, 1, false}},
                                                         {"token", {Base::kToken, 1, 1, false}},
                                                         {"asset", {Base::kAsset, 1, 1, false}},
                                                         {"timecode", {Base::kReal, 1, 1, false}},
                                                         {"pathExpression", {Base::kString, 1, 1, false}},
                                                         {"opaque", {Base::kOpaque, 1, 1, false}},
                                                         {"group", {Base::kOpaque, 1, 1, false}},
                                                         {"dictionary", {Base::kDictionary, 1, 1, false}}};
  for (const char* name : {"uchar", "int", "uint", "int64", "uint64"}) types[name] = {Base::kInteger, 1, 1, false};
  for (const char* name : {"half", "float", "double"}) types[name] = {Base::kReal, 1, 1, false};
  for (int n = 2; n <= 4; ++n) {
    const std::string digit = std::to_string(n);
    types["int" + digit] = {Base::kInteger, 1, n, false};
    for (const char* name : {"half", "float", "double"}) types[name + digit] = {Base::kReal, 1, n, false};
    types["matrix" + digit + "d"] = {Base::kReal, n, n, false};
  }
  types["frame4d"] = {Base::kReal, 4, 4, false};
  for (const char* precision : {"h", "f", "d"}) {
    for (const char* role : {"point3", "normal3", "vector3", "color3", "texCoord3"}) {
      types[std::string(role) + precision] = {Base::kReal, 1, 3, false};
    }
    types[std::string("texCoord2") + precision] = {Base::kReal, 1, 2, false};
    types[std::string("color4") + precision] = {Base::kReal, 1, 4, false};
    types[std::string("quat") + precision] = {Base::kReal, 1, 4, false};
  }
  // Names of before 2014 that usd-core reads still.
  for (const auto& [old_name, name] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Vec2i", "int2"},        {"Vec3i", "int3"},           {"Vec4i", "int4"},      {"Vec2h", "half2"},
           {"Vec3h", "half3"},       {"Vec4h", "half4"},          {"Vec2f", "float2"},    {"Vec3f", "float3"},
           {"Vec4f", "float4"},      {"Vec2d", "double2"},        {"Vec3d", "double3"},   {"Vec4d", "double4"},
           {"Point", "point3d"},     {"PointFloat", "point3f"},   {"Normal", "normal3d"}, {"NormalFloat", "normal3f"},
           {"Vector", "vector3d"},   {"VectorFloat", "vector3f"}, {"Color", "color3d"},   {"ColorFloat", "color3f"},
           {"Quath", "quath"},       {"Quatf", "quatf"},          {"Quatd", "quatd"},     {"Matrix2d", "matrix2d"},
           {"Matrix3d", "matrix3d"}, {"Matrix4d", "matrix4d"},    {"Frame", "frame4d"},   {"Transform", "matrix4d"},
           {"PointIndex", "int"},    {"EdgeIndex", "int"},        {"FaceIndex", "int"},   {"Schema", "token"}}) {
    types[old_name] = types.at(name);
  }
  return types;
}

}  // namespace

std::optional<ValueType> value_type(std::string_view name) {
  static const std::map<std::string, ValueType, std::less<>> types = make_types();
  const bool array = name.size() > 2 && name.substr(name.size() - 2) == "[]";
  if (array) name.remove_suffix(2);
  const auto found = types.find(name);
  if (found == types.end()) return std::nullopt;
  ValueType type = found->second;
  type.array = array;
  return type;
}

const Value* find(const Dictionary& dictionary, std::string_view key) {
  for (const auto& [name, value] : dictionary) {
    if (name == key) return &value;
  }
  return nullptr;
}

const PrimSpec* PrimSpec::child(const std::string& child_name) const {
  const auto found = child_index.find(child_name);
  return found == child_index.end() ? nullptr : children[found->second].get();
}

const AttributeSpec* PrimSpec::attribute(const std::string& attribute_name) const {
  const auto found = attribute_index.find(attribute_name);
  return found == attribute_index.end() ? nullptr : &attributes[found->second];
}

const RelationshipSpec* PrimSpec::relationship(const std::string& relationship_name) const {
  const auto found = relationship_index.find(relationship_name);
  return found == relationship_index.end() ? nullptr : &relationships[found->second];
}

}  // namespace geoul::scene::usd
