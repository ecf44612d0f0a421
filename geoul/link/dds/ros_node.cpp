#include "geoul/link/dds/ros_node.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "geoul/link/dds/ros_types.h"

namespace geoul::link {
namespace {

constexpr int kLastDomain = 232;  // the last whose ports are below 65536

Result<int> domain_of(const DdsOptions& options) {
  if (options.domain >= 0 && options.domain <= kLastDomain) return options.domain;
  if (options.domain != -1) {
    return Error{ErrorCode::kBadInput, "dds: domain " + std::to_string(options.domain) + " is none; choose 0 to " +
                                           std::to_string(kLastDomain)};
  }
  const char* text = std::getenv("ROS_DOMAIN_ID");
  if (text == nullptr || *text == '\0') return 0;
  int id = -1;
  const auto [end, problem] = std::from_chars(text, text + std::strlen(text), id);
  if (problem != std::errc() || *end != '\0' || id < 0 || id > kLastDomain) {
    return Error{ErrorCode::kBadInput, "dds: ROS_DOMAIN_ID=" + std::string(text).substr(0, 40) +
                                           " is no domain; set it to 0 to " + std::to_string(kLastDomain)};
  }
  return id;
}

// Names and addresses of interfaces and peers: nothing that XML could take for its own.
bool is_address(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr(".:_-%@[]", c) != nullptr;
  });
}

bool is_numeric_address(const std::string& text) {
  return text.find(':') != text.npos || text.find_first_not_of("0123456789.") == text.npos;
}

// Source: Cyclone DDS 0.10, its manual of options. On loopback there is no multicast: others are found by knocking at
// the first ports of the domain, once a second.
Result<std::string> config_of(const DdsOptions& options) {
  std::string peers, general;
  for (const std::string& peer : options.peers) {
    if (!is_address(peer)) {
      return Error{ErrorCode::kBadInput, "dds: peer '" + peer.substr(0, 80) + "' is no address; write a host or an IP"};
    }
    peers += "<Peer address=\"" + peer + "\"/>";
  }
  if (options.loopback_only) {
    general =
        "<Interfaces><NetworkInterface address=\"127.0.0.1\"/></Interfaces><AllowMulticast>false</AllowMulticast>";
    peers += "<Peer address=\"127.0.0.1\"/>";
  } else if (!options.interface.empty()) {
    if (!is_address(options.interface)) {
      return Error{ErrorCode::kBadInput,
                   "dds: interface '" + options.interface.substr(0, 80) + "' is none; write its name or address"};
    }
    general = std::string("<Interfaces><NetworkInterface ") +
              (is_numeric_address(options.interface) ? "address" : "name") + "=\"" + options.interface +
              "\"/></Interfaces>";
  }
  if (options.lease < Duration{100'000'000}) {
    return Error{ErrorCode::kBadInput, "dds: a lease below 0.1 s ends by chance; choose 1 s or more"};
  }
  return "<CycloneDDS><Domain id=\"any\"><General>" + general +
         "<MaxMessageSize>65500B</MaxMessageSize></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
         "<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex><SPDPInterval>1s</SPDPInterval><LeaseDuration>" +
         std::to_string(options.lease.ns / 1'000'000) + "ms</LeaseDuration><Peers>" + peers +
         "</Peers></Discovery></Domain></CycloneDDS>";
}

struct Open {
  std::mutex mutex;
  std::map<int, std::weak_ptr<DdsDomain>> domains;
};
Open& open_domains() {
  static Open open;
  return open;
}

struct QosDelete {
  void operator()(dds_qos_t* qos) const { dds_delete_qos(qos); }
};

std::unique_ptr<dds_qos_t, QosDelete> make_qos(const RosQos& qos) {
  std::unique_ptr<dds_qos_t, QosDelete> out(dds_create_qos());
  dds_qset_reliability(out.get(), qos.is_reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                       DDS_MSECS(100));
  dds_qset_durability(out.get(), qos.is_transient_local ? DDS_DURABILITY_TRANSIENT_LOCAL : DDS_DURABILITY_VOLATILE);
  dds_qset_history(out.get(), DDS_HISTORY_KEEP_LAST, qos.depth);
  if (qos.is_transient_local) {  // what late readers get is bounded apart
    dds_qset_durability_service(out.get(), 0, DDS_HISTORY_KEEP_LAST, qos.depth, -1, -1, -1);
  }
  dds_qset_ignorelocal(out.get(), DDS_IGNORELOCAL_PARTICIPANT);
  return out;
}

