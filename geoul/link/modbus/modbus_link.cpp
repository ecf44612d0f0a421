#include "geoul/link/modbus/modbus_link.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>

#include "geoul/link/intake_link.h"
#include "geoul/link/modbus/modbus_client.h"

namespace geoul::link {
namespace {

Time steady_now() { return {std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count()}; }

std::string remedy_of(const std::string& exception) {
  if (exception == "ILLEGAL_DATA_ADDRESS") {
    return "check the address in the device's list; it counts from 0, so that 40101 is holding/100";
  }
  if (exception == "ILLEGAL_FUNCTION") return "the device does not do this; see which tables it has";
  if (exception == "ILLEGAL_DATA_VALUE") return "see which values the device takes there";
  if (exception.starts_with("GATEWAY")) return "check the unit number, and the device behind the gateway";
  return "see the device's own log";
}

class ModbusLink final : public ThreadLink {
 public:
  explicit ModbusLink(ModbusOptions options);
  ~ModbusLink() override { stop(); }
  Result<std::uint64_t> write(const std::string& name, const Value& value) override;
  Result<std::vector<OfferedSignal>> browse(Duration patience) override;

 private:
  struct Pending {
    std::uint64_t ticket = 0;
    std::string name;
    ModbusAddress address;
    std::vector<std::uint16_t> registers;  // one for a bit
  };
  void run() override;
  Result<void> session(Backoff& backoff);
  Result<void> poll(ModbusClient& client);
  Result<bool> ask(ModbusClient& client, const ModbusRequest& request);
  Result<void> send_writes(ModbusClient& client);
  void fail_writes(const std::string& why);

  const ModbusOptions options_;
  const std::string peer_;
  std::vector<ModbusAddress> addresses_;  // (nsignal)
  std::vector<std::size_t> readable_;     // signals whose names parse
  std::string name_problem_;
  std::atomic<bool> live_ = false;
  std::mutex mutex_;
  std::deque<Pending> pending_;  // under the mutex
  // of the thread
  std::vector<ModbusRequest> requests_;
  std::string exception_problem_;  // newest that was said
};

ModbusLink::ModbusLink(ModbusOptions options)
    : ThreadLink(options.link),
      options_(std::move(options)),
      peer_("modbus://" + options_.host + ":" + std::to_string(options_.port) + "/" + std::to_string(options_.unit)) {
  intake_.set_peer(peer_);
  const std::vector<std::string>& names = intake_.options().signals;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto address = parse_modbus_address(names[i], options_.order);
    addresses_.push_back(address ? *address : ModbusAddress());
    if (address) readable_.push_back(i);
    if (!address && name_problem_.empty()) name_problem_ = "the signal " + address.error().message;
  }
}

void ModbusLink::run() {
  Backoff backoff(static_cast<std::uint64_t>(intake_.now().ns), options_.retry_first, options_.retry_longest);
  while (!stopping_) {
    intake_.set_connecting();
    const auto ended = session(backoff);
    live_ = false;
    fail_writes("the connection ended before it was sent; write again when the link is live");
    if (stopping_) return;
    intake_.mark_all_bad();
    const Duration pause = backoff.next();
    intake_.set_waiting(ended ? "the connection ended" : ended.error().message, intake_.now() + pause);
    stop_.wait(pause);
  }
}

Result<void> ModbusLink::session(Backoff& backoff) {
  auto client = ModbusClient::connect(options_.host, options_.port, options_.unit, options_.patience, stop_);
  if (!client) return client.error();
  requests_ = plan_requests(addresses_, readable_, options_.gap);
  exception_problem_.clear();
  if (const auto polled = poll(*client); !polled) return polled.error();  // live is what answers
  intake_.set_live();
  live_ = true;
  if (!name_problem_.empty()) intake_.set_problem(name_problem_);
  if (!exception_problem_.empty()) intake_.set_problem(exception_problem_);
  backoff.succeeded();
  Time due = steady_now() + options_.period;
  while (!stopping_) {
    if (wake_.wait(std::max(due - steady_now(), Duration{}))) {
      wake_.lower();
      if (const auto sent = send_writes(*client); !sent) return sent.error();
    }
    if (stopping_ || steady_now() < due) continue;
    if (const auto polled = poll(*client); !polled) return polled.error();
    due = std::max(due + options_.period, steady_now());
  }
  return {};
}

// All requests once. A request that the device refuses is asked signal by signal from then on.
Result<void> ModbusLink::poll(ModbusClient& client) {
  std::vector<ModbusRequest> kept;
  for (ModbusRequest& request : requests_) {
    if (stopping_) return {};
    const auto is_done = ask(client, request);
    if (!is_done) return is_done.error();
    if (*is_done || request.signals.size() == 1) {
      kept.push_back(std::move(request));
      continue;
    }
    for (ModbusRequest& single : plan_requests(addresses_, request.signals, -1)) {
      if (stopping_) return {};
      const auto asked = ask(client, single);
      if (!asked) return asked.error();
      kept.push_back(std::move(single));
    }
  }
  requests_ = std::move(kept);
  return {};
}

// Whether the device answered with values, which are delivered. The exception to a single signal makes it bad.
Result<bool> ModbusLink::ask(ModbusClient& client, const ModbusRequest& request) {
  const auto answer = client.read(request);
  if (!answer) return answer.error();
  if (!answer->exception.empty()) {
    if (request.signals.size() > 1) return false;
    const auto signal = static_cast<std::uint32_t>(request.signals.front());
    intake_.mark_bad(signal);
    std::string problem = "the device answers " + answer->exception + " to '" + intake_.options().signals[signal] +
                          "'; " + remedy_of(answer->exception);
    if (live_ && problem != exception_problem_) intake_.set_problem(problem);
    exception_problem_ = std::move(problem);
    return false;
  }
  std::vector<Intake::Item> items;
  for (const std::size_t signal : request.signals) {
    const ModbusAddress& address = addresses_[signal];
    const std::size_t offset = address.address - request.first;
    const auto registers = std::span(answer->registers).subspan(offset, address.count());
    items.push_back({static_cast<std::uint32_t>(signal), decode_registers(address, registers), Quality::kGood, {}});
  }
  intake_.deliver(std::move(items));
  return true;
}

Result<std::uint64_t> ModbusLink::write(const std::string& name, const Value& value) {
  const auto address = parse_modbus_address(name, options_.order);
  if (!address) return address.error();
  if (!address->can_write()) {
    return Error{ErrorCode::kUnsupported,
                 "'" + name + "' is read only in Modbus; write to a coil or a holding register"};
  }
  std::vector<std::uint16_t> registers;
  if (address->type == ModbusType::kBit) {
    const double number = number_of(value);
    if (number != 0 && number != 1) {
      return Error{ErrorCode::kBadInput, "'" + name + "' takes true or false, not " + to_string(value)};
    }
    registers = {static_cast<std::uint16_t>(number)};
  } else {
    auto encoded = encode_registers(*address, value);
    if (!encoded) return encoded.error();
    registers = std::move(encoded).value();
  }
  if (!live_) return Error{ErrorCode::kUnavailable, peer_ + ": not connected; write when the link is live"};
  const std::uint64_t ticket = intake_.next_ticket();
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back({ticket, name, *address, std::move(registers)});
  }
  wake_.raise();
  return ticket;
}

