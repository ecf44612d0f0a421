#include "geoul/link/opcua/opcua_link.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <map>
#include <set>

#include "geoul/link/intake.h"
#include "geoul/link/opcua/gateway.h"

namespace geoul::link {
namespace {

using opcua::json_text;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxOffered = 20'000;
constexpr Duration kFirstPause{250'000'000}, kLongestPause{8'000'000'000};
constexpr std::chrono::seconds kProven{10};  // live this long: the next pause is short again

const char* name_of(OpcuaSecurity security) {
  constexpr const char* kNames[] = {"None", "Sign", "SignAndEncrypt"};
  return kNames[static_cast<std::size_t>(security)];
}
const char* name_of(OpcuaPolicy policy) {
  constexpr const char* kNames[] = {"Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::string list(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? "," : "") + json_text(word);
  return out + "]";
}

std::string milliseconds(Duration d) {
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.6g", 1e3 * d.seconds());
  return digits;
}

Error unavailable(std::string why) { return {ErrorCode::kUnavailable, std::move(why)}; }

class OpcuaLinkOverGateway final : public OpcuaLink {
 public:
  OpcuaLinkOverGateway(LinkOptions link, OpcuaOptions options)
      : intake_(std::move(link)),
        options_(std::move(options)),
        backoff_(std::hash<std::string>{}(options_.url) ^
                     static_cast<std::uint64_t>(Steady::now().time_since_epoch().count()),
                 kFirstPause, kLongestPause),
        gateway_({.id = intake_.options().id, .folder = options_.gateway_folder, .log = options_.log}) {
    intake_.set_peer(options_.url);
  }
  ~OpcuaLinkOverGateway() override { stop(); }

  void start() override {
    intake_.set_connecting();
    gateway_.start({.on_up = [this] { connect(); },
                    .on_message = [this](opcua::Message message) { hear(std::move(message)); },
                    .on_down = [this](std::string problem, Duration pause) { lose(std::move(problem), pause, false); },
                    .on_tick = [this] { tick(); }});
    started_ = true;
  }
  void stop() override {
    gateway_.stop();
    fail_requests();
    intake_.set_stopped();
    changed_.notify_all();
  }
  void take(std::vector<Update>& updates) override { intake_.take(updates); }
  void take_outcomes(std::vector<WriteOutcome>& outcomes) override { intake_.take_outcomes(outcomes); }
  LinkHealth health() const override {
    LinkHealth health = intake_.health();
    const std::lock_guard lock(mutex_);
    health.dropped += events_dropped_;
    return health;
  }
  void on_delivery(std::function<void()> wake) override { intake_.on_delivery(std::move(wake)); }
  std::int64_t gateway_pid() const override { return gateway_.pid(); }

  Result<std::uint64_t> write(const std::string& name, const Value& value) override {
    if (intake_.health().state != LinkState::kLive) return not_live();
    const std::uint64_t ticket = intake_.next_ticket();
    {
      const std::lock_guard lock(mutex_);
      writes_.insert(ticket);
    }
    if (!gateway_.send(R"({"type":"write","id":)" + std::to_string(ticket) + R"(,"name":)" + json_text(name) + "," +
                       opcua::value_fields(value) + "}")) {
      const std::lock_guard lock(mutex_);
      writes_.erase(ticket);
      return unavailable("link '" + intake_.options().id + "': the gateway does not take it; see the link's health");
    }
    return ticket;
  }

  Result<std::vector<OfferedSignal>> browse(Duration patience) override {
    if (!started_) return browse_once(patience);
    const auto until = Steady::now() + std::chrono::nanoseconds(patience.ns);
    if (auto live = wait_live(until); !live) return live.error();
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(until - Steady::now());
    const std::int64_t until_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                      (std::chrono::system_clock::now() + left * 8 / 10).time_since_epoch())
                                      .count();
    auto reply =
        ask(R"("browse","limit":)" + std::to_string(kMaxOffered) + R"(,"until_ms":)" + std::to_string(until_ms),
            {left.count()});
    if (!reply) return reply.error();
    if (!reply->whole && reply->offered.size() < kMaxOffered) {
      return unavailable("link '" + intake_.options().id + "': the plant could not be browsed to its end in " +
                         std::to_string(patience.ns / 1'000'000'000) + " s; give it longer");
    }
    return std::move(reply->offered);
  }

  Result<std::vector<Value>> call(const std::string& object, const std::string& method,
                                  const std::vector<Value>& arguments, Duration patience) override {
    std::string given;
    for (const Value& value : arguments) {
      // ["kind":1,"value":"2"] without its keys: the gateway takes pairs
      std::string pair = opcua::value_fields(value);
      const std::size_t comma = pair.find(R"(,"value":)");
      given += (given.empty() ? "[" : ",[") + pair.substr(7, comma - 7) + "," + pair.substr(comma + 9) + "]";
    }
    auto reply = ask(R"("call","object":)" + json_text(object) + R"(,"method":)" + json_text(method) +
                         R"(,"arguments":[)" + given + "]",
                     patience);
    if (!reply) return reply.error();
    return std::move(reply->values);
  }

  Result<OpcuaHistory> history(const std::string& name, Time from, Time to, std::size_t limit,
                               Duration patience) override {
    GEOUL_EXPECTS(from < to && limit > 0);
    auto reply = ask(R"("history","name":)" + json_text(name) + R"(,"from":")" + std::to_string(from.ns) +
                         R"(","to":")" + std::to_string(to.ns) + R"(","limit":)" + std::to_string(limit),
                     patience);
    if (!reply) return reply.error();
    OpcuaHistory history;
    history.whole = reply->whole;
    for (opcua::UpdateItem& sample : reply->samples) {
      if (!sample.time) continue;
      history.entries.push_back(
          {*sample.time, sample.quality, sample.value.has_value(), std::move(sample.value).value_or(Value())});
    }
    return history;
  }

  void take_events(std::vector<OpcuaEvent>& events) override {
    const std::lock_guard lock(mutex_);
    std::move(events_.begin(), events_.end(), std::back_inserter(events));
    events_.clear();
  }

 private:
  Error not_live() const {
    const LinkHealth health = intake_.health();
    return unavailable("link '" + intake_.options().id + "' is " + to_string(health.state) +
                       (health.problem.empty() ? "" : ": " + health.problem));
  }

  void connect() {
    const bool secure = options_.security != OpcuaSecurity::kNone;
    intake_.set_connecting();
    const std::string folder = options_.state_folder.empty() ? default_opcua_state_folder() : options_.state_folder;
    if (folder.empty())
      return lose("there is no folder for certificates: set HOME or XDG_STATE_HOME", backoff_.next(), true);
    gateway_.send(R"({"type":"connect","link":)" + json_text(intake_.options().id) + R"(,"url":)" +
                  json_text(options_.url) + R"(,"security_mode":")" + name_of(options_.security) +
                  R"(","security_policy":")" + (secure ? name_of(options_.policy) : "None") + R"(","user":)" +
                  json_text(options_.user) + R"(,"password":)" + json_text(options_.password) + R"(,"state_folder":)" +
                  json_text(folder) + R"(,"publishing_interval_ms":)" + milliseconds(options_.publishing_interval) +
                  R"(,"sampling_interval_ms":)" + milliseconds(options_.sampling_interval) + R"(,"queue_size":)" +
                  std::to_string(options_.queue_size) + R"(,"signals":)" + list(intake_.options().signals) +
                  R"(,"events":)" + list(options_.events) + "}");
  }

