#include "geoul/runtime/twin.h"

namespace geoul::runtime {

std::optional<Twin> load_twin(const std::string& file, Diagnostics& diagnostics) {
  std::optional<scene::Scene> read = scene::read_scene(file, diagnostics);
  if (!read) return std::nullopt;
  return make_twin(std::move(*read), diagnostics);
}

std::optional<Twin> make_twin(scene::Scene scene, Diagnostics& diagnostics) {
  std::optional<dynamics::Model> model = dynamics::compile(scene, diagnostics);
  if (!model) return std::nullopt;
  Twin twin{std::move(scene), std::move(*model), {}, {}};
  for (std::size_t j = 0; j < twin.scene.joints.size(); ++j) {
    if (!twin.scene.joints[j].enabled) continue;
    const bool fixed = twin.scene.joints[j].type == scene::JointType::kFixed;
    (fixed ? twin.welds : twin.moving).push_back(scene::JointId::from_index(j));
  }
  return twin;
}

void measure_welds(const Twin& twin, const scene::State& state, std::vector<WeldError>& out) {
  out.resize(twin.welds.size());
  for (std::size_t i = 0; i < twin.welds.size(); ++i) {
    const scene::Joint& joint = twin.scene.joints[twin.welds[i].index()];
    const auto place = [&](scene::BodyId body, const Posed& X_BJ) -> Posed {
      if (!body.valid()) return X_BJ;
      const Posed& X_WB = state.X_WB[body.index()];
      return {X_WB.R * X_BJ.R, rotation_matrix(X_WB.R) * X_BJ.p + X_WB.p};
    };
    const Posed parent = place(joint.parent, joint.X_PJ), child = place(joint.child, joint.X_CJ);
    out[i] = {norm(child.p - parent.p), angle_between(parent.R, child.R)};
  }
}

std::string label_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Transformd frame_pose(const scene::State& state, const FrameAddress& frame) {
  return frame.body.valid() ? transform(state.X_WB[frame.body.index()]) * frame.X_BF : frame.X_BF;
}

Vec3d specific_force(const scene::State& state, const FrameAddress& frame, const Vec3d& gravity) {
  Transformd X_WB;
  Motiond V, A;
  if (frame.body.valid()) {
    X_WB = transform(state.X_WB[frame.body.index()]);
    V = state.V_WB[frame.body.index()];
    A = state.A_WB[frame.body.index()];
  }
  const Vec3d r = X_WB.R * frame.X_BF.p;
  const Vec3d a = A.v + cross(A.w, r) + cross(V.w, cross(V.w, r));
  return transpose_times(X_WB.R * frame.X_BF.R, a - gravity);
}

}  // namespace geoul::runtime
