// How a message type is told to those who have not compiled it: Foxglove's "advertise" and MCAP's Schema records both
// carry a serialized google.protobuf.FileDescriptorSet.
#pragma once

#include <string>

namespace google::protobuf {
class Descriptor;
}

namespace geoul::runtime {

struct MessageSchema {
  std::string name;      // full name: "foxglove.SceneUpdate"
  std::string encoding;  // "protobuf", of the schema and of the messages
  std::string data;      // FileDescriptorSet: the file of the type and all that it imports, dependencies first
};

// The schema of a message type: schema_of(*foxglove::SceneUpdate::descriptor()).
MessageSchema schema_of(const google::protobuf::Descriptor& type);

// The same with the type as template argument: schema_of<foxglove::SceneUpdate>().
template <class Message>
MessageSchema schema_of() {
  return schema_of(*Message::descriptor());
}

}  // namespace geoul::runtime
