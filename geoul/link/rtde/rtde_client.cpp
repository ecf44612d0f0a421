#include "geoul/link/rtde/rtde_client.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace geoul::link {
namespace {

// Text messages and data packages that may come before an answer: a controller that sends nothing else hangs.
constexpr std::size_t kMaxWaiting = 2000;

Time steady_now() { return {std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count()}; }

}  // namespace

Error RtdeClient::with_peer(const Error& error) const {
  return {error.code,
          stream_.peer() + ": " + error.message + "; check that this is the RTDE port of a controller (30004)"};
}

Result<RtdeClient> RtdeClient::connect(const std::string& host, std::uint16_t port, Duration patience,
                                       const Interrupt& stop) {
  RtdeClient client(host, port, patience, stop);
  if (const auto connected = client.reconnect(); !connected) return connected.error();
  return client;
}

Result<void> RtdeClient::reconnect() {
  stream_.close();
  reader_.clear();
  waiting_.clear();
  auto stream = TcpStream::connect(host_, port_, patience_, stop_);
  if (!stream) return stream.error();
  stream_ = std::move(stream).value();
  const auto agreed = accepted(RtdePackageType::kProtocolVersion, encode_protocol_version(kRtdeVersion),
                               "the controller does not speak RTDE version 2; update its software (PolyScope 3.3, 5.0 "
                               "or later)");
  if (!agreed) return agreed.error();
  if (const auto sent = request(RtdePackageType::kControllerVersion, {}); !sent) return sent.error();
  const auto package = answer(RtdePackageType::kControllerVersion);
  if (!package) return package.error();
  const auto version = decode_controller_version(*package);
  if (!version) return with_peer(version.error());
  controller_ = *version;
  return {};
}

Result<void> RtdeClient::request(RtdePackageType type, Bytes payload) {
  std::vector<std::uint8_t> bytes;
  append_package(type, payload, bytes);
  return stream_.write(bytes, patience_, stop_);
}

Result<RtdePackage> RtdeClient::answer(RtdePackageType type) {
  const Time end = steady_now() + patience_;
  std::array<std::uint8_t, 4096> bytes;
  while (true) {
    auto package = reader_.next();
    if (!package) return with_peer(package.error());
    if (*package) {
      if ((*package)->type == type) return std::move(**package);
      const bool later = (*package)->type == RtdePackageType::kData || (*package)->type == RtdePackageType::kText;
      if (later) waiting_.push_back(std::move(**package));
      if (later && waiting_.size() <= kMaxWaiting) continue;
      return with_peer({ErrorCode::kBadInput, std::string("no answer of type '") + static_cast<char>(type) +
                                                  "' among what the controller sends"});
    }
    const auto got = stream_.read(bytes, std::max(end - steady_now(), Duration{}), stop_);
    if (!got) return got.error();
    if (got->wait == TcpWait::kInterrupted) return Error{ErrorCode::kUnavailable, stream_.peer() + ": stopped"};
    if (got->wait == TcpWait::kTimeout) {
      return with_peer({ErrorCode::kUnavailable, std::string("no answer of type '") + static_cast<char>(type) +
                                                     "' within " + std::to_string(patience_.ns / 1'000'000) + " ms"});
    }
    reader_.append(Bytes(bytes).first(got->bytes));
  }
}

Result<void> RtdeClient::accepted(RtdePackageType type, Bytes payload, const std::string& otherwise) {
  if (const auto sent = request(type, payload); !sent) return sent.error();
  const auto package = answer(type);
  if (!package) return package.error();
  const auto accepted = decode_accepted(*package);
  if (!accepted) return with_peer(accepted.error());
  if (!*accepted) return Error{ErrorCode::kUnavailable, stream_.peer() + ": " + otherwise};
  return {};
}

Result<RtdeRecipe> RtdeClient::setup(RtdePackageType type, Bytes payload, std::size_t names) {
  if (const auto sent = request(type, payload); !sent) return sent.error();
  const auto package = answer(type);
  if (!package) return package.error();
  auto recipe = decode_recipe(*package);
  if (!recipe) return with_peer(recipe.error());
  if (recipe->types.size() != names) {
    return with_peer({ErrorCode::kBadInput, "the controller answers " + std::to_string(names) + " names with " +
                                                std::to_string(recipe->types.size()) + " types"});
  }
  return recipe;
}

Result<RtdeRecipe> RtdeClient::setup_outputs(double frequency, const std::vector<std::string>& names) {
  auto recipe = setup(RtdePackageType::kSetupOutputs, encode_output_setup({frequency, names}), names.size());
  // what came before the answer has the form of the recipe before
  std::erase_if(waiting_, [](const RtdePackage& package) { return package.type == RtdePackageType::kData; });
  return recipe;
}

Result<RtdeRecipe> RtdeClient::setup_inputs(const std::vector<std::string>& names) {
  return setup(RtdePackageType::kSetupInputs, encode_input_setup(names), names.size());
}

Result<void> RtdeClient::start() {
  return accepted(RtdePackageType::kStart, {}, "the controller refuses to start; see its log for why");
}

Result<void> RtdeClient::pause() {
  return accepted(RtdePackageType::kPause, {}, "the controller refuses to pause; see its log for why");
}

Result<void> RtdeClient::send(std::uint8_t recipe, const std::vector<RtdeType>& types,
                              const std::vector<double>& values) {
  GEOUL_EXPECTS(types.size() == values.size());
  std::vector<std::uint8_t> payload = {recipe};
  for (std::size_t i = 0; i < types.size(); ++i) {
    GEOUL_EXPECTS(element_count(types[i]) == 1);
    append_element(types[i], values[i], payload);
  }
  return request(RtdePackageType::kData, payload);
}

Result<std::optional<RtdePackage>> RtdeClient::next(Duration patience, const Interrupt& wake) {
  const Time end = steady_now() + patience;
  std::array<std::uint8_t, 16384> bytes;
  while (true) {
    if (!waiting_.empty()) {
      std::optional<RtdePackage> first(std::move(waiting_.front()));
      waiting_.pop_front();
      return first;
    }
    auto package = reader_.next();
    if (!package) return with_peer(package.error());
    if (*package) {
      const RtdePackageType type = (*package)->type;
      if (type == RtdePackageType::kData || type == RtdePackageType::kText) return package;
      continue;  // an answer to nothing
    }
    const auto got = stream_.read(bytes, std::max(end - steady_now(), Duration{}), &wake);
    if (!got) return got.error();
    if (got->wait != TcpWait::kReady) return std::optional<RtdePackage>();
    reader_.append(Bytes(bytes).first(got->bytes));
  }
}

}  // namespace geoul::link
