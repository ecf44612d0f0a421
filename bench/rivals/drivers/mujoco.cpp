// MuJoCo, of Debian (2.2) and of the Python registry (its wheel holds headers and library): one source, two programs.
//   default   joints nested as MuJoCo writes them, loops as equality constraints, its own defaults, Euler
//   accurate  the same, constraints as stiff as the step allows, elliptic cones, RK4 where nothing but joints acts
//   maximal   every joint an equality constraint between free bodies (fixed joints and loops only)
#include <mujoco/mujoco.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "rival.h"

namespace rivals {
namespace {

std::string text(const V3& v) {
  std::ostringstream s;
  s.precision(17);
  s << v[0] << " " << v[1] << " " << v[2];
  return s.str();
}
std::string text(const Quat& q) {
  std::ostringstream s;
  s.precision(17);
  s << q[0] << " " << q[1] << " " << q[2] << " " << q[3];
  return s.str();
}

class Writer {
 public:
  Writer(const Scene& scene, const std::string& setting)
      : scene_(scene), stiff_(setting == "accurate"), maximal_(setting == "maximal") {
    for (const Body& b : scene.bodies) contacts_ |= !b.shapes.empty();
    for (const Joint& j : scene.joints) closes_ |= maximal_ || !j.tree;
    for (const Shape& s : scene.ground) bouncy_ |= s.restitution > 0;
  }
  std::string xml() {
    std::ostringstream& o = out_;
    o.precision(17);
    o << "<mujoco><compiler angle='radian' inertiafromgeom='false' boundmass='0' boundinertia='0'/>"
      << (contacts_ ? "<size nconmax='2000' njmax='6000'/>" : "") << "<option timestep='" << scene_.dt << "' gravity='"
      << text(scene_.gravity) << "' integrator='" << (runge_kutta() ? "RK4" : "Euler") << "'";
    if (stiff_) o << " cone='elliptic' impratio='10' tolerance='1e-10' iterations='200'";
    o << "/><worldbody>";
    for (const Shape& s : scene_.ground) geom(s);
    for (std::size_t b = 0; b < scene_.bodies.size(); ++b) {
      const int parent = scene_.parent[b];
      if (maximal_ || parent < 0 || scene_.joints[static_cast<std::size_t>(parent)].a < 0) body(static_cast<int>(b));
    }
    o << "</worldbody><equality>";
    for (std::size_t k = 0; k < scene_.joints.size(); ++k) {
      if (maximal_ || !scene_.joints[k].tree) closure(scene_.joints[k]);
    }
    o << "</equality><actuator>";
    for (std::size_t k = 0; k < scene_.joints.size(); ++k) {
      const Joint& j = scene_.joints[k];
      if (j.driven)
        o << "<general joint='j" << k << "' gainprm='" << j.kp << "' biastype='affine' biasprm='0 " << -j.kp << " "
          << -j.kd << "' forcelimited='true' forcerange='" << -j.limit << " " << j.limit << "'/>";
    }
    o << "</actuator></mujoco>";
    return o.str();
  }
  bool runge_kutta() const { return stiff_ && !contacts_ && !closes_; }

 private:
  std::string constants() const {
    std::ostringstream s;
    if (stiff_ && bouncy_) s << " solref='-100000 0'";
    if (stiff_ && !bouncy_) s << " solref='" << 2 * scene_.dt << " 1' solimp='0.9999 0.9999 0.001 0.5 2'";
    return s.str();
  }
  void geom(const Shape& s) {
    out_ << "<geom pos='" << text(s.p) << "' quat='" << text(s.q) << "' friction='" << s.friction_max
         << " 0 0' condim='" << (s.friction_max > 0 ? 3 : 1) << "'" << constants();
    if (s.type == "plane") out_ << " type='plane' size='50 50 1'/>";
    if (s.type == "box") out_ << " type='box' size='" << text(0.5 * s.size) << "'/>";
    if (s.type == "sphere") out_ << " type='sphere' size='" << s.radius << "'/>";
  }
  void body(int b) {
    const auto i = static_cast<std::size_t>(b);
    const int parent = scene_.parent[i];
    const bool free = maximal_ || parent < 0;
    const Joint* j = free ? nullptr : &scene_.joints[static_cast<std::size_t>(parent)];
    const Pose world = scene_.pose(b), local = free ? world : inverse(scene_.pose(j->a)) * world;
    out_ << "<body name='b" << b << "' pos='" << text(local.p) << "' quat='" << text(local.q) << "'>";
    if (free) out_ << "<freejoint/>";
    if (j != nullptr && j->type != "fixed") {
      const Pose X = inverse(world);
      out_ << "<joint name='j" << parent << "' type='" << (j->type == "slider" ? "slide" : j->type) << "' pos='"
           << text((X * Pose{{1, 0, 0, 0}, j->p}).p) << "' axis='" << text(rotate(X.q, j->axis)) << "'";
      if (j->limited) out_ << " limited='true' range='" << j->lower << " " << j->upper << "'";
      out_ << "/>";
    }
    const Body& body = scene_.bodies[i];
    out_ << "<inertial pos='0 0 0' mass='" << body.mass << "' diaginertia='" << text(body.inertia) << "'/>";
    for (const Shape& s : body.shapes) geom(s);
    if (!maximal_) {
      for (std::size_t c = 0; c < scene_.bodies.size(); ++c) {
        const int k = scene_.parent[c];
        if (k >= 0 && scene_.joints[static_cast<std::size_t>(k)].a == b) this->body(static_cast<int>(c));
      }
    }
    out_ << "</body>";
  }
  void closure(const Joint& j) {
    const int first = j.b >= 0 ? j.b : j.a, second = j.b >= 0 ? j.a : -1;
    const std::string names = " body1='b" + std::to_string(first) + "'" +
                              (second >= 0 ? " body2='b" + std::to_string(second) + "'" : "") + constants();
    if (j.type == "fixed") {
      out_ << "<weld" << names << " active='" << (j.at_run_time ? "false" : "true") << "'/>";
      return;
    }
    if (j.type == "slider") throw NotSupported("a slider is no equality constraint of MuJoCo");
    const Pose X = inverse(scene_.pose(first));
    for (const double side : {-0.5, 0.5}) {
      if (j.type == "ball" && side > 0) break;
      const V3 anchor = j.type == "ball" ? j.p : j.p + (side * scene_.size) * j.axis;
      out_ << "<connect" << names << " anchor='" << text((X * Pose{{1, 0, 0, 0}, anchor}).p) << "'/>";
    }
  }

