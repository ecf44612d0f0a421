#include "geoul/scene/formats/usd/stage.h"

#include <algorithm>
#include <cmath>

namespace geoul::scene::usd {
namespace {

// Whether values between two samples are computed; the earlier is held otherwise.
bool is_linear(const AttributeSpec& spec, const Value& a, const Value& b) {
  const auto *x = std::get_if<Value::Reals>(&a.content), *y = std::get_if<Value::Reals>(&b.content);
  return spec.type.base == Base::kReal && x && y && x->size() == y->size();
}

// Along the great circle between two quaternions, the shorter way.
void slerp(const double* a, const double* b, double t, double* out) {
  double dot = 0;
  for (int i = 0; i < 4; ++i) dot += a[i] * b[i];
  const double sign = dot < 0 ? -1 : 1;
  const double angle = std::acos(std::min(1.0, std::abs(dot)));
  const double s = std::sin(angle);
  const double x = s < 1e-9 ? 1 - t : std::sin((1 - t) * angle) / s, y = s < 1e-9 ? t : std::sin(t * angle) / s;
  for (int i = 0; i < 4; ++i) out[i] = x * a[i] + sign * y * b[i];
}

Value between(const AttributeSpec& spec, const Value& a, const Value& b, double t) {
  const Value::Reals &x = std::get<Value::Reals>(a.content), &y = std::get<Value::Reals>(b.content);
  std::vector<double> out(x.size());
  if (spec.type_name.rfind("quat", 0) == 0) {
    for (std::size_t i = 0; i + 4 <= x.size(); i += 4) slerp(x.data() + i, y.data() + i, t, out.data() + i);
  } else {
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = (1 - t) * x[i] + t * y[i];
  }
  Value v;
  v.type = a.type;
  v.content = Value::Reals(out);
  return v;
}

}  // namespace

std::optional<std::string> Opinion::to_stage(const std::string& path_in_layer) const {
  return map ? map->to_stage(path_in_layer) : path_in_layer;
}

TimeMap Opinion::times() const {
  const TimeMap own = time ? *time : TimeMap{};
  return map ? map->times() * own : own;
}

bool Prim::has_api(std::string_view api) const {
  return std::find(api_schemas->begin(), api_schemas->end(), api) != api_schemas->end();
}

Location Prim::where() const {
  for (const Opinion& o : opinions) {
    if (o.spec->specifier != Specifier::kOver) return {o.layer->file, o.spec->line, path};
  }
  if (opinions.empty()) return {{}, 0, path};
  return {opinions.front().layer->file, opinions.front().spec->line, path};
}

Location Prim::where(const std::string& property) const {
  for (const Opinion& o : opinions) {
    if (const AttributeSpec* a = o.spec->attribute(property)) return {o.layer->file, a->line, path};
    if (const RelationshipSpec* r = o.spec->relationship(property)) return {o.layer->file, r->line, path};
  }
  return where();
}

const Prim* Stage::find(std::string_view path) const {
  const auto found = index_.find(path);
  return found == index_.end() ? nullptr : &prims_[static_cast<std::size_t>(found->second)];
}

// What one opinion says at the time code: its samples, else its default.
std::optional<Resolved> Stage::resolve_at(const Opinion& opinion, const AttributeSpec& spec) const {
  if (spec.samples.empty()) {
    if (!spec.value) return std::nullopt;
    return Resolved{&*spec.value, &spec, &opinion, false};
  }
  const double t = opinion.times().inverse(*time_);
  const auto after = std::upper_bound(spec.samples.begin(), spec.samples.end(), t,
                                      [](double time, const auto& sample) { return time < sample.first; });
  if (after == spec.samples.begin()) return Resolved{&after->second, &spec, &opinion, true};
  const auto before = after - 1;
  if (after == spec.samples.end() || before->first == t || !is_linear(spec, before->second, after->second)) {
    return Resolved{&before->second, &spec, &opinion, true};
  }
  const double part = (t - before->first) / (after->first - before->first);
  return Resolved{&computed_.emplace_back(between(spec, before->second, after->second, part)), &spec, &opinion, true};
}

std::optional<Resolved> Stage::attribute(const Prim& prim, const std::string& name) const {
  std::optional<Resolved> found;
  const Opinion* earliest_opinion = nullptr;
  const AttributeSpec* earliest = nullptr;  // the strongest with samples
  for (const Opinion& o : prim.opinions) {
    const AttributeSpec* spec = o.spec->attribute(name);
    if (!spec) continue;
    if (time_) {
      found = resolve_at(o, *spec);
    } else if (spec->value) {
      found = Resolved{&*spec->value, spec, &o, false};
    } else if (!spec->samples.empty() && !earliest) {
      earliest = spec, earliest_opinion = &o;
    }
    if (found) break;
  }
  if (!found && earliest) found = Resolved{&earliest->samples.front().second, earliest, earliest_opinion, true};
  if (!found || found->value->blocked()) return std::nullopt;
  const TimeMap times = found->spec->type_name.rfind("timecode", 0) == 0 ? found->opinion->times() : TimeMap{};
  if (!(times == TimeMap{})) {
    Value moved = *found->value;
    if (const auto* codes = std::get_if<Value::Reals>(&moved.content)) {
      std::vector<double> out(codes->begin(), codes->end());
      for (double& t : out) t = times(t);
      moved.content = Value::Reals(out);
    }
    found->value = &computed_.emplace_back(std::move(moved));
  }
  return found;
}

std::optional<std::string> Stage::mapped(const Prim& prim, const Opinion& opinion, const std::string& path) {
  std::optional<std::string> there = opinion.to_stage(path);
  if (!there || !prim.copied) return there;
  // A copy of a copy was made from the paths of the copy that it was made of: the first copy maps first.
  std::vector<const PathMap*> copies;
  for (const MapChain* link = prim.copied; link; link = link->outer) copies.push_back(link->map);
  for (std::size_t i = copies.size(); i-- > 0 && there;) there = copies[i]->to_target(*there);
  return there;
}

std::vector<std::string> Stage::targets(const Prim& prim, const std::string& name, Diagnostics& diagnostics) const {
  std::vector<std::string> out;
  for (std::size_t i = prim.opinions.size(); i-- > 0;) {
    const Opinion& o = prim.opinions[i];
    const RelationshipSpec* spec = o.spec->relationship(name);
    if (!spec) continue;
    ListOp<std::string> op = spec->targets;
    for (auto* list : {&op.items, &op.added, &op.prepended, &op.appended, &op.deleted, &op.ordered}) {
      std::vector<std::string> there_list;
      for (const std::string& path : *list) {
        if (std::optional<std::string> there = mapped(prim, o, path)) {
          there_list.push_back(std::move(*there));
        } else {
          diagnostics.error({o.layer->file, spec->line, prim.path}, "target-outside-reference",
                            "'" + name + "' names <" + path + ">, which is not below the referenced prim",
                            "reference a prim that holds both, or write the target where the reference is made");
        }
      }
      *list = std::move(there_list);
    }
    op.apply(out);
  }
  return out;
}

std::vector<std::string> Stage::connections(const Prim& prim, const std::string& name) const {
  std::vector<std::string> out;
  for (std::size_t i = prim.opinions.size(); i-- > 0;) {
    const Opinion& o = prim.opinions[i];
    const AttributeSpec* spec = o.spec->attribute(name);
    if (!spec || spec->connections.empty()) continue;
    ListOp<std::string> op = spec->connections;
    for (auto* list : {&op.items, &op.added, &op.prepended, &op.appended, &op.deleted, &op.ordered}) {
      std::vector<std::string> there_list;
      for (const std::string& path : *list) {
        if (std::optional<std::string> there = mapped(prim, o, path)) there_list.push_back(std::move(*there));
      }
      *list = std::move(there_list);
    }
    op.apply(out);
  }
  return out;
}

bool Stage::has_relationship(const Prim& prim, const std::string& name) const {
  return std::any_of(prim.opinions.begin(), prim.opinions.end(),
                     [&](const Opinion& o) { return o.spec->relationship(name) != nullptr; });
}

}  // namespace geoul::scene::usd
