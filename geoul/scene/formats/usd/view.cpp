#include "geoul/scene/formats/usd/view.h"

#include <cmath>

namespace geoul::scene::usd {
namespace {

constexpr double kUnitSlack = 8 * 2.220446049250313e-16;

bool is_finite(const Value::Reals& values) {
  for (const double x : values) {
    if (!std::isfinite(x)) return false;
  }
  return true;
}

bool has_nan(const Value::Reals& values) {
  for (const double x : values) {
    if (std::isnan(x)) return true;
  }
  return false;
}

}  // namespace

Vec3d Frame::operator*(const Vec3d& p) const {
  const Vec3d s = scaled ? S * p : p;
  return (X.R == Quatd{} ? s : rotation_matrix(X.R) * s) + X.p;
}

Frame frame_of(const Mat3d& linear, const Vec3d& p) {
  Vec3d a = linear.column(0), b = linear.column(1), c = linear.column(2);
  const double mirror = determinant(linear) < 0 ? -1 : 1;
  const auto unit = [](const Vec3d& v, const Vec3d& otherwise) {
    const double n = norm(v);
    return n > 0 ? (1 / n) * v : otherwise;
  };
  // Axis by axis; a column of zero length (a flat scale) takes what completes a right-handed frame.
  a = unit(a, unit(cross(b, c), {1, 0, 0}));
  b = b - dot(a, b) * a;
  const Vec3d side = std::abs(a.z) < 0.9 ? Vec3d{0, 0, 1} : Vec3d{1, 0, 0};
  b = unit(b, unit(cross(c, a), unit(cross(side, a), {0, 1, 0})));
  a = mirror * a;
  c = cross(a, b);
  const Mat3d R = transpose(Mat3d{a, b, c});
  Frame out;
  out.X = {quaternion(R), p};
  out.S = transpose(R) * linear;
  out.scaled = true;
  double size = 0;
  for (int i = 0; i < 3; ++i) size = std::fmax(size, norm(out.S[i]));
  // Rounding of a rotation is not a scale, and no shear.
  Mat3d rounded = out.S;
  bool rigid = true;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      if (i != j && std::abs(rounded[i][j]) < 1e-12 * size) rounded[i][j] = 0;
      if (std::abs(rounded[i][j] - (i == j ? 1 : 0)) > 1e-12) rigid = false;
    }
  }
  out.S = rigid ? Mat3d::identity() : rounded;
  out.scaled = !rigid;
  return out;
}

Frame operator*(const Frame& A, const Frame& B) {
  const Vec3d p = A * B.X.p;
  if (!A.scaled) {
    const Quatd R = A.X.R == Quatd{} ? B.X.R : B.X.R == Quatd{} ? A.X.R : A.X.R * B.X.R;
    return {{R, p}, B.S, B.scaled};
  }
  if (B.X.R == Quatd{}) return {{A.X.R, p}, A.S * B.S, true};
  Frame out = frame_of(A.S * rotation_matrix(B.X.R) * B.S, p);
  out.X.R = A.X.R == Quatd{} ? out.X.R : A.X.R * out.X.R;
  return out;
}

std::optional<Quatd> unit_quaternion(const Quatd& q) {
  const double n = squared_norm(q);
  if (!(n > 0) || !std::isfinite(n)) return std::nullopt;
  return std::abs(n - 1) <= kUnitSlack ? q : normalized(q);
}

void View::error(const Prim& prim, const std::string& property, const char* code, std::string message,
                 std::string mend) const {
  diagnostics.error(property.empty() ? prim.where() : prim.where(property), code, std::move(message), std::move(mend));
}
void View::warning(const Prim& prim, const std::string& property, const char* code, std::string message,
                   std::string mend) const {
  diagnostics.warning(property.empty() ? prim.where() : prim.where(property), code, std::move(message),
                      std::move(mend));
}

std::optional<Resolved> View::attribute(const Prim& prim, const std::string& name) const {
  std::optional<Resolved> found = stage.attribute(prim, name);
  if (found && found->sampled) {
    warning(prim, name, "time-samples", "'" + name + "' changes with time; its earliest sample is read");
  }
  return found;
}

const Value::Reals* View::reals(const Prim& prim, const std::string& name, int components) const {
  const std::optional<Resolved> a = attribute(prim, name);
  if (!a) return nullptr;
  const auto* values = std::get_if<Value::Reals>(&a->value->content);
  if (!values || a->spec->type.components() != components) {
    error(prim, name, "wrong-type", "'" + name + "' is of type " + a->spec->type_name,
          components == 1 ? "write a number" : "write " + std::to_string(components) + " numbers in a value");
    return nullptr;
  }
  if (has_nan(*values)) {
    error(prim, name, "not-finite", "'" + name + "' holds NaN", "write finite numbers");
    return nullptr;
  }
  return values;
}

