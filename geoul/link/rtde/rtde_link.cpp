#include "geoul/link/rtde/rtde_link.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <deque>
#include <mutex>

#include "geoul/core/nearest.h"
#include "geoul/link/intake_link.h"
#include "geoul/link/rtde/rtde_browse.h"
#include "geoul/link/rtde/rtde_client.h"
#include "geoul/link/rtde/rtde_variables.h"

namespace geoul::link {
namespace {

Time steady_now() { return {std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count()}; }

// Which values of a data package go to which signal.
struct Subscription {
  std::uint8_t recipe = 0;
  std::vector<RtdeType> types;
  std::optional<std::size_t> timestamp;  // among the values
  struct Bound {
    std::uint32_t signal = 0;
    std::size_t value = 0;
  };
  std::vector<Bound> bound;
  std::vector<std::uint32_t> missing;
  std::string problem;  // of the first missing one; empty where none is
};

// What to ask the controller for, before it has said what it has. A name that is not documented is asked for as it
// stands and, where it ends in an index, as a vector: a newer controller may have it.
struct Request {
  std::vector<std::string> names = {"timestamp"};
  struct Wanted {
    std::uint32_t signal = 0;
    std::string whole;                   // variable of one value; empty: not asked for
    std::optional<RtdeElement> element;  // of a vector
  };
  std::vector<Wanted> wanted;
  std::vector<std::uint32_t> too_many;  // signals beyond the limit of names
};

Request plan_request(const std::vector<std::string>& signals) {
  Request request;
  std::size_t bytes = request.names.front().size();
  const auto ask = [&](const std::string& name) {
    if (std::find(request.names.begin(), request.names.end(), name) != request.names.end()) return true;
    const bool is_plain =
        std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F && c != ','; });
    if (name.empty() || !is_plain) return true;  // found missing in the answer
    if (bytes + 1 + name.size() > kRtdeNamesLimit) return false;
    bytes += 1 + name.size();
    request.names.push_back(name);
    return true;
  };
  for (std::uint32_t signal = 0; signal < signals.size(); ++signal) {
    Request::Wanted wanted{signal, "", split_element(signals[signal])};
    const bool is_known_vector = wanted.element && find_output(wanted.element->variable);
    if (!is_known_vector) wanted.whole = signals[signal];
    bool fits = wanted.whole.empty() || ask(wanted.whole);
    fits = fits && (!wanted.element || find_output(signals[signal]) || ask(wanted.element->variable));
    fits ? request.wanted.push_back(std::move(wanted)) : request.too_many.push_back(signal);
  }
  return request;
}

std::string missing_problem(const std::string& name, RtdeType whole, std::size_t further) {
  std::string text = "the controller has no variable for '" + name + "'";
  if (further > 0) text += " (nor for " + std::to_string(further) + " more)";
  if (const std::size_t count = element_count(whole); count > 1) {
    return text + "; it is a " + std::string(to_string(whole)) + ": ask for " + name + "_0 to " + name + "_" +
           std::to_string(count - 1);
  }
  return text + "; " + did_you_mean(name, rtde_signal_names(), "geoul link probe lists what it offers");
}

