// RtdeServer: a simulated robot on the network. It listens as a controller does and plays a recording to any number of
// clients, on a thread of its own. For tests, demonstrations and the program geoul_plant.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "geoul/link/rtde/rtde_controller.h"
#include "geoul/link/tcp.h"

namespace geoul::link {

// How the rows of the recording become data packages.
enum class RtdePlay : std::uint8_t {
  kHold,  // at the cycle of a controller, with the newest row at that time, no interpolation; timestamp runs on
  kRows,  // one package a row, with the row's own timestamp
};

// A robot that lives, in place of a recording. Called in the server's thread.
class RtdeRobot {
 public:
  virtual ~RtdeRobot() = default;
  // When next() is to be called again, since the server began.
  virtual Duration due() const = 0;
  // Goes on by one event. Where that is a package to be sent: its values into `row` (RtdeColumns::width), and its
  // timestamp. `inputs` holds what clients have written so far.
  virtual std::optional<Time> next(const RtdeController& inputs, std::span<double> row) = 0;
};

struct RtdeServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 30004;  // 0: a free one
  RtdePlay play = RtdePlay::kHold;
  double cycle = 500;  // [1/s] of the controller, where play is kHold
  double speed = 1;    // of the recording
  bool loop = false;   // again from the first row, with the time running on; otherwise the last row stays
  bool wait = false;   // the first row comes when the first client starts
  RtdeControllerVersion version = {5, 11, 0, 0};
  RtdeRobot* robot =
      nullptr;  // plays instead of the columns, whose one row is what it begins with; outlives the server
  // Called in the server's thread just before the packages of one instant are sent, for measuring.
  std::function<void(double timestamp)> on_send = {};
};

class RtdeServer {
 public:
  // Listens, and begins to play.
  static Result<std::unique_ptr<RtdeServer>> start(RtdeColumns columns, RtdeServerOptions options);
  ~RtdeServer();

  std::uint16_t port() const { return listener_.port(); }
  std::size_t clients() const;
  std::uint64_t sent() const { return sent_; }        // data packages
  std::uint64_t skipped() const { return skipped_; }  // left out for clients that do not read in time
  // First element of an output now; 0 where there is none of the name.
  double output(std::string_view name) const;

  // What may go wrong with a robot.
  void say(RtdeLevel level, const std::string& message);  // to all clients
  void shift_clock(Duration by);                          // of `timestamp`, from now on
  void cut_clients();
  void hang(bool hangs);  // accepts and answers nothing, sends nothing

 private:
  struct Client;
  RtdeServer(RtdeColumns columns, RtdeServerOptions options, TcpListener listener);
  void run();
  void accept();
  bool serve(Client& client, short events);
  void cycle();
  void send(Time timestamp);
  void flush(Client& client);
  std::pair<std::size_t, Time> instant(std::uint64_t cycle) const;  // row, and time on the recording's clock

  const RtdeServerOptions options_;
  TcpListener listener_;
  Duration row_period_;  // of the last two rows
  mutable std::mutex mutex_;
  RtdeController controller_;  // this and the clients under the mutex
  std::vector<double> row_;    // of the robot
  std::list<Client> clients_;
  Duration clock_shift_;
  int next_client_ = 0;
  std::uint64_t cycle_ = 0;  // next one
  std::atomic<std::uint64_t> sent_ = 0, skipped_ = 0;
  std::atomic<bool> stopping_ = false, hangs_ = false;
  Interrupt wake_;
  std::thread thread_;
};

}  // namespace geoul::link
