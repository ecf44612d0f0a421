#include "geoul/dynamics/snapshot.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "geoul/dynamics/contacts.h"

namespace geoul::dynamics {
namespace {

static_assert(std::endian::native == std::endian::little, "the bytes are those of memory");

constexpr std::uint32_t kMagic = 0x31535747;  // "GWS1"
constexpr std::uint64_t kMostContacts = 1u << 20;

// Both directions go through the same list of what there is: an archive with
//   value(x)       a number
//   fixed(vector)  numbers, as many as the world has
//   counted(vector, visit)  any number of structs
class Writer {
 public:
  static constexpr bool kReads = false;
  explicit Writer(std::string& out) : out_(out) {}
  template <class T>
  void value(const T& x) {
    static_assert(std::is_arithmetic_v<T>);
    out_.append(reinterpret_cast<const char*>(&x), sizeof(T));
  }
  template <class T>
  void fixed(const std::vector<T>& list) {
    static_assert(std::is_arithmetic_v<T>);
    value(std::uint64_t{list.size()});
    out_.append(reinterpret_cast<const char*>(list.data()), sizeof(T) * list.size());
  }
  template <class T, class Visit>
  void counted(const std::vector<T>& list, Visit visit) {
    value(std::uint64_t{list.size()});
    for (const T& entry : list) visit(*this, entry);
  }
  template <class T, class Visit>
  void each(const std::vector<T>& list, Visit visit) {
    counted(list, visit);
  }
  void require(bool) {}

 private:
  std::string& out_;
};

class Reader {
 public:
  static constexpr bool kReads = true;
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  void require(bool good) { ok_ = ok_ && good; }
  template <class T>
  void value(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      value(byte);
      require(byte <= 1);
      x = byte == 1;
    } else {
      copy(&x, sizeof(T));
    }
  }
  template <class T>
  void fixed(std::vector<T>& list) {
    std::uint64_t size = 0;
    value(size);
    require(size == list.size());
    copy(list.data(), sizeof(T) * list.size());
  }
  template <class T, class Visit>
  void counted(std::vector<T>& list, Visit visit) {
    std::uint64_t size = 0;
    value(size);
    require(size <= kMostContacts && size <= rest_.size());  // an entry takes a byte at least
    list.resize(ok_ ? size : 0);
    for (T& entry : list) visit(*this, entry);
  }
  template <class T, class Visit>
  void each(std::vector<T>& list, Visit visit) {  // as many as the world has
    std::uint64_t size = 0;
    value(size);
    require(size == list.size());
    for (T& entry : list) visit(*this, entry);
  }

