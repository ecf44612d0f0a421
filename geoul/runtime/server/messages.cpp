#include "geoul/runtime/server/messages.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace geoul::runtime {
namespace {

using nlohmann::json;

constexpr std::uint8_t kServerMessage = 1;
constexpr std::uint8_t kServerTime = 2;
constexpr std::uint8_t kServerServiceResponse = 3;
constexpr std::uint8_t kClientMessage = 1;
constexpr std::uint8_t kClientServiceCall = 2;

// Text of a user may hold bytes that are not UTF-8; they are replaced, never thrown on.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

template <class Integer, class Out>
void put(Out out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <class Integer>
void append(std::string& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
  return value;
}

bool is_binary_schema(std::string_view encoding) { return encoding == "protobuf" || encoding == "flatbuffer"; }

std::string schema_text(std::string_view encoding, const std::string& schema) {
  return is_binary_schema(encoding) ? base64(schema) : schema;
}

json to_json(const ServiceType& type) {
  return {{"encoding", type.encoding},
          {"schemaName", type.schema_name},
          {"schemaEncoding", type.schema_encoding},
          {"schema", schema_text(type.schema_encoding, type.schema)}};
}

json to_json(const Parameter& parameter) {
  json out = {{"name", parameter.name}};
  std::visit([&out](const auto& value) { out["value"] = value; }, parameter.value);
  if (std::holds_alternative<double>(parameter.value)) out["type"] = "float64";
  if (std::holds_alternative<std::vector<double>>(parameter.value)) out["type"] = "float64_array";
  return out;
}

Error bad(std::string message) { return {ErrorCode::kBadInput, std::move(message)}; }

// Field access that reports the first thing wrong and then yields empty values.
class Fields {
 public:
  Fields(const json& object, std::string op) : object_(object), op_(std::move(op)) {}

  const json& list(const char* key) {
    static const json kEmpty = json::array();
    const auto it = object_.find(key);
    if (it == object_.end() || !it->is_array()) return fail("field '" + std::string(key) + "' is not a list"), kEmpty;
    if (it->size() > kMaxListEntries) return fail("field '" + std::string(key) + "' is too long"), kEmpty;
    return *it;
  }
  std::uint32_t u32(const json& value, const char* key) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() <= 0xffffffffu) return value.get<std::uint32_t>();
    fail("'" + std::string(key) + "' is not an unsigned 32-bit integer");
    return 0;
  }
  std::uint32_t u32_of(const json& entry, const char* key) {
    const auto it = entry.is_object() ? entry.find(key) : entry.end();
    if (!entry.is_object() || it == entry.end()) return fail("'" + std::string(key) + "' is missing"), 0;
    return u32(*it, key);
  }
  std::string optional_text(const char* key) {
    const auto it = object_.find(key);
    if (it == object_.end()) return {};
    if (!it->is_string()) return fail("field '" + std::string(key) + "' is not a string"), std::string();
    return it->get<std::string>();
  }
  std::vector<std::string> names(const char* key) {
    std::vector<std::string> out;
    for (const json& entry : list(key)) {
      if (!entry.is_string()) return fail("an entry of '" + std::string(key) + "' is not a string"), out;
      out.push_back(entry.get<std::string>());
    }
    return out;
  }
  void fail(const std::string& what) {
    if (error_.empty()) error_ = op_ + ": " + what;
  }
  Result<ClientMessage> done(ClientMessage message) const {
    if (!error_.empty()) return bad(error_);
    return message;
  }

 private:
  const json& object_;
  std::string op_;
  std::string error_;
};

std::vector<Parameter> parse_parameters(Fields& fields) {
  std::vector<Parameter> out;
  for (const json& entry : fields.list("parameters")) {
    const bool named = entry.is_object() && entry.contains("name") && entry["name"].is_string();
    if (!named || !entry.contains("value")) return fields.fail("a parameter lacks its name or value"), out;
    Parameter parameter{entry["name"].get<std::string>(), false};
    const json& value = entry["value"];
    if (value.is_boolean()) {
      parameter.value = value.get<bool>();
    } else if (value.is_number()) {
      parameter.value = value.get<double>();
    } else if (value.is_string()) {
      parameter.value = value.get<std::string>();
    } else if (value.is_array()) {
      std::vector<double> numbers;
      for (const json& number : value) {
        if (!number.is_number()) return fields.fail("'" + parameter.name + "' is a list of other than numbers"), out;
        numbers.push_back(number.get<double>());
      }
      parameter.value = std::move(numbers);
    } else {
      return fields.fail("'" + parameter.name + "' is neither boolean, number, text nor a list of numbers"), out;
    }
    out.push_back(std::move(parameter));
  }
  return out;
}

Result<ClientMessage> parse_subscribe(Fields& fields) {
  SubscribeRequest request;
  for (const json& entry : fields.list("subscriptions")) {
    request.subscriptions.push_back({fields.u32_of(entry, "id"), fields.u32_of(entry, "channelId")});
  }
  return fields.done(std::move(request));
}

Result<ClientMessage> parse_unsubscribe(Fields& fields) {
  UnsubscribeRequest request;
  for (const json& entry : fields.list("subscriptionIds")) {
    request.subscription_ids.push_back(fields.u32(entry, "subscriptionIds"));
  }
  return fields.done(std::move(request));
}

}  // namespace

std::string server_info_text(const ServerInfo& info) {
  return dump({{"op", "serverInfo"},
               {"name", info.name},
               {"capabilities", json::array({"time", "services", "parameters", "parametersSubscribe"})},
               {"supportedEncodings", json::array({"protobuf"})},
               {"metadata", info.metadata},
               {"sessionId", info.session_id}});
}