  const Scene& scene_;
  bool stiff_, maximal_, contacts_ = false, closes_ = false, bouncy_ = false;
  std::ostringstream out_;
};

// A model of MuJoCo's own format, as it stands: steps after it has settled, on one thread.
int run_model(const std::string& file, const std::string& setting) {
  char error[1000] = "";
  mjModel* m = mj_loadXML(file.c_str(), nullptr, error, sizeof error);
  if (m == nullptr) return std::printf("{\"status\": \"failed: its file does not load\"}\n"), 0;
  mjData* d = mj_makeData(m);
  if (m->nkey > 0) mj_resetDataKeyframe(m, d, 0);
  if (m->nkey > 0 && m->nu > 0) mju_copy(d->ctrl, m->key_ctrl, m->nu);
  const auto count = [&](double seconds) { return static_cast<int>(seconds / m->opt.timestep); };
  for (int i = 0; i < count(setting == "settled" ? 3.0 : 0.2); ++i) mj_step(m, d);
  std::vector<double> rounds;
  double contacts = 0;
  for (int r = 0; r < 15; ++r) {
    const double begin = cpu_seconds();
    const int n = std::max(1, count(setting == "settled" ? 0.2 : 0.05));
    for (int i = 0; i < n; ++i) mj_step(m, d), contacts += d->ncon / (15.0 * n);
    rounds.push_back((cpu_seconds() - begin) / n);
  }
  std::nth_element(rounds.begin(), rounds.begin() + 7, rounds.end());
  std::printf(
      "{\"engine\": \"%s\", \"status\": \"ok\", \"us_per_step\": %.6g, \"dt\": %g, \"contacts\": %.3g, \"nv\": %d}\n",
      mj_versionString(), 1e6 * rounds[7], m->opt.timestep, contacts, static_cast<int>(m->nv));
  return 0;
}

class MuJoCo : public World {
 public:
  MuJoCo(const Scene& scene, const std::string& setting) : scene_(scene), setting_(setting) {
    Writer writer(scene, setting);
    runge_kutta_ = writer.runge_kutta();
    const std::string file = "/tmp/geoul_rival_" + std::to_string(getpid()) + ".xml";
    std::ofstream(file) << writer.xml();
    char error[1000] = "";
    m_ = mj_loadXML(file.c_str(), nullptr, error, sizeof error);
    std::remove(file.c_str());
    if (m_ == nullptr) throw std::runtime_error(error);
    d_ = mj_makeData(m_);
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      id_.push_back(mj_name2id(m_, mjOBJ_BODY, ("b" + std::to_string(b)).c_str()));
      start(static_cast<int>(b));
    }
    int equality = 0;
    for (const Joint& j : scene.joints) {
      const bool closes = setting == "maximal" || !j.tree;
      equality_.push_back(closes ? equality : -1);
      if (closes) equality += j.type == "hinge" ? 2 : 1;
    }
    mj_forward(m_, d_);
  }
  ~MuJoCo() override { mj_deleteData(d_), mj_deleteModel(m_); }
  std::string words() const override {
    const std::string integrator = runge_kutta_ ? "RK4" : "Euler";
    if (setting_ == "accurate")
      return "nested bodies, " + integrator + ", Newton 1e-10, elliptic cone, impratio 10, solref 2 dt, solimp 0.9999";
    return setting_ == "maximal" ? "free bodies, all joints equality constraints, defaults, Euler"
                                 : "nested bodies, defaults, Euler";
  }
  void step(double) override {
    mj_step(m_, d_);
    if (scene_.drives.size() + scene_.springs.size() + scene_.forces.size() > 0)
      std::fill(d_->xfrc_applied, d_->xfrc_applied + 6 * m_->nbody, 0.0);
    stale_ = true;
  }
  State state(int b) override {
    if (stale_) mj_kinematics(m_, d_), mj_comPos(m_, d_), mj_comVel(m_, d_), stale_ = false;
    for (const int w : {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC}) {  // it has then reset the world by itself
      if (d_->warning[w].number > 0) return {{NAN, NAN, NAN}, {1, 0, 0, 0}, {}, {}};
    }
    const int i = id_[static_cast<std::size_t>(b)];
    mjtNum v[6];
    mj_objectVelocity(m_, d_, mjOBJ_BODY, i, v, 0);
    const mjtNum *p = d_->xpos + 3 * i, *q = d_->xquat + 4 * i;
    return {{p[0], p[1], p[2]}, {q[0], q[1], q[2], q[3]}, {v[3], v[4], v[5]}, {v[0], v[1], v[2]}};
  }
  void apply(int b, const V3& force, const V3& torque) override {
    mjtNum* f = d_->xfrc_applied + 6 * id_[static_cast<std::size_t>(b)];
    for (std::size_t k = 0; k < 3; ++k) f[k] += force[k], f[3 + k] += torque[k];
  }
  std::vector<std::pair<std::string, std::function<void()>>> kernels() override {
    for (int i = 0; i < m_->nq; ++i) d_->qpos[i] = 0.3;
    for (int i = 0; i < m_->nv; ++i) d_->qvel[i] = 0.2, d_->qacc[i] = 0.1;
    const auto position = [this] { mj_kinematics(m_, d_), mj_comPos(m_, d_); };
    return {{"FK", [this] { mj_kinematics(m_, d_); }},
            {"RNEA", [=, this] { position(), mj_comVel(m_, d_), mj_rne(m_, d_, 1, d_->qfrc_inverse); }},
            {"CRBA", [=, this] { position(), inertia(); }},
            {"ABA", [=, this] {  // its forward dynamics: bias, composite inertia, sparse factor and solve
               position(), inertia(), mj_factorM(m_, d_), mj_comVel(m_, d_), mj_rne(m_, d_, 0, d_->qfrc_bias);
               mj_solveM(m_, d_, d_->qacc_smooth, d_->qfrc_bias, 1);
             }}};
  }
  void attach(int joint) override {
    const auto k = static_cast<std::size_t>(joint);
    const Joint& j = scene_.joints[k];
    const State a = state(j.b), b = state(j.a);  // as written: body1 is b, body2 is a
    const Pose X = inverse(Pose{a.q, a.p}) * Pose{b.q, b.p};
    mjtNum* data = m_->eq_data + mjNEQDATA * equality_[k];
    data[0] = data[1] = data[2] = 0;
    for (std::size_t i = 0; i < 3; ++i) data[3 + i] = X.p[i];
    for (std::size_t i = 0; i < 4; ++i) data[6 + i] = X.q[i];
    active(joint, 1);
  }
  void detach(int joint) override { active(joint, 0); }

