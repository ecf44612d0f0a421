#include "geoul/link/dds/raw_type.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include <dds/ddsi/ddsi_serdata.h>
#include <dds/ddsi/ddsi_sertype.h>
#include <dds/ddsi/q_radmin.h>

namespace geoul::link {
namespace {

// Cyclone DDS's two kinds of object; it counts the references and frees them by their operations.
struct Type : ddsi_sertype {};
struct Data : ddsi_serdata {
  std::size_t size = 0;           // of the message, padded to 4 bytes: the protocol reads that far
  std::unique_ptr<char[]> bytes;  // (size)
};

Data* make_data(const ddsi_sertype* type, ddsi_serdata_kind kind, std::size_t size) {
  auto data = std::make_unique<Data>();
  ddsi_serdata_init(data.get(), type, kind);
  data->hash = type->serdata_basehash;  // no key: all messages are of one instance
  data->size = (size + 3) / 4 * 4;
  if (data->size > 0) {
    data->bytes.reset(new char[data->size]);
    std::memset(data->bytes.get() + size, 0, data->size - size);
  }
  return data.release();
}

Data* data_of(ddsi_serdata* data) { return static_cast<Data*>(data); }
const Data* data_of(const ddsi_serdata* data) { return static_cast<const Data*>(data); }

bool same_key(const ddsi_serdata*, const ddsi_serdata*) { return true; }
std::uint32_t size_of(const ddsi_serdata* data) { return static_cast<std::uint32_t>(data_of(data)->size); }

// Fragments come in order of their first byte and may overlap. Exceptions must not reach Cyclone DDS: no memory is no
// message.
ddsi_serdata* from_fragments(const ddsi_sertype* type, ddsi_serdata_kind kind, const nn_rdata* fragment,
                             std::size_t size) try {
  std::unique_ptr<Data> data(make_data(type, kind, size));
  std::size_t done = 0;
  for (; fragment != nullptr; fragment = fragment->nextfrag) {
    if (fragment->maxp1 <= done) continue;
    if (fragment->min > done || fragment->maxp1 > size) return nullptr;
    const unsigned char* payload = NN_RMSG_PAYLOADOFF(fragment->rmsg, NN_RDATA_PAYLOAD_OFF(fragment));
    std::memcpy(data->bytes.get() + done, payload + (done - fragment->min), fragment->maxp1 - done);
    done = fragment->maxp1;
  }
  if (done != size) return nullptr;
  return data.release();
} catch (const std::bad_alloc&) {
  return nullptr;
}

ddsi_serdata* from_vectors(const ddsi_sertype* type, ddsi_serdata_kind kind, ddsrt_msg_iovlen_t count,
                           const ddsrt_iovec_t* vectors, std::size_t size) try {
  std::unique_ptr<Data> data(make_data(type, kind, size));
  std::size_t done = 0;
  for (ddsrt_msg_iovlen_t i = 0; i < count && done < size; ++i) {
    const std::size_t part = std::min<std::size_t>(vectors[i].iov_len, size - done);
    std::memcpy(data->bytes.get() + done, vectors[i].iov_base, part);
    done += part;
  }
  return done == size ? data.release() : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

ddsi_serdata* key_only(const ddsi_sertype* type) try {
  return make_data(type, SDK_KEY, 0);
} catch (const std::bad_alloc&) {
  return nullptr;
}
ddsi_serdata* from_keyhash(const ddsi_sertype* type, const ddsi_keyhash*) { return key_only(type); }
ddsi_serdata* to_untyped(const ddsi_serdata* data) { return key_only(data->type); }

void to_bytes(const ddsi_serdata* data, std::size_t offset, std::size_t size, void* out) {
  std::memcpy(out, data_of(data)->bytes.get() + offset, size);
}
ddsi_serdata* lend_bytes(const ddsi_serdata* data, std::size_t offset, std::size_t size, ddsrt_iovec_t* out) {
  out->iov_base = data_of(data)->bytes.get() + offset;
  out->iov_len = static_cast<ddsrt_iov_len_t>(size);
  return ddsi_serdata_ref(data);
}
void end_loan(ddsi_serdata* data, const ddsrt_iovec_t*) { ddsi_serdata_unref(data); }
void free_data(ddsi_serdata* data) { delete data_of(data); }

std::size_t print_data(const ddsi_sertype*, const ddsi_serdata* data, char* out, std::size_t size) {
  return static_cast<std::size_t>(std::snprintf(out, size, "%zu bytes", data_of(data)->size));
}
void no_keyhash(const ddsi_serdata*, ddsi_keyhash* out, bool) { std::memset(out, 0, sizeof *out); }

bool same_type(const ddsi_sertype*, const ddsi_sertype*) { return true; }  // names and operations are compared before
std::uint32_t hash_of_type(const ddsi_sertype*) { return 0; }
void free_type(ddsi_sertype* type) {
  ddsi_sertype_fini(type);
  delete static_cast<Type*>(type);
}

// What works on samples of the application stays null: messages go in and out as Data (dds_writecdr, dds_takecdr).
const ddsi_serdata_ops& data_operations() {
  static const ddsi_serdata_ops operations = [] {
    ddsi_serdata_ops o{};
    o.eqkey = same_key;
    o.get_size = size_of;
    o.from_ser = from_fragments;
    o.from_ser_iov = from_vectors;
    o.from_keyhash = from_keyhash;
    o.to_ser = to_bytes;
    o.to_ser_ref = lend_bytes;
    o.to_ser_unref = end_loan;
    o.to_untyped = to_untyped;
    o.free = free_data;
    o.print = print_data;
    o.get_keyhash = no_keyhash;
    return o;
  }();
  return operations;
}
const ddsi_sertype_ops& type_operations() {
  static const ddsi_sertype_ops operations = [] {
    ddsi_sertype_ops o{};
    o.version = ddsi_sertype_v0;
    o.free = free_type;
    o.equal = same_type;
    o.hash = hash_of_type;
    return o;
  }();
  return operations;
}

}  // namespace

RawTopic create_raw_topic(dds_entity_t participant, const std::string& topic, const std::string& type) {
  auto* raw = new Type();
  ddsi_sertype_init_flags(raw, type.c_str(), &type_operations(), &data_operations(),
                          DDSI_SERTYPE_FLAG_TOPICKIND_NO_KEY);
  raw->allowed_data_representation = DDS_DATA_REPRESENTATION_FLAG_XCDR1;
  ddsi_sertype* used = raw;
  const dds_entity_t entity = dds_create_topic_sertype(participant, topic.c_str(), &used, nullptr, nullptr, nullptr);
  if (entity < 0) {
    ddsi_sertype_unref(raw);
    return {entity, nullptr};
  }
  return {entity, used};
}

dds_return_t write_raw(dds_entity_t writer, const RawTopic& topic, std::string_view message) {
  Data* data = make_data(topic.sertype, SDK_DATA, message.size());
  std::memcpy(data->bytes.get(), message.data(), message.size());
  return dds_writecdr(writer, data);  // which takes the reference over
}

std::size_t take_raw(dds_entity_t reader,
                     const std::function<void(std::string_view message, const dds_sample_info_t& info)>& visit) {
  constexpr std::uint32_t kBatch = 32;
  std::size_t count = 0;
  while (true) {
    ddsi_serdata* batch[kBatch];
    dds_sample_info_t infos[kBatch];
    const dds_return_t taken = dds_takecdr(reader, batch, kBatch, infos, DDS_ANY_STATE);
    for (dds_return_t i = 0; i < taken; ++i) {
      const Data* data = data_of(batch[i]);
      if (infos[i].valid_data && data->kind == SDK_DATA) {
        visit({data->bytes.get(), data->size}, infos[i]);
        ++count;
      }
      ddsi_serdata_unref(batch[i]);
    }
    if (taken < static_cast<dds_return_t>(kBatch)) return count;
  }
}

}  // namespace geoul::link