std::string advertise_text(const std::vector<Channel>& channels) {
  json list = json::array();
  for (const Channel& channel : channels) {
    list.push_back({{"id", channel.id},
                    {"topic", channel.topic},
                    {"encoding", channel.encoding},
                    {"schemaName", channel.schema_name},
                    {"schemaEncoding", channel.schema_encoding},
                    {"schema", schema_text(channel.schema_encoding, channel.schema)}});
  }
  return dump({{"op", "advertise"}, {"channels", std::move(list)}});
}

std::string unadvertise_text(const std::vector<std::uint32_t>& channel_ids) {
  return dump({{"op", "unadvertise"}, {"channelIds", channel_ids}});
}

std::string advertise_services_text(const std::vector<Service>& services) {
  json list = json::array();
  for (const Service& service : services) {
    // requestSchema and responseSchema are the older form of request and response; old clients need them.
    list.push_back({{"id", service.id},
                    {"name", service.name},
                    {"type", service.type},
                    {"request", to_json(service.request)},
                    {"response", to_json(service.response)},
                    {"requestSchema", schema_text(service.request.schema_encoding, service.request.schema)},
                    {"responseSchema", schema_text(service.response.schema_encoding, service.response.schema)}});
  }
  return dump({{"op", "advertiseServices"}, {"services", std::move(list)}});
}

std::string unadvertise_services_text(const std::vector<std::uint32_t>& service_ids) {
  return dump({{"op", "unadvertiseServices"}, {"serviceIds", service_ids}});
}

std::string status_text(StatusLevel level, std::string_view message) {
  return dump({{"op", "status"}, {"level", static_cast<int>(level)}, {"message", message}});
}

std::string parameter_values_text(const std::vector<Parameter>& parameters, std::string_view request_id) {
  json list = json::array();
  for (const Parameter& parameter : parameters) list.push_back(to_json(parameter));
  json out = {{"op", "parameterValues"}, {"parameters", std::move(list)}};
  if (!request_id.empty()) out["id"] = request_id;
  return dump(out);
}

std::string service_failure_text(std::uint32_t service_id, std::uint32_t call_id, std::string_view message) {
  return dump({{"op", "serviceCallFailure"}, {"serviceId", service_id}, {"callId", call_id}, {"message", message}});
}

std::array<std::uint8_t, 13> message_header(std::uint32_t subscription_id, Time time) {
  std::array<std::uint8_t, 13> out{};
  out[0] = kServerMessage;
  put(out.data() + 1, subscription_id);
  put(out.data() + 5, static_cast<std::uint64_t>(time.ns));
  return out;
}

std::string time_frame(Time time) {
  std::string out(1, static_cast<char>(kServerTime));
  append(out, static_cast<std::uint64_t>(time.ns));
  return out;
}

std::string service_response_frame(std::uint32_t service_id, std::uint32_t call_id, std::string_view encoding,
                                   std::string_view payload) {
  std::string out(1, static_cast<char>(kServerServiceResponse));
  append(out, service_id);
  append(out, call_id);
  append(out, static_cast<std::uint32_t>(encoding.size()));
  return out.append(encoding).append(payload);
}

Result<ClientMessage> parse_client_text(std::string_view text) {
  const json message = json::parse(text, nullptr, false);
  if (message.is_discarded() || !message.is_object()) return bad("a text message is not a JSON object");
  const auto op_field = message.find("op");
  if (op_field == message.end() || !op_field->is_string()) return bad("a text message lacks its field 'op'");
  const std::string op = op_field->get<std::string>();
  Fields fields(message, op);
  if (op == "subscribe") return parse_subscribe(fields);
  if (op == "unsubscribe") return parse_unsubscribe(fields);
  if (op == "getParameters") {
    GetParametersRequest request{fields.names("parameterNames"), fields.optional_text("id")};
    return fields.done(std::move(request));
  }
  if (op == "setParameters") {
    SetParametersRequest request{parse_parameters(fields), fields.optional_text("id")};
    return fields.done(std::move(request));
  }
  if (op == "subscribeParameterUpdates" || op == "unsubscribeParameterUpdates") {
    WatchParametersRequest request{fields.names("parameterNames"), op[0] == 's'};
    return fields.done(std::move(request));
  }
  if (op == "advertise" || op == "unadvertise" || op == "fetchAsset" || op == "subscribeConnectionGraph" ||
      op == "unsubscribeConnectionGraph") {
    return Error{ErrorCode::kUnsupported, op + ": this server does not offer it (see its capabilities)"};
  }
  return bad("unknown op '" + op.substr(0, 64) + "'");
}

Result<ClientMessage> parse_client_frame(std::string_view bytes) {
  if (bytes.empty()) return bad("empty binary frame");
  const auto opcode = static_cast<std::uint8_t>(bytes[0]);
  if (opcode == kClientMessage) {
    return Error{ErrorCode::kUnsupported, "message data: this server takes no published messages"};
  }
  if (opcode != kClientServiceCall) return bad("unknown binary opcode " + std::to_string(opcode));
  if (bytes.size() < 13) return bad("service call of " + std::to_string(bytes.size()) + " bytes, at least 13 expected");
  const std::size_t length = read_u32(bytes, 9);
  if (length > bytes.size() - 13) return bad("service call shorter than its encoding's name");
  ServiceRequest request;
  request.service_id = read_u32(bytes, 1);
  request.call_id = read_u32(bytes, 5);
  request.encoding = bytes.substr(13, length);
  request.payload = bytes.substr(13 + length);
  return ClientMessage(std::move(request));
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out.push_back(i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63]);
    }
  }
  return out;
}

}  // namespace geoul::runtime
