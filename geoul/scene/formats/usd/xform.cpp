// UsdGeomXformable: xformOps and their order. USD multiplies row vectors, so the first op of xformOpOrder is the
// outermost; here with column vectors the product runs in the order of the list.
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

// Sine and cosine of an angle in degrees, exact at multiples of 90.
void sincos_degrees(double degrees, double& s, double& c) {
  const double turn = std::remainder(degrees, 360.0);  // exact, [-180, 180]
  const double quarter = std::nearbyint(turn / 90);
  const double rest = (turn - 90 * quarter) * std::numbers::pi / 180;
  const double a = std::sin(rest), b = std::cos(rest);
  switch (static_cast<int>(quarter)) {
    case 0: s = a, c = b; return;
    case 1: s = b, c = -a; return;
    case -1: s = -b, c = a; return;
    default: s = -a, c = -b; return;
  }
}

Quatd rotation(int axis, double degrees) {
  double s = 0, c = 1;
  sincos_degrees(degrees / 2, s, c);
  Quatd q{c, 0, 0, 0};
  (axis == 0 ? q.x : axis == 1 ? q.y : q.z) = s;
  return q;
}

// "XYZ" turns about x first: Rz Ry Rx for column vectors.
Quatd rotation(const std::string& order, const Vec3d& degrees) {
  Quatd q;
  for (const char letter : order) q = rotation(letter - 'X', degrees[letter - 'X']) * q;
  return q;
}

Frame inverse_of(const Frame& f) {
  const Mat3d linear = rotation_matrix(f.X.R) * f.S;
  const double d = determinant(linear);
  const Vec3d a = linear.column(0), b = linear.column(1), c = linear.column(2);
  const Mat3d inverse = (1 / d) * Mat3d{cross(b, c), cross(c, a), cross(a, b)};
  if (!f.scaled) {
    const Quatd R = conjugate(f.X.R);
    return {{R, -(rotation_matrix(R) * f.X.p)}, Mat3d::identity(), false};
  }
  return frame_of(inverse, -(inverse * f.X.p));
}

bool is_order(const std::string& kind) {
  if (kind.size() != 9 || kind.compare(0, 6, "rotate") != 0) return false;
  const std::string o = kind.substr(6);
  return o == "XYZ" || o == "XZY" || o == "YXZ" || o == "YZX" || o == "ZXY" || o == "ZYX";
}

std::optional<Frame> matrix_op(const View& view, const Prim& prim, const std::string& name) {
  const Value::Reals* m = view.reals(prim, name, 16);
  if (!m || m->size() != 16) return std::nullopt;
  const auto at = [&](int row, int column) { return (*m)[static_cast<std::size_t>(4 * row + column)]; };
  for (const double x : *m) {
    if (!std::isfinite(x)) {
      view.error(prim, name, "not-finite", "'" + name + "' holds infinity", "write finite numbers");
      return std::nullopt;
    }
  }
  if (std::abs(at(0, 3)) + std::abs(at(1, 3)) + std::abs(at(2, 3)) > 0 || at(3, 3) != 1) {
    view.error(prim, name, "bad-transform", "the last column of '" + name + "' is not (0, 0, 0, 1)",
               "write the translation in the last row");
    return std::nullopt;
  }
  const Mat3d linear{{at(0, 0), at(1, 0), at(2, 0)}, {at(0, 1), at(1, 1), at(2, 1)}, {at(0, 2), at(1, 2), at(2, 2)}};
  return frame_of(linear, view.meters * Vec3d{at(3, 0), at(3, 1), at(3, 2)});
}

std::optional<Frame> one_op(const View& view, const Prim& prim, const std::string& name, const std::string& kind) {
  Frame out;
  if (kind == "translate") {
    const std::optional<Vec3d> p = view.vector(prim, name);
    if (!p) return std::nullopt;
    out.X.p = view.meters * *p;
  } else if (kind == "scale") {
    const std::optional<Vec3d> s = view.vector(prim, name);
    if (!s) return std::nullopt;
    out.S = Mat3d::diagonal(*s);
    out.scaled = !(*s == Vec3d{1, 1, 1});
  } else if (kind.size() == 10 && kind.compare(0, 9, "translate") == 0 && kind.back() >= 'X' && kind.back() <= 'Z') {
    const std::optional<double> x = view.number(prim, name);
    if (!x) return std::nullopt;
    out.X.p[kind.back() - 'X'] = view.meters * *x;
  } else if (kind.size() == 6 && kind.compare(0, 5, "scale") == 0 && kind.back() >= 'X' && kind.back() <= 'Z') {
    const std::optional<double> x = view.number(prim, name);
    if (!x) return std::nullopt;
    out.S[kind.back() - 'X'][kind.back() - 'X'] = *x;
    out.scaled = *x != 1;
  } else if (kind == "orient") {
    const std::optional<Quatd> q = view.quaternion(prim, name);
    if (!q) return std::nullopt;
    out.X.R = *q;
  } else if (kind == "rotateX" || kind == "rotateY" || kind == "rotateZ") {
    const std::optional<double> angle = view.number(prim, name);
    if (!angle) return std::nullopt;
    out.X.R = rotation(kind.back() - 'X', *angle);
  } else if (is_order(kind)) {
    const std::optional<Vec3d> angles = view.vector(prim, name);
    if (!angles) return std::nullopt;
    out.X.R = rotation(kind.substr(6), *angles);
  } else if (kind == "transform") {
    return matrix_op(view, prim, name);
  } else {
    view.error(prim, name, "unknown-xform-op", "there is no transform operation '" + kind + "'",
               "write translate, scale, orient, rotateX to rotateZYX, or transform");
    return std::nullopt;
  }
  return out;
}

}  // namespace

Frame local_frame(const View& view, const Prim& prim, bool& reset) {
  reset = false;
  Frame whole;
  const std::optional<Resolved> order = view.attribute(prim, "xformOpOrder");
  if (!order) return whole;
  const auto* names = std::get_if<Value::Strings>(&order->value->content);
  if (!names) {
    view.error(prim, "xformOpOrder", "wrong-type", "'xformOpOrder' is no list of tokens",
               "write uniform token[] xformOpOrder = [...]");
    return whole;
  }
  for (std::string name : *names) {
    if (name == "!resetXformStack!") {
      reset = true;
      whole = {};
      continue;
    }
    const bool inverted = name.rfind("!invert!", 0) == 0;
    if (inverted) name.erase(0, 8);
    if (name.rfind("xformOp:", 0) != 0) {
      view.error(prim, "xformOpOrder", "unknown-xform-op", "'" + name + "' is no transform operation",
                 "names begin with xformOp:");
      continue;
    }
    if (!view.stage.attribute(prim, name)) {
      view.error(prim, "xformOpOrder", "missing-xform-op", "'" + name + "' is in xformOpOrder but has no value",
                 "write it, or take it out of xformOpOrder");
      continue;
    }
    const std::string kind = name.substr(8, name.find(':', 8) == std::string::npos ? name.npos : name.find(':', 8) - 8);
    const std::optional<Frame> op = one_op(view, prim, name, kind);
    if (!op) continue;
    if (inverted && op->scaled && determinant(op->S) == 0) {
      view.error(prim, name, "bad-transform", "'" + name + "' has no inverse", "write a scale that is not zero");
      continue;
    }
    whole = whole * (inverted ? inverse_of(*op) : *op);
  }
  return whole;
}

}  // namespace geoul::scene::usd
