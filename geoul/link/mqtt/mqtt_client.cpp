#include "geoul/link/mqtt/mqtt_client.h"

#include <MQTTAsync.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <utility>

namespace geoul::link {
namespace {

// The library keeps global state that must be made before the first client.
void init_library() {
  static const bool done = [] {
    MQTTAsync_init_options options = MQTTAsync_init_options_initializer;
    options.do_openssl_init = 1;
    MQTTAsync_global_init(&options);
    return true;
  }();
  (void)done;
}

// What a call that the library answers later comes to. Shared by the waiting thread and the callback, whoever is last.
struct Answer {
  std::mutex mutex;
  std::condition_variable changed;
  bool arrived = false;
  bool success = false;
  int code = 0;  // of the broker where positive, of the library where negative
  std::string message;
  std::function<void(bool)> done;
  int filters = 0;  // of a subscription; fixed before it is sent

  void arrive(bool succeeded, int with_code, const char* text) {
    std::function<void(bool)> call;
    {
      const std::lock_guard lock(mutex);
      if (arrived) return;
      arrived = true;
      success = succeeded;
      code = with_code;
      message = text != nullptr ? text : "";
      call = std::move(done);
    }
    changed.notify_all();
    if (call) call(succeeded);
  }
  bool wait(Duration patience) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::nanoseconds(patience.ns), [&] { return arrived; });
  }
};
using Context = std::shared_ptr<Answer>;

// The library calls exactly one of the two, once; each takes the context back.
void finish(void* context, bool success, int code, const char* message) {
  const std::unique_ptr<Context> answer(static_cast<Context*>(context));
  (*answer)->arrive(success, code, message);
}
// A subscription may succeed for some of its filters: all must.
void on_success(void* context, MQTTAsync_successData* data) {
  const int filters = (*static_cast<Context*>(context))->filters;
  bool is_granted = true;
  for (int i = 0; filters > 1 && data != nullptr && i < filters; ++i) is_granted &= data->alt.qosList[i] < 0x80;
  finish(context, is_granted, 0, nullptr);
}
void on_failure(void* context, MQTTAsync_failureData* data) {
  finish(context, false, data != nullptr ? data->code : -1, data != nullptr ? data->message : nullptr);
}
void on_success5(void* context, MQTTAsync_successData5* data) {
  const int reason = data != nullptr ? static_cast<int>(data->reasonCode) : 0;
  bool is_granted = reason < 0x80;
  const int filters = (*static_cast<Context*>(context))->filters;
  for (int i = 0; filters > 1 && data != nullptr && i < data->alt.sub.reasonCodeCount; ++i) {
    is_granted &= static_cast<int>(data->alt.sub.reasonCodes[i]) < 0x80;
  }
  finish(context, is_granted, reason, nullptr);
}
void on_failure5(void* context, MQTTAsync_failureData5* data) {
  const int reason = data != nullptr ? static_cast<int>(data->reasonCode) : 0;
  const int code = reason >= 0x80 ? reason : (data != nullptr ? data->code : -1);
  finish(context, false, code, data != nullptr ? data->message : nullptr);
}

void set_callbacks(bool v5, const Context& answer, MQTTAsync_responseOptions& options) {
  options.context = new Context(answer);
  if (v5) {
    options.onSuccess5 = on_success5;
    options.onFailure5 = on_failure5;
  } else {
    options.onSuccess = on_success;
    options.onFailure = on_failure;
  }
}

std::string random_id() {
  std::random_device source;
  char text[32];
  std::snprintf(text, sizeof text, "geoul-%08x%08x", source(), source());
  return text;
}

// The library leaves Nagle's algorithm on, which holds a small message back until the peer has acknowledged the last
// one, up to 40 ms, and it shows its socket to nobody: so all of ours that lead to this port are asked not to wait.
void send_at_once(int port) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    const auto of = [&peer](auto address) {
      std::memcpy(&address, &peer, sizeof address);
      return address;
    };
    const int found = peer.ss_family == AF_INET    ? ntohs(of(sockaddr_in{}).sin_port)
                      : peer.ss_family == AF_INET6 ? ntohs(of(sockaddr_in6{}).sin6_port)
                                                   : 0;
    const int on = 1;
    if (found == port) (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

bool is_readable(const std::string& file) { return std::ifstream(file).good(); }

}  // namespace

