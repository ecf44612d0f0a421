// TCP over POSIX sockets with a deadline on every call, for protocols that we speak ourselves. No call waits longer
// than it was told, and an Interrupt ends the waits of another thread at once. Linux; IPv4 and IPv6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::link {

// Wakes a thread that waits in a TcpStream. May be called from any thread; stays raised until lowered.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void raise();
  void lower();
  bool wait(Duration patience) const;  // whether it is raised now or within `patience`
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;  // eventfd
};

// How a wait ended, where no error did.
enum class TcpWait : std::uint8_t { kReady, kTimeout, kInterrupted };

struct TcpRead {
  TcpWait wait = TcpWait::kTimeout;
  std::size_t bytes = 0;  // of kReady, at least 1
};

// One connection. Errors are kUnavailable, one line "robot:30004: what; what to do".
class TcpStream {
 public:
  TcpStream() = default;
  // Takes over a connected socket, and makes it non-blocking without delay of small packages (TCP_NODELAY).
  TcpStream(int descriptor, std::string peer);
  ~TcpStream() { close(); }
  TcpStream(TcpStream&& other) noexcept;
  TcpStream& operator=(TcpStream&& other) noexcept;

  // Connects to a name or a numeric address; tries all addresses of a name within `patience`. An interrupt ends it as
  // an error. A name server that does not answer costs a thread until it does, but no more than `patience` here.
  static Result<TcpStream> connect(const std::string& host, std::uint16_t port, Duration patience,
                                   const Interrupt* interrupt = nullptr);

  bool is_open() const { return descriptor_ >= 0; }
  const std::string& peer() const { return peer_; }  // "robot:30004"
  int descriptor() const { return descriptor_; }
  int release();  // the socket, now the caller's

  // Waits until there is something to read, and reads what is there. The end of the connection is an error.
  Result<TcpRead> read(std::span<std::uint8_t> bytes, Duration patience, const Interrupt* interrupt = nullptr);
  // Fills all of `bytes`; kTimeout and kInterrupted lose what was read before.
  Result<TcpWait> read_all(std::span<std::uint8_t> bytes, Duration patience, const Interrupt* interrupt = nullptr);
  // Writes all; a peer that takes nothing within `patience` is an error, as is an interrupt.
  Result<void> write(std::span<const std::uint8_t> bytes, Duration patience, const Interrupt* interrupt = nullptr);
  // What the peer takes at once without waiting; 0 where its window is full.
  Result<std::size_t> write_some(std::span<const std::uint8_t> bytes);
  void close();

 private:
  int descriptor_ = -1;
  std::string peer_;
};

// Listens on one address. Port 0 takes a free one.
class TcpListener {
 public:
  TcpListener() = default;
  ~TcpListener();
  TcpListener(TcpListener&& other) noexcept;
  TcpListener& operator=(TcpListener&& other) noexcept;

  static Result<TcpListener> listen(const std::string& address, std::uint16_t port);

  std::uint16_t port() const { return port_; }
  int descriptor() const { return descriptor_; }
  // The next connection, or a stream that is not open where none came.
  Result<TcpStream> accept(Duration patience, const Interrupt* interrupt = nullptr);

 private:
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace geoul::link
