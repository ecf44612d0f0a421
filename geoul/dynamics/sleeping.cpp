#include "geoul/dynamics/sleeping.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "geoul/dynamics/contacts.h"

namespace geoul::dynamics {
namespace {

using std::size_t;

int island_of(const Model& model, scene::BodyId body) {
  const int link = body.valid() ? model.bodies[body.index()].link : -1;
  if (link < 0) return -1;
  const auto at = std::upper_bound(model.islands.begin(), model.islands.end(), link,
                                   [](int l, const Island& i) { return l < i.all.end; });
  return static_cast<int>(at - model.islands.begin());
}

int island_of_collider(const Model& model, int collider) {
  return island_of(model, model.contact->geometry->colliders[static_cast<size_t>(collider)].body);
}

void wake_group(const Model& model, int group, ContactData& cd) {
  Sleep& sleep = cd.sleep;
  cd.woken = true;
  for (size_t i = 0; i < sleep.group.size(); ++i) {
    if (sleep.group[i] != group) continue;
    sleep.group[i] = -1, sleep.still[i] = 0, --sleep.count;
    for (const int b : model.islands[i].all.bodies) sleep.rests[static_cast<size_t>(b)] = 0;
  }
}

bool same(const std::vector<double>& a, const std::vector<double>& b, int begin, int end) {
  const size_t bytes = sizeof(double) * static_cast<size_t>(end - begin);
  return std::memcmp(a.data() + begin, b.data() + begin, bytes) == 0;
}
void keep(const std::vector<double>& from, std::vector<double>& to, int begin, int end) {
  std::copy(from.begin() + begin, from.begin() + end, to.begin() + begin);
}

void pack(const Controls& controls, int body, double out[6]) {
  const Forced F = controls.wrenches.empty() ? Forced{} : controls.wrenches[static_cast<size_t>(body)];
  const double packed[] = {F.n.x, F.n.y, F.n.z, F.f.x, F.f.y, F.f.z};
  std::copy(std::begin(packed), std::end(packed), out);
}

bool disturbed(const Island& island, const Controls& controls, const scene::State& state, const Sleep& sleep) {
  const Tree& all = island.all;
  if (!same(state.q, sleep.q, all.q_begin, all.q_end)) return true;
  for (int k = all.v_begin; k < all.v_end; ++k) {
    if (state.v[static_cast<size_t>(k)] != 0) return true;
  }
  if (!same(controls.effort, sleep.effort, all.v_begin, all.v_end) ||
      !same(controls.target_position, sleep.target_position, all.v_begin, all.v_end) ||
      !same(controls.target_velocity, sleep.target_velocity, all.v_begin, all.v_end)) {
    return true;
  }
  for (const int b : all.bodies) {
    double now[6];
    pack(controls, b, now);
    const double* then = &sleep.wrench[6 * static_cast<size_t>(b)];
    for (int k = 0; k < 6; ++k) {
      if (now[k] != then[k]) return true;
    }
  }
  return false;
}

// No point of its bodies is faster [m/s].
bool slow(const Model& model, const Island& island, const scene::State& state, double most) {
  for (const int b : island.all.bodies) {
    const Motiond& V = state.V_WB[static_cast<size_t>(b)];
    if (!(norm(V.v) + model.contact->reach[static_cast<size_t>(b)] * norm(V.w) <= most)) return false;
  }
  return true;
}

bool has_prescribed(const Model& model, const Island& island) {
  for (int i = island.all.begin; i < island.all.end; ++i) {
    if (model.links[static_cast<size_t>(i)].prescribed) return true;
  }
  return false;
}

int find(std::vector<int>& root, int i) {
  while (root[static_cast<size_t>(i)] != i) {
    int& up = root[static_cast<size_t>(i)];
    up = root[static_cast<size_t>(up)];
    i = up;
  }
  return i;
}

void lay_down(const Island& island, const Controls& controls, Sleep& sleep, scene::State& state) {
  const Tree& all = island.all;
  for (int k = all.v_begin; k < all.v_end; ++k) {
    state.v[static_cast<size_t>(k)] = state.a[static_cast<size_t>(k)] = 0;
  }
  keep(state.q, sleep.q, all.q_begin, all.q_end);
  keep(controls.effort, sleep.effort, all.v_begin, all.v_end);
  keep(controls.target_position, sleep.target_position, all.v_begin, all.v_end);
  keep(controls.target_velocity, sleep.target_velocity, all.v_begin, all.v_end);
  for (const int b : all.bodies) {
    pack(controls, b, &sleep.wrench[6 * static_cast<size_t>(b)]);
    sleep.rests[static_cast<size_t>(b)] = 1;
    state.V_WB[static_cast<size_t>(b)] = state.A_WB[static_cast<size_t>(b)] = {};
  }
}

}  // namespace

Sleep make_sleep(const Model& model) {
  Sleep sleep;
  const size_t n = model.islands.size(), nv = static_cast<size_t>(model.nv);
  sleep.still.assign(n, 0), sleep.group.assign(n, -1);
  sleep.rests.assign(model.bodies.size(), 0);
  for (size_t b = 0; b < model.bodies.size(); ++b) sleep.rests[b] = model.bodies[b].link < 0;
  sleep.q.assign(static_cast<size_t>(model.nq), 0);
  sleep.effort.assign(nv, 0), sleep.target_position.assign(nv, 0), sleep.target_velocity.assign(nv, 0);
  sleep.wrench.assign(6 * model.bodies.size(), 0);
  sleep.root.assign(n, 0), sleep.ready.assign(n, 0);
  sleep.gravity = model.gravity;
  return sleep;
}

void wake_disturbed(const Model& model, const Controls& controls, const scene::State& state, Data& data) {
  Sleep& sleep = data.contact->sleep;
  if (sleep.count == 0) return;
  if (!(model.gravity == sleep.gravity)) wake(model, data);
  for (size_t i = 0; i < model.islands.size(); ++i) {
    if (sleep.group[i] >= 0 && disturbed(model.islands[i], controls, state, sleep)) {
      wake_group(model, sleep.group[i], *data.contact);
    }
  }
}

bool wake_touched(const Model& model, Data& data) {
  Sleep& sleep = data.contact->sleep;
  if (sleep.count == 0) return false;
  const int before = sleep.count;
  for (const collision::Manifold& m : data.contact->collision.manifolds) {
    const int a = island_of_collider(model, m.a), b = island_of_collider(model, m.b);
    if (a < 0 || b < 0) continue;
    const int group_a = sleep.group[static_cast<size_t>(a)], group_b = sleep.group[static_cast<size_t>(b)];
    if ((group_a < 0) == (group_b < 0)) continue;
    wake_group(model, std::max(group_a, group_b), *data.contact);
  }
  return sleep.count != before;
}

void fall_asleep(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                 scene::State& state) {
  ContactData& cd = *data.contact;
  Sleep& sleep = cd.sleep;
  if (!(options.sleep_velocity > 0)) return;
  const auto enough = Duration::from_seconds(options.sleep_time).ns;
  bool any = false;
  for (size_t i = 0; i < model.islands.size(); ++i) {
    sleep.ready[i] = 0;
    if (sleep.group[i] >= 0) continue;
    const Island& island = model.islands[i];
    const bool is_still =
        cd.touched[i] && slow(model, island, state, options.sleep_velocity) && !has_prescribed(model, island);
    sleep.still[i] = is_still ? sleep.still[i] + options.dt.ns : 0;
    sleep.ready[i] = sleep.still[i] >= enough;
    any = any || sleep.ready[i];
  }
  if (!any) return;
  for (size_t i = 0; i < sleep.root.size(); ++i) sleep.root[i] = static_cast<int>(i);
  for (int c = 0; c < cd.solved; ++c) {
    const Contact& contact = cd.contacts[static_cast<size_t>(c)];
    const int a = island_of_collider(model, contact.a), b = island_of_collider(model, contact.b);
    if (a < 0 || b < 0) continue;
    const int x = find(sleep.root, a), y = find(sleep.root, b);
    sleep.root[static_cast<size_t>(std::max(x, y))] = std::min(x, y);
  }
  for (size_t i = 0; i < sleep.root.size(); ++i) {  // one that is not ready keeps all of its heap awake
    if (!sleep.ready[i]) sleep.ready[static_cast<size_t>(find(sleep.root, static_cast<int>(i)))] = 0;
  }
  sleep.gravity = model.gravity;
  for (size_t i = 0; i < model.islands.size(); ++i) {
    const int root = find(sleep.root, static_cast<int>(i));
    if (sleep.group[i] >= 0 || !cd.touched[i] || !sleep.ready[static_cast<size_t>(root)]) continue;
    lay_down(model.islands[i], controls, sleep, state);
    sleep.group[i] = root;
    ++sleep.count;
  }
}

void wake(const Model& model, scene::BodyId body, Data& data) {
  if (!data.contact) return;
  const int island = island_of(model, body);
  Sleep& sleep = data.contact->sleep;
  if (island >= 0 && sleep.group[static_cast<size_t>(island)] >= 0) {
    wake_group(model, sleep.group[static_cast<size_t>(island)], *data.contact);
  }
}

void wake(const Model& model, Data& data) {
  if (!data.contact) return;
  for (size_t i = 0; i < data.contact->sleep.group.size(); ++i) {
    const int group = data.contact->sleep.group[i];
    if (group >= 0) wake_group(model, group, *data.contact);
  }
}

bool asleep(const Model& model, scene::BodyId body, const Data& data) {
  const int island = island_of(model, body);
  return data.contact && island >= 0 && data.contact->sleep.group[static_cast<size_t>(island)] >= 0;
}

}  // namespace geoul::dynamics