const Value::Integers* View::integers(const Prim& prim, const std::string& name) const {
  const std::optional<Resolved> a = attribute(prim, name);
  if (!a) return nullptr;
  const auto* values = std::get_if<Value::Integers>(&a->value->content);
  if (!values || a->spec->type.components() != 1) {
    error(prim, name, "wrong-type", "'" + name + "' is of type " + a->spec->type_name, "write int[]");
    return nullptr;
  }
  return values;
}

std::optional<double> View::extended(const Prim& prim, const std::string& name) const {
  const Value::Reals* values = reals(prim, name, 1);
  if (!values) return std::nullopt;
  if (values->size() != 1) {
    error(prim, name, "wrong-type", "'" + name + "' holds " + std::to_string(values->size()) + " numbers", "write one");
    return std::nullopt;
  }
  return values->front();
}

std::optional<double> View::number(const Prim& prim, const std::string& name) const {
  const std::optional<double> x = extended(prim, name);
  if (!x || std::isfinite(*x)) return x;
  error(prim, name, "not-finite", "'" + name + "' is infinite", "write a finite number");
  return std::nullopt;
}

double View::positive(const Prim& prim, const std::string& name, double fallback) const {
  const std::optional<double> x = number(prim, name);
  if (!x) return fallback;
  if (*x >= 0) return *x;
  error(prim, name, "negative-value", "'" + name + "' is negative", "write a number >= 0");
  return fallback;
}

std::optional<Vec3d> View::extended_vector(const Prim& prim, const std::string& name) const {
  const Value::Reals* v = reals(prim, name, 3);
  if (!v) return std::nullopt;
  if (v->size() == 3) return Vec3d{(*v)[0], (*v)[1], (*v)[2]};
  error(prim, name, "wrong-type", "'" + name + "' is an array", "write one vector (x, y, z)");
  return std::nullopt;
}

std::optional<Vec3d> View::vector(const Prim& prim, const std::string& name) const {
  const std::optional<Vec3d> v = extended_vector(prim, name);
  if (!v || is_finite({v->x, v->y, v->z})) return v;
  error(prim, name, "not-finite", "'" + name + "' is infinite", "write finite numbers");
  return std::nullopt;
}

std::optional<Quatd> View::quaternion(const Prim& prim, const std::string& name) const {
  const Value::Reals* v = reals(prim, name, 4);
  if (!v) return std::nullopt;
  if (v->size() == 4 && is_finite(*v)) {
    if (const std::optional<Quatd> q = unit_quaternion({(*v)[0], (*v)[1], (*v)[2], (*v)[3]})) return q;
  }
  error(prim, name, "bad-rotation", "'" + name + "' is no quaternion of finite length",
        "write (w, x, y, z) of unit length; (1, 0, 0, 0) is no rotation");
  return std::nullopt;
}

std::optional<std::string> View::token(const Prim& prim, const std::string& name) const {
  const std::optional<Resolved> a = attribute(prim, name);
  if (!a) return std::nullopt;
  const auto* values = std::get_if<Value::Strings>(&a->value->content);
  if (values && values->size() == 1) return values->front();
  error(prim, name, "wrong-type", "'" + name + "' is of type " + a->spec->type_name, "write a token or string");
  return std::nullopt;
}

std::optional<bool> View::flag(const Prim& prim, const std::string& name) const {
  const std::optional<Resolved> a = attribute(prim, name);
  if (!a) return std::nullopt;
  const auto* values = std::get_if<Value::Integers>(&a->value->content);
  if (values && values->size() == 1) return values->front() != 0;
  error(prim, name, "wrong-type", "'" + name + "' is of type " + a->spec->type_name, "write bool, true or false");
  return std::nullopt;
}

bool View::applies(const Prim& prim, const std::string& api, const std::string& property) const {
  if (prim.has_api(api)) return true;
  if (!stage.attribute(prim, property)) return false;
  warning(prim, property, "api-not-applied", "'" + property + "' is read, but the prim does not have " + api,
          "write prepend apiSchemas = [\"" + api + "\"]");
  return true;
}

const Prim* View::target(const Prim& prim, const std::string& relationship, bool& broken, bool optional) const {
  broken = false;
  const std::size_t errors = diagnostics.error_count();
  const std::vector<std::string> paths = stage.targets(prim, relationship, diagnostics);
  if (diagnostics.error_count() != errors) broken = true;
  if (paths.empty()) return nullptr;
  if (paths.size() > 1) {
    error(prim, relationship, "too-many-targets",
          "'" + relationship + "' names " + std::to_string(paths.size()) + " prims", "name one");
    broken = true;
    return nullptr;
  }
  const Prim* found = stage.find(paths.front());
  if (found) return found;
  const std::string message = "'" + relationship + "' names <" + paths.front() + ">, which does not exist";
  if (optional) {
    warning(prim, relationship, "missing-target", message + "; the defaults are used", "check the path");
  } else {
    error(prim, relationship, "missing-target", message, "check the path");
    broken = true;
  }
  return nullptr;
}

}  // namespace geoul::scene::usd