RosGid gid_of(dds_entity_t entity) {
  dds_guid_t guid{};
  RosGid gid{};
  if (dds_get_guid(entity, &guid) == DDS_RETCODE_OK) std::memcpy(gid.data(), guid.v, gid.size());
  return gid;
}

}  // namespace

std::string dds_error(dds_return_t code) { return dds_strretcode(code); }

Result<std::shared_ptr<DdsDomain>> DdsDomain::acquire(const DdsOptions& options) {
  const Result<int> id = domain_of(options);
  if (!id) return id.error();
  const Result<std::string> config = config_of(options);
  if (!config) return config.error();
  const std::lock_guard lock(open_domains().mutex);
  std::weak_ptr<DdsDomain>& known = open_domains().domains[*id];
  if (std::shared_ptr<DdsDomain> domain = known.lock()) {
    if (domain->config_ == *config) return domain;
    return Error{ErrorCode::kUnavailable,
                 "dds: domain " + std::to_string(*id) +
                     " is open in this process with other settings; give all links of a domain "
                     "the same network, peers and lease"};
  }
  std::shared_ptr<DdsDomain> domain(new DdsDomain(*id, *config));
  domain->entity_ = dds_create_domain(static_cast<dds_domainid_t>(*id), config->c_str());
  if (domain->entity_ < 0) {
    return Error{ErrorCode::kUnavailable, "dds: domain " + std::to_string(*id) + " cannot be opened: " +
                                              dds_error(domain->entity_) + "; check the network interface"};
  }
  known = domain;
  return domain;
}

DdsDomain::~DdsDomain() {
  if (entity_ > 0) dds_delete(entity_);
}

Result<std::unique_ptr<RosNode>> RosNode::open(const DdsOptions& options) {
  auto domain = DdsDomain::acquire(options);
  if (!domain) return domain.error();
  std::unique_ptr<RosNode> node(new RosNode(options));
  node->domain_ = *domain;
  std::unique_ptr<dds_qos_t, QosDelete> qos(dds_create_qos());
  constexpr std::string_view kEnclave = "enclave=/;";  // ROS 2 takes a participant without one for no part of its graph
  dds_qset_userdata(qos.get(), kEnclave.data(), kEnclave.size());
  node->participant_ = dds_create_participant(static_cast<dds_domainid_t>((*domain)->id()), qos.get(), nullptr);
  if (node->participant_ < 0) {
    return Error{ErrorCode::kUnavailable,
                 "dds: no participant on domain " + std::to_string((*domain)->id()) + ": " +
                     dds_error(node->participant_) +
                     "; is the interface up, and are fewer than 33 participants on this machine?"};
  }
  auto graph = node->create("", "", {.is_reliable = true, .is_transient_local = true, .depth = 1}, true, nullptr);
  if (!graph) return graph.error();
  node->graph_ = *graph;
  node->announce();
  return node;
}

RosNode::~RosNode() {
  if (participant_ > 0) dds_delete(participant_);
}

// An empty topic is the graph's own.
Result<RosNode::Endpoint> RosNode::create(const std::string& topic, const std::string& type, const RosQos& qos,
                                          bool is_writer, const dds_listener_t* listener) {
  const std::string dds_topic = topic.empty() ? "ros_discovery_info" : dds_topic_of_ros(topic);
  const std::string dds_type = dds_type_of_ros(topic.empty() ? "rmw_dds_common/msg/ParticipantEntitiesInfo" : type);
  if (dds_topic.empty() || dds_type.empty()) {
    return Error{ErrorCode::kBadInput, "dds: topic '" + topic + "' of type '" + type + "' has no DDS name"};
  }
  Endpoint out{.topic = create_raw_topic(participant_, dds_topic, dds_type)};
  if (out.topic.topic < 0) {
    return Error{ErrorCode::kUnavailable, "dds: no topic '" + topic + "': " + dds_error(out.topic.topic)};
  }
  const auto dds_qos = make_qos(qos);
  out.entity = is_writer ? dds_create_writer(participant_, out.topic.topic, dds_qos.get(), listener)
                         : dds_create_reader(participant_, out.topic.topic, dds_qos.get(), listener);
  if (out.entity < 0) {
    const Error error{ErrorCode::kUnavailable, std::string("dds: no ") + (is_writer ? "writer" : "reader") + " of '" +
                                                   topic + "': " + dds_error(out.entity)};
    dds_delete(out.topic.topic);
    return error;
  }
  return out;
}