  void tick() {
    if (connect_due_ == Steady::time_point() || Steady::now() < connect_due_) return;
    connect_due_ = {};
    connect();
  }

  // The connection is lost. `again`: it is we who try again after the pause; else the gateway is started anew first.
  void lose(std::string problem, Duration pause, bool again) {
    connect_due_ = again ? Steady::now() + std::chrono::nanoseconds(pause.ns) : Steady::time_point();
    live_since_ = {};
    intake_.mark_all_bad();
    intake_.set_waiting(std::move(problem), intake_.now() + pause);
    fail_requests();
    changed_.notify_all();
  }

  void hear(opcua::Message message) {
    if (auto* updates = std::get_if<opcua::Updates>(&message)) return deliver(std::move(*updates));
    if (auto* reply = std::get_if<opcua::Reply>(&message)) return answer(std::move(*reply));
    if (auto* event = std::get_if<opcua::Event>(&message)) return keep(std::move(*event));
    if (const auto* live = std::get_if<opcua::Live>(&message)) {
      intake_.set_peer(live->peer);
      intake_.set_live();
      live_since_ = Steady::now();
      changed_.notify_all();
    } else if (const auto* down = std::get_if<opcua::Down>(&message)) {
      if (live_since_ != Steady::time_point() && Steady::now() - live_since_ > kProven) backoff_.succeeded();
      lose(down->problem, backoff_.next(), true);
    } else if (const auto* units = std::get_if<opcua::Units>(&message)) {
      for (const auto& [signal, text] : units->items) {
        if (signal < intake_.options().signals.size()) intake_.offer_unit(signal, text);
      }
    } else if (const auto* problem = std::get_if<opcua::Problem>(&message)) {
      // "it is no more" takes back only what the gateway itself has said
      if (!problem->text.empty() || intake_.health().problem == said_) intake_.set_problem(problem->text);
      said_ = problem->text;
      for (const std::uint32_t signal : problem->signals) {
        if (signal < intake_.options().signals.size()) intake_.mark_bad(signal);
      }
    }
  }

