#include "geoul/link/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace geoul::link {
namespace {

using Clock = std::chrono::steady_clock;

class Deadline {
 public:
  explicit Deadline(Duration patience) : at_(Clock::now() + std::chrono::nanoseconds(patience.ns)) {}
  // [ms] for poll, rounded up so that it never spins through the last millisecond.
  int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(at_ - Clock::now()).count();
    return left <= 0 ? 0 : static_cast<int>(std::min<long long>((left + 999) / 1000, 1'000'000'000));
  }
  bool passed() const { return Clock::now() >= at_; }
  Clock::time_point at() const { return at_; }

 private:
  Clock::time_point at_;
};

Error unavailable(const std::string& peer, const std::string& what) {
  return {ErrorCode::kUnavailable, peer + ": " + what};
}

// What a person can do about the error of a socket.
std::string explained(int code) {
  switch (code) {
    case ECONNREFUSED: return "connection refused; check that the device is on, listens on this port, and lets us in";
    case ETIMEDOUT: return "no answer; check the address, the cable and the firewall between";
    case ENETUNREACH:
    case EHOSTUNREACH: return "no route to it; check the address and this machine's network";
    case ECONNRESET:
    case EPIPE: return "the connection was cut by the other side; see whether it was restarted";
    case EADDRINUSE: return "the port is in use; take another, or stop the program that has it";
    case EACCES: return "this user may not; take a port above 1023";
    default: return std::string(strerror(code)) + "; check the address and the network";
  }
}

// Waits for `events` on a socket.
TcpWait wait_for(int descriptor, short events, const Deadline& deadline, const Interrupt* interrupt) {
  pollfd waits[2] = {{descriptor, events, 0}, {interrupt ? interrupt->descriptor() : -1, POLLIN, 0}};
  while (true) {
    const int ready = poll(waits, 2, deadline.left_ms());
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0 && waits[1].revents) return TcpWait::kInterrupted;
    if (ready > 0) return TcpWait::kReady;
    if (deadline.passed()) return TcpWait::kTimeout;
  }
}

struct Addresses {
  struct Entry {
    sockaddr_storage address{};
    socklen_t size = 0;
  };
  std::vector<Entry> entries;
  int failure = 0;  // of getaddrinfo
};

Addresses resolve_now(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  Addresses addresses;
  addresses.failure = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (addresses.failure != 0) return addresses;
  for (const addrinfo* a = found; a; a = a->ai_next) {
    if (a->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Addresses::Entry entry;
    memcpy(&entry.address, a->ai_addr, a->ai_addrlen);
    entry.size = a->ai_addrlen;
    addresses.entries.push_back(entry);
  }
  freeaddrinfo(found);
  return addresses;
}

// getaddrinfo knows no deadline: a name is looked up in a thread that is left to itself where it comes too late.
Result<Addresses> resolve(const std::string& host, std::uint16_t port, const std::string& peer,
                          const Deadline& deadline, const Interrupt* interrupt) {
  Addresses numeric = resolve_now(host, port, AI_NUMERICHOST);
  if (numeric.failure == 0) return numeric;
  struct Shared {
    std::mutex mutex;
    std::condition_variable done;
    std::unique_ptr<Addresses> addresses;
  };
  const auto shared = std::make_shared<Shared>();
  std::thread([shared, host, port] {
    auto found = std::make_unique<Addresses>(resolve_now(host, port, AI_ADDRCONFIG));
    const std::lock_guard lock(shared->mutex);
    shared->addresses = std::move(found);
    shared->done.notify_all();
  }).detach();
  std::unique_lock lock(shared->mutex);
  while (!shared->addresses) {
    if (interrupt && interrupt->wait({})) return unavailable(peer, "stopped while looking up the name");
    if (deadline.passed()) return unavailable(peer, "the name server does not answer; write the numeric address");
    shared->done.wait_for(lock, std::chrono::milliseconds(50));
  }
  if (shared->addresses->failure != 0) {
    return unavailable(peer, std::string("no address of this name (") + gai_strerror(shared->addresses->failure) +
                                 "); check its spelling, or write the numeric address");
  }
  return std::move(*shared->addresses);
}

// Connects one socket; -1 and `failure` where it cannot.
int connect_one(const Addresses::Entry& entry, const Deadline& deadline, const Interrupt* interrupt, int& failure) {
  const int s = socket(entry.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) {
    failure = errno;
    return -1;
  }
  if (::connect(s, reinterpret_cast<const sockaddr*>(&entry.address), entry.size) == 0) return s;
  failure = errno;
  if (failure == EINPROGRESS) {
    const TcpWait wait = wait_for(s, POLLOUT, deadline, interrupt);
    socklen_t size = sizeof failure;
    if (wait == TcpWait::kTimeout) {
      failure = ETIMEDOUT;
    } else if (wait == TcpWait::kInterrupted) {
      failure = ECANCELED;
    } else if (getsockopt(s, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0) {
      return s;
    }
  }
  ::close(s);
  return -1;
}

}  // namespace

Interrupt::Interrupt() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { GEOUL_EXPECTS(descriptor_ >= 0); }

Interrupt::~Interrupt() { ::close(descriptor_); }

void Interrupt::raise() {
  const std::uint64_t one = 1;
  // a counter that is full is raised already
  [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
}

void Interrupt::lower() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(descriptor_, &count, sizeof count);
}

bool Interrupt::wait(Duration patience) const {
  return wait_for(descriptor_, POLLIN, Deadline(patience), nullptr) == TcpWait::kReady;
}

TcpStream::TcpStream(int descriptor, std::string peer) : descriptor_(descriptor), peer_(std::move(peer)) {
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  fcntl(descriptor_, F_SETFL, fcntl(descriptor_, F_GETFL) | O_NONBLOCK);
}

TcpStream::TcpStream(TcpStream&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), peer_(std::move(other.peer_)) {}

TcpStream& TcpStream::operator=(TcpStream&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    peer_ = std::move(other.peer_);
  }
  return *this;
}

void TcpStream::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

int TcpStream::release() { return std::exchange(descriptor_, -1); }

Result<TcpStream> TcpStream::connect(const std::string& host, std::uint16_t port, Duration patience,
                                     const Interrupt* interrupt) {
  const std::string peer = (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  const Deadline deadline(patience);
  const auto addresses = resolve(host, port, peer, deadline, interrupt);
  if (!addresses) return addresses.error();
  int failure = EHOSTUNREACH;
  for (const Addresses::Entry& entry : addresses->entries) {
    const int s = connect_one(entry, deadline, interrupt, failure);
    if (s >= 0) return TcpStream(s, peer);
    if (failure == ECANCELED) return unavailable(peer, "stopped while connecting");
  }
  return unavailable(peer, explained(failure));
}

Result<TcpRead> TcpStream::read(std::span<std::uint8_t> bytes, Duration patience, const Interrupt* interrupt) {
  GEOUL_EXPECTS(is_open() && !bytes.empty());
  const Deadline deadline(patience);
  while (true) {
    const TcpWait wait = wait_for(descriptor_, POLLIN, deadline, interrupt);
    if (wait != TcpWait::kReady) return TcpRead{wait, 0};
    const ssize_t count = recv(descriptor_, bytes.data(), bytes.size(), 0);
    if (count > 0) return TcpRead{TcpWait::kReady, static_cast<std::size_t>(count)};
    if (count == 0) return unavailable(peer_, "the other side ended the connection; see whether it was restarted");
    if (errno != EAGAIN && errno != EINTR) return unavailable(peer_, explained(errno));
  }
}

Result<TcpWait> TcpStream::read_all(std::span<std::uint8_t> bytes, Duration patience, const Interrupt* interrupt) {
  const Deadline deadline(patience);
  std::size_t have = 0;
  while (have < bytes.size()) {
    const Duration left{std::chrono::nanoseconds(deadline.at() - Clock::now()).count()};
    const auto got = read(bytes.subspan(have), std::max(left, Duration{}), interrupt);
    if (!got) return got.error();
    if (got->wait != TcpWait::kReady) return got->wait;
    have += got->bytes;
  }
  return TcpWait::kReady;
}

Result<std::size_t> TcpStream::write_some(std::span<const std::uint8_t> bytes) {
  GEOUL_EXPECTS(is_open());
  while (true) {
    const ssize_t count = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) return unavailable(peer_, explained(errno));
  }
}

Result<void> TcpStream::write(std::span<const std::uint8_t> bytes, Duration patience, const Interrupt* interrupt) {
  const Deadline deadline(patience);
  while (true) {
    const auto written = write_some(bytes);
    if (!written) return written.error();
    bytes = bytes.subspan(*written);
    if (bytes.empty()) return {};
    const TcpWait wait = wait_for(descriptor_, POLLOUT, deadline, interrupt);
    if (wait == TcpWait::kTimeout) return unavailable(peer_, "takes no data any more; see whether it hangs");
    if (wait == TcpWait::kInterrupted) return unavailable(peer_, "stopped while sending");
  }
}

TcpListener::~TcpListener() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

TcpListener::TcpListener(TcpListener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), port_(other.port_) {}

TcpListener& TcpListener::operator=(TcpListener&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  port_ = other.port_;
  return *this;
}

Result<TcpListener> TcpListener::listen(const std::string& address, std::uint16_t port) {
  const std::string place = address + ":" + std::to_string(port);
  const Addresses addresses = resolve_now(address, port, AI_NUMERICHOST | AI_PASSIVE);
  if (addresses.failure != 0 || addresses.entries.empty()) {
    return Error{ErrorCode::kBadInput, place + ": no address to listen on; write one such as 127.0.0.1 or 0.0.0.0"};
  }
  const Addresses::Entry& entry = addresses.entries.front();
  TcpListener listener;
  listener.descriptor_ = socket(entry.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener.descriptor_ < 0) return unavailable(place, explained(errno));
  const int on = 1;
  setsockopt(listener.descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.descriptor_, reinterpret_cast<const sockaddr*>(&entry.address), entry.size) != 0 ||
      ::listen(listener.descriptor_, 16) != 0) {
    return unavailable(place, explained(errno));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(listener.descriptor_, reinterpret_cast<sockaddr*>(&bound), &size);
  listener.port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                                     : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  return listener;
}

Result<TcpStream> TcpListener::accept(Duration patience, const Interrupt* interrupt) {
  GEOUL_EXPECTS(descriptor_ >= 0);
  const Deadline deadline(patience);
  while (true) {
    if (wait_for(descriptor_, POLLIN, deadline, interrupt) != TcpWait::kReady) return TcpStream();
    const int s = accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s >= 0) return TcpStream(s, "client of port " + std::to_string(port_));
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      return unavailable("port " + std::to_string(port_), explained(errno));
    }
  }
}

}  // namespace geoul::link