Result<MqttUrl> parse_mqtt_url(const std::string& url) {
  const auto bad = [&](const std::string& what) {
    return Error{ErrorCode::kBadInput, "url '" + url + "' " + what + "; write mqtt://host:1883 or mqtts://host:8883"};
  };
  MqttUrl out;
  std::string_view rest = url;
  if (rest.starts_with("mqtts://")) {
    out = {"", 8883, true};
    rest.remove_prefix(8);
  } else if (rest.starts_with("mqtt://")) {
    rest.remove_prefix(7);
  } else {
    return bad("does not begin with mqtt:// or mqtts://");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) {  // not shown again: it may be a password
    return Error{ErrorCode::kBadInput, "the url holds '@': user and password are keys of their own, never in the url"};
  }
  if (rest.find_first_of("/?# ") != std::string_view::npos) return bad("holds more than host and port");
  std::size_t colon = rest.rfind(':');
  const std::size_t bracket = rest.rfind(']');
  if (colon != std::string_view::npos && bracket != std::string_view::npos && colon < bracket) {
    colon = std::string_view::npos;
  }
  if (colon != std::string_view::npos) {
    const std::string port(rest.substr(colon + 1));
    const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
    out.port = digits ? std::stoi(port) : 0;
    if (out.port < 1 || out.port > 65535) return bad("has no port from 1 to 65535");
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']'))
    rest = rest.substr(1, rest.size() - 2);
  else if (rest.find(':') != std::string_view::npos)
    return bad("has an IPv6 address without brackets");
  if (rest.empty()) return bad("names no host");
  out.host = rest;
  return out;
}

Result<void> check_connection(const MqttConnection& c) {
  const auto url = parse_mqtt_url(c.url);
  if (!url) return url.error();
  const bool has_files = !c.ca_file.empty() || !c.certificate_file.empty() || !c.key_file.empty();
  if (has_files && !url->tls) {
    return Error{ErrorCode::kBadInput,
                 c.url + ": certificates are given, and mqtt:// does not use them; write mqtts://"};
  }
  if (c.certificate_file.empty() != c.key_file.empty()) {
    return Error{ErrorCode::kBadInput,
                 c.url + ": the client's certificate and its key belong together; give both files or none"};
  }
  if (!c.password.empty() && c.user.empty()) {
    return Error{ErrorCode::kBadInput, c.url + ": a password without a user; give the user too"};
  }
  for (const std::string* file : {&c.ca_file, &c.certificate_file, &c.key_file}) {
    if (file->empty() || is_readable(*file)) continue;
    return Error{ErrorCode::kNotFound, c.url + ": cannot read " + *file + "; give a PEM file that this user may read"};
  }
  return {};
}

struct MqttClient::State {
  MqttConnection connection;
  Callbacks callbacks;
  MQTTAsync handle = nullptr;
  std::mutex mutex;
  std::string tls_error;            // under the mutex, what the TLS library said
  std::shared_ptr<Answer> awaited;  // under the mutex
  std::atomic<bool> cancelled{false};
  bool is_v5 = false;
  bool is_parted = false;  // disconnect() was called

  // False where no answer came in time, or where the client is cancelled.
  bool wait(const std::shared_ptr<Answer>& answer, Duration patience);

  // Answers of the broker to one line.
  std::string explain(int code, const std::string& message);
};

bool MqttClient::State::wait(const std::shared_ptr<Answer>& answer, Duration patience) {
  {
    const std::lock_guard lock(mutex);
    awaited = answer;
  }
  if (cancelled) return false;
  const bool arrived = answer->wait(patience);
  const std::lock_guard lock(mutex);
  awaited.reset();
  return arrived && !cancelled;
}

void MqttClient::cancel() {
  state_->cancelled = true;
  std::shared_ptr<Answer> awaited;
  {
    const std::lock_guard lock(state_->mutex);
    awaited = state_->awaited;
  }
  if (awaited) awaited->arrive(false, -1, "cancelled");
}

std::string MqttClient::State::explain(int code, const std::string& message) {
  const std::string who =
      connection.user.empty() ? "this client, which gives no user" : "user '" + connection.user + "'";
  switch (code) {
    case 1:
    case 0x84: return "the broker does not speak this MQTT version; set version to 3.1.1";
    case 2:
    case 0x85: return "the broker refuses the client id '" + connection.client_id + "'; choose another client_id";
    case 3:
    case 0x88: return "the broker is not available for now; it is asked again";
    case 4:
    case 0x86: return "the broker refuses " + who + ": wrong user or password; mend user and password";
    case 5:
    case 0x87:
      return "the broker refuses " + who + ": wrong user or password, or not authorised; mend user and password";
    case 0x8a: return "the broker has banned this client; ask whoever runs it";
    case 0x9f: return "the broker says that connections come too fast; it is asked again later";
    default: break;
  }
  if (code > 0) return "the broker refuses with reason " + std::to_string(code) + "; its log tells more";
  const std::string why = explain_failure(connection);
  if (!why.empty()) return why;
  const std::lock_guard lock(mutex);
  if (!tls_error.empty()) return "TLS fails: " + tls_error + "; compare the certificates with the broker's";
  return "the broker closes the connection without an answer" + (message.empty() ? "" : " (" + message + ")") +
         "; if the port speaks TLS, write mqtts://, and look into its log";
}

