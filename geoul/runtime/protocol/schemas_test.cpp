#include "geoul/runtime/protocol/schemas.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include "foxglove/SceneUpdate.pb.h"
#include "geoul.pb.h"

namespace geoul::runtime {
namespace {

TEST(MessageSchema, NamesTheTypeAndItsEncoding) {
  const MessageSchema schema = schema_of<foxglove::SceneUpdate>();
  EXPECT_EQ(schema.name, "foxglove.SceneUpdate");
  EXPECT_EQ(schema.encoding, "protobuf");
}

TEST(MessageSchema, AStrangerDecodesAMessageWithNothingElse) {
  const MessageSchema schema = schema_of<foxglove::SceneUpdate>();
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(schema.data));
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) ASSERT_NE(pool.BuildFile(file), nullptr) << file.name();  // in order

  foxglove::SceneUpdate update;
  auto* cube = update.add_entities()->add_cubes();
  cube->mutable_size()->set_z(0.25);
  google::protobuf::DynamicMessageFactory factory(&pool);
  const auto* type = pool.FindMessageTypeByName(schema.name);
  ASSERT_NE(type, nullptr);
  const std::unique_ptr<google::protobuf::Message> read(factory.GetPrototype(type)->New());
  ASSERT_TRUE(read->ParseFromString(update.SerializeAsString()));
  EXPECT_EQ(read->ShortDebugString(), update.ShortDebugString());
  EXPECT_NE(read->ShortDebugString().find("0.25"), std::string::npos);
}

// Bytes written by hand from the published schema: field 2 (entities) { field 8 (cubes) { field 2 (size) { field 3 (z)
// } } }.
TEST(MessageSchema, SceneUpdateHasTheFieldNumbersOfThePublishedSchema) {
  foxglove::SceneUpdate update;
  update.add_entities()->add_cubes()->mutable_size()->set_z(1.0);
  const unsigned char expected[] = {0x12, 13, 0x42, 11, 0x12, 9, 0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f};
  EXPECT_EQ(update.SerializeAsString(), std::string(expected, expected + sizeof expected));
}

TEST(MessageSchema, GeoulMessagesCarryTheirImports) {
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(schema_of<JointStates>().data));
  ASSERT_EQ(set.file_size(), 2);
  EXPECT_EQ(set.file(0).name(), "google/protobuf/timestamp.proto");
  EXPECT_EQ(set.file(1).name(), "geoul.proto");
}

}  // namespace
}  // namespace geoul::runtime
