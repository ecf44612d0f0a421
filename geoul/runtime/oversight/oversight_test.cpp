#include "geoul/runtime/oversight/oversight.h"

#include <gtest/gtest.h>

#include "geoul/runtime/server/eventually.h"
#include "scenarios/plant/machine/followed_machine.h"

namespace geoul::runtime::oversight {
namespace {

access::Identity kim() {
  access::Identity out;
  out.name = "kim";
  out.role = access::Role::kOperate;
  return out;
}

// A payload that nobody declared: the alarm names it, the advice is to declare it or to slow down, and somebody sees
// it.
TEST(Oversight, FromAFaultToAnAdvice) {
  plant::FollowedMachine followed({{plant::FaultKind::kPayload, 120, 0, 0.5}});
  std::vector<Alarm> kept;
  OversightOptions options;
  options.advice.draws = 10;
  options.on_alarm = [&](const Alarm& alarm) { kept.push_back(alarm); };
  Oversight oversight(followed.twin(), followed.bindings(), std::move(options));
  Time now;
  while (followed.machine().time() < 140 && oversight.advice().empty()) {
    const scene::State& state = followed.next();
    oversight.observe(state, followed.measures());
    oversight.tick(now = state.time);
  }
  ASSERT_TRUE(eventually([&] {
    oversight.tick(now);
    return !oversight.advice().empty();
  }));
  ASSERT_EQ(oversight.alarms().size(), 1u);
  const Alarm& alarm = oversight.alarms().front();
  EXPECT_EQ(alarm.causes.front().name, "payload");
  EXPECT_FALSE(kept.empty());
  const Advice advice = oversight.advice().front();
  EXPECT_EQ(advice.alarm, alarm.id);
  ASSERT_EQ(advice.options.size(), 4u);
  for (const Option& option : advice.options) {
    EXPECT_EQ(option.futures, 10u);
    EXPECT_FALSE(option.consequences.empty());
    EXPECT_FALSE(option.ghost.times.empty()) << option.id;
  }
  EXPECT_NE(advice.options.back().id, "declare-payload");  // it is never the worst
  ASSERT_TRUE(oversight.acknowledge(kim(), {alarm.id, "the wrong crate"}));
  EXPECT_EQ(oversight.alarms().front().acknowledged_by, "kim");
  EXPECT_FALSE(oversight.acknowledge(kim(), {99, ""}));
  // A question is rehearsed in the same motion; one that cannot be is answered in words.
  const Result<void> coffee = oversight.ask({"make coffee"});
  ASSERT_FALSE(coffee);
  EXPECT_NE(coffee.error().message.find("payload"), std::string::npos) << coffee.error().message;  // what can be asked
  ASSERT_TRUE(oversight.ask({"payload 1 kg"}));
  ASSERT_TRUE(eventually([&] {
    oversight.tick(now);
    return oversight.advice().size() == 2;
  }));
  EXPECT_EQ(oversight.advice().front().alarm, 0u);
  EXPECT_EQ(oversight.advice().front().options.size(), 3u);
  // An advice that nobody took is gone when it has expired.
  oversight.tick(now + AdviceRequest{}.life + Duration{1});
  EXPECT_TRUE(oversight.advice().empty());
}

}  // namespace
}  // namespace geoul::runtime::oversight
