// Sentences as questions: never a crash, and what is understood is without problem.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geoul/decision/futures/question.h"
#include "geoul/scene/scene.h"

namespace {

using namespace geoul;

dynamics::Model model() {
  scene::Scene scene;
  scene::BodyId parent = scene::kWorld;
  for (const char* name : {"upper", "fore", "hand"}) {
    scene::Body body;
    body.path = std::string("/arm/") + name;
    body.mass = {1, {0.1, 0, 0}, {0.01, 0.01, 0.01, 0, 0, 0}};
    scene.bodies.push_back(body);
    scene::Joint joint;
    joint.path = body.path + "_joint";
    joint.type = scene::JointType::kRevolute;
    joint.parent = parent, joint.child = scene::BodyId::from_index(scene.bodies.size() - 1);
    joint.drive.damping = 1, joint.drive.target_velocity = 1;
    scene.joints.push_back(joint);
    parent = joint.child;
  }
  return dynamics::compiled(scene);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dynamics::Model kModel = model();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<decision::Question> out = decision::understand(text, kModel);
  if (!out) {
    if (out.error().message.empty()) std::abort();
    return 0;
  }
  for (const decision::Disturbance& d : out->disturbances) {
    if (!decision::problem(d, kModel).empty()) std::abort();
  }
  return 0;
}
