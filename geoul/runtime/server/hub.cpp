#include "geoul/runtime/server/hub.h"

#include <chrono>
#include <utility>

namespace geoul::runtime {

Seat::Seat(std::shared_ptr<Hub> hub, Visitor given) : visitor(std::move(given)), hub_(std::move(hub)) {
  hub_->connection_count = ++hub_->connections;
  ++hub_->connections_of[visitor.address];
}

Seat::~Seat() {
  hub_->connection_count = --hub_->connections;
  const auto count = hub_->connections_of.find(visitor.address);
  if (--count->second == 0) hub_->connections_of.erase(count);
}

namespace {

ServerOptions with_gate(ServerOptions options) {
  if (!options.gate) options.gate = std::make_shared<access::Gate>(access::GateOptions{.limits = options.limits});
  return options;
}

}  // namespace

Hub::Hub(ServerOptions given) : options(with_gate(std::move(given))), gate(*options.gate) {
  session_id_ = std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
}

std::uint64_t Hub::join(Client& client, access::Identity identity) {
  const std::uint64_t id = next_client_++;
  std::map<std::string, std::string> metadata = options.metadata;
  metadata["user"] = identity.name;
  metadata["role"] = to_string(identity.role);
  Member& member = members_[id];
  member.client = &client;
  member.identity = std::move(identity);
  client_count = members_.size();
  client.send_text(server_info_text({options.name, session_id_, metadata}));
  std::vector<Channel> channels;
  for (const auto& [channel_id, channel] : channels_) channels.push_back(channel);
  client.send_text(advertise_text(channels));
  std::vector<Service> services;
  for (const auto& [service_id, service] : services_) services.push_back(service);
  if (!services.empty()) client.send_text(advertise_services_text(services));
  return id;
}

void Hub::check_members() {
  std::vector<Client*> gone;  // dismiss() may change members_
  for (auto& [id, member] : members_) {
    if (!gate.holds(member.identity)) gone.push_back(member.client);
  }
  for (Client* client : gone) client->dismiss("signed out, or rights were changed");
}

std::string Hub::refusal(std::uint64_t client_id, access::Action action, const std::string& what) const {
  const auto it = members_.find(client_id);
  if (it == members_.end()) return "not connected";
  const access::Identity& identity = it->second.identity;
  if (gate.policy().allows(identity.role, action)) return {};
  return what + ": the role '" + std::string(to_string(gate.policy().role_needed(action))) + "' is needed, '" +
         identity.name + "' has '" + std::string(to_string(identity.role)) + "'";
}

void Hub::leave(std::uint64_t client_id) {
  if (members_.erase(client_id) == 0) return;
  client_count = members_.size();
  if (enqueue) enqueue(ClientLeft{client_id});
}

void Hub::handle(std::uint64_t client_id, GetParametersRequest request) {
  Client* client = find_client(client_id);
  if (client) client->send_text(parameter_values_text(parameters(request.names), request.request_id));
}

void Hub::handle(std::uint64_t client_id, SetParametersRequest request) {
  Client* client = find_client(client_id);
  if (!client) return;
  if (std::string words = refusal(client_id, access::Action::kSetParameters, "setParameters"); !words.empty()) {
    client->send_text(status_text(StatusLevel::kError, words));
    if (!request.request_id.empty()) client->send_text(parameter_values_text({}, request.request_id));
    return;
  }
  ParameterChange change{client_id, request.request_id, {}};
  std::vector<std::string> rejected;
  for (Parameter& parameter : request.parameters) {
    const auto it = parameters_.find(parameter.name);
    const bool same_kind = it != parameters_.end() && it->second.parameter.value.index() == parameter.value.index();
    if (same_kind && it->second.writable) {
      change.parameters.push_back(std::move(parameter));
      continue;
    }
    const char* why = it == parameters_.end() ? "' does not exist"
                      : same_kind             ? "' is read-only"
                                              : "' is of another type";
    client->send_text(status_text(StatusLevel::kError, "setParameters: '" + parameter.name + why));
    rejected.push_back(parameter.name);
  }
  if (!change.parameters.empty()) {
    enqueue(std::move(change));
  } else if (!request.request_id.empty() && !rejected.empty()) {
    client->send_text(parameter_values_text(parameters(rejected), request.request_id));
  }
}

void Hub::handle(std::uint64_t client_id, WatchParametersRequest request) {
  const auto it = members_.find(client_id);
  if (it == members_.end()) return;
  Member& member = it->second;
  if (request.names.empty()) {
    member.watches_all = request.watch;
    if (!request.watch) member.watched.clear();
  }
  for (const std::string& name : request.names) {
    if (!request.watch) {
      member.watched.erase(name);
    } else if (parameters_.count(name)) {  // only known ones, so that a client cannot grow this without end
      member.watched.insert(name);
    }
  }
  if (request.watch) member.client->send_text(parameter_values_text(parameters(request.names), {}));
}

void Hub::handle(std::uint64_t client_id, ServiceRequest request) {
  Client* client = find_client(client_id);
  if (!client) return;
  const auto it = services_.find(request.service_id);
  std::string problem;
  if (it == services_.end()) {
    problem = "there is no service " + std::to_string(request.service_id);
  } else if (request.encoding != it->second.request.encoding) {
    problem = it->second.name + ": request is encoded as '" + request.encoding.substr(0, 32) + "', '" +
              it->second.request.encoding + "' is expected";
  } else {
    problem = refusal(client_id, it->second.action, it->second.name);
  }
  if (!problem.empty()) {
    client->send_text(service_failure_text(request.service_id, request.call_id, problem));
    return;
  }
  enqueue(ServiceCall{client_id, request.service_id, request.call_id, std::move(request.encoding),
                      std::move(request.payload), members_.at(client_id).identity});
}

const Channel* Hub::find_channel(std::uint32_t id) const {
  const auto it = channels_.find(id);
  return it == channels_.end() ? nullptr : &it->second;
}

const Frame* Hub::latched(std::uint32_t channel_id) const {
  const auto it = latched_.find(channel_id);
  return it == latched_.end() ? nullptr : &it->second;
}

void Hub::add_channel(Channel channel) {
  const std::string text = advertise_text({channel});
  channels_[channel.id] = std::move(channel);
  broadcast(text);
}

void Hub::remove_channel(std::uint32_t id) {
  if (channels_.erase(id) == 0) return;
  latched_.erase(id);
  for (auto& [client_id, member] : members_) member.client->drop_channel(id);
  broadcast(unadvertise_text({id}));
  const std::lock_guard lock(demand_mutex_);
  demand_.erase(id);
}

void Hub::add_service(Service service) {
  const std::string text = advertise_services_text({service});
  services_[service.id] = std::move(service);
  broadcast(text);
}

void Hub::set_parameter(StoredParameter stored) {
  const std::string name = stored.parameter.name;
  const std::string text = parameter_values_text({stored.parameter}, {});
  parameters_[name] = std::move(stored);
  for (auto& [id, member] : members_) {
    if (member.watches_all || member.watched.count(name)) member.client->send_text(text);
  }
}

void Hub::deliver(const Frame& frame) {
  const Channel* channel = find_channel(frame.channel_id);
  if (!channel) return;
  if (channel->latched) latched_[frame.channel_id] = frame;
  for (auto& [id, member] : members_) member.client->send_frame(frame);
}

void Hub::deliver_time(Time time) {
  for (auto& [id, member] : members_) member.client->send_time(time);
}

void Hub::broadcast(const std::string& text) {
  for (auto& [id, member] : members_) member.client->send_text(text);
}

Client* Hub::find_client(std::uint64_t id) const {
  const auto it = members_.find(id);
  return it == members_.end() ? nullptr : it->second.client;
}

std::vector<Parameter> Hub::parameters(const std::vector<std::string>& names) const {
  std::vector<Parameter> out;
  if (names.empty()) {
    for (const auto& [name, stored] : parameters_) out.push_back(stored.parameter);
  }
  for (const std::string& name : names) {
    if (const auto it = parameters_.find(name); it != parameters_.end()) out.push_back(it->second.parameter);
  }
  return out;
}

std::vector<Client*> Hub::clients() const {
  std::vector<Client*> out;
  for (const auto& [id, member] : members_) out.push_back(member.client);
  return out;
}

void Hub::declare(std::uint32_t channel_id, bool latched, Duration page_period) {
  const std::lock_guard lock(demand_mutex_);
  demand_[channel_id].latched = latched;
  demand_[channel_id].page_period = page_period;
}

void Hub::count_subscriber(std::uint32_t channel_id, bool is_page, int change) {
  const std::lock_guard lock(demand_mutex_);
  const auto it = demand_.find(channel_id);
  if (it != demand_.end()) (is_page ? it->second.pages : it->second.programs) += change;
}

std::optional<Duration> Hub::period(std::uint32_t channel_id) const {
  const std::lock_guard lock(demand_mutex_);
  const auto it = demand_.find(channel_id);
  if (it == demand_.end()) return std::nullopt;
  if (it->second.programs > 0) return Duration{0};
  if (it->second.pages > 0 || it->second.latched) return it->second.page_period;
  return std::nullopt;
}

}  // namespace geoul::runtime
