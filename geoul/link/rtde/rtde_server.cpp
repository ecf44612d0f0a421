#include "geoul/link/rtde/rtde_server.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace geoul::link {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxClients = 64;
constexpr std::size_t kMaxBacklog = 1u << 18;      // bytes that wait for a client; more are left out, newest kept later
constexpr auto kLatest = std::chrono::seconds(5);  // behind by more, cycles are left out

}  // namespace

struct RtdeServer::Client {
  TcpStream stream;
  RtdeSession session;
  std::vector<std::uint8_t> backlog;
  bool is_cut = false;

  Client(TcpStream s, RtdeController& controller, int id, double cycle)
      : stream(std::move(s)), session(controller, id, cycle) {}
};

Result<std::unique_ptr<RtdeServer>> RtdeServer::start(RtdeColumns columns, RtdeServerOptions options) {
  GEOUL_EXPECTS(!columns.time.empty());
  GEOUL_EXPECTS(options.cycle > 0 && options.speed > 0);
  auto listener = TcpListener::listen(options.address, options.port);
  if (!listener) return listener.error();
  return std::unique_ptr<RtdeServer>(
      new RtdeServer(std::move(columns), std::move(options), std::move(listener).value()));
}

RtdeServer::RtdeServer(RtdeColumns columns, RtdeServerOptions options, TcpListener listener)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      row_period_(columns.time.size() > 1 ? columns.time.back() - columns.time[columns.time.size() - 2]
                                          : Duration{40'000'000}),
      controller_(std::move(columns), options_.version),
      row_(controller_.columns().width),
      thread_([this] { run(); }) {}

RtdeServer::~RtdeServer() {
  stopping_ = true;
  wake_.raise();
  thread_.join();
}

std::size_t RtdeServer::clients() const {
  const std::lock_guard lock(mutex_);
  return clients_.size();
}

double RtdeServer::output(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto slot = controller_.output(name);
  return slot ? controller_.values()[slot->first] : 0;
}

void RtdeServer::say(RtdeLevel level, const std::string& message) {
  const std::lock_guard lock(mutex_);
  for (Client& client : clients_) {
    append_package(RtdePackageType::kText, encode_text({level, message, "simulated robot"}), client.backlog);
  }
}

void RtdeServer::shift_clock(Duration by) {
  const std::lock_guard lock(mutex_);
  clock_shift_ = clock_shift_ + by;
}

void RtdeServer::cut_clients() {
  const std::lock_guard lock(mutex_);
  for (Client& client : clients_) client.is_cut = true;
  wake_.raise();
}

void RtdeServer::hang(bool hangs) {
  hangs_ = hangs;
  wake_.raise();
}

std::pair<std::size_t, Time> RtdeServer::instant(std::uint64_t cycle) const {
  const std::vector<Time>& time = controller_.columns().time;
  const std::size_t rows = time.size();
  const Duration lap = time.back() - time.front() + row_period_;
  const auto k = static_cast<std::int64_t>(cycle);
  if (options_.play == RtdePlay::kRows) {
    const auto n = static_cast<std::int64_t>(rows);
    if (k < n) return {cycle, time[cycle]};
    if (!options_.loop) return {rows - 1, time.back() + row_period_ * (k - n + 1)};
    return {static_cast<std::size_t>(k % n), time[static_cast<std::size_t>(k % n)] + lap * (k / n)};
  }
  const Duration since = Duration::from_seconds(static_cast<double>(k) * options_.speed / options_.cycle);
  const Time at = time.front() + (options_.loop ? Duration{since.ns % lap.ns} : since);
  const auto row = std::upper_bound(time.begin(), time.end(), at) - time.begin() - 1;
  return {static_cast<std::size_t>(row), time.front() + since};
}