// Asks for what is wanted, drops what the controller does not have, and asks again for the rest, on a new connection.
Result<Subscription> subscribe(RtdeClient& client, double frequency, const std::vector<std::string>& signals) {
  const Request request = plan_request(signals);
  auto recipe = client.setup_outputs(frequency, request.names);
  if (!recipe) return recipe.error();
  std::vector<std::string> names;
  std::vector<RtdeType> types;
  for (std::size_t i = 0; i < request.names.size(); ++i) {
    if (element_count(recipe->types[i]) == 0) continue;
    names.push_back(request.names[i]);
    types.push_back(recipe->types[i]);
  }
  if (names.empty()) {
    return Error{ErrorCode::kNotFound, "the controller has none of the variables; check that it is a robot's"};
  }
  if (names.size() < request.names.size()) {
    if (const auto again = client.reconnect(); !again) return again.error();
    recipe = client.setup_outputs(frequency, names);
    if (!recipe) return recipe.error();
    if (recipe->types != types) return Error{ErrorCode::kBadInput, "the controller changed its types; connect again"};
  }
  Subscription subscription{recipe->id, types, std::nullopt, {}, request.too_many, ""};
  // element of a variable among the values; none where the controller has no such
  const auto value_of = [&](const std::string& name, std::size_t element,
                            bool is_vector) -> std::optional<std::size_t> {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < names.size(); offset += element_count(types[i++])) {
      if (names[i] != name) continue;
      const std::size_t count = element_count(types[i]);
      if (element < count && (count > 1) == is_vector) return offset + element;
    }
    return std::nullopt;
  };
  subscription.timestamp = value_of("timestamp", 0, false);
  for (const Request::Wanted& wanted : request.wanted) {
    std::optional<std::size_t> value = value_of(wanted.whole, 0, false);
    if (!value && wanted.element) value = value_of(wanted.element->variable, wanted.element->element, true);
    value ? subscription.bound.push_back({wanted.signal, *value}) : subscription.missing.push_back(wanted.signal);
  }
  if (!request.too_many.empty()) {
    subscription.problem =
        "the names of the signals are longer than RTDE takes (2048 bytes): " + std::to_string(request.too_many.size()) +
        " stay bad, from '" + signals[request.too_many.front()] + "'; ask for fewer, or by a second link";
  } else if (!subscription.missing.empty()) {
    const std::string& name = signals[subscription.missing.front()];
    const auto at = std::find(names.begin(), names.end(), name);
    const RtdeType whole =
        at == names.end() ? RtdeType::kNotFound : types[static_cast<std::size_t>(at - names.begin())];
    subscription.problem = missing_problem(name, whole, subscription.missing.size() - 1);
  } else if (!subscription.timestamp) {
    subscription.problem = "the controller gives no 'timestamp'; the time of receipt stands for it";
  }
  return subscription;
}

class RtdeLink final : public ThreadLink {
 public:
  explicit RtdeLink(RtdeOptions options)
      : ThreadLink(options.link),
        options_(std::move(options)),
        peer_("rtde://" + options_.host + ":" + std::to_string(options_.port)) {
    intake_.set_peer(peer_);
  }
  ~RtdeLink() override { stop(); }
  Result<std::uint64_t> write(const std::string& name, const Value& value) override;
  Result<std::vector<OfferedSignal>> browse(Duration patience) override {
    return browse_rtde(options_, patience, stop_);
  }

 private:
  struct Pending {
    std::uint64_t ticket = 0;
    RtdeWrite write;
  };
  struct Reserved {
    std::vector<std::string> names;
    RtdeRecipe recipe;
  };

  void run() override;
  Result<void> session(Backoff& backoff);
  Result<void> stream(RtdeClient& client, const Subscription& subscription, Backoff& backoff);
  Result<void> handle(const RtdePackage& package, const Subscription& subscription);
  void count_losses(Time timestamp);
  void say(const RtdeText& text);
  Result<void> connect_writer();
  Result<RtdeRecipe> reserve(const std::vector<std::string>& names);
  Result<void> reserve_inputs();
  void send_writes();
  void fail_writes(const std::string& why);

  const RtdeOptions options_;
  const std::string peer_;
  std::atomic<bool> live_ = false;
  std::mutex mutex_;
  std::deque<Pending> pending_;  // under the mutex
  // of the thread
  std::optional<RtdeClient> writer_;
  std::vector<Reserved> reserved_;  // by the writer
  std::vector<Value> values_;
  double period_ = 0;                     // [s] between packages, as asked for
  std::optional<Time> last_timestamp_;    // of this connection
  std::optional<Time> newest_timestamp_;  // of any
};

void RtdeLink::run() {
  Backoff backoff(static_cast<std::uint64_t>(intake_.now().ns), options_.retry_first, options_.retry_longest);
  while (!stopping_) {
    intake_.set_connecting();
    const auto ended = session(backoff);
    live_ = false;
    writer_.reset();
    fail_writes("the connection ended before it was sent; write again when the link is live");
    if (stopping_) return;
    intake_.mark_all_bad();
    const Duration pause = backoff.next();
    intake_.set_waiting(ended ? "the connection ended" : ended.error().message, intake_.now() + pause);
    stop_.wait(pause);
  }
}