  void deliver(opcua::Updates updates) {
    if (updates.lost > 0) intake_.count_lost(updates.lost);
    std::vector<Intake::Item> items;
    items.reserve(updates.items.size());
    for (opcua::UpdateItem& item : updates.items) {
      if (item.signal >= intake_.options().signals.size()) continue;
      if (item.value) {
        items.push_back({item.signal, std::move(*item.value), item.quality, item.time});
      } else {
        // Bad, and without a value: the last one stands, after those that came before.
        intake_.deliver(std::move(items));
        items.clear();
        intake_.mark_bad(item.signal);
      }
    }
    intake_.deliver(std::move(items));
  }

  void keep(opcua::Event event) {
    const Time now = intake_.now();
    const std::lock_guard lock(mutex_);
    if (events_.size() == kMaxEvents) events_.pop_front(), ++events_dropped_;
    events_.push_back({std::move(event.from), std::move(event.source), std::move(event.type), std::move(event.message),
                       event.severity, event.time.value_or(now), now});
  }

  void answer(opcua::Reply reply) {
    std::unique_lock lock(mutex_);
    if (writes_.erase(reply.id) > 0) {
      lock.unlock();
      return intake_.finish_write({reply.id, !reply.error, reply.error ? reply.error->message : ""});
    }
    const auto at = requests_.find(reply.id);
    if (at == requests_.end()) return;  // nobody waits for it any more
    at->second.set_value(reply.error ? Result<opcua::Reply>(*reply.error) : Result<opcua::Reply>(std::move(reply)));
    requests_.erase(at);
  }

  void fail_requests() {
    std::map<std::uint64_t, std::promise<Result<opcua::Reply>>> requests;
    std::set<std::uint64_t> writes;
    {
      const std::lock_guard lock(mutex_);
      requests.swap(requests_);
      writes.swap(writes_);
    }
    const std::string why = "the connection was lost before the plant answered";
    for (auto& [id, request] : requests) request.set_value(unavailable(why));
    for (const std::uint64_t ticket : writes)
      intake_.finish_write({ticket, false, why + ": it may have taken the value or not"});
  }

