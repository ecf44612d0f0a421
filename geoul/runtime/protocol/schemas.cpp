#include "geoul/runtime/protocol/schemas.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

namespace geoul::runtime {
namespace {

void add_file(const google::protobuf::FileDescriptor& file, std::set<std::string>& seen,
              google::protobuf::FileDescriptorSet& out) {
  if (!seen.insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), seen, out);
  file.CopyTo(out.add_file());
}

}  // namespace

MessageSchema schema_of(const google::protobuf::Descriptor& type) {
  std::set<std::string> seen;
  google::protobuf::FileDescriptorSet set;
  add_file(*type.file(), seen, set);
  return {type.full_name(), "protobuf", set.SerializeAsString()};
}

}  // namespace geoul::runtime
