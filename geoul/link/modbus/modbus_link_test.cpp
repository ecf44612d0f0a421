// The link against a device by libmodbus' server side and one by pymodbus, over TCP on loopback, and against devices
// that misbehave.
#include "geoul/link/modbus/modbus_link.h"

#include <gtest/gtest.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>

#include "geoul/link/test_peers.h"

namespace geoul::link {
namespace {

constexpr Duration kSecond{1'000'000'000};

// A device with 50 coils and discrete inputs and 200 holding and input registers, on a thread of its own.
class Device {
 public:
  explicit Device(std::uint16_t port = 0) : modbus_(modbus_new_tcp("127.0.0.1", port)) {
    mapping_ = modbus_mapping_new(50, 50, 200, 200);
    modbus_set_indication_timeout(modbus_, 0, 200'000);
    listener_ = modbus_tcp_listen(modbus_, 8);
    EXPECT_GE(listener_, 0) << modbus_strerror(errno);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(bound.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Device() {
    stop_.raise();
    thread_.join();
    ::close(listener_);
    modbus_mapping_free(mapping_);
    modbus_free(modbus_);
  }
  std::uint16_t port() const { return port_; }
  std::size_t requests() const { return requests_; }
  // Access to the device's registers between its answers.
  auto with(const auto& call) {
    const std::lock_guard lock(mutex_);
    return call(*mapping_);
  }

 private:
  void run() {
    std::vector<pollfd> waits = {{stop_.descriptor(), POLLIN, 0}, {listener_, POLLIN, 0}};
    std::uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    while (poll(waits.data(), waits.size(), -1) >= 0 && !waits[0].revents) {
      for (std::size_t i = 2; i < waits.size(); ++i) {
        if (!waits[i].revents) continue;
        modbus_set_socket(modbus_, waits[i].fd);
        const int length = modbus_receive(modbus_, query);
        if (length > 0) {
          const std::lock_guard lock(mutex_);
          ++requests_;
          modbus_reply(modbus_, query, length, mapping_);
        } else if (length < 0) {
          ::close(waits[i].fd);
          waits[i].fd = -1;
        }
      }
      std::erase_if(waits, [](const pollfd& wait) { return wait.fd < 0; });
      if (waits[1].revents) waits.push_back({accept(listener_, nullptr, nullptr), POLLIN, 0});
    }
    for (std::size_t i = 2; i < waits.size(); ++i) ::close(waits[i].fd);
  }

  modbus_t* modbus_;
  modbus_mapping_t* mapping_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> requests_ = 0;
  Interrupt stop_;
  std::mutex mutex_;
  std::thread thread_;
};

ModbusOptions options_for(std::uint16_t port, std::vector<std::string> signals) {
  return {.link = {.id = "plc", .signals = std::move(signals)},
          .host = "127.0.0.1",
          .port = port,
          .period = {10'000'000},
          .patience = {300'000'000},
          .retry_first = {20'000'000},
          .retry_longest = {50'000'000}};
}

// Newest update of each signal.
void take_newest(Link& link, std::map<std::uint32_t, Update>& newest) {
  std::vector<Update> updates;
  link.take(updates);
  for (Update& u : updates) newest[u.signal] = std::move(u);
}

TEST(ModbusLink, ReadsEveryTable) {
  Device device;
  device.with([](modbus_mapping_t& m) {
    m.tab_bits[5] = 1;
    m.tab_input_bits[7] = 1;
    m.tab_registers[10] = 0x47F1;
    m.tab_registers[11] = 0x2000;
    m.tab_registers[12] = 8;
    m.tab_input_registers[30] = 0xFFFE;
  });
  const std::vector<std::string> signals = {"coil/5",       "coil/6",     "discrete/7",     "holding/10:float32",
                                            "holding/12.3", "holding/12", "input/30:int16", "holding/10:float32:cdab"};
  const auto link = make_modbus_link(options_for(device.port(), signals));
  link->start();
  std::map<std::uint32_t, Update> newest;
  ASSERT_TRUE(eventually([&] {
    take_newest(*link, newest);
    return newest.size() == signals.size();
  })) << link->health().problem;
  const std::vector<Value> expected = {true, false, true, 123456.0, true, std::int64_t{8}, std::int64_t{-2}};
  for (std::uint32_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(newest[i].value, expected[i]) << signals[i];
    EXPECT_EQ(newest[i].quality, Quality::kGood);
    EXPECT_EQ(newest[i].source_time, newest[i].receive_time);
  }
  EXPECT_NE(newest[7].value, Value(123456.0));
  // one request a table, whatever the number of signals
  const std::size_t before = device.requests();
  const std::uint64_t polls = link->health().updates / signals.size();
  ASSERT_TRUE(eventually([&] { return link->health().updates / signals.size() >= polls + 10; }));
  EXPECT_LE(device.requests() - before, 4u * (link->health().updates / signals.size() - polls + 2));
  device.with([](modbus_mapping_t& m) { m.tab_registers[12] = 0; });
  EXPECT_TRUE(eventually([&] {
    take_newest(*link, newest);
    return newest[4].value == Value(false);
  }));
}

TEST(ModbusLink, WritesAreAcknowledged) {
  Device device;
  const auto link = make_modbus_link(options_for(device.port(), {"holding/0"}));
  EXPECT_EQ(link->write("holding/1", 1.0).error().code, ErrorCode::kUnavailable);
  link->start();
  ASSERT_TRUE(eventually([&] { return is_live(*link); })) << link->health().problem;
  device.with([](modbus_mapping_t& m) { m.tab_registers[30] = 0x0101; });
  std::map<std::uint64_t, bool> expected;
  for (const auto& [name, value, is_taken] :
       std::vector<std::tuple<std::string, Value, bool>>{{"coil/9", true, true},
                                                         {"holding/20:float32:cdab", 123456.0, true},
                                                         {"holding/30.8", false, true},
                                                         {"holding/30.2", true, true},
                                                         {"holding/40:int16", std::int64_t{-5}, true},
                                                         {"holding/5000", std::int64_t{1}, false}}) {
    const auto ticket = link->write(name, value);
    ASSERT_TRUE(ticket) << ticket.error().message;
    expected[*ticket] = is_taken;
  }
  std::vector<WriteOutcome> outcomes;
  ASSERT_TRUE(eventually([&] {
    link->take_outcomes(outcomes);
    return outcomes.size() == expected.size();
  }));
  for (const WriteOutcome& outcome : outcomes) EXPECT_EQ(outcome.done, expected[outcome.ticket]) << outcome.message;
  EXPECT_EQ(outcomes.back().message,
            "the device answers ILLEGAL_DATA_ADDRESS to 'holding/5000'; check the address in the device's list; it "
            "counts from 0, so that 40101 is holding/100");
  device.with([](modbus_mapping_t& m) {
    EXPECT_EQ(m.tab_bits[9], 1);
    EXPECT_EQ(m.tab_registers[20], 0x2000);
    EXPECT_EQ(m.tab_registers[21], 0x47F1);
    EXPECT_EQ(m.tab_registers[30], 0x0005);
    EXPECT_EQ(m.tab_registers[40], 0xFFFB);
  });
  EXPECT_TRUE(is_live(*link));
  EXPECT_EQ(link->write("input/3", 1.0).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(link->write("discrete/3", true).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(link->write("coil/3", 2.0).error().code, ErrorCode::kBadInput);
  EXPECT_EQ(link->write("holding/3", 70000.0).error().code, ErrorCode::kBadInput);
}

// An address that the device does not have takes only its own signal along, though it is read with its neighbours.
TEST(ModbusLink, AnExceptionIsOneSignalsOwn) {
  Device device;
  const auto link = make_modbus_link(options_for(device.port(), {"holding/199", "holding/200", "holding/198"}));
  link->start();
  std::map<std::uint32_t, Update> newest;
  ASSERT_TRUE(eventually([&] {
    take_newest(*link, newest);
    return newest.contains(0) && newest.contains(2) && !link->health().problem.empty();
  }));
  EXPECT_FALSE(newest.contains(1));  // it was never good
  EXPECT_TRUE(is_live(*link));
  EXPECT_NE(link->health().problem.find("the device answers ILLEGAL_DATA_ADDRESS to 'holding/200'; check the address"),
            std::string::npos)
      << link->health().problem;
  const auto named = make_modbus_link(options_for(device.port(), {"holding/1", "holding/x"}));
  named->start();
  ASSERT_TRUE(eventually([&] { return is_live(*named) && !named->health().problem.empty(); }));
  EXPECT_NE(named->health().problem.find("the signal 'holding/x' has no address of 0 to 65535"), std::string::npos);
}

TEST(ModbusLink, BrowseListsWhatAnswers) {
  Device device;
  const auto link = make_modbus_link(options_for(device.port(), {"holding/10:int32", "holding/500"}));
  const auto offers = link->browse(kSecond * 10);
  ASSERT_TRUE(offers) << offers.error().message;
  EXPECT_EQ(offers->size(), 1u + 4 * 16);
  EXPECT_EQ(offers->front().name, "holding/10:int32");
  EXPECT_TRUE(offers->front().can_write);
}

TEST(ModbusLink, ComesBackAfterARestart) {
  auto device = std::make_unique<Device>();
  const std::uint16_t port = device->port();
  const auto link = make_modbus_link(options_for(port, {"holding/0"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().updates > 3; }));
  device.reset();
  ASSERT_TRUE(eventually([&] { return link->health().problem.find("connection refused") != std::string::npos; }))
      << link->health().problem;
  std::map<std::uint32_t, Update> newest;
  take_newest(*link, newest);
  EXPECT_EQ(newest[0].quality, Quality::kBad);
  device = std::make_unique<Device>(port);
  ASSERT_TRUE(eventually([&] { return is_live(*link); })) << link->health().problem;
  EXPECT_EQ(link->health().reconnects, 1u);
}

TEST(ModbusLink, SaysWhatIsWrongWithADeviceThatMisbehaves) {
  // takes the request of 12 bytes, answers with these, and is silent
  const auto answer = [](std::vector<std::uint8_t> bytes, bool cuts = false, bool of_the_request = true) {
    return [=](TcpStream& stream, const Interrupt& stop) {
      std::vector<std::uint8_t> request(12);
      const auto got = stream.read_all(request, kSecond, &stop);
      if (!got || *got != TcpWait::kReady) return;
      std::vector<std::uint8_t> reply = bytes;
      if (!of_the_request) request[1] ^= 1;
      if (reply.size() > 1) std::copy_n(request.begin(), 2, reply.begin());  // the transaction
      (void)stream.write(reply, kSecond);
      if (!cuts) stop.wait(kSecond);
    };
  };
  std::vector<std::uint8_t> much = {0, 0, 0, 0, 0, 253, 255, 3, 250};
  much.resize(much.size() + 250);
  const std::vector<std::pair<std::string, ScriptedPeer::Script>> devices = {
      {"no answer in time; see whether the device hangs", answer({0})},
      {"no answer in time; see whether the device hangs", answer({0, 0, 0, 0, 0, 5, 255, 3, 2, 0})},  // half
      {"ended the connection; see whether it was restarted", answer({0, 0, 0, 0, 0, 5, 255, 3}, true)},
      {"an answer that is not Modbus", answer(much)},  // 250 bytes, where 2 were asked for
      {"an answer that is not Modbus", answer({0, 0, 0, 0, 0, 5, 255, 3, 2, 0, 1}, false, false)},  // to something else
      {"an answer that is not Modbus", answer({0, 0, 0, 0, 0, 5, 255, 4, 2, 0, 1})},  // of another function
  };
  for (const auto& [expected, script] : devices) {
    const ScriptedPeer peer(script);
    const auto link = make_modbus_link(options_for(peer.port(), {"holding/0"}));
    const std::string problem = first_problem(*link, peer);
    EXPECT_NE(problem.find(expected), std::string::npos) << problem;
  }
}

TEST(ModbusLink, StopsWithinTwoSecondsOfASilentDevice) {
  const ScriptedPeer silent([](TcpStream&, const Interrupt& stop) { stop.wait(kSecond * 60); });
  ModbusOptions options = options_for(silent.port(), {"holding/0"});
  options.patience = kSecond * 60;
  const auto link = make_modbus_link(options);
  link->start();
  ASSERT_TRUE(eventually([&] { return silent.connections() == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  link->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

// A device that shares no code with ours or libmodbus.
TEST(ModbusLink, ReadsAndWritesADeviceOfPymodbus) {
  const std::string python = GEOUL_SOURCE_DIR "/build/judges/link/bin/python";
  if (!std::filesystem::exists(python)) GTEST_SKIP() << "pymodbus is not installed: run tools/oracles/link_judges";
  std::uint16_t port = 0;
  { port = TcpListener::listen("127.0.0.1", 0)->port(); }
  const std::string command =
      python + " " GEOUL_SOURCE_DIR "/geoul/link/modbus/testdata/pymodbus_server.py " + std::to_string(port);
  FILE* const device = popen(command.c_str(), "w");
  ASSERT_NE(device, nullptr);
  {
    const auto link = make_modbus_link(
        options_for(port, {"holding/10:float32", "input/30", "coil/3", "discrete/4", "holding/98", "holding/100"}));
    link->start();
    std::map<std::uint32_t, Update> newest;
    EXPECT_TRUE(eventually([&] {
      take_newest(*link, newest);
      return newest.size() == 5;
    })) << link->health().problem;
    const std::vector<Value> expected = {123456.0, std::int64_t{30}, false, true, std::int64_t{0x1062}};
    for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(newest[i].value, expected[i]) << i;
    EXPECT_NE(link->health().problem.find("ILLEGAL_DATA_ADDRESS to 'holding/100'"), std::string::npos)
        << link->health().problem;
    EXPECT_TRUE(link->write("coil/3", true));
    EXPECT_TRUE(link->write("holding/10:float32", -0.5));
    EXPECT_TRUE(link->write("holding/98.0", true));
    std::vector<WriteOutcome> outcomes;
    EXPECT_TRUE(eventually([&] {
      link->take_outcomes(outcomes);
      return outcomes.size() == 3;
    }));
    for (const WriteOutcome& outcome : outcomes) EXPECT_TRUE(outcome.done) << outcome.message;
    EXPECT_TRUE(eventually([&] {
      take_newest(*link, newest);
      return newest[0].value == Value(-0.5) && newest[2].value == Value(true) &&
             newest[4].value == Value(std::int64_t{0x1063});
    }));
  }
  pclose(device);
}

}  // namespace
}  // namespace geoul::link
