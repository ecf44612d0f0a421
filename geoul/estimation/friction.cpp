#include "geoul/estimation/friction.h"

#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

struct Term {
  std::string name, unit;
  bool positive;
};

std::vector<Term> all_terms(const FrictionShape& shape) {
  std::vector<Term> terms;
  if (shape.rotor) terms.push_back({"rotor", "kg m2", true});
  if (shape.offset) terms.push_back({"offset", "N.m", false});
  terms.push_back({"viscous", "N.m.s/rad", true});
  terms.push_back({"coulomb", "N.m", true});
  if (shape.asymmetric) terms.push_back({"asymmetry", "N.m", false});
  if (shape.stribeck_speed > 0) terms.push_back({"stribeck", "N.m", false});
  for (double length : shape.lengths) {
    char name[48];
    std::snprintf(name, sizeof name, "hysteresis(%g)", length);
    terms.push_back({name, "N.m", true});
  }
  return terms;
}

}  // namespace

int FrictionShape::terms() const {
  return 2 + (rotor ? 1 : 0) + (offset ? 1 : 0) + (asymmetric ? 1 : 0) + (stribeck_speed > 0 ? 1 : 0) +
         static_cast<int>(lengths.size());
}

std::string FrictionShape::name() const {
  std::string text;
  for (const Term& term : all_terms(*this)) text += (text.empty() ? "" : " + ") + term.name;
  return text;
}

std::vector<std::string> term_names(const FrictionShape& shape) {
  std::vector<std::string> names;
  for (const Term& term : all_terms(shape)) names.push_back(term.name);
  return names;
}

std::vector<std::string> term_units(const FrictionShape& shape) {
  std::vector<std::string> units;
  for (const Term& term : all_terms(shape)) units.push_back(term.unit);
  return units;
}

std::vector<bool> term_positive(const FrictionShape& shape) {
  std::vector<bool> positive;
  for (const Term& term : all_terms(shape)) positive.push_back(term.positive);
  return positive;
}

void advance(const FrictionShape& shape, double dq, std::span<double> z) {
  GEOUL_EXPECTS(z.size() == shape.lengths.size());
  const double sign = dq > 0 ? 1 : -1;
  for (std::size_t k = 0; k < z.size(); ++k) z[k] = sign + (z[k] - sign) * std::exp(-std::abs(dq) / shape.lengths[k]);
}

void friction_terms(const FrictionShape& shape, double v, double a, std::span<const double> z, std::span<double> out) {
  GEOUL_EXPECTS(out.size() == static_cast<std::size_t>(shape.terms()) && z.size() == shape.lengths.size());
  const double direction = std::tanh(v / shape.softness);
  std::size_t at = 0;
  if (shape.rotor) out[at++] = a;
  if (shape.offset) out[at++] = 1;
  out[at++] = v;
  out[at++] = direction;
  if (shape.asymmetric) out[at++] = std::abs(direction);
  if (shape.stribeck_speed > 0) {
    const double ratio = v / shape.stribeck_speed;
    out[at++] = direction * std::exp(-ratio * ratio);
  }
  for (double level : z) out[at++] = level;
}

}  // namespace geoul::estimation
