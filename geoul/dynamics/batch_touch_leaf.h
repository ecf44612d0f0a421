// Where the worlds of a row may touch within the step, over lanes T. Pairs that are apart in every world are left out
// by bounds; balls and bars on planes are formulas; the rest is asked of the narrow phase world by world. What a world
// has does not depend on its neighbours. The rules are those of collision::detect and find_contacts (contacts.h).
#pragma once

#include "geoul/dynamics/batch_world_leaf.h"

namespace geoul::dynamics {

// Where a shape is.
template <class T>
struct Placed {
  Transform<T> X;  // in the world
  Vec3<T> v;       // of its origin
  T turn;          // [m/s] bound on what rotation adds anywhere on it
};

// A contact that some of the worlds have.
template <class T>
struct Touching {
  const BatchPair* pair = nullptr;
  int link_a = -1, link_b = -1;
  double key = 0;
  T on;          // 1 in the worlds that have it
  Vec3<T> p, n;  // where, in the world; from a to b
  T gap;         // [m]
};

template <class T, bool Varied>
struct TouchRow {
  using S = typename ScalarTraits<T>::Element;
  using Mask = typename T::Mask;
  static constexpr int kWidth = T::kWidth;

  using At = Placed<T>;

  const WorldRow<T, Varied>& world;
  At* placed;  // (nshape)
  Touching<T>* out;
  const BatchContactPlan& contact = world.contact;
  T h = world.h;
  int count = 0;
  T contacts = T(0);  // of each world
  Mask alone{};       // worlds that must step by themselves: fast bodies, or too many contacts

  static Vec3<T> vec(const double* p) { return {T(p[0]), T(p[1]), T(p[2])}; }
  static Mat3<T> mat(const double* R) { return {vec(R), vec(R + 3), vec(R + 6)}; }
  // Velocity of the point p of a link at the begin of the step.
  Vec3<T> velocity(int link, const Vec3<T>& p) const {
    if (link < 0) return {};
    const Motion<T>& V = world.links[link].V;
    return V.v + cross(V.w, p - world.origin(link));
  }
  void place() {
    int last = -1;
    T spin = T(0);
    for (int i = 0; i < contact.nshape; ++i) {
      const BatchShape& shape = contact.shapes[i];
      At& d = placed[i];
      d = {{mat(shape.R), vec(shape.p)}, {}, T(0)};
      if (shape.link < 0) continue;
      const WorldLink<T>& link = world.links[shape.link];
      d.X = Transform<T>{link.R, link.p} * d.X;
      d.v = velocity(shape.link, d.X.p);
      if (shape.form == BatchShape::kBall) continue;
      if (shape.link != last) spin = norm(link.V.w), last = shape.link;
      d.turn = spin * T(shape.bounding_radius);
    }
  }

  [[gnu::noinline]] void find() {
    place();
    for (int g = 0; g < contact.ngroup; ++g) {
      const BatchPairGroup& group = contact.groups[g];
      if (group.link_a >= 0 && group.link_b >= 0 && !any(near(group))) continue;
      for (int i = group.begin; i < group.end; ++i) pair(i, group);
    }
    alone = alone | (contacts > T(kMostContacts));
  }
  // Whether anything on the two links may touch.
  Mask near(const BatchPairGroup& group) const {
    const BatchReach &a = contact.reach[group.link_a], &b = contact.reach[group.link_b];
    const WorldLink<T>&A = world.links[group.link_a], &B = world.links[group.link_b];
    const Vec3<T> p = A.R * vec(a.p) + A.p, q = B.R * vec(b.p) + B.p;
    const Vec3<T> d = q - p, v = velocity(group.link_b, q) - velocity(group.link_a, p);
    const T spin = norm(A.V.w) * T(a.radius) + norm(B.V.w) * T(b.radius);
    const T reach = T(a.radius + b.radius + contact.margin) + h * (norm(v) + spin);
    return dot(d, d) <= reach * reach;
  }

