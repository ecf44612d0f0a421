// Composition, by the files of testdata/compose. tools/oracles/usd_compare.py says that OpenUSD composes them alike.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "geoul/scene/formats/usd/prim_graph.h"
#include "geoul/scene/formats/usd/stage.h"

namespace geoul::scene::usd {
namespace {

const std::string kData = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/usd/testdata/";

struct Composed {
  Diagnostics diagnostics;
  AssetFiles files;
  Stage stage;

  explicit Composed(const std::string& file) {
    const std::string name = kData + "compose/" + file;
    std::unique_ptr<Layer> root = files.layer(name, {name, 0, ""}, diagnostics);
    if (root) stage = compose(std::move(root), files, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  }
  bool has(const std::string& path) const { return stage.find(path) != nullptr; }
  // Text of an attribute; "-" where the prim is missing, "none" where it has no value.
  std::string text(const std::string& path, const std::string& name) const {
    const Prim* prim = stage.find(path);
    if (!prim) return "-";
    const auto found = stage.attribute(*prim, name);
    const auto* values = found ? std::get_if<Value::Strings>(&found->value->content) : nullptr;
    return values && values->size() == 1 ? values->front() : "none";
  }
  double number(const std::string& path, const std::string& name, std::optional<double> time) {
    stage.set_time(time);
    const Prim* prim = stage.find(path);
    const auto found = prim ? stage.attribute(*prim, name) : std::nullopt;
    if (!found) return -1;
    if (const auto* x = std::get_if<Value::Integers>(&found->value->content)) return static_cast<double>(x->front());
    return std::get<Value::Reals>(found->value->content).front();
  }
  std::vector<std::string> targets(const std::string& path, const std::string& name) {
    return stage.targets(*stage.find(path), name, diagnostics);
  }
  std::vector<std::string> children(const std::string& path) const {
    std::vector<std::string> out;
    const Prim& prim = *stage.find(path);
    for (int i = stage.first_child(prim); i < prim.end; i = stage.next_sibling(i)) {
      out.emplace_back(stage.prims()[static_cast<std::size_t>(i)].name());
    }
    return out;
  }
};

using Names = std::vector<std::string>;

TEST(Composition, OrdersArcsLocalInheritsVariantsReferencesPayloadsSpecializes) {
  const Composed s("strength.usda");
  EXPECT_EQ(s.text("/LocalOverInherits", "v"), "local");
  EXPECT_EQ(s.text("/LocalOverInherits", "sub"), "sublayer");
  EXPECT_EQ(s.text("/LocalOverInherits", "w"), "inherits");
  EXPECT_EQ(s.text("/InheritsOverVariant", "v"), "inherits");
  EXPECT_EQ(s.text("/VariantOverReference", "v"), "variant");
  EXPECT_EQ(s.text("/VariantOverReference", "far"), "sublayer");
  EXPECT_EQ(s.text("/ReferenceOverPayload", "v"), "reference");
  EXPECT_EQ(s.text("/ReferenceOverPayload", "paid"), "payload");
  EXPECT_EQ(s.text("/PayloadOverSpecializes", "v"), "payload");
  EXPECT_EQ(s.text("/PayloadOverSpecializes", "special"), "specializes");
  EXPECT_EQ(s.text("/All", "v"), "inherits");
  EXPECT_EQ(s.text("/All", "far"), "variant");
  EXPECT_EQ(s.text("/All", "paid"), "payload");
  EXPECT_EQ(s.text("/All", "special"), "specializes");
  EXPECT_EQ(s.text("/TwoReferences", "v"), "payload");  // the first of the list
}

TEST(Composition, OrdersTheKindOfArcBeforeTheDepthAtWhichItIsWritten) {
  const Composed s("strength.usda");
  EXPECT_EQ(s.text("/Above/below", "v"), "inherits above");  // before the reference of the prim itself
  EXPECT_EQ(s.text("/AboveReference/below", "v"), "other");  // its own reference before the one of the prim above
}

TEST(Composition, TakesSelectionsOfVariantsFromAnyStrength) {
  const Composed s("variants.usda");
  EXPECT_EQ(s.text("/AsItIs", "v"), "small");    // the set that is listed first is stronger
  EXPECT_EQ(s.text("/AsItIs", "color"), "red");  // selected inside of the variant
  EXPECT_EQ(s.text("/AsItIs/part", "v"), "small part");
  EXPECT_EQ(s.text("/Large", "color"), "blue");
  EXPECT_EQ(s.text("/Large", "trim"), "gold");
  EXPECT_TRUE(s.has("/Large/ring"));
  EXPECT_FALSE(s.has("/Large/part"));
  EXPECT_EQ(s.text("/LargeSilverRed", "trim"), "silver");
  EXPECT_EQ(s.text("/LargeSilverRed", "color"), "red");
  EXPECT_EQ(s.text("/ByAClass", "v"), "large");
  EXPECT_EQ(s.text("/NoSuchVariant", "v"), "none");
  EXPECT_EQ(s.text("/TakenBack", "v"), "none");
}

TEST(Composition, FollowsArcsThatStandInVariants) {
  const Composed s("variants.usda");
  EXPECT_EQ(s.text("/ArcInVariant", "v"), "tool");
  EXPECT_TRUE(s.has("/ArcInVariant/tip"));
}

TEST(Composition, ImpliesClassesWhereThePartIsReferenced) {
  const Composed s("implied.usda");
  EXPECT_EQ(s.text("/Plain", "v"), "class of the scene");
  EXPECT_EQ(s.text("/Plain", "kept"), "class in the part");
  EXPECT_EQ(s.text("/Plain", "own"), "part");  // before what it specializes, even of the scene
  EXPECT_EQ(s.text("/Plain", "s"), "special of the scene");
  EXPECT_EQ(s.text("/Local", "v"), "local");
  EXPECT_EQ(s.text("/Plain/link", "v"), "link class in the part");
  EXPECT_EQ(s.text("/Changed/link", "v"), "link class of the scene");
  EXPECT_EQ(s.text("/Changed/hand", "v"), "link class of the scene");
  EXPECT_EQ(s.text("/Changed/hand", "s"), "hand");  // a specialized class stays weaker
  EXPECT_EQ(s.text("/Cell/robot", "v"), "class of the scene");
  EXPECT_EQ(s.text("/Cell/robot", "kept"), "class of the cell");
  EXPECT_EQ(s.text("/Cell/robot/link", "v"), "link class of the outer scene");
}

TEST(Composition, MapsTargetsAndConnectionsIntoTheStage) {
  Composed s("implied.usda");
  EXPECT_EQ(s.targets("/Plain/link", "tool"), (Names{"/Plain/hand"}));
  EXPECT_EQ(s.targets("/Cell/robot/link", "tool"), (Names{"/Cell/robot/hand"}));
  EXPECT_EQ(s.stage.connections(*s.stage.find("/Plain/link"), "in"), (Names{"/Plain/hand.out"}));
  EXPECT_TRUE(s.diagnostics.ok());
  EXPECT_EQ(s.targets("/Plain/link", "away"), (Names{}));  // outside of what was referenced
  EXPECT_TRUE(s.diagnostics.has("target-outside-reference"));
}

TEST(Composition, KeepsSpecializesWeakerThanEverything) {
  const Composed s("specializes.usda");
  EXPECT_EQ(s.text("/ReferencesBoth", "v"), "weak");  // a weaker reference before what the stronger specializes
  EXPECT_EQ(s.text("/ReferencesBoth", "b"), "middle");
  EXPECT_EQ(s.text("/ReferencesBoth/child", "v"), "weak child");
  EXPECT_EQ(s.text("/Chain", "b"), "middle");
  EXPECT_EQ(s.text("/Chain", "v"), "base");
  EXPECT_EQ(s.text("/Two", "v"), "base");  // what the first specializes before the second
  EXPECT_EQ(s.text("/Two", "o"), "other");
  EXPECT_EQ(s.text("/InheritsMiddle", "v"), "weak");
}

TEST(Composition, RelocatesPrimsTheirOpinionsAndTargets) {
  Composed s("relocates.usda");
  EXPECT_FALSE(s.has("/Robot/link"));
  EXPECT_FALSE(s.has("/Robot/hand"));
  EXPECT_EQ(s.text("/Robot/arm", "here"), "scene");
  EXPECT_EQ(s.text("/Robot/arm", "v"), "link class in the part");
  EXPECT_EQ(s.text("/Robot/arm/hand", "out"), "hand");
  EXPECT_EQ(s.targets("/Robot/arm", "tool"), (Names{"/Robot/arm/hand"}));
  EXPECT_TRUE(s.has("/Gone/link"));
  EXPECT_FALSE(s.has("/Gone/hand"));
}

TEST(Composition, IgnoresWhatStandsBelowAnInstance) {
  const Composed s("instances.usda");
  EXPECT_TRUE(s.stage.find("/First")->instance);
  EXPECT_EQ(s.text("/First", "v"), "the instance itself is local");
  EXPECT_EQ(s.text("/First/hand", "v"), "by the class");
  EXPECT_FALSE(s.has("/First/extra"));
  EXPECT_EQ(s.text("/Second/tool", "v"), "a variant is an arc of the instance");
  EXPECT_EQ(s.text("/Open/hand", "v"), "counts");
  EXPECT_FALSE(s.stage.find("/NoArcs")->instance);
  EXPECT_TRUE(s.has("/NoArcs/child"));
  EXPECT_EQ(s.text("/Nested/robot", "v"), "class in the part");
  EXPECT_TRUE(s.stage.find("/Nested/robot")->instance);
  EXPECT_TRUE(s.diagnostics.has("instance-override"));
}

TEST(Composition, EditsListsAcrossLayersAndArcs) {
  Composed s("lists.usda");
  EXPECT_EQ(s.targets("/Edited", "r"), (Names{"/C", "/A"}));
  EXPECT_EQ(*s.stage.find("/Edited")->api_schemas, (Names{"PhysicsMassAPI", "PhysicsRigidBodyAPI"}));
  EXPECT_EQ(s.targets("/Sub", "r"), (Names{"/A", "/B", "/C"}));
}

TEST(Composition, OrdersChildren) {
  const Composed s("order.usda");
  EXPECT_EQ(s.children("/"), (Names{"Z", "Base", "Stronger"}));
  EXPECT_EQ(s.children("/Stronger"), (Names{"a", "d", "b", "c"}));
}

TEST(Composition, MovesTimesByOffsetsAndScales) {
  Composed s("times.usda");
  EXPECT_EQ(s.number("/Moved", "x", 105), 5);
  EXPECT_EQ(s.number("/Moved", "x", 200), 10);             // held behind the last
  EXPECT_EQ(s.number("/Moved", "at", std::nullopt), 105);  // a time code moves as well
  EXPECT_EQ(s.number("/Moved", "held", 109), 1);
  EXPECT_NEAR(s.number("/Moved", "q", 105), std::sqrt(0.5), 1e-15);  // along the great circle
  EXPECT_EQ(s.number("/Faster", "x", 2), 4);                         // 48 codes a second in 24
  EXPECT_EQ(s.number("/InSublayer", "x", 16 + 10), 5);               // 10 + 2 (3 + 5)
  EXPECT_EQ(s.number("/InSublayer", "sub", 13), 1.5);
  EXPECT_EQ(s.number("/InSublayer", "at", std::nullopt), 20);
  EXPECT_EQ(s.number("/DefaultOverSamples", "x", std::nullopt), 7);
  EXPECT_EQ(s.number("/DefaultOverSamples", "x", 15), 7);  // a stronger default before weaker samples
  EXPECT_EQ(s.number("/Blocked", "x", std::nullopt), -1);
  EXPECT_EQ(s.number("/Blocked", "y", 5), -1);
}

TEST(Composition, BringsWhatThePrimsAboveATargetHave) {
  const Composed s("subroot.usda");
  EXPECT_EQ(s.text("/Link", "v"), "model");
  EXPECT_EQ(s.text("/Hand", "v"), "variant of the model");
  EXPECT_EQ(s.text("/Hand", "out"), "hand");
  EXPECT_EQ(s.text("/Model/group/twin", "out"), "hand");
  EXPECT_EQ(s.text("/Outside", "v"), "link class in the part");
}

TEST(Composition, TellsDefinedPrimsFromClassesAndOvers) {
  const Composed s("specifiers.usda");
  EXPECT_FALSE(s.has("/Class"));
  EXPECT_FALSE(s.has("/OverOfClass"));
  EXPECT_TRUE(s.has("/DefOfClass/child"));
  EXPECT_FALSE(s.has("/DefOfClass/inner"));
  EXPECT_TRUE(s.has("/DefInner/inner/deep"));
  EXPECT_FALSE(s.has("/OverOnly"));
  EXPECT_FALSE(s.has("/Off/below"));
  EXPECT_TRUE(s.has("/ReferencesOver/below"));
  EXPECT_TRUE(s.has("/OverReferencesDef/own"));
}

// Levels that each refer to the one below so many times: 8 of 8 would be 19 million prims. What is made until it stops
// is counted in nodes, of which a prim this deep has as many as it has levels above it.
TEST(Composition, StopsReferencesThatMultiply) {
  struct Shape {
    int levels, parts;
    std::size_t most;  // prims
  };
  for (const Shape& shape : {Shape{8, 8, 110'000}, {20, 10, 110'000}, {18, 2, 65'000}, {3, 1000, 210'000}}) {
    std::string text = "#usda 1.0\ndef \"level0\"\n{\n}\n";
    for (int level = 1; level <= shape.levels; ++level) {
      text += "def \"level" + std::to_string(level) + "\"\n{\n";
      for (int part = 0; part < shape.parts; ++part) {
        text += "    def \"part" + std::to_string(part) + "\" (\n        references = </level" +
                std::to_string(level - 1) + ">\n    )\n    {\n    }\n";
      }
      text += "}\n";
    }
    Diagnostics d;
    AssetFiles files;
    const Stage stage = compose(parse_layer(text, "bomb.usda", d), files, d);
    EXPECT_TRUE(d.has("too-large")) << d.text();
    EXPECT_LT(stage.prims().size(), shape.most) << shape.levels << " levels of " << shape.parts;
  }
}

// Two prims of one part both lack what stands above their links; it is nobody's own.
TEST(Composition, SharesThePlacesWhereALayerSaysNothing) {
  const std::string text = R"(#usda 1.0
class "Link" { string v = "class" }
def "Part" { def "link" (inherits = </Link>) { def "inner" (inherits = </Link>) {} } }
def "A" (references = </Part>) {}
def "B" (references = </Part>) { over "link" { over "inner" { string v = "B" } } }
)";
  Diagnostics d;
  AssetFiles files;
  const Stage stage = compose(parse_layer(text, "shared.usda", d), files, d);
  const auto value = [&](const char* path) {
    const Prim* prim = stage.find(path);
    const auto found = prim ? stage.attribute(*prim, "v") : std::nullopt;
    const auto* words = found ? std::get_if<Value::Strings>(&found->value->content) : nullptr;
    return words && !words->empty() ? words->front() : std::string("none");
  };
  EXPECT_EQ(value("/A/link/inner"), "class");
  EXPECT_EQ(value("/B/link/inner"), "B");
  EXPECT_EQ(value("/B/link"), "class");
  EXPECT_TRUE(d.ok()) << d.text();
}

TEST(PathMap, MapsTheLongestPrefixAndCanBeUndone) {
  const PathMap map{{{"/C", "/M"}, {"/C/a", "/M/b"}}, true, {}};
  EXPECT_EQ(map.to_target("/C/x.y"), "/M/x.y");
  EXPECT_EQ(map.to_target("/C/a/x"), "/M/b/x");
  EXPECT_EQ(map.to_target("/Other"), "/Other");
  EXPECT_EQ(map.to_target("/M"), std::nullopt);  // /M is what /C became
  EXPECT_EQ(map.to_target("/Cx"), "/Cx");
  const PathMap back = inverse(map);
  for (const char* path : {"/C", "/C/a", "/C/d/e", "/Other"}) EXPECT_EQ(back.to_target(*map.to_target(path)), path);
  const PathMap twice = compose(PathMap{{{"/M", "/World/m"}}, false, {5, 2}}, map);
  EXPECT_EQ(twice.to_target("/C/a/x"), "/World/m/b/x");
  EXPECT_EQ(twice.to_target("/Other"), std::nullopt);
  EXPECT_EQ(twice.time(1), 7);
}

}  // namespace
}  // namespace geoul::scene::usd