Result<RosNode::Endpoint> RosNode::create_reader(const std::string& topic, const std::string& type, const RosQos& qos,
                                                 const dds_listener_t* listener) {
  auto made = create(topic, type, qos, false, listener);
  if (!made) return made;
  const std::lock_guard lock(mutex_);
  readers_.emplace(made->entity, gid_of(made->entity));
  announce();
  return made;
}

Result<RosNode::Endpoint> RosNode::create_writer(const std::string& topic, const std::string& type, const RosQos& qos) {
  auto made = create(topic, type, qos, true, nullptr);
  if (!made) return made;
  const std::lock_guard lock(mutex_);
  writers_.emplace(made->entity, gid_of(made->entity));
  announce();
  return made;
}

void RosNode::remove(const Endpoint& endpoint) {
  dds_delete(endpoint.entity);
  dds_delete(endpoint.topic.topic);
  const std::lock_guard lock(mutex_);
  readers_.erase(endpoint.entity);
  writers_.erase(endpoint.entity);
  announce();
}

void RosNode::announce() {
  RosParticipantEntities entities{.gid = gid_of(participant_), .nodes = {}};
  RosNodeEntities& node = entities.nodes.emplace_back();
  node.node_namespace = options_.node_namespace;
  node.node_name = options_.node_name;
  for (const auto& [entity, gid] : readers_) node.readers.push_back(gid);
  for (const auto& [entity, gid] : writers_) node.writers.push_back(gid);
  // best effort: the newest announcement replaces this one
  (void)write_raw(graph_.entity, graph_.topic, options_.is_humble ? encode_humble(entities) : encode(entities));
}

RosDiscovery::RosDiscovery(const RosNode& node, bool of_writers) {
  reader_ = dds_create_reader(node.participant(),
                              of_writers ? DDS_BUILTIN_TOPIC_DCPSPUBLICATION : DDS_BUILTIN_TOPIC_DCPSSUBSCRIPTION,
                              nullptr, nullptr);
  dds_get_instance_handle(node.participant(), &own_);
}

bool RosDiscovery::poll() {
  bool has_changed = false;
  while (true) {
    void* sample = nullptr;
    dds_sample_info_t info{};
    if (dds_take(reader_, &sample, &info, 1, 1) <= 0) return has_changed;
    const auto* endpoint = static_cast<const dds_builtintopic_endpoint_t*>(sample);
    if (info.instance_state != DDS_IST_ALIVE || !info.valid_data) {
      has_changed |= endpoints_.erase(info.instance_handle) > 0;
    } else if (endpoint->participant_instance_handle != own_) {
      RosEndpoint seen{.topic = ros_topic_of_dds(endpoint->topic_name), .type = ros_type_of_dds(endpoint->type_name)};
      dds_reliability_kind_t reliability{};
      dds_durability_kind_t durability{};
      seen.is_reliable =
          dds_qget_reliability(endpoint->qos, &reliability, nullptr) && reliability == DDS_RELIABILITY_RELIABLE;
      seen.is_transient_local =
          dds_qget_durability(endpoint->qos, &durability) && durability >= DDS_DURABILITY_TRANSIENT_LOCAL;
      if (!seen.topic.empty() && !seen.type.empty()) {
        endpoints_.insert_or_assign(info.instance_handle, std::move(seen));
        has_changed = true;
      }
    }
    dds_return_loan(reader_, &sample, 1);
  }
}

}  // namespace geoul::link
