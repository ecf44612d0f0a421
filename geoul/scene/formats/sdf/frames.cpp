#include "geoul/scene/formats/sdf/frames.h"

#include <utility>

namespace geoul::scene::sdf {

TransformL precise(const Posed& X) {
  return {rotation_matrix(normalized(Quat<long double>(X.R))), Vec3<long double>(X.p)};
}

Posed rounded(const TransformL& X) {
  const Quatd R(quaternion(X.R));
  return {normalized(R), Vec3d(X.p)};
}

int Frames::add(Frame frame) {
  frames.push_back(std::move(frame));
  return static_cast<int>(frames.size()) - 1;
}

std::optional<Target> Frames::find(int scope, std::string_view name) const {
  Target out;
  for (int depth = 0; depth < 100; ++depth) {
    const Scope& here = scopes[static_cast<std::size_t>(scope)];
    if (name == (here.world ? "world" : "__model__")) {
      if (out.path.empty()) out.frame = here.frame;
      return out;
    }
    const auto direct = here.names.find(name);
    if (direct != here.names.end()) {
      out.path.insert(out.path.end(), direct->second.path.begin(), direct->second.path.end());
      out.frame = direct->second.frame;
      return out;
    }
    const std::size_t colons = name.find("::");
    if (colons == std::string_view::npos) return std::nullopt;
    const auto model = here.models.find(name.substr(0, colons));
    if (model == here.models.end()) return std::nullopt;
    const Target& target = model->second.second;
    out.path.insert(out.path.end(), target.path.begin(), target.path.end());
    out.frame = target.frame;
    scope = model->second.first;
    name.remove_prefix(colons + 2);
  }
  return std::nullopt;
}

std::optional<int> Frames::solve() {
  std::vector<char> state(frames.size(), 0);  // 0 new, 1 open, 2 done
  std::vector<std::pair<int, std::size_t>> open;
  const auto product = [&](const std::vector<int>& path) {
    TransformL X;
    for (const int f : path) X = X * frames[static_cast<std::size_t>(f)].X;
    return X;
  };
  for (std::size_t start = 0; start < frames.size(); ++start) {
    if (state[start] != 0) continue;
    state[start] = 1;
    open.emplace_back(static_cast<int>(start), 0);
    while (!open.empty()) {
      Frame& frame = frames[static_cast<std::size_t>(open.back().first)];
      const std::size_t next = open.back().second++;
      if (next < frame.base.size() + frame.within.size()) {
        const int needed = next < frame.base.size() ? frame.base[next] : frame.within[next - frame.base.size()];
        if (state[static_cast<std::size_t>(needed)] == 1) return needed;
        if (state[static_cast<std::size_t>(needed)] == 0) {
          state[static_cast<std::size_t>(needed)] = 1;
          open.emplace_back(needed, 0);
        }
        continue;
      }
      frame.X = product(frame.base) * frame.X;
      if (!frame.within.empty()) frame.X = frame.X * inverse(product(frame.within));
      state[static_cast<std::size_t>(open.back().first)] = 2;
      open.pop_back();
    }
  }
  return std::nullopt;
}

TransformL Frames::in_world(int scope) const {
  TransformL X;
  while (scope >= 0) {
    const Scope& here = scopes[static_cast<std::size_t>(scope)];
    if (here.frame >= 0) X = frames[static_cast<std::size_t>(here.frame)].X * X;
    scope = here.parent;
  }
  return X;
}

TransformL Frames::in_world_of(const Target& target, int scope) const {
  if (target.path.empty() && frames[static_cast<std::size_t>(target.frame)].kind == FrameKind::kWorld) return {};
  TransformL X = in_world(scope);
  for (const int f : target.path) X = X * frames[static_cast<std::size_t>(f)].X;
  return X;
}

// Every frame on the way keeps the answer, so that long chains are walked once.
std::optional<int> Frames::link_of(int frame) const {
  constexpr int kUnknown = -2;
  links_.resize(frames.size(), kUnknown);
  std::vector<int> way;
  int found = -1;
  while (frame >= 0) {
    const Frame& here = frames[static_cast<std::size_t>(frame)];
    if (here.kind == FrameKind::kWorld) break;
    if (here.kind == FrameKind::kLink || links_[static_cast<std::size_t>(frame)] != kUnknown) {
      found = here.kind == FrameKind::kLink ? frame : links_[static_cast<std::size_t>(frame)];
      break;
    }
    if (way.size() > frames.size()) return std::nullopt;
    way.push_back(frame);
    frame = here.attached;
  }
  for (const int f : way) links_[static_cast<std::size_t>(f)] = found;
  return found;
}

}  // namespace geoul::scene::sdf