 private:
  void inertia() {
#if mjVERSION_HEADER >= 330
    mj_makeM(m_, d_);
#else
    mj_crb(m_, d_);
#endif
  }
  void active(int joint, mjtByte on) {
    const int e = equality_[static_cast<std::size_t>(joint)];
#if mjVERSION_HEADER >= 300
    d_->eq_active[e] = on;
#else
    m_->eq_active[e] = on;
#endif
  }
  void start(int b) {
    const Body& body = scene_.bodies[static_cast<std::size_t>(b)];
    const int i = id_[static_cast<std::size_t>(b)], parent = scene_.parent[static_cast<std::size_t>(b)];
    if (m_->body_jntnum[i] == 0) return;
    mjtNum* v = d_->qvel + m_->jnt_dofadr[m_->body_jntadr[i]];
    if (m_->jnt_type[m_->body_jntadr[i]] == mjJNT_FREE) {
      const V3 w = rotate(conj(body.q), body.w);
      for (std::size_t k = 0; k < 3; ++k) v[k] = body.v[k], v[3 + k] = w[k];
    } else {
      v[0] = scene_.joints[static_cast<std::size_t>(parent)].rate;
    }
  }

  const Scene& scene_;
  std::string setting_;
  bool runge_kutta_ = false, stale_ = false;
  mjModel* m_ = nullptr;
  mjData* d_ = nullptr;
  std::vector<int> id_, equality_;
};

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  using namespace rivals;
  mju_user_warning = [](const char*) {};
  if (argc == 3 && std::string(argv[1]).find(".xml") != std::string::npos) return run_model(argv[1], argv[2]);
  const bool debian = std::string(mj_versionString()).rfind("2.", 0) == 0;
  return drive(argc, argv,
               {debian ? "MuJoCo (Debian)" : "MuJoCo", mj_versionString(),
                [](const Scene& s, const std::string& setting) { return std::make_unique<MuJoCo>(s, setting); }});
}
