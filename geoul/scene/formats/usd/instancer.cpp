// PointInstancer: each point becomes a copy of the prims of its prototype, </path/prototype_index/...>, so that bodies,
// joints and shapes of copies are read like any others. Prototypes that stand below the instancer are taken out.
#include <algorithm>
#include <cmath>
#include <set>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMaxCopies = 2'000'000;  // prims
constexpr int kMaxNesting = 8;                 // instancers in prototypes of instancers

struct Points {
  std::vector<int> prototypes;  // prims, by the order of the relationship; -1: missing
  std::vector<int> indices;     // (npoint) of prototypes
  std::vector<Frame> poses;     // (npoint) in the instancer
  std::vector<bool> shown;      // (npoint)
};

// A property of each point; empty where none is written, an error where the number is another.
std::vector<double> numbers(const View& view, const Prim& prim, const char* name, int components, std::size_t n) {
  const Value::Reals* values = view.reals(prim, name, components);
  if (!values || values->empty()) return {};
  if (values->size() != n * static_cast<std::size_t>(components)) {
    view.error(prim, name, "bad-instancer", std::string("'") + name + "' is not of " + std::to_string(n) + " points",
               "write one for each");
    return {};
  }
  return {values->begin(), values->end()};
}

std::optional<Points> read_points(const View& view, const Prim& prim) {
  Points out;
  for (const std::string& path : view.stage.targets(prim, "prototypes", view.diagnostics)) {
    const Prim* named = view.stage.find(path);
    if (!named) {
      view.error(prim, "prototypes", "missing-target", "'prototypes' names <" + path + ">, which is not defined",
                 "write def, and check the path");
    }
    out.prototypes.push_back(named ? view.index(*named) : -1);
  }
  const Value::Integers* indices = view.integers(prim, "protoIndices");
  const std::size_t n = indices ? indices->size() : 0;
  const std::vector<double> positions = numbers(view, prim, "positions", 3, n);
  const std::vector<double> turns = numbers(view, prim, "orientationsf", 4, n);
  const std::vector<double> coarse = turns.empty() ? numbers(view, prim, "orientations", 4, n) : turns;
  const std::vector<double> scales = numbers(view, prim, "scales", 3, n);
  if (positions.empty() && n > 0) {
    view.error(prim, "positions", "bad-instancer", "the instancer has no positions",
               "write one for each of protoIndices");
    return std::nullopt;
  }
  std::set<std::int64_t> hidden;
  const Value::Integers* ids = view.integers(prim, "ids");
  for (const char* list : {"invisibleIds", "inactiveIds"}) {
    if (const Value::Integers* some = view.integers(prim, list)) hidden.insert(some->begin(), some->end());
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t which = (*indices)[i];
    if (which < 0 || which >= static_cast<std::int64_t>(out.prototypes.size())) {
      view.error(prim, "protoIndices", "bad-instancer",
                 "index " + std::to_string(which) + " of " + std::to_string(out.prototypes.size()) + " prototypes",
                 "indices count from 0");
      return std::nullopt;
    }
    Frame pose;
    pose.X.p = view.meters * Vec3d{positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]};
    if (!coarse.empty()) {
      const std::optional<Quatd> q =
          unit_quaternion({coarse[4 * i], coarse[4 * i + 1], coarse[4 * i + 2], coarse[4 * i + 3]});
      if (q) pose.X.R = *q;
    }
    if (!scales.empty()) {
      const Vec3d s{scales[3 * i], scales[3 * i + 1], scales[3 * i + 2]};
      pose.S = Mat3d::diagonal(s);
      pose.scaled = !(s == Vec3d{1, 1, 1});
    }
    out.indices.push_back(static_cast<int>(which));
    out.poses.push_back(pose);
    const std::int64_t id = ids && ids->size() == n ? (*ids)[i] : static_cast<std::int64_t>(i);
    out.shown.push_back(hidden.count(id) == 0 && out.prototypes[static_cast<std::size_t>(which)] >= 0);
  }
  return out;
}

}  // namespace

// One pass over the prims: copies below every instancer that has none yet.
class Expander {
 public:
  Expander(Stage& stage, View& view) : stage_(stage), view_(view) {}