 private:
  void copy(void* to, std::size_t size) {
    require(size <= rest_.size());
    if (!ok_ || size == 0) return;
    std::memcpy(to, rest_.data(), size);
    rest_.remove_prefix(size);
  }
  std::string_view rest_;
  bool ok_ = true;
};

constexpr auto kVector = [](auto& a, auto& v) { a.value(v.x), a.value(v.y), a.value(v.z); };
constexpr auto kForce = [](auto& a, auto& F) { kVector(a, F.n), kVector(a, F.f); };
constexpr auto kMotion = [](auto& a, auto& V) { kVector(a, V.w), kVector(a, V.v); };
constexpr auto kPose = [](auto& a, auto& X) {
  a.value(X.R.w), a.value(X.R.x), a.value(X.R.y), a.value(X.R.z);
  kVector(a, X.p);
};
constexpr auto kWrench = [](auto& a, auto& w) { kForce(a, w.F_C_J), a.value(w.indeterminate); };

template <class Archive, class AnyState>
void visit_state(Archive& a, AnyState& s) {
  a.value(s.time.ns);
  a.fixed(s.q), a.fixed(s.v), a.fixed(s.a), a.fixed(s.tau);
  a.each(s.X_WB, kPose), a.each(s.V_WB, kMotion), a.each(s.A_WB, kMotion), a.each(s.wrenches, kWrench);
}

template <class Archive, class AnySleep>
void visit_sleep(Archive& a, AnySleep& s) {
  a.fixed(s.still), a.fixed(s.group), a.fixed(s.rests), a.value(s.count);
  a.fixed(s.q), a.fixed(s.effort), a.fixed(s.target_position), a.fixed(s.target_velocity), a.fixed(s.wrench);
  kVector(a, s.gravity);
}

// What a copy of ContactData keeps.
template <class Archive, class AnyContact>
void visit_contact(Archive& a, AnyContact& c, int colliders) {
  const auto one = [colliders](auto& archive, auto& contact) {
    archive.value(contact.a), archive.value(contact.b), archive.value(contact.id);
    archive.require(contact.a >= 0 && contact.a < colliders && contact.b >= 0 && contact.b < colliders);
    kVector(archive, contact.p_W), kVector(archive, contact.normal_W), archive.value(contact.distance);
    kVector(archive, contact.force_W), kVector(archive, contact.moment_W), kVector(archive, contact.slip_W);
    archive.value(contact.cone), archive.value(contact.complementarity), archive.value(contact.iterations);
    archive.value(contact.converged);
    for (auto& x : contact.impulse) archive.value(x);
    for (auto& x : contact.guess) archive.value(x);
  };
  a.counted(c.contacts, one), a.value(c.solved), a.value(c.woken), a.counted(c.impacts, one);
  a.require(c.solved >= 0 && static_cast<std::size_t>(c.solved) <= c.contacts.size());
  visit_sleep(a, c.sleep);
  const auto islands = static_cast<int>(c.sleep.group.size());
  a.require(std::all_of(c.sleep.group.begin(), c.sleep.group.end(), [&](int g) { return g >= -1 && g < islands; }));
  a.fixed(c.touched), a.fixed(c.v), a.fixed(c.change), a.fixed(c.laws), a.fixed(c.laws_before), a.fixed(c.free);
  a.fixed(c.flies), a.fixed(c.lost), a.fixed(c.start), a.fixed(c.idle);
}

template <class Archive, class AnyWorld>
void visit_world(Archive& a, AnyWorld& w) {
  auto& c = w.controls;
  visit_state(a, w.state);
  a.fixed(c.effort), a.fixed(c.target_position), a.fixed(c.target_velocity);
  a.counted(c.wrenches, kForce);
  a.require(c.wrenches.empty() || c.wrenches.size() == static_cast<std::size_t>(w.model.nbody));
  const std::size_t joints = w.scene.joints.size();
  a.counted(w.breaks, [&](auto& archive, auto& broken) {
    archive.value(broken.joint.value);
    archive.require(broken.joint.valid() && broken.joint.index() < joints);
    archive.value(broken.force), archive.value(broken.torque);
    archive.value(broken.break_force), archive.value(broken.break_torque), archive.value(broken.time.ns);
  });
  bool touches = static_cast<bool>(w.data.contact);
  a.value(touches);
  a.require(touches == static_cast<bool>(w.data.contact));
  if (touches && w.data.contact)
    visit_contact(a, *w.data.contact, static_cast<int>(w.model.contact->geometry->colliders.size()));
}

}  // namespace

void save(const World& world, std::string& out) {
  Writer writer(out);
  writer.value(kMagic);
  visit_world(writer, world);
}

Result<void> restore(std::string_view bytes, World& world) {
  Reader reader(bytes);
  std::uint32_t magic = 0;
  reader.value(magic);
  reader.require(magic == kMagic);
  if (reader.ok()) visit_world(reader, world);
  if (!reader.done()) {
    return Error{ErrorCode::kBadInput,
                 "the snapshot is damaged, or of a world of another structure: restore it into a world of its scene"};
  }
  for (Break& broken : world.breaks) broken.path = world.scene.joints[broken.joint.index()].path;
  std::fill(world.data.placed.begin(), world.data.placed.end(), char{0});  // kinematics of another instant
  return {};
}

std::uint64_t hash_state(const scene::State& state) {
  std::string bytes;
  Writer writer(bytes);
  visit_state(writer, state);
  std::uint64_t out = 0xcbf29ce484222325u;
  for (const char c : bytes) out = (out ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return out;
}

}  // namespace geoul::dynamics
