// The same as sdf_dump.cpp from libsdformat 12 (Debian libsdformat-dev), for sdf_compare.py. Names are those of SDF:
// "model::link". Built by hand; see sdf_compare.py.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <sdf/sdf.hh>

namespace {

using ignition::math::Pose3d;

// X_around: pose of the world or model around it.
void print(const sdf::Model& model, const std::string& prefix, const Pose3d& X_around) {
  const std::string scope = prefix.empty() ? model.Name() : prefix + "::" + model.Name();
  Pose3d X_model;
  if (!model.SemanticPose().Resolve(X_model).empty()) std::printf("unresolved %s\n", scope.c_str());
  X_model = X_around * X_model;
  for (uint64_t i = 0; i < model.LinkCount(); ++i) {
    const sdf::Link& link = *model.LinkByIndex(i);
    Pose3d X;
    if (!link.SemanticPose().Resolve(X, "__model__").empty()) std::printf("unresolved %s\n", link.Name().c_str());
    X = X_model * X;
    const auto& inertial = link.Inertial();
    const auto m = inertial.MassMatrix();
    const auto I = inertial.Moi();
    const auto c = inertial.Pose().Pos();
    std::printf(
        "link %s::%s %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g "
        "%.17g %.17g\n",
        scope.c_str(), link.Name().c_str(), m.Mass(), c.X(), c.Y(), c.Z(), I(0, 0), I(1, 1), I(2, 2), I(0, 1), I(0, 2),
        I(1, 2), X.Pos().X(), X.Pos().Y(), X.Pos().Z(), X.Rot().W(), X.Rot().X(), X.Rot().Y(), X.Rot().Z());
  }
  static const char* const kTypes[] = {"invalid",   "ball",     "continuous", "fixed", "gearbox",
                                       "prismatic", "revolute", "revolute2",  "screw", "universal"};
  for (uint64_t i = 0; i < model.JointCount(); ++i) {
    const sdf::Joint& joint = *model.JointByIndex(i);
    ignition::math::Vector3d axis;
    Pose3d X;
    double lower = 0, upper = 0;
    if (joint.Axis() != nullptr) {
      joint.SemanticPose().Resolve(X, "__model__");
      joint.Axis()->ResolveXyz(axis, joint.Name());
      axis = X_model.Rot() * (X.Rot() * axis);
      lower = joint.Axis()->Lower(), upper = joint.Axis()->Upper();
    }
    std::printf("joint %s::%s %s %.17g %.17g %.17g %.17g %.17g\n", scope.c_str(), joint.Name().c_str(),
                kTypes[static_cast<int>(joint.Type())], axis.X(), axis.Y(), axis.Z(), lower, upper);
  }
  for (uint64_t i = 0; i < model.ModelCount(); ++i) print(*model.ModelByIndex(i), scope, X_model);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: sdformat_dump FILE [FOLDER...]\n", stderr), 2;
  std::vector<std::string> folders(argv + 2, argv + argc);
  sdf::setFindCallback([&](const std::string& uri) {
    std::string name = uri;
    if (name.rfind("model://", 0) == 0) name = name.substr(8);
    for (const std::string& folder : folders) {
      if (std::filesystem::exists(folder + "/" + name)) return folder + "/" + name;
    }
    return std::string();
  });
  sdf::Root root;
  const sdf::Errors errors = root.Load(argv[1]);
  if (!errors.empty()) {
    std::string text = errors.front().Message();
    for (char& c : text) c = c == '\n' ? ' ' : c;
    std::printf("refused %d %d %s\n", static_cast<int>(errors.front().Code()), errors.front().LineNumber().value_or(0),
                text.c_str());
    return 0;
  }
  std::printf("ok\n");
  for (uint64_t w = 0; w < root.WorldCount(); ++w) {
    const sdf::World& world = *root.WorldByIndex(w);
    for (uint64_t i = 0; i < world.ModelCount(); ++i) print(*world.ModelByIndex(i), world.Name(), Pose3d());
  }
  if (root.Model() != nullptr) print(*root.Model(), "", Pose3d());
  return 0;
}