Result<void> RtdeLink::session(Backoff& backoff) {
  auto client = RtdeClient::connect(options_.host, options_.port, options_.patience, stop_);
  if (!client) return client.error();
  intake_.set_peer(peer_ + " (controller " + to_string(client->controller()) + ")");
  // e-Series cycle at 500 Hz, CB3 at 125 Hz: no controller sends faster
  period_ = 1 / std::min(options_.frequency, client->controller().major >= 5 ? 500.0 : 125.0);
  const auto subscription = subscribe(*client, options_.frequency, intake_.options().signals);
  if (!subscription) return subscription.error();
  last_timestamp_.reset();
  const auto reserved = reserve_inputs();
  if (const auto started = client->start(); !started) return started.error();
  intake_.set_live();
  live_ = true;
  if (!subscription->problem.empty()) intake_.set_problem(subscription->problem);
  if (!reserved) intake_.set_problem(reserved.error().message);
  auto ended = stream(*client, *subscription, backoff);
  if (stopping_) (void)client->pause();
  return ended;
}

Result<void> RtdeLink::stream(RtdeClient& client, const Subscription& subscription, Backoff& backoff) {
  const Duration silence = std::max(options_.silence, Duration::from_seconds(10 * period_));
  bool is_first = true;
  Time last = steady_now();
  while (!stopping_) {
    const auto package = client.next(std::max(last + silence - steady_now(), Duration{}), wake_);
    if (!package) return package.error();
    if (*package) {
      if ((*package)->type == RtdePackageType::kData) {
        last = steady_now();
        if (is_first) backoff.succeeded();
        is_first = false;
      }
      if (const auto handled = handle(**package, subscription); !handled) return handled.error();
    } else if (steady_now() - last >= silence) {
      return Error{ErrorCode::kUnavailable, peer_ + ": no data for " + std::to_string(silence.ns / 1'000'000) +
                                                " ms; see whether the controller hangs, and check the network"};
    }
    if (wake_.wait({})) {
      wake_.lower();
      send_writes();
    }
  }
  return {};
}

Result<void> RtdeLink::handle(const RtdePackage& package, const Subscription& subscription) {
  if (package.type == RtdePackageType::kText) {
    const auto text = decode_text(package);
    if (!text) return Error{ErrorCode::kBadInput, peer_ + ": " + text.error().message};
    if (text->level != RtdeLevel::kInfo) say(*text);
    return {};
  }
  const auto recipe = decode_data_recipe(package);
  if (recipe && *recipe != subscription.recipe) return {};  // of a recipe that was replaced
  const auto read = decode_data(package, subscription.types, values_);
  if (!read) {
    return Error{ErrorCode::kBadInput, peer_ + ": " + read.error().message + "; it is read anew by a new connection"};
  }
  std::optional<Time> time;
  if (subscription.timestamp) {
    const double seconds = number_of(values_[*subscription.timestamp]);
    if (!(std::abs(seconds) < 9e9)) {
      return Error{ErrorCode::kBadInput, peer_ + ": the controller's timestamp is no time; restart the controller"};
    }
    time = Time::from_seconds(seconds);
    count_losses(*time);
  }
  std::vector<Intake::Item> items;
  items.reserve(subscription.bound.size());
  for (const Subscription::Bound& bound : subscription.bound) {
    const Value& value = values_[bound.value];
    const Quality quality = std::isfinite(number_of(value)) ? Quality::kGood : Quality::kBad;
    items.push_back({bound.signal, value, quality, time});
  }
  intake_.deliver(std::move(items));
  return {};
}

void RtdeLink::say(const RtdeText& text) {
  intake_.set_problem("the controller says (" + std::string(to_string(text.level)) + "): " + text.message +
                      (text.source.empty() ? "" : " [" + text.source + "]"));
}

void RtdeLink::count_losses(Time timestamp) {
  if (last_timestamp_) {
    const double periods = (timestamp - *last_timestamp_).seconds() / period_;
    if (periods > 1.5) intake_.count_lost(static_cast<std::uint64_t>(std::llround(std::min(periods, 1e15))) - 1);
  } else if (newest_timestamp_ && timestamp < *newest_timestamp_) {
    intake_.restart_clock();  // it was switched on again since the connection before
  }
  last_timestamp_ = newest_timestamp_ = timestamp;
}

