#include "geoul/dynamics/batch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "geoul/dynamics/batch_contacts.h"
#include "geoul/dynamics/batch_parameters.h"
#include "geoul/dynamics/batch_plan_data.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"

namespace geoul::dynamics {

using std::size_t;

bool lanes_supported(LaneSet set) {
#if defined(GEOUL_X86_LANES)
  if (set == LaneSet::kAvx2) return __builtin_cpu_supports("avx2");
  if (set == LaneSet::kAvx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
#endif
  return set == LaneSet::kBaseline;
}
LaneSet widest_lanes() {
  for (const LaneSet set : {LaneSet::kAvx512, LaneSet::kAvx2}) {
    if (lanes_supported(set)) return set;
  }
  return LaneSet::kBaseline;
}
const char* to_string(LaneSet set) {
  return set == LaneSet::kAvx512 ? "avx512" : set == LaneSet::kAvx2 ? "avx2" : "baseline";
}

namespace {

BatchKernels kernels_of(LaneSet set) {
#if defined(GEOUL_X86_LANES)
  if (set == LaneSet::kAvx512) return batch_kernels_avx512();
  if (set == LaneSet::kAvx2) return batch_kernels_avx2();
#endif
  GEOUL_EXPECTS(set == LaneSet::kBaseline);
  return batch_kernels_baseline();
}

BatchKernel<double> contact_kernel_of(LaneSet set) {
#if defined(GEOUL_X86_LANES)
  if (set == LaneSet::kAvx512) return contact_kernel_avx512();
  if (set == LaneSet::kAvx2) return contact_kernel_avx2();
#endif
  return contact_kernel_baseline();
}

bool finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

}  // namespace

struct Batch::Impl {
  Model model;
  BatchOptions options;
  BatchSnapshot now;  // all that the worlds are
  bool lanes = true;
  int n = 0;

  PlanData plan;
  BatchKernels kernels;
  size_t slots = 1, scratch_size = 0;
  LaneArray<double> scratch;  // (slots x scratch_size)

  std::unique_ptr<BatchContacts> contacts;  // where worlds may touch and step in lanes
  struct AloneWorld {
    ScalarWorld world;
    std::vector<double> warm;
    int steps = 0;  // since the batch began to step
  };
  std::vector<AloneWorld> alone;  // (slots) for worlds of lanes that step by themselves

  // ---- lanes: block b holds kRowWidth<S> worlds; number i of lane l stands at [b][i][l] ----

  int nq() const { return model.nq; }
  int nv() const { return model.nv; }
  int control_at() const { return nq() + 3 * nv(); }
  int report_at() const { return control_at() + 3 * nv(); }
  int parameter_at() const { return report_at() + 3; }
  int warm_at() const { return parameter_at() + ParameterLayout::size(model.nlink, nv()); }
  int warm_size() const { return contacts ? WarmLayout::size(nv(), contacts->plan.rows) : 0; }
  int rows() const { return warm_at() + warm_size(); }

  template <class S>
  size_t at(int world, int row) const {
    constexpr auto kRow = static_cast<size_t>(kRowWidth<S>);
    const auto w = static_cast<size_t>(world);
    return (w / kRow * static_cast<size_t>(rows()) + static_cast<size_t>(row)) * kRow + w % kRow;
  }
  template <class Visit>
  void visit_lanes(Visit visit) {
    if (auto* d = std::get_if<LaneArray<double>>(&now.worlds)) return visit(*d);
    visit(std::get<LaneArray<float>>(now.worlds));
  }
  void write(int world, int row, std::span<const double> values) {
    visit_lanes([&]<class S>(LaneArray<S>& array) {
      for (size_t i = 0; i < values.size(); ++i)
        array[at<S>(world, row + static_cast<int>(i))] = static_cast<S>(values[i]);
    });
  }
  void read(int world, int row, std::span<double> values) {
    visit_lanes([&]<class S>(LaneArray<S>& array) {
      for (size_t i = 0; i < values.size(); ++i) values[i] = array[at<S>(world, row + static_cast<int>(i))];
    });
  }
  ScalarWorld& scalar(int world) { return std::get<std::vector<ScalarWorld>>(now.worlds)[static_cast<size_t>(world)]; }

  template <class S>
  void make_lanes(const BatchKernel<S>& kernel) {
    constexpr int kRow = kRowWidth<S>;
    const int blocks = (n + kRow - 1) / kRow;
    LaneArray<S> array(static_cast<size_t>(blocks) * static_cast<size_t>(rows() * kRow));
    const Controls controls = make_controls(model);
    std::vector<double> world(static_cast<size_t>(rows()));
    std::copy(model.q_start.begin(), model.q_start.end(), world.begin());
    std::copy(model.v_start.begin(), model.v_start.end(), world.begin() + nq());
    std::copy(controls.target_position.begin(), controls.target_position.end(), world.begin() + control_at() + nv());
    std::copy(controls.target_velocity.begin(), controls.target_velocity.end(),
              world.begin() + control_at() + 2 * nv());
    std::copy(plan.parameters.begin(), plan.parameters.end(), world.begin() + parameter_at());
    for (int w = 0; w < blocks * kRow; ++w) {
      for (int i = 0; i < rows(); ++i) array[at<S>(w, i)] = static_cast<S>(world[static_cast<size_t>(i)]);
    }
    now.worlds = std::move(array);
    slots = options.step.pool != nullptr ? 4 * static_cast<size_t>(options.step.pool->threads()) : 1;
    scratch_size =
        (kernel.scratch_bytes(plan.plan) + sizeof(S) * static_cast<size_t>(control_at() * kRow) + 63) / 64 * 8;
    scratch.resize(slots * scratch_size);
    if (contacts) {
      alone.assign(slots, {{make_data(model), make_state(model), {}, make_controls(model)},
                           std::vector<double>(static_cast<size_t>(warm_size()))});
    }
  }

  // A lane that steps by itself.
  struct Alone {
    Impl* batch;
    size_t slot;
    int world;  // of lane 0
  };
  static void step_alone(void* context, int lane) {
    const Alone& of = *static_cast<Alone*>(context);
    of.batch->step_alone(of.world + lane, of.batch->alone[of.slot]);
  }
  void step_alone(int world, AloneWorld& memory) {
    if (world >= n) return;
    auto& [w, warm, count] = memory;
    ++count;
    const auto index = static_cast<size_t>(world);
    const Model& own = model_of(index);
    read(world, 0, w.state.q), read(world, nq(), w.state.v);
    read(world, control_at(), w.controls.effort);
    read(world, control_at() + nv(), w.controls.target_position);
    read(world, control_at() + 2 * nv(), w.controls.target_velocity);
    read(world, warm_at(), warm);
    take_warm(*contacts, nv(), warm, w.data);
    place_bodies(own, w.data, w.state);
    StepOptions by_itself = options.step;
    by_itself.pool = nullptr, by_itself.sleep_velocity = 0;
    const StepReport report = dynamics::step(own, by_itself, w.controls, w.data, w.state);
    now.unsolved[index] = now.unsolved[index] || !report.converged;
    give_warm(*contacts, nv(), w.data, warm);
    write(world, 0, w.state.q), write(world, nq(), w.state.v);
    write(world, nq() + nv(), w.state.a), write(world, nq() + 2 * nv(), w.state.tau);
    write(world, warm_at(), warm);
  }

  // Steps one block; worlds with a fault get their numbers back.
  template <class S>
  void step_block(const BatchKernel<S>& kernel, LaneArray<S>& array, size_t block, int steps, size_t slot) {
    constexpr int kRow = kRowWidth<S>;
    double* work = scratch.data() + slot * scratch_size;
    S* base = array.data() + block * static_cast<size_t>(rows() * kRow);
    const auto row = [&](int i) { return base + static_cast<size_t>(i) * kRow; };
    S sum[kRow] = {};  // not a number where a control is not finite
    for (int i = control_at(); i < report_at(); ++i) {
      for (int l = 0; l < kRow; ++l) sum[l] += row(i)[l] - row(i)[l];
    }
    S* before = reinterpret_cast<S*>(work);
    std::copy_n(base, static_cast<size_t>(control_at() * kRow), before);
    void* own = before + static_cast<size_t>(control_at() * kRow);
    for (size_t w = block * kRow; w < std::min((block + 1) * kRow, static_cast<size_t>(n)); ++w) now.unsolved[w] = 0;
    for (int l = 0; l < kRow; l += kernel.width) {
      Alone context{this, slot, static_cast<int>(block) * kRow + l};
      const BatchRows<S> part{row(0) + l,
                              row(nq()) + l,
                              row(nq() + nv()) + l,
                              row(nq() + 2 * nv()) + l,
                              row(control_at()) + l,
                              row(control_at() + nv()) + l,
                              row(control_at() + 2 * nv()) + l,
                              now.parameters ? row(parameter_at()) + l : nullptr,
                              row(report_at()) + l,
                              contacts ? row(warm_at()) + l : nullptr,
                              &context,
                              step_alone};
      kernel.step(plan.plan, part, steps, own);
    }
    for (int l = 0; l < kRow; ++l) {
      const size_t world = block * kRow + static_cast<size_t>(l);
      const bool bad = sum[l] != S(0), ran = !bad && row(report_at() + 2)[l] != S(0);
      if (!ran) {
        for (int i = 0; i < control_at(); ++i)
          row(i)[l] = before[static_cast<size_t>(i) * kRow + static_cast<size_t>(l)];
        if (contacts) row(warm_at())[l] = 0;  // no warm starts from what is not finite
      }
      if (world >= static_cast<size_t>(n)) continue;
      now.fault[world] = bad ? WorldFault::kBadAction : ran ? WorldFault::kNone : WorldFault::kNotFinite;
      now.unsolved[world] = ran && (now.unsolved[world] || row(report_at() + 1)[l] == S(0));
    }
  }

  template <class S>
  void step_lanes(const BatchKernel<S>& kernel, LaneArray<S>& array, int steps, BatchReport& report) {
    constexpr auto kRow = static_cast<size_t>(kRowWidth<S>);
    const size_t blocks = (static_cast<size_t>(n) + kRow - 1) / kRow;
    const auto body = [&](size_t begin, size_t end) {
      for (size_t slot = begin; slot < end; ++slot) {
        for (size_t b = blocks * slot / slots; b < blocks * (slot + 1) / slots; ++b)
          step_block(kernel, array, b, steps, slot);
      }
    };
    if (options.step.pool != nullptr) {
      options.step.pool->parallel_for(slots, 1, body);
    } else {
      body(0, slots);
    }
    for (AloneWorld& w : alone) report.alone += std::exchange(w.steps, 0);
    for (int w = 0; w < n; ++w) {
      if (now.fault[static_cast<size_t>(w)] == WorldFault::kNone)
        report.iterations = std::max(report.iterations, static_cast<int>(array[at<S>(w, report_at())]));
    }
  }

  static std::string where(int world) { return "world " + std::to_string(world) + ": "; }

  // ---- scalar ----

  const Model& model_of(size_t world) const {
    const int i = now.varied_of[world];
    return i < 0 ? model : now.varied[static_cast<size_t>(i)];
  }
  void step_scalar(size_t world, int steps) {
    ScalarWorld& w = std::get<std::vector<ScalarWorld>>(now.worlds)[world];
    const Controls& c = w.controls;
    now.unsolved[world] = 0;
    now.fault[world] = finite(c.effort) && finite(c.target_position) && finite(c.target_velocity)
                           ? WorldFault::kNone
                           : WorldFault::kBadAction;
    StepOptions own = options.step;
    own.pool = nullptr;
    w.before = w.state;
    for (int s = 0; s < steps && now.fault[world] == WorldFault::kNone; ++s) {
      const StepReport r = dynamics::step(model_of(world), own, c, w.data, w.state);
      now.unsolved[world] = now.unsolved[world] || !r.converged;
      if (!r.finite) now.fault[world] = WorldFault::kNotFinite;
    }
    if (now.fault[world] == WorldFault::kNotFinite) {
      w.state = w.before, w.data = make_data(model_of(world));  // no warm starts from what is not finite
      now.unsolved[world] = 0;
    }
  }
};

Batch::Batch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

Result<Batch> Batch::make(Model model, int worlds, const BatchOptions& options) {
  if (worlds < 1) return Error{ErrorCode::kBadInput, "batch: no worlds: ask for one or more"};
  if (options.step.dt.ns <= 0 || options.step.max_iterations < 1)
    return Error{ErrorCode::kBadInput, "batch: dt and max_iterations must be positive"};
  if (!lanes_supported(options.lanes))
    return Error{ErrorCode::kUnsupported, std::string("batch: this machine has no ") + to_string(options.lanes)};
  auto impl = std::make_unique<Impl>();
  impl->model = std::move(model), impl->options = options, impl->n = worlds;
  impl->lanes = fits_lanes(impl->model, options.step, options.precision);
  const auto n = static_cast<size_t>(worlds);
  impl->now.time.resize(n), impl->now.fault.resize(n), impl->now.unsolved.resize(n);
  impl->now.varied_of.assign(n, -1);
  if (impl->lanes) {
    make_plan(impl->model, options.step, impl->plan);
    if (impl->model.contact && options.step.contact) {
      impl->contacts = plan_contacts(impl->model, impl->plan.frames, options.step);
      impl->plan.plan.contact = &impl->contacts->plan;
    }
    impl->kernels = kernels_of(options.lanes);
    if (impl->contacts) impl->kernels.in_double = contact_kernel_of(options.lanes);
    options.precision == BatchPrecision::kDouble ? impl->make_lanes(impl->kernels.in_double)
                                                 : impl->make_lanes(impl->kernels.in_float);
  } else {
    if (options.precision == BatchPrecision::kFloat32)
      return Error{ErrorCode::kUnsupported, "batch: this model or integrator needs the scalar step: use double"};
    const Model& m = impl->model;
    impl->now.worlds = std::vector<ScalarWorld>(n, {make_data(m), make_state(m), make_state(m), make_controls(m)});
  }
  return Batch(std::move(impl));
}

int Batch::worlds() const { return impl_->n; }
bool Batch::in_lanes() const { return impl_->lanes; }
const Model& Batch::model() const { return impl_->model; }
Time Batch::time(int world) const { return impl_->now.time.at(static_cast<size_t>(world)); }
WorldFault Batch::fault(int world) const { return impl_->now.fault.at(static_cast<size_t>(world)); }

void Batch::write_state(int world, std::span<const double> q, std::span<const double> v) {
  Impl& m = *impl_;
  GEOUL_EXPECTS(world >= 0 && world < m.n && q.size() == static_cast<size_t>(m.nq()) &&
                v.size() == static_cast<size_t>(m.nv()) && finite(q) && finite(v));
  if (m.lanes) {
    m.write(world, 0, q), m.write(world, m.nq(), v);
    return;
  }
  ScalarWorld& w = m.scalar(world);
  std::copy(q.begin(), q.end(), w.state.q.begin()), std::copy(v.begin(), v.end(), w.state.v.begin());
  place_bodies(m.model_of(static_cast<size_t>(world)), w.data, w.state);
}

void Batch::read_state(int world, std::span<double> q, std::span<double> v) const {
  Impl& m = *impl_;
  GEOUL_EXPECTS(world >= 0 && world < m.n && q.size() == static_cast<size_t>(m.nq()) &&
                v.size() == static_cast<size_t>(m.nv()));
  if (m.lanes) {
    m.read(world, 0, q), m.read(world, m.nq(), v);
    return;
  }
  const scene::State& s = m.scalar(world).state;
  std::copy(s.q.begin(), s.q.end(), q.begin()), std::copy(s.v.begin(), s.v.end(), v.begin());
}

void Batch::read_efforts(int world, std::span<double> a, std::span<double> tau) const {
  Impl& m = *impl_;
  const auto nv = static_cast<size_t>(m.nv());
  GEOUL_EXPECTS(world >= 0 && world < m.n && a.size() == nv && tau.size() == nv);
  if (m.lanes) {
    m.read(world, m.nq() + m.nv(), a), m.read(world, m.nq() + 2 * m.nv(), tau);
    return;
  }
  const scene::State& s = m.scalar(world).state;
  std::copy(s.a.begin(), s.a.end(), a.begin()), std::copy(s.tau.begin(), s.tau.end(), tau.begin());
}

void Batch::write_controls(int world, std::span<const double> effort, std::span<const double> target_position,
                           std::span<const double> target_velocity) {
  Impl& m = *impl_;
  const auto nv = static_cast<size_t>(m.nv());
  GEOUL_EXPECTS(world >= 0 && world < m.n && effort.size() == nv && target_position.size() == nv &&
                target_velocity.size() == nv);
  if (m.lanes) {
    m.write(world, m.control_at(), effort);
    m.write(world, m.control_at() + m.nv(), target_position);
    m.write(world, m.control_at() + 2 * m.nv(), target_velocity);
    return;
  }
  Controls& c = m.scalar(world).controls;
  std::copy(effort.begin(), effort.end(), c.effort.begin());
  std::copy(target_position.begin(), target_position.end(), c.target_position.begin());
  std::copy(target_velocity.begin(), target_velocity.end(), c.target_velocity.begin());
}

Result<void> Batch::set_parameters(int world, const WorldParameters& p) {
  Impl& m = *impl_;
  GEOUL_EXPECTS(world >= 0 && world < m.n);
  GEOUL_EXPECTS(p.mass_scale.empty() || p.mass_scale.size() == static_cast<size_t>(m.model.nbody));
  GEOUL_EXPECTS(p.joint_friction.empty() || p.joint_friction.size() == static_cast<size_t>(m.nv()));
  if (const char* wrong = out_of_range(p)) return Error{ErrorCode::kBadInput, m.where(world) + wrong};
  if (m.lanes) {
    std::vector<double> values;
    fill_parameters(m.model, m.plan.frames, p, values);
    if (m.contacts && p.geometry_scale != 1)
      return Error{ErrorCode::kUnsupported, m.where(world) + "geometry_scale of worlds in contact is fixed"};
    m.write(world, m.parameter_at(), values);
    m.now.parameters = true;
    if (!m.contacts) return {};
  }
  if (const char* why = not_scalar(m.model, p)) return Error{ErrorCode::kUnsupported, m.where(world) + why};
  int& at = m.now.varied_of[static_cast<size_t>(world)];
  if (at < 0) at = static_cast<int>(m.now.varied.size()), m.now.varied.emplace_back();
  m.now.varied[static_cast<size_t>(at)] = varied(m.model, p);
  return {};
}

BatchReport Batch::step(int steps) {
  Impl& m = *impl_;
  GEOUL_EXPECTS(steps > 0);
  BatchReport report;
  report.in_lanes = m.lanes, report.precision = m.options.precision;
  if (auto* d = std::get_if<LaneArray<double>>(&m.now.worlds)) {
    m.step_lanes(m.kernels.in_double, *d, steps, report);
  } else if (auto* f = std::get_if<LaneArray<float>>(&m.now.worlds)) {
    m.step_lanes(m.kernels.in_float, *f, steps, report);
  } else {
    const auto body = [&](size_t begin, size_t end) {
      for (size_t w = begin; w < end; ++w) m.step_scalar(w, steps);
    };
    if (m.options.step.pool != nullptr) {
      m.options.step.pool->parallel_for(static_cast<size_t>(m.n), 1, body);
    } else {
      body(0, static_cast<size_t>(m.n));
    }
  }
  for (size_t w = 0; w < static_cast<size_t>(m.n); ++w) {
    const bool ran = m.now.fault[w] == WorldFault::kNone;
    report.faults += !ran, report.unconverged += m.now.unsolved[w];
    if (ran) m.now.time[w] = m.now.time[w] + Duration{m.options.step.dt.ns * steps};
  }
  return report;
}

std::string Batch::fault_message(int world) const {
  Impl& m = *impl_;
  const std::string where = m.where(world);
  if (fault(world) == WorldFault::kNone) return {};
  if (fault(world) == WorldFault::kNotFinite) return where + "not-finite: the step left the finite numbers: reduce dt";
  const char* names[] = {"effort", "target_position", "target_velocity"};
  const auto nv = static_cast<size_t>(m.nv());
  std::vector<double> values(3 * nv);
  if (m.lanes) {
    m.read(world, m.control_at(), values);
  } else {
    const Controls& c = m.scalar(world).controls;
    std::copy(c.effort.begin(), c.effort.end(), values.begin());
    std::copy(c.target_position.begin(), c.target_position.end(), values.begin() + m.nv());
    std::copy(c.target_velocity.begin(), c.target_velocity.end(), values.begin() + 2 * m.nv());
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]))
      return where + "bad-action: " + names[i / nv] + "[" + std::to_string(i % nv) + "] is not finite: write a number";
  }
  return where + "bad-action: a control of the last step was not finite";
}

