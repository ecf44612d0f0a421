// RtdeClient: one connection to a controller, step by step; blocking, each step with a deadline. Not for several
// threads.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "geoul/link/rtde/rtde_package.h"
#include "geoul/link/tcp.h"

namespace geoul::link {

class RtdeClient {
 public:
  // Connects and agrees on protocol version 2; asks for the controller's version. `stop` ends every wait but those of
  // next(), and must outlive the client.
  static Result<RtdeClient> connect(const std::string& host, std::uint16_t port, Duration patience,
                                    const Interrupt& stop);

  const RtdeControllerVersion& controller() const { return controller_; }

  // Begins anew with the same controller.
  Result<void> reconnect();

  // Asks for outputs; replaces those asked for before. The recipe's types may be kNotFound: then start() is refused,
  // and another setup is best made after reconnect(), as UR's own client does.
  Result<RtdeRecipe> setup_outputs(double frequency, const std::vector<std::string>& names);
  // Reserves inputs. Where one is kNotFound or kInUse, none is reserved and the recipe's id means nothing.
  Result<RtdeRecipe> setup_inputs(const std::vector<std::string>& names);
  Result<void> start();
  Result<void> pause();
  // Sends values of a recipe of inputs; one a type, which must be scalar. Returns when the system has taken the bytes.
  Result<void> send(std::uint8_t recipe, const std::vector<RtdeType>& types, const std::vector<double>& values);

  // The next data package or text message of the controller; none where `patience` ran out or `wake` was raised.
  Result<std::optional<RtdePackage>> next(Duration patience, const Interrupt& wake);

 private:
  RtdeClient(std::string host, std::uint16_t port, Duration patience, const Interrupt& stop)
      : host_(std::move(host)), port_(port), patience_(patience), stop_(&stop) {}
  Result<void> request(RtdePackageType type, Bytes payload);
  // The answer of this type; data packages and text messages that come before it wait for next().
  Result<RtdePackage> answer(RtdePackageType type);
  Result<void> accepted(RtdePackageType type, Bytes payload, const std::string& otherwise);
  Result<RtdeRecipe> setup(RtdePackageType type, Bytes payload, std::size_t names);
  Error with_peer(const Error& error) const;

  std::string host_;
  std::uint16_t port_;
  TcpStream stream_;
  Duration patience_;
  const Interrupt* stop_;
  RtdePackageReader reader_;
  std::deque<RtdePackage> waiting_;
  RtdeControllerVersion controller_;
};

}  // namespace geoul::link