  void pair(int index, const BatchPairGroup& group) {
    const BatchPair& pair = contact.pairs[index];
    const BatchShape &a = contact.shapes[pair.a], &b = contact.shapes[pair.b];
    const bool plane_a = a.form == BatchShape::kPlane, plane_b = b.form == BatchShape::kPlane;
    const At &A = placed[pair.a], &B = placed[pair.b];
    const Vec3<T> d = B.X.p - A.X.p, u = A.v - B.v;
    if (!plane_a && !plane_b) {  // a first look, without roots
      const T room = T(a.bounding_radius + b.bounding_radius + contact.margin) +
                     h * (abs(u.x) + abs(u.y) + abs(u.z) + A.turn + B.turn);
      if (!any(dot(d, d) <= room * room)) return;
    }
    T closing = norm(u) + A.turn + B.turn;
    if (plane_a && a.link >= 0) closing += norm(world.links[a.link].V.w) * (norm(d) + T(b.bounding_radius));
    if (plane_b && b.link >= 0) closing += norm(world.links[b.link].V.w) * (norm(d) + T(a.bounding_radius));
    const T margin = T(contact.margin) + h * closing;
    Mask close = plane_a   ? lowest(b, B, A) <= margin
                 : plane_b ? lowest(a, A, B) <= margin
                           : dot(d, d) <= square(T(a.bounding_radius + b.bounding_radius) + margin);
    if (!any(close)) return;
    if (!plane_a && !plane_b) {
      close = close & !apart(a, A, b, B, d, margin);
      if (!any(close)) return;
    }
    alone = alone | (close & (h * closing > T(0.5 * (a.thickness < b.thickness ? a.thickness : b.thickness))));
    switch (pair.way) {
      case BatchPair::kBallOnPlane:
      case BatchPair::kBarOnPlane: return on_plane(index, group, plane_b ? A : B, plane_b ? B : A, close);
      default: ask(index, group, A, B, margin, close);
    }
  }
  static T square(const T& x) { return x * x; }

  // How far a shape reaches along a direction from its origin, at most.
  static T support(const BatchShape& shape, const Mat3<T>& R, const Vec3<T>& n) {
    switch (shape.form) {
      case BatchShape::kBall: return T(shape.radius);
      case BatchShape::kBar: return T(shape.radius) + T(shape.half_height) * abs(dot(R.column(2), n));
      default:
        return T(shape.half[0]) * abs(dot(R.column(0), n)) + T(shape.half[1]) * abs(dot(R.column(1), n)) +
               T(shape.half[2]) * abs(dot(R.column(2), n));
    }
  }
  // Height of a shape's lowest point over a plane, at least.
  static T lowest(const BatchShape& shape, const At& at, const At& plane) {
    const Vec3<T> up = plane.X.R.column(2);
    return dot(up, at.X.p - plane.X.p) - support(shape, at.X.R, up);
  }
  // Whether one of a few directions parts the two by more than the margin: the axes of blocks, across bars, and the
  // line between the origins.
  Mask apart(const BatchShape& a, const At& A, const BatchShape& b, const At& B, const Vec3<T>& d,
             const T& margin) const {
    if (a.form == BatchShape::kBar && b.form == BatchShape::kBar) return bars_apart(a, A, b, B, d, margin);
    const T length = norm(d);
    const T inverse = T(1) / select(length > T(1e-12), length, T(1e-12));
    Mask parted = parts(inverse * d, a, A, b, B, d, margin);
    for (const auto& [shape, at] : {std::pair{&a, &A}, std::pair{&b, &B}}) {
      if (shape->form == BatchShape::kBlock) {
        for (int k = 0; k < 3; ++k) {
          if (all(parted)) return parted;
          parted = parted | parts(at->X.R.column(k), a, A, b, B, d, margin);
        }
      } else if (shape->form == BatchShape::kBar) {
        if (all(parted)) return parted;
        const Vec3<T> u = at->X.R.column(2), across = d - dot(u, d) * u;
        const T l = norm(across);
        parted = parted | parts((T(1) / select(l > T(1e-12), l, T(1e-12))) * across, a, A, b, B, d, margin);
      }
    }
    return parted;
  }
  static Mask parts(const Vec3<T>& n, const BatchShape& a, const At& A, const BatchShape& b, const At& B,
                    const Vec3<T>& d, const T& margin) {
    return abs(dot(n, d)) - support(a, A.X.R, n) - support(b, B.X.R, n) > margin;
  }
  // The distance of two segments. Source: Ericson, Real-Time Collision Detection (2005), 5.1.9.
  static Mask bars_apart(const BatchShape& a, const At& A, const BatchShape& b, const At& B, const Vec3<T>& d,
                         const T& margin) {
    const Vec3<T> u = A.X.R.column(2), v = B.X.R.column(2);
    const T ha = T(a.half_height), hb = T(b.half_height), cosine = dot(u, v), ur = -dot(u, d), vr = -dot(v, d);
    const T sine2 = T(1) - cosine * cosine;
    const auto skewed = sine2 > T(1e-12);
    T s = kernels::clamped(select(skewed, (cosine * vr - ur) / select(skewed, sine2, T(1)), -ur), -ha, ha);
    const T t = kernels::clamped(cosine * s + vr, -hb, hb);
    s = kernels::clamped(cosine * t - ur, -ha, ha);
    const Vec3<T> between = d + t * v - s * u;
    const T reach = T(a.radius + b.radius) + margin;
    return dot(between, between) > reach * reach;
  }

