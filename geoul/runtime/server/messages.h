// The messages of the Foxglove WebSocket protocol v1 (github.com/foxglove/ws-protocol, docs/spec.md), apart from any
// socket: what a server says is encoded here, what a client says is parsed here. Clients are not trusted: the parser
// accepts any bytes, checks every field, and allocates no more than a small multiple of what it was given.
// Integers in binary frames are little-endian; times are nanoseconds.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/runtime/access/policy.h"

namespace geoul::runtime {

// A stream of messages of one type.
struct Channel {
  std::uint32_t id = 0;
  std::string topic;            // "/joints"
  std::string encoding;         // of the messages: "protobuf"
  std::string schema_name;      // "geoul.JointStates"
  std::string schema_encoding;  // "protobuf"
  std::string schema;           // bytes; sent as base64 unless the encoding is text (jsonschema, ros*msg, ...)
  bool latched = false;         // a new subscriber is sent the last message at once
  bool newest_only = false;     // tells a state: a message takes the place of those that still wait to be sent
  Duration page_period{0};  // least time between two messages to a web page: a browser keeps all that it cannot show
};

// A question that the server answers.
struct ServiceType {
  std::string schema_name;
  std::string encoding;  // of request or response: "protobuf"
  std::string schema_encoding;
  std::string schema;
};
struct Service {
  std::uint32_t id = 0;
  std::string name;  // "/clock/control"
  std::string type;  // free text
  ServiceType request;
  ServiceType response;
  access::Action action = access::Action::kOperate;  // what a caller must be allowed
};

using ParameterValue = std::variant<bool, double, std::string, std::vector<double>>;
struct Parameter {
  std::string name;
  ParameterValue value;
};

enum class StatusLevel { kInfo = 0, kWarning = 1, kError = 2 };

// ---- from the server ----

struct ServerInfo {
  std::string name;
  std::string session_id;
  std::map<std::string, std::string> metadata;
};

std::string server_info_text(const ServerInfo& info);
std::string advertise_text(const std::vector<Channel>& channels);
std::string unadvertise_text(const std::vector<std::uint32_t>& channel_ids);
std::string advertise_services_text(const std::vector<Service>& services);
std::string unadvertise_services_text(const std::vector<std::uint32_t>& service_ids);
std::string status_text(StatusLevel level, std::string_view message);
std::string parameter_values_text(const std::vector<Parameter>& parameters, std::string_view request_id);
std::string service_failure_text(std::uint32_t service_id, std::uint32_t call_id, std::string_view message);

// The 13 bytes before the payload of a message frame.
std::array<std::uint8_t, 13> message_header(std::uint32_t subscription_id, Time time);
std::string time_frame(Time time);
std::string service_response_frame(std::uint32_t service_id, std::uint32_t call_id, std::string_view encoding,
                                   std::string_view payload);

// ---- from a client ----

struct Subscription {
  std::uint32_t id = 0;  // the client's choice
  std::uint32_t channel_id = 0;
};
struct SubscribeRequest {
  std::vector<Subscription> subscriptions;
};
struct UnsubscribeRequest {
  std::vector<std::uint32_t> subscription_ids;
};
struct GetParametersRequest {
  std::vector<std::string> names;  // empty: all
  std::string request_id;          // empty: none
};
struct SetParametersRequest {
  std::vector<Parameter> parameters;
  std::string request_id;
};
struct WatchParametersRequest {
  std::vector<std::string> names;  // empty: all
  bool watch = true;               // false: stop watching
};
struct ServiceRequest {
  std::uint32_t service_id = 0;
  std::uint32_t call_id = 0;
  std::string encoding;
  std::string payload;
};
using ClientMessage = std::variant<SubscribeRequest, UnsubscribeRequest, GetParametersRequest, SetParametersRequest,
                                   WatchParametersRequest, ServiceRequest>;

// At most this many entries in a list of one message; more is an error.
inline constexpr std::size_t kMaxListEntries = 4096;

// kBadInput where the message breaks the protocol, kUnsupported where it asks for a capability that is not offered
// (clientPublish, connectionGraph, assets). Never throws.
Result<ClientMessage> parse_client_text(std::string_view text);
Result<ClientMessage> parse_client_frame(std::string_view bytes);

std::string base64(std::string_view bytes);

}  // namespace geoul::runtime