  // `request`: the type in quotes, and the other fields.
  Result<opcua::Reply> ask(const std::string& request, Duration patience) {
    if (intake_.health().state != LinkState::kLive) return not_live();
    const std::uint64_t id = intake_.next_ticket();
    std::future<Result<opcua::Reply>> answer;
    {
      const std::lock_guard lock(mutex_);
      answer = requests_[id].get_future();
    }
    const bool sent = gateway_.send(R"({"id":)" + std::to_string(id) + R"(,"type":)" + request + "}");
    if (sent && answer.wait_for(std::chrono::nanoseconds(patience.ns)) == std::future_status::ready)
      return answer.get();
    const std::lock_guard lock(mutex_);
    if (requests_.erase(id) == 0) return answer.get();  // it came just now
    return unavailable("link '" + intake_.options().id + "': no answer in " + milliseconds(patience) + " ms");
  }

  // Waits until the link is live; the first failed attempt ends it with what was wrong.
  Result<void> wait_live(Steady::time_point until) {
    std::unique_lock lock(waiting_);
    for (;;) {
      const LinkHealth health = intake_.health();
      if (health.state == LinkState::kLive) return {};
      if (health.state == LinkState::kWaiting || health.state == LinkState::kStopped) return not_live();
      if (Steady::now() >= until)
        return unavailable("link '" + intake_.options().id + "': " + options_.url + " gives no answer in time");
      changed_.wait_for(lock, std::chrono::milliseconds(50));
    }
  }

  Result<std::vector<OfferedSignal>> browse_once(Duration patience) const {
    LinkOptions link = intake_.options();
    link.signals.clear();
    OpcuaOptions options = options_;
    options.events.clear();
    OpcuaLinkOverGateway probe(std::move(link), std::move(options));
    probe.start();
    return probe.browse(patience);
  }

  Intake intake_;
  OpcuaOptions options_;
  Backoff backoff_;                 // this and the next three: of the gateway's thread
  Steady::time_point connect_due_;  // zero: not due
  Steady::time_point live_since_;   // zero: not live
  std::string said_;                // the problem that the gateway said last
  bool started_ = false;
  mutable std::mutex mutex_;
  // under the mutex
  std::map<std::uint64_t, std::promise<Result<opcua::Reply>>> requests_;
  std::set<std::uint64_t> writes_;
  std::deque<OpcuaEvent> events_;
  std::uint64_t events_dropped_ = 0;
  std::mutex waiting_;
  std::condition_variable changed_;
  opcua::Gateway gateway_;  // last: its thread uses all of the above
};

}  // namespace

std::unique_ptr<OpcuaLink> make_opcua_link(LinkOptions link, OpcuaOptions options) {
  GEOUL_EXPECTS(!options.url.empty() && options.publishing_interval.ns > 0 && options.sampling_interval.ns >= 0);
  return std::make_unique<OpcuaLinkOverGateway>(std::move(link), std::move(options));
}

std::string default_opcua_state_folder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return std::string(state) + "/geoul/opcua";
  const char* home = std::getenv("HOME");
  return home != nullptr && home[0] == '/' ? std::string(home) + "/.local/state/geoul/opcua" : std::string();
}

Result<std::string> trust_opcua_certificate(const std::string& state_folder, const std::string& thumbprint) {
  namespace fs = std::filesystem;
  std::string wanted;
  for (const char c : thumbprint) {
    if (c != ':' && c != ' ') wanted.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  if (wanted.size() != 40 || wanted.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{ErrorCode::kBadInput,
                 "'" + thumbprint + "' is no thumbprint: 40 hexadecimal digits, as the link's problem shows them"};
  }
  for (const char* role : {"client", "server"}) {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(fs::path(state_folder) / role / "rejected", failed)) {
      if (entry.path().filename().string().find("[" + wanted + "]") == std::string::npos) continue;
      const fs::path to = fs::path(state_folder) / role / "trusted/certs" / entry.path().filename();
      fs::rename(entry.path(), to, failed);
      if (failed)
        return unavailable("'" + entry.path().string() + "' cannot be moved to '" + to.string() +
                           "': " + failed.message());
      return to.string();
    }
  }
  return Error{ErrorCode::kNotFound, "no certificate with thumbprint " + wanted +
                                         " has come: connect first, so that '" + state_folder + "' holds it"};
}

}  // namespace geoul::link