  Touching<T>& add(int index, const BatchPairGroup& group, double key, const T& on) {
    Touching<T>& t = out[count++];
    t.pair = contact.pairs + index;
    t.link_a = group.link_a, t.link_b = group.link_b, t.key = key, t.on = on;
    contacts += on;
    return t;
  }
  // Speculative contacts: what the step can close.
  Mask reachable(const BatchPairGroup& group, const Vec3<T>& p, const Vec3<T>& n, const T& gap) const {
    const T closing = dot(n, velocity(group.link_a, p) - velocity(group.link_b, p));
    return gap <= T(contact.margin) + h * select(closing > T(0), closing, T(0));
  }

  // The ends of a bar that its lowest line or cap has, or the lowest point of a ball.
  void on_plane(int index, const BatchPairGroup& group, const At& at, const At& plane, const Mask& close) {
    const BatchPair& pair = contact.pairs[index];
    const bool plane_is_b = contact.shapes[pair.b].form == BatchShape::kPlane;
    const BatchShape& shape = contact.shapes[plane_is_b ? pair.a : pair.b];
    const Vec3<T> up = plane.X.R.column(2), n = plane_is_b ? -up : up;
    const T height = dot(up, at.X.p - plane.X.p), radius = T(shape.radius);
    constexpr double kHalfRoot = 0.70710678118654752;
    const bool bar = pair.way == BatchPair::kBarOnPlane;
    const Vec3<T> u = at.X.R.column(2);
    const T lean = -dot(u, up);  // of the bar's own axis along down
    for (int end = 0; end < (bar ? 2 : 1); ++end) {
      Vec3<T> centre = at.X.p;
      T gap = height - radius;
      Mask on = close;
      if (bar) {
        const T to = T(end == 0 ? shape.half_height : -shape.half_height);
        centre += to * u;
        gap = height - to * lean - radius;
        on = on & (T(end == 0 ? 1 : -1) * lean > T(-kHalfRoot));
      }
      const Vec3<T> p = centre - (radius + T(0.5) * gap) * up;
      on = on & reachable(group, p, n, gap);
      if (!any(on)) continue;
      Touching<T>& t =
          add(index, group, contact_key(index, bar ? static_cast<std::uint64_t>(end + 1) : 0), select(on, T(1), T(0)));
      t.p = p, t.n = n, t.gap = gap;
    }
  }

  // World by world. Points of the same feature share a place.
  void ask(int index, const BatchPairGroup& group, const At& A, const At& B, const T& margin, const Mask& close) {
    const BatchPair& pair = contact.pairs[index];
    const int first = count;
    for (int l = 0; l < kWidth; ++l) {
      if (!close[l]) continue;
      double X_Wa[12], X_Wb[12];
      write(A.X, l, X_Wa), write(B.X, l, X_Wb);
      BatchTouch touch;
      contact.narrow(contact.geometry, pair.a, pair.b, X_Wa, X_Wb, margin.r[l], &touch);
      for (int k = 0; k < touch.count; ++k) put(index, group, touch, k, l, first);
    }
    for (int i = first + 1; i < count; ++i) {  // by key: sums over contacts have one order whoever stands beside
      for (int j = i; j > first && out[j].key < out[j - 1].key; --j) std::swap(out[j], out[j - 1]);
    }
    int kept = first;
    for (int i = first; i < count; ++i) {  // what the step cannot close
      Touching<T>& t = out[i];
      const Mask on = (t.on != T(0)) & reachable(group, t.p, t.n, t.gap);
      contacts += select(on, T(1), T(0)) - t.on;
      t.on = select(on, T(1), T(0));
      if (!any(on)) continue;
      if (kept != i) out[kept] = t;
      ++kept;
    }
    count = kept;
  }
  static void write(const Transform<T>& X, int l, double* out) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) out[3 * i + j] = X.R[i][j].r[l];
      out[9 + i] = X.p[i].r[l];
    }
  }
  void put(int index, const BatchPairGroup& group, const BatchTouch& touch, int k, int l, int first) {
    const double key = contact_key(index, touch.points[k].id);
    int at = first;
    while (at < count && (out[at].key != key || out[at].on.r[l] != S(0))) ++at;
    if (at == count) {
      Touching<T>& t = add(index, group, key, T(0));
      t.p = {}, t.n = {T(0), T(0), T(1)}, t.gap = T(1);
    }
    Touching<T>& t = out[at];
    t.on.r[l] = S(1), contacts.r[l] += S(1);
    for (int i = 0; i < 3; ++i) t.p[i].r[l] = static_cast<S>(touch.points[k].p[i]);
    for (int i = 0; i < 3; ++i) t.n[i].r[l] = static_cast<S>(touch.normal[i]);
    t.gap.r[l] = static_cast<S>(touch.points[k].distance);
  }
};

}  // namespace geoul::dynamics