void RtdeServer::run() {
  Clock::time_point begin = Clock::now();
  bool is_playing = !options_.wait;
  const Time first = controller_.columns().time.front();
  const auto due = [&] {  // of the next cycle
    if (options_.robot) return begin + std::chrono::nanoseconds(options_.robot->due().ns);
    const double seconds = options_.play == RtdePlay::kRows
                               ? (instant(cycle_).second - first).seconds() / options_.speed
                               : static_cast<double>(cycle_) / options_.cycle;
    return begin + std::chrono::nanoseconds(std::llround(seconds * 1e9));
  };
  std::vector<pollfd> waits;
  while (!stopping_) {
    {
      const std::lock_guard lock(mutex_);
      if (!is_playing) {
        is_playing = std::any_of(clients_.begin(), clients_.end(), [](const Client& c) { return c.session.started(); });
        begin = Clock::now();
      }
      if (options_.robot && due() + kLatest < Clock::now()) begin += Clock::now() - due();  // no one lives faster
      while (!options_.robot && is_playing && due() + kLatest < Clock::now()) ++cycle_;
      // not all at once: a machine that cannot keep the cycle must come to its clients, and to its end
      for (int i = 0; i < 64 && is_playing && due() <= Clock::now(); ++i) cycle();
      waits.assign({{wake_.descriptor(), POLLIN, 0}, {listener_.descriptor(), POLLIN, 0}});
      for (Client& client : clients_) {
        flush(client);
        const bool wants_out = !client.backlog.empty();
        waits.push_back({client.stream.descriptor(), static_cast<short>(wants_out ? POLLIN | POLLOUT : POLLIN), 0});
      }
      if (hangs_) waits.resize(1);
    }
    const auto left = is_playing ? std::max<std::int64_t>(0, std::chrono::nanoseconds(due() - Clock::now()).count())
                                 : std::int64_t{1'000'000'000};
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    if (ppoll(waits.data(), waits.size(), &timeout, nullptr) < 0) continue;
    if (waits[0].revents) wake_.lower();
    const std::lock_guard lock(mutex_);
    std::size_t i = 2;
    for (auto client = clients_.begin(); client != clients_.end(); ++i) {
      const short events = i < waits.size() ? waits[i].revents : short{0};
      client = client->is_cut || !serve(*client, events) ? clients_.erase(client) : std::next(client);
    }
    if (waits.size() > 1 && waits[1].revents) accept();
  }
}

void RtdeServer::accept() {
  auto stream = listener_.accept({});
  if (!stream || !stream->is_open() || clients_.size() >= kMaxClients) return;
  const double rate = options_.play == RtdePlay::kRows ? 1 / row_period_.seconds() : options_.cycle;
  clients_.emplace_back(std::move(stream).value(), controller_, next_client_++, rate);
}

// False where the client is gone, or must go.
bool RtdeServer::serve(Client& client, short events) {
  if (events & (POLLIN | POLLHUP | POLLERR)) {
    std::array<std::uint8_t, 16384> bytes;
    const auto got = client.stream.read(bytes, {});
    if (!got) return false;
    if (got->bytes > 0 && !client.session.receive(Bytes(bytes).first(got->bytes), client.backlog)) {
      flush(client);  // says why before it cuts
      return false;
    }
    if (client.backlog.size() > 4 * kMaxBacklog) return false;  // asks and never reads
  }
  flush(client);
  return !client.is_cut;
}

void RtdeServer::flush(Client& client) {
  if (client.backlog.empty() || client.is_cut) return;
  const auto written = client.stream.write_some(client.backlog);
  client.is_cut = !written;
  if (written)
    client.backlog.erase(client.backlog.begin(), client.backlog.begin() + static_cast<std::ptrdiff_t>(*written));
}

void RtdeServer::cycle() {
  if (options_.robot) {
    const auto time = options_.robot->next(controller_, row_);
    if (!time) return;
    controller_.show(row_, *time + clock_shift_);
    return send(*time + clock_shift_);
  }
  const auto [row, time] = instant(cycle_);
  controller_.play(row, time + clock_shift_);
  send(time + clock_shift_);
}

// What the controller shows, to all who want it in this cycle.
void RtdeServer::send(Time timestamp) {
  if (!hangs_ && options_.on_send) options_.on_send(timestamp.seconds());
  for (Client& client : clients_) {
    if (hangs_ || !client.session.wants(cycle_)) continue;
    if (client.backlog.size() > kMaxBacklog) {
      ++skipped_;
      continue;
    }
    client.session.append_data(client.backlog);
    ++sent_;
    flush(client);
  }
  ++cycle_;
}

}  // namespace geoul::link