  bool run() {
    bool any = false;
    std::vector<std::optional<Points>> points(stage_.prims_.size());
    std::set<int> taken_out;
    for (std::size_t i = 1; i < stage_.prims_.size(); ++i) {
      Prim& prim = stage_.prims_[i];
      if (prim.type_name != "PointInstancer" || prim.expanded) continue;
      prim.expanded = any = true;
      points[i] = read_points(view_, prim);
      if (!points[i]) continue;
      for (const int prototype : points[i]->prototypes) {
        if (prototype > static_cast<int>(i) && prototype < prim.end) taken_out.insert(prototype);
      }
    }
    if (!any) return false;
    old_ = std::move(stage_.prims_);
    stage_.prims_.clear();
    place_.assign(old_.size(), -1);
    for (int i = 0; i < static_cast<int>(old_.size());) {
      if (taken_out.count(i)) {
        i = old_[static_cast<std::size_t>(i)].end;
        continue;
      }
      Prim copy = old_[static_cast<std::size_t>(i)];
      if (i > 0) copy.parent = place_[static_cast<std::size_t>(copy.parent)];
      place_[static_cast<std::size_t>(i)] = static_cast<int>(stage_.prims_.size());
      stage_.prims_.push_back(std::move(copy));
      if (points[static_cast<std::size_t>(i)]) add_copies(*points[static_cast<std::size_t>(i)], i);
      ++i;
    }
    finish();
    return true;
  }

 private:
  void add_copies(const Points& points, int instancer) {
    const int parent = place_[static_cast<std::size_t>(instancer)];
    const std::string above = stage_.prims_[static_cast<std::size_t>(parent)].path;
    for (std::size_t k = 0; k < points.indices.size(); ++k) {
      if (!points.shown[k]) continue;
      const int first = points.prototypes[static_cast<std::size_t>(points.indices[k])];
      const Prim& prototype = old_[static_cast<std::size_t>(first)];
      if (instancer >= first && instancer < prototype.end) continue;  // an instancer of itself
      copied_ += static_cast<std::size_t>(prototype.end - first);
      if (copied_ > kMaxCopies) {
        view_.error(stage_.prims_[static_cast<std::size_t>(parent)], "", "too-large",
                    "instancers make more than two million prims", "instance fewer");
        return;
      }
      const std::string root = above + "/" + std::string(prototype.name()) + "_" + std::to_string(k);
      PathMap& map = stage_.maps_.emplace_back();
      map.pairs = {{prototype.path, root}};
      map.root = true;
      const int base = static_cast<int>(stage_.prims_.size());
      for (int i = first; i < prototype.end; ++i) {
        Prim copy = old_[static_cast<std::size_t>(i)];
        copy.path = root + copy.path.substr(prototype.path.size());
        copy.parent = i == first ? parent : base + copy.parent - first;
        copy.copied = &stage_.chains_.emplace_back(MapChain{&map, copy.copied});
        if (i == first) {
          copy.point = static_cast<int>(view_.points.size());
          view_.points.push_back(points.poses[k]);
        }
        stage_.prims_.push_back(std::move(copy));
      }
    }
  }

  // Ends and the index, from the parents.
  void finish() {
    std::vector<Prim>& prims = stage_.prims_;
    for (std::size_t i = 0; i < prims.size(); ++i) prims[i].end = static_cast<int>(i) + 1;
    for (std::size_t i = prims.size(); i-- > 1;) {
      Prim& parent = prims[static_cast<std::size_t>(prims[i].parent)];
      parent.end = std::max(parent.end, prims[i].end);
    }
    stage_.index_.clear();
    for (std::size_t i = 0; i < prims.size(); ++i) stage_.index_.emplace(prims[i].path, static_cast<int>(i));
  }

  Stage& stage_;
  View& view_;
  std::vector<Prim> old_;
  std::vector<int> place_;
  std::size_t copied_ = 0;
};

void expand_instancers(Stage& stage, View& view) {
  int passes = 0;
  while (Expander(stage, view).run()) {
    if (++passes <= kMaxNesting) continue;
    view.diagnostics.error({stage.root_layer().file, 0, "/"}, "too-deep", "instancers are nested deeper than 8 levels");
    return;
  }
}

}  // namespace geoul::scene::usd