Result<std::uint64_t> RtdeLink::write(const std::string& name, const Value& value) {
  auto plan = plan_write(name, value, options_.analog_current);
  if (!plan) return plan.error();
  if (!live_) return Error{ErrorCode::kUnavailable, peer_ + ": not connected; write when the link is live"};
  const std::uint64_t ticket = intake_.next_ticket();
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back({ticket, std::move(plan).value()});
  }
  wake_.raise();
  return ticket;
}

// A connection for writing: the one that there is, where it still stands, or a new one.
Result<void> RtdeLink::connect_writer() {
  // what the controller says of earlier writes, and whether it is there; one that says without end is left
  for (int i = 0; writer_ && i < 1000; ++i) {
    const auto package = writer_->next({}, stop_);
    if (!package) {
      writer_.reset();
    } else if (!*package) {
      return {};
    } else if (const auto text = decode_text(**package); text && text->level != RtdeLevel::kInfo) {
      say(*text);
    }
  }
  reserved_.clear();
  auto client = RtdeClient::connect(options_.host, options_.port, options_.patience, stop_);
  if (!client) return client.error();
  writer_.emplace(std::move(client).value());
  return {};
}

// The recipe that holds these inputs, which are reserved where they are not yet.
Result<RtdeRecipe> RtdeLink::reserve(const std::vector<std::string>& names) {
  if (const auto connected = connect_writer(); !connected) return connected.error();
  for (const Reserved& reserved : reserved_) {
    if (reserved.names == names) return reserved.recipe;
  }
  const auto recipe = writer_->setup_inputs(names);
  if (!recipe) return recipe.error();
  const auto unavailable = [](const std::string& what) { return Error{ErrorCode::kUnavailable, what}; };
  for (std::size_t i = 0; i < names.size(); ++i) {
    const RtdeType type = recipe->types[i];
    if (type == RtdeType::kInUse) {
      return unavailable("another program has reserved the input '" + names[i] +
                         "'; end its connection (EtherNet/IP, PROFINET and Modbus of the controller count too), or "
                         "take another input");
    }
    if (type == RtdeType::kNotFound) {
      return unavailable("the controller has no input '" + names[i] + "'; see its software version");
    }
    if (element_count(type) != 1) return unavailable("the input '" + names[i] + "' is a vector and cannot be written");
  }
  reserved_.push_back({names, *recipe});
  return *recipe;
}

// The inputs that the options name. An error here is a problem, and no end of the connection: reading goes on.
Result<void> RtdeLink::reserve_inputs() {
  for (const std::string& name : options_.inputs) {
    const auto plan = plan_write(name, Value(0.0), options_.analog_current);
    if (!plan) return plan.error();
    if (const auto recipe = reserve(plan->names); !recipe) return recipe.error();
  }
  return {};
}

void RtdeLink::send_writes() {
  while (!stopping_) {
    Pending next;
    {
      const std::lock_guard lock(mutex_);
      if (pending_.empty()) return;
      next = std::move(pending_.front());
      pending_.pop_front();
    }
    const auto recipe = reserve(next.write.names);
    const auto sent = recipe ? writer_->send(recipe->id, recipe->types, next.write.values) : recipe.error();
    intake_.finish_write({next.ticket, bool(sent), sent ? "sent; RTDE acknowledges no input" : sent.error().message});
  }
}

void RtdeLink::fail_writes(const std::string& why) {
  std::deque<Pending> pending;
  {
    const std::lock_guard lock(mutex_);
    pending.swap(pending_);
  }
  for (const Pending& p : pending) intake_.finish_write({p.ticket, false, why});
}

}  // namespace

std::unique_ptr<Link> make_rtde_link(RtdeOptions options) {
  GEOUL_EXPECTS(!options.host.empty());
  GEOUL_EXPECTS(options.frequency >= 1 && options.frequency <= 500);
  return std::make_unique<RtdeLink>(std::move(options));
}

}  // namespace geoul::link