BatchSnapshot Batch::snapshot() const { return impl_->now; }
void Batch::restore(const BatchSnapshot& snapshot) {
  GEOUL_EXPECTS(snapshot.worlds.index() == impl_->now.worlds.index() && snapshot.time.size() == impl_->now.time.size());
  impl_->now = snapshot;
}

WorldSnapshot Batch::snapshot(int world) const {
  Impl& m = *impl_;
  WorldSnapshot s;
  s.time = time(world), s.parameters = m.now.parameters;
  if (m.lanes) {
    std::vector<double> values(static_cast<size_t>(m.rows()));
    m.read(world, 0, values);
    s.world = std::move(values);
  } else {
    s.world = m.scalar(world);
  }
  const int own = m.now.varied_of[static_cast<size_t>(world)];
  if (own >= 0) s.varied.push_back(m.now.varied[static_cast<size_t>(own)]);
  return s;
}

void Batch::restore(int world, const WorldSnapshot& s) {
  Impl& m = *impl_;
  GEOUL_EXPECTS(world >= 0 && world < m.n && (s.world.index() == 0) == m.lanes);
  const auto w = static_cast<size_t>(world);
  m.now.time[w] = s.time, m.now.fault[w] = WorldFault::kNone, m.now.unsolved[w] = 0;
  m.now.parameters = m.now.parameters || s.parameters;
  if (m.lanes) {
    m.write(world, 0, std::get<0>(s.world));
  } else {
    m.scalar(world) = std::get<ScalarWorld>(s.world);
  }
  int& own = m.now.varied_of[w];
  if (s.varied.empty()) {
    own = -1;
    return;
  }
  if (own < 0) own = static_cast<int>(m.now.varied.size()), m.now.varied.emplace_back();
  m.now.varied[static_cast<size_t>(own)] = s.varied[0];
}

void Batch::fork(int from, int to) { restore(to, snapshot(from)); }

}  // namespace geoul::dynamics