Result<void> ModbusLink::send_writes(ModbusClient& client) {
  while (!stopping_) {
    Pending next;
    {
      const std::lock_guard lock(mutex_);
      if (pending_.empty()) return {};
      next = std::move(pending_.front());
      pending_.pop_front();
    }
    const ModbusAddress& a = next.address;
    const auto answer = a.is_bits()                  ? client.write_coil(a.address, next.registers[0] != 0)
                        : a.type == ModbusType::kBit ? client.write_bit(a.address, a.bit, next.registers[0] != 0)
                                                     : client.write_registers(a.address, next.registers);
    if (!answer) {
      intake_.finish_write({next.ticket, false, "it may not have been taken: " + answer.error().message});
      return answer.error();
    }
    const bool is_taken = answer->exception.empty();
    intake_.finish_write({next.ticket, is_taken,
                          is_taken ? ""
                                   : "the device answers " + answer->exception + " to '" + next.name + "'; " +
                                         remedy_of(answer->exception)});
  }
  return {};
}

void ModbusLink::fail_writes(const std::string& why) {
  std::deque<Pending> pending;
  {
    const std::lock_guard lock(mutex_);
    pending.swap(pending_);
  }
  for (const Pending& p : pending) intake_.finish_write({p.ticket, false, why});
}

// Modbus has no list of what there is: the tables are asked for their first registers, and the signals of the link.
Result<std::vector<OfferedSignal>> ModbusLink::browse(Duration patience) {
  const Time end = steady_now() + patience;
  const Duration each = std::min(options_.patience, patience);
  auto client = ModbusClient::connect(options_.host, options_.port, options_.unit, each, stop_);
  if (!client) return client.error();
  std::vector<OfferedSignal> offers;
  const auto try_one = [&](const std::string& name, const ModbusAddress& a) -> Result<void> {
    const auto same = [&](const OfferedSignal& offer) { return offer.name == name; };
    if (std::any_of(offers.begin(), offers.end(), same)) return {};
    const auto answer = client->read({a.table, a.address, a.count(), {}});
    if (!answer) return answer.error();
    if (!answer->exception.empty()) return {};
    offers.push_back(
        {name, a.value_type(), "", "answers", a.can_write(), to_string(decode_registers(a, answer->registers))});
    return {};
  };
  for (const std::size_t signal : readable_) {
    if (steady_now() >= end) break;
    if (const auto tried = try_one(intake_.options().signals[signal], addresses_[signal]); !tried) return tried.error();
  }
  for (const ModbusTable table :
       {ModbusTable::kCoil, ModbusTable::kDiscrete, ModbusTable::kHolding, ModbusTable::kInput}) {
    for (std::uint16_t address = 0; address < 16 && steady_now() < end; ++address) {
      const std::string name = std::string(to_string(table)) + "/" + std::to_string(address);
      const auto parsed = parse_modbus_address(name, options_.order);
      if (const auto tried = try_one(name, *parsed); !tried) return tried.error();
    }
  }
  return offers;
}

}  // namespace

std::unique_ptr<Link> make_modbus_link(ModbusOptions options) {
  GEOUL_EXPECTS(!options.host.empty());
  GEOUL_EXPECTS(options.unit >= 0 && options.unit <= 255 && options.period.ns > 0);
  options.patience = std::min(options.patience, Duration{1'500'000'000});
  return std::make_unique<ModbusLink>(std::move(options));
}

}  // namespace geoul::link