MqttClient::MqttClient(MqttConnection connection, Callbacks callbacks) : state_(std::make_unique<State>()) {
  init_library();
  state_->connection = std::move(connection);
  if (state_->connection.client_id.empty()) state_->connection.client_id = random_id();
  state_->callbacks = std::move(callbacks);
  state_->is_v5 = state_->connection.version == MqttVersion::k5;
}

MqttClient::~MqttClient() {
  disconnect();
  if (state_->handle != nullptr) MQTTAsync_destroy(&state_->handle);
}

bool MqttClient::connected() const { return state_->handle != nullptr && MQTTAsync_isConnected(state_->handle) != 0; }

Result<void> MqttClient::connect(const std::optional<MqttMessage>& will) {
  GEOUL_EXPECTS(state_->handle == nullptr);
  State& s = *state_;
  const MqttConnection& c = s.connection;
  const auto fail = [&](ErrorCode code, const std::string& what) { return Error{code, c.url + ": " + what}; };
  if (const auto checked = check_connection(c); !checked) return checked.error();
  const MqttUrl url = parse_mqtt_url(c.url).value();
  const std::string host = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  const std::string uri = (url.tls ? "ssl://" : "tcp://") + host + ":" + std::to_string(url.port);

  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  create.MQTTVersion = s.is_v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
  create.maxBufferedMessages = kMaxBuffered;
  if (MQTTAsync_createWithOptions(&s.handle, uri.c_str(), c.client_id.c_str(), MQTTCLIENT_PERSISTENCE_NONE, nullptr,
                                  &create) != MQTTASYNC_SUCCESS) {
    return fail(ErrorCode::kInternal, "the MQTT library makes no client");
  }
  MQTTAsync_setCallbacks(
      s.handle, &s, [](void* context, char*) { static_cast<State*>(context)->callbacks.lost(); },
      [](void* context, char* topic, int length, MQTTAsync_message* message) {
        const std::string_view name(topic, length > 0 ? static_cast<std::size_t>(length) : std::strlen(topic));
        const std::string_view payload(static_cast<const char*>(message->payload),
                                       static_cast<std::size_t>(message->payloadlen));
        static_cast<State*>(context)->callbacks.message(name, payload, message->retained != 0);
        MQTTAsync_freeMessage(&message);
        MQTTAsync_free(topic);
        return 1;
      },
      nullptr);

  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  if (s.is_v5) options = MQTTAsync_connectOptions_initializer5;
  options.MQTTVersion = create.MQTTVersion;
  options.keepAliveInterval = static_cast<int>(c.keep_alive.seconds());
  options.connectTimeout = std::max(1, static_cast<int>(c.patience.seconds()));
  options.username = c.user.empty() ? nullptr : c.user.c_str();
  options.password = c.password.empty() ? nullptr : c.password.c_str();
  MQTTAsync_willOptions last = MQTTAsync_willOptions_initializer;
  if (will) {
    last.topicName = will->topic.c_str();
    last.payload = {static_cast<int>(will->payload.size()), will->payload.data()};
    last.qos = will->qos;
    last.retained = will->retained ? 1 : 0;
    options.will = &last;
  }
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  if (url.tls) {
    tls.trustStore = c.ca_file.empty() ? nullptr : c.ca_file.c_str();
    tls.keyStore = c.certificate_file.empty() ? nullptr : c.certificate_file.c_str();
    tls.privateKey = c.key_file.empty() ? nullptr : c.key_file.c_str();
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    tls.ssl_error_context = &s;
    tls.ssl_error_cb = [](const char* text, std::size_t length, void* context) {
      State& state = *static_cast<State*>(context);
      const std::lock_guard lock(state.mutex);
      state.tls_error.assign(text, length);
      while (!state.tls_error.empty() && state.tls_error.back() == '\n') state.tls_error.pop_back();
      return 1;
    };
    options.ssl = &tls;
  }
  const auto answer = std::make_shared<Answer>();
  auto context = std::make_unique<Context>(answer);
  options.context = context.get();
  if (s.is_v5) {
    options.onSuccess5 = on_success5;
    options.onFailure5 = on_failure5;
  } else {
    options.onSuccess = on_success;
    options.onFailure = on_failure;
  }
  if (const int code = MQTTAsync_connect(s.handle, &options); code != MQTTASYNC_SUCCESS) {
    return fail(ErrorCode::kUnavailable, s.explain(code, MQTTAsync_strerror(code) ? MQTTAsync_strerror(code) : ""));
  }
  (void)context.release();
  if (!s.wait(answer, c.patience + Duration{1'000'000'000})) {
    if (s.cancelled) return fail(ErrorCode::kUnavailable, "stopped while it connects");
    const std::string why = explain_failure(c);
    return fail(ErrorCode::kUnavailable, why.empty() ? "the broker does not answer; look into its log" : why);
  }
  if (!answer->success) return fail(ErrorCode::kUnavailable, s.explain(answer->code, answer->message));
  send_at_once(url.port);
  return {};
}

Result<void> MqttClient::subscribe(const std::vector<std::string>& filters, int qos) {
  GEOUL_EXPECTS(state_->handle != nullptr);
  constexpr std::size_t kAtOnce = 256;  // filters of one packet
  for (std::size_t begin = 0; begin < filters.size(); begin += kAtOnce) {
    std::vector<char*> topics;
    for (std::size_t i = begin; i < std::min(filters.size(), begin + kAtOnce); ++i) {
      topics.push_back(const_cast<char*>(filters[i].c_str()));  // the library does not write there
    }
    const std::vector<int> qualities(topics.size(), qos);
    std::vector<MQTTSubscribe_options> choices(topics.size(), MQTTSubscribe_options{{'M', 'Q', 'S', 'O'}, 0, 0, 0, 0});
    const auto answer = std::make_shared<Answer>();
    answer->filters = static_cast<int>(topics.size());
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    set_callbacks(state_->is_v5, answer, options);
    if (state_->is_v5) {
      options.subscribeOptionsCount = static_cast<int>(choices.size());
      options.subscribeOptionsList = choices.data();
    }
    const int code = MQTTAsync_subscribeMany(state_->handle, static_cast<int>(topics.size()), topics.data(),
                                             qualities.data(), &options);
    const std::string what = state_->connection.url + ": subscription to '" + filters[begin] + "'";
    if (code != MQTTASYNC_SUCCESS) {
      delete static_cast<Context*>(options.context);
      return Error{ErrorCode::kUnavailable, what + " cannot be sent (" + std::to_string(code) + "); it is tried again"};
    }
    if (!state_->wait(answer, state_->connection.patience)) {
      return Error{ErrorCode::kUnavailable, what + " is not answered; look into the broker's log"};
    }
    if (!answer->success) {
      return Error{ErrorCode::kUnavailable, what + " is refused; allow it in the broker's access list"};
    }
  }
  return {};
}

Result<void> MqttClient::publish(const MqttMessage& message, std::function<void(bool)> done) {
  GEOUL_EXPECTS(state_->handle != nullptr);
  const auto answer = std::make_shared<Answer>();
  answer->done = std::move(done);
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  if (answer->done) set_callbacks(state_->is_v5, answer, options);
  const int code = MQTTAsync_send(state_->handle, message.topic.c_str(), static_cast<int>(message.payload.size()),
                                  message.payload.data(), message.qos, message.retained ? 1 : 0, &options);
  if (code == MQTTASYNC_SUCCESS) return {};
  if (options.context != nullptr) delete static_cast<Context*>(options.context);
  const bool is_full = code == MQTTASYNC_MAX_BUFFERED_MESSAGES;
  return Error{ErrorCode::kUnavailable,
               state_->connection.url + (is_full ? ": too many messages wait to be sent" : ": the connection is lost")};
}

Result<void> MqttClient::publish_and_wait(const MqttMessage& message, std::optional<Duration> patience) {
  const auto answer = std::make_shared<Answer>();
  const auto sent = publish(message, [answer](bool success) { answer->arrive(success, 0, nullptr); });
  if (!sent) return sent.error();
  if (state_->wait(answer, patience.value_or(state_->connection.patience)) && answer->success) return {};
  return Error{ErrorCode::kUnavailable,
               state_->connection.url + ": a message to '" + message.topic + "' is not taken by the broker"};
}

void MqttClient::disconnect(bool with_will, Duration patience) {
  if (!connected() || std::exchange(state_->is_parted, true)) return;  // a broker that hangs is waited for once
  const int patience_ms = static_cast<int>(patience.ns / 1'000'000);
  const auto answer = std::make_shared<Answer>();
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  auto context = std::make_unique<Context>(answer);
  options.context = context.get();
  options.timeout = patience_ms;
  if (state_->is_v5) {
    options = MQTTAsync_disconnectOptions_initializer5;
    options.context = context.get();
    options.timeout = patience_ms;
    options.onSuccess5 = on_success5;
    options.onFailure5 = on_failure5;
    if (with_will) options.reasonCode = MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE;
  } else {
    options.onSuccess = on_success;
    options.onFailure = on_failure;
  }
  if (MQTTAsync_disconnect(state_->handle, &options) != MQTTASYNC_SUCCESS) return;
  (void)context.release();
  answer->wait(patience + Duration{200'000'000});
}

}  // namespace geoul::link
