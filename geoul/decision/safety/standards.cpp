#include "geoul/decision/safety/standards.h"

#include <array>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::decision::safety {
namespace {

constexpr std::string_view kMarvel =
    "Marvel, Norcross, Robotics and Computer-Integrated Manufacturing 44 (2017), PMC5117641";
constexpr std::string_view kScitepress =
    "scitepress.org/PublishedPapers/2020/94464, eq. 2 and 3 and the text below them";
constexpr std::string_view kFsd = "fsddsk.com/iso-13855-safety-distance-calculator, table of constants";
constexpr std::string_view kItot = "itotconvergentie.nl/en/ISO-13855, note on C of coarse zones";
constexpr std::string_view kStimba = "safety.stimba.sk/en/pfl, calculation trace and results by region";
constexpr std::string_view kInMotion = "inmotion iso-ts-15066-body-region-force-limits, table of regions";
constexpr std::string_view kCollisionRl = "public code 'human_robot_collision_RL', effective masses by ISO/TS 15066";

constexpr Source kSeparation{"ISO/TS 15066:2016 5.5.4; ISO 10218-2:2025 Annex on SSM", kMarvel};
constexpr std::array kData = {
    Datum{"K, body that walks", kWalkingSpeed, "m/s", {"ISO 13855:2010 6.2", kScitepress}},
    Datum{"K, within 0.5 m", kReachingSpeed, "m/s", {"ISO 13855:2010 6.2", kScitepress}},
    Datum{"C per detection capability", 8, "m/m", {"ISO 13855:2010 6.2", kFsd}},
    Datum{"detection capability without C", 0.014, "m", {"ISO 13855:2010 6.2", kFsd}},
    Datum{"C of coarse zones", 0.85, "m", {"ISO 13855:2010 6.2", kItot}},
    Datum{"S_p = S_h + S_r + S_s + C + Z_d + Z_r", 1, "", kSeparation},
    Datum{"transient contact force over quasi-static", kTransientFactor, "", {"ISO 10218-2:2025 Table A.2", kStimba}},
    Datum{"share of the moving mass in contact", 0.5, "", {"ISO 10218-2:2025 A.4", kStimba}},
};

constexpr Source kForce{"ISO 10218-2:2025 Table A.2 (ISO/TS 15066:2016 Table A.2)", kStimba};
constexpr Source kStiffness{"ISO/TS 15066:2016 Table A.3", kInMotion};
constexpr Source kMass{"ISO/TS 15066:2016 Table A.3", kCollisionRl};
constexpr Source kBoth{"ISO 10218-2:2025 A.3 to A.5", kStimba};
constexpr std::array kRegions = {
    BodyRegion{"back and shoulders", 210, 35e3, 40, kForce, kBoth, kBoth},
    BodyRegion{"chest", 140, 25e3, 40, kForce, kStiffness, kMass},
    BodyRegion{"abdomen", 110, 10e3, 40, kForce, kStiffness, kMass},
    BodyRegion{"pelvis", 180, {}, 40, kForce, {}, kMass},
    BodyRegion{"upper arm and elbow", 150, {}, 3, kForce, {}, kMass},
    BodyRegion{"forearm and wrist", 160, {}, 2, kForce, {}, kMass},
    BodyRegion{"hand and fingers", 140, {}, 0.6, kForce, {}, kMass},
};

}  // namespace

std::span<const Datum> standard_data() { return kData; }
std::span<const BodyRegion> body_regions() { return kRegions; }

double intrusion(double detection_capability) {
  GEOUL_EXPECTS(detection_capability >= 0);
  if (detection_capability > 0.040) return 0.85;
  return std::max(0.0, 8 * (detection_capability - 0.014));
}

Separation protective_separation(const SeparationInputs& in) {
  return {in.person_speed * (in.reaction_time + in.stopping_time),
          in.robot_speed * in.reaction_time,
          in.stopping_distance,
          in.C,
          in.Z_d,
          in.Z_r};
}

std::optional<double> contact_speed(const BodyRegion& region, double robot_mass) {
  GEOUL_EXPECTS(robot_mass > 0);
  if (!region.stiffness || !region.mass) return std::nullopt;
  const double reduced = robot_mass * *region.mass / (robot_mass + *region.mass);
  return kTransientFactor * region.force / std::sqrt(reduced * *region.stiffness);
}

}  // namespace geoul::decision::safety
