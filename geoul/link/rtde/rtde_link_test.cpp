// The link against a simulated robot over TCP on loopback, and against robots that misbehave.
#include "geoul/link/rtde/rtde_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "geoul/link/csv_source.h"
#include "geoul/link/rtde/rtde_client.h"
#include "geoul/link/rtde/rtde_server.h"
#include "geoul/link/test_peers.h"

namespace geoul::link {
namespace {

constexpr Duration kSecond{1'000'000'000};
const std::string kData = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/";

RtdeColumns recording(std::vector<std::string> names) {
  for (std::string& name : names) name = kData + name + ".csv";
  Diagnostics diagnostics;
  auto columns = read_rtde_columns(names, diagnostics);
  EXPECT_TRUE(columns) << diagnostics.text();
  return std::move(*columns);
}

std::unique_ptr<RtdeServer> robot(RtdeServerOptions options = {}) {
  options.port = options.port == 30004 ? 0 : options.port;
  auto server = RtdeServer::start(recording({"L0L1", "L1L2"}), options);
  EXPECT_TRUE(server) << server.error().message;
  return std::move(server).value();
}

RtdeOptions options_for(std::uint16_t port, std::vector<std::string> signals, double frequency = 500) {
  return {.link = {.id = "robot", .signals = std::move(signals)},
          .host = "127.0.0.1",
          .port = port,
          .frequency = frequency,
          .patience = {500'000'000},
          .silence = {300'000'000},
          .retry_first = {20'000'000},
          .retry_longest = {50'000'000}};
}

void send(TcpStream& stream, RtdePackageType type, const std::vector<std::uint8_t>& payload) {
  std::vector<std::uint8_t> bytes;
  append_package(type, payload, bytes);
  (void)stream.write(bytes, kSecond);
}

// Answers a whole handshake for one variable of type DOUBLE, the timestamp.
void shake_hands(TcpStream& stream, const Interrupt& stop) {
  RtdePackageReader reader;
  std::array<std::uint8_t, 4096> bytes;
  while (true) {
    const auto got = stream.read(bytes, kSecond, &stop);
    if (!got || got->wait != TcpWait::kReady) return;
    reader.append(Bytes(bytes).first(got->bytes));
    while (true) {
      const auto package = reader.next();
      if (!package || !*package) break;
      switch ((*package)->type) {
        case RtdePackageType::kProtocolVersion:
        case RtdePackageType::kPause: send(stream, (*package)->type, {1}); break;
        case RtdePackageType::kControllerVersion:
          send(stream, RtdePackageType::kControllerVersion, encode_controller_version({5, 11, 0, 0}));
          break;
        case RtdePackageType::kSetupOutputs:
          send(stream, RtdePackageType::kSetupOutputs, encode_recipe({1, {RtdeType::kDouble}}));
          break;
        case RtdePackageType::kStart: send(stream, RtdePackageType::kStart, {1}); return;
        default: return;
      }
    }
  }
}

std::vector<std::uint8_t> data_of(double timestamp) {
  std::vector<std::uint8_t> payload = {1};
  append_element(RtdeType::kDouble, timestamp, payload);
  return payload;
}

// The problem that a link tells of a robot that is wrong in one way.
std::string problem_of(ScriptedPeer::Script script) {
  const ScriptedPeer robot(std::move(script));
  const auto link = make_rtde_link(options_for(robot.port(), {"timestamp"}));
  return first_problem(*link, robot);
}

// Every row of the recording arrives, bit for bit, at the row's own time: what the CSV reader reads is what comes.
TEST(RtdeLink, DeliversTheRecordingExactly) {
  const auto server = robot({.play = RtdePlay::kRows, .speed = 20, .wait = true});
  const std::vector<std::string> signals = {"actual_q_0", "actual_TCP_pose_3", "robot_mode", "timestamp",
                                            "joint_mode_2"};
  Diagnostics diagnostics;
  std::map<std::int64_t, std::vector<double>> rows;
  for (const std::string file : {"L0L1", "L1L2"}) {
    CsvOptions options{.time_column = "timestamp", .columns = signals};
    const auto read = read_csv(kData + file + ".csv", options, diagnostics);
    ASSERT_TRUE(read);
    for (std::size_t r = 0; r < read->rows(); ++r) {
      for (std::size_t c = 0; c < signals.size(); ++c) rows[read->time[r].ns].push_back(read->value(r, c));
    }
  }
  const auto link = make_rtde_link(options_for(server->port(), signals, 25));
  link->start();
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] {
    link->take(updates);
    return !updates.empty() && updates.back().source_time.ns >= rows.rbegin()->first;
  })) << link->health().problem;
  link->stop();
  std::size_t compared = 0;
  for (const Update& u : updates) {
    const auto row = rows.find(u.source_time.ns);
    if (row == rows.end()) continue;  // the last row, held
    EXPECT_EQ(number_of(u.value), row->second[u.signal]);
    EXPECT_EQ(u.quality, Quality::kGood);
    ++compared;
  }
  EXPECT_EQ(compared, 5u * 94);
  EXPECT_EQ(link->health().lost, 0u);
  EXPECT_EQ(link->health().clock_jumps, 0u);
  EXPECT_TRUE(std::holds_alternative<std::int64_t>(updates.at(2).value));
}

TEST(RtdeLink, TellsTheControllersClockAndVersion) {
  const auto server = robot({.loop = true});
  const auto link = make_rtde_link(options_for(server->port(), {"actual_q_0"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().has_clock && link->health().updates > 100; }));
  const LinkHealth health = link->health();
  EXPECT_EQ(health.peer, "rtde://127.0.0.1:" + std::to_string(server->port()) + " (controller 5.11.0.0)");
  EXPECT_GT(health.clock_offset.seconds(), 1e9);  // UNIX time less seconds since the controller's start
  EXPECT_LT(std::abs(health.clock_drift), 1e-2);
}

TEST(RtdeLink, NamesWhatTheControllerDoesNotHave) {
  const auto server = robot();
  const auto link = make_rtde_link(options_for(server->port(), {"actual_q0", "actual_q_1", "actual_q", "nothing_7"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return is_live(*link) && link->health().updates > 3; }));
  EXPECT_EQ(link->health().problem,
            "the controller has no variable for 'actual_q0' (nor for 2 more); did you mean 'actual_q_0', 'actual_q_1' "
            "or 'actual_q_2'?");
  std::vector<Update> updates;
  link->take(updates);
  for (const Update& u : updates) EXPECT_EQ(u.signal, 1u);
  const auto vector = make_rtde_link(options_for(server->port(), {"actual_q"}));
  vector->start();
  ASSERT_TRUE(eventually([&] { return is_live(*vector) && !vector->health().problem.empty(); }));
  EXPECT_EQ(vector->health().problem,
            "the controller has no variable for 'actual_q'; it is a VECTOR6D: ask for actual_q_0 to actual_q_5");
}

TEST(RtdeLink, TooManyNamesAreSaid) {
  const auto server = robot();
  std::vector<std::string> signals;
  for (int i = 0; i < 48; ++i) signals.push_back("output_double_register_" + std::to_string(i));
  for (int i = 0; i < 48; ++i) signals.push_back("input_double_register_" + std::to_string(i));
  const auto link = make_rtde_link(options_for(server->port(), signals));
  link->start();
  ASSERT_TRUE(eventually([&] { return is_live(*link) && link->health().updates > 96; }));
  EXPECT_NE(link->health().problem.find("longer than RTDE takes (2048 bytes): "), std::string::npos);
}

TEST(RtdeLink, WritesReachTheRegistersAndCanBeReadBack) {
  const auto server = robot({.loop = true});
  RtdeOptions options = options_for(server->port(), {"input_double_register_3", "input_int_register_24", "actual_q_0"});
  options.inputs = {"input_int_register_24"};
  const auto link = make_rtde_link(options);
  EXPECT_EQ(link->write("input_double_register_3", 1.0).error().code, ErrorCode::kUnavailable);
  link->start();
  ASSERT_TRUE(eventually([&] { return is_live(*link); }));
  std::map<std::uint64_t, std::string> tickets;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, Value>>{{"input_double_register_3", 2.5},
                                                  {"input_int_register_24", std::int64_t{-7}},
                                                  {"standard_digital_output_2", true},
                                                  {"configurable_digital_output_0", true},
                                                  {"speed_slider_fraction", 0.25}}) {
    const auto ticket = link->write(name, value);
    ASSERT_TRUE(ticket) << ticket.error().message;
    tickets[*ticket] = name;
  }
  std::vector<WriteOutcome> outcomes;
  ASSERT_TRUE(eventually([&] {
    link->take_outcomes(outcomes);
    return outcomes.size() == tickets.size();
  }));
  for (const WriteOutcome& outcome : outcomes) {
    EXPECT_TRUE(outcome.done) << tickets[outcome.ticket] << ": " << outcome.message;
    EXPECT_EQ(outcome.message, "sent; RTDE acknowledges no input");
  }
  EXPECT_TRUE(eventually([&] { return server->output("target_speed_fraction") == 0.25; }));
  EXPECT_EQ(static_cast<int>(server->output("actual_digital_output_bits")) & 0x104, 0x104);
  std::map<std::uint32_t, double> newest;
  ASSERT_TRUE(eventually([&] {
    std::vector<Update> updates;
    link->take(updates);
    for (const Update& u : updates) newest[u.signal] = number_of(u.value);
    return newest[0] == 2.5 && newest[1] == -7;
  }));
  EXPECT_EQ(link->health().reconnects, 0u);
  EXPECT_EQ(link->health().lost, 0u);  // the stream did not pause
  EXPECT_EQ(link->write("standard_digital_output_9", true).error().code, ErrorCode::kNotFound);
}

TEST(RtdeLink, AnInputOfAnotherClientIsInUse) {
  const auto server = robot();
  const auto first = make_rtde_link(options_for(server->port(), {"actual_q_0"}));
  auto second = make_rtde_link(options_for(server->port(), {"actual_q_0"}));
  std::vector<WriteOutcome> outcomes;
  for (Link* link : {first.get(), second.get()}) {
    link->start();
    ASSERT_TRUE(eventually([&] { return is_live(*link); }));
    ASSERT_TRUE(link->write("input_double_register_0", 1.0));
    ASSERT_TRUE(eventually([&, had = outcomes.size()] {
      link->take_outcomes(outcomes);
      return outcomes.size() > had;
    }));
  }
  EXPECT_TRUE(outcomes[0].done);
  EXPECT_FALSE(outcomes[1].done);
  EXPECT_TRUE(outcomes[1].message.starts_with(
      "another program has reserved the input 'input_double_register_0'; end its connection ("))
      << outcomes[1].message;
  const auto before = second->health().updates;
  EXPECT_TRUE(eventually([&] { return second->health().updates > before + 10; }));  // it goes on reading
  EXPECT_EQ(server->output("input_double_register_0"), 1.0);
}

TEST(RtdeLink, BrowseListsWhatTheControllerHas) {
  const auto server = robot({.loop = true});
  const auto link = make_rtde_link(options_for(server->port(), {}));
  const auto offers = link->browse(kSecond * 5);
  ASSERT_TRUE(offers) << offers.error().message;
  std::map<std::string, OfferedSignal> by_name;
  for (const OfferedSignal& offer : *offers) by_name[offer.name] = offer;
  EXPECT_EQ(by_name.size(), offers->size());
  ASSERT_TRUE(by_name.contains("actual_q_5"));
  EXPECT_EQ(by_name["actual_q_5"].unit, "rad");
  EXPECT_EQ(by_name["actual_q_5"].value.substr(0, 4), "12.6");
  EXPECT_EQ(by_name["robot_mode"].type, ValueType::kInteger);
  EXPECT_FALSE(by_name.contains("ft_raw_wrench_0"));  // the recording has none
  EXPECT_TRUE(by_name["input_double_register_47"].can_write);
  EXPECT_TRUE(by_name["standard_digital_output_7"].can_write);
  EXPECT_FALSE(by_name["actual_q_5"].can_write);
}

TEST(RtdeLink, ComesBackAfterACutAndAfterARestart) {
  auto server = robot({.loop = true});
  const std::uint16_t port = server->port();
  const auto link = make_rtde_link(options_for(port, {"actual_q_0"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().updates > 10; }));
  server->cut_clients();
  ASSERT_TRUE(eventually([&] { return link->health().reconnects == 1; }));
  server.reset();
  ASSERT_TRUE(eventually([&] { return link->health().state == LinkState::kWaiting; }));
  ASSERT_TRUE(eventually([&] { return link->health().problem.find("connection refused") != std::string::npos; }));
  std::vector<Update> updates;
  link->take(updates);
  EXPECT_EQ(updates.back().quality, Quality::kBad);
  // a controller that was switched on again counts from its start: earlier than before, and no jump
  server = robot({.port = port});
  const auto before = link->health().updates;
  ASSERT_TRUE(eventually([&] { return is_live(*link) && link->health().updates > before + 10; }));
  EXPECT_EQ(link->health().reconnects, 2u);
  EXPECT_EQ(link->health().clock_jumps, 0u);
  EXPECT_EQ(link->health().problem, "");
}

TEST(RtdeLink, AClockThatGoesBackIsAJump) {
  const auto server = robot();
  const auto link = make_rtde_link(options_for(server->port(), {"actual_q_0"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().updates > 10; }));
  server->shift_clock(kSecond * -3600);
  ASSERT_TRUE(eventually([&] { return link->health().clock_jumps == 1; }));
  EXPECT_NE(link->health().problem.find("went back by 3600 s"), std::string::npos) << link->health().problem;
  server->shift_clock({100'000'000});  // 50 periods that never came
  ASSERT_TRUE(eventually([&] { return link->health().lost > 0; }));
  EXPECT_EQ(link->health().lost, 50u);
}

TEST(RtdeLink, AHangingControllerIsLeftAndTriedAgain) {
  const auto server = robot({.loop = true});
  const auto link = make_rtde_link(options_for(server->port(), {"actual_q_0"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().updates > 10; }));
  server->hang(true);
  ASSERT_TRUE(eventually([&] {
    return link->health().problem.find("no data for 300 ms; see whether") != std::string::npos;
  })) << link->health().problem;
  ASSERT_TRUE(eventually([&] { return link->health().problem.find("no answer of type 'V'") != std::string::npos; }));
  server->hang(false);
  EXPECT_TRUE(eventually([&] { return is_live(*link); }));
}

TEST(RtdeLink, TextMessagesAreProblems) {
  const auto server = robot();
  const auto link = make_rtde_link(options_for(server->port(), {"actual_q_0"}));
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().updates > 10; }));
  server->say(RtdeLevel::kInfo, "program loaded");
  server->say(RtdeLevel::kWarning, "joint 3\nis warm");
  ASSERT_TRUE(eventually([&] { return !link->health().problem.empty(); }));
  EXPECT_EQ(link->health().problem, "the controller says (warning): joint 3 is warm [simulated robot]");
  EXPECT_TRUE(is_live(*link));
}

TEST(RtdeLink, SaysWhatIsWrongWithARobotThatMisbehaves) {
  const auto after_start =
      [](std::vector<std::uint8_t> bytes) {  // what a started robot sends next, before it is silent
        return [bytes = std::move(bytes)](TcpStream& stream, const Interrupt& stop) {
          shake_hands(stream, stop);
          (void)stream.write(bytes, kSecond);
          stop.wait(kSecond);
        };
      };
  const auto package = [](const std::vector<std::uint8_t>& payload) {
    std::vector<std::uint8_t> bytes;
    append_package(RtdePackageType::kData, payload, bytes);
    return bytes;
  };
  const std::vector<std::pair<std::string, ScriptedPeer::Script>> robots = {
      {"RTDE package of the unknown type 84; check that this is the RTDE port",  // an HTTP server at the port
       [](TcpStream& stream, const Interrupt&) {
         const std::string text = "HTTP/1.1 400 Bad Request\r\n\r\n";
         (void)stream.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, kSecond);
         std::vector<std::uint8_t> request(5);
         (void)stream.read_all(request, kSecond);
       }},
      {"does not speak RTDE version 2; update",
       [](TcpStream& stream, const Interrupt&) { send(stream, RtdePackageType::kProtocolVersion, {0}); }},
      {"ended the connection; see whether it was restarted",  // in the middle of a package
       [](TcpStream& stream, const Interrupt& stop) {
         shake_hands(stream, stop);
         (void)stream.write(std::vector<std::uint8_t>{0, 12, 'U', 1, 0}, kSecond);
       }},
      {"no data for 300 ms; see whether the controller hangs", after_start({0, 12, 'U', 1, 0})},
      {"size of 1 bytes, below that of its header; check", after_start({0, 1, 'U'})},
      {"of 103 bytes should have 12 bytes by its recipe", after_start(package(std::vector<std::uint8_t>(100, 1)))},
      {"timestamp is no time", after_start(package(data_of(std::nan(""))))},
      {"ends inside its text", after_start({0, 4, 'M', 200})},
      {"no answer of type 'v' within 500 ms",  // one byte a tenth of a second
       [](TcpStream& stream, const Interrupt& stop) {
         for (const std::uint8_t byte : std::vector<std::uint8_t>{0, 4, 'V', 1, 0, 19}) {
           if (stop.wait({100'000'000}) || !stream.write({&byte, 1}, kSecond)) return;
         }
         stop.wait(kSecond);
       }},
      {"answers 1 names with 3 types",
       [](TcpStream& stream, const Interrupt& stop) {
         send(stream, RtdePackageType::kProtocolVersion, {1});
         send(stream, RtdePackageType::kControllerVersion, encode_controller_version({5, 11, 0, 0}));
         send(stream, RtdePackageType::kSetupOutputs, encode_recipe({1, std::vector(3, RtdeType::kDouble)}));
         stop.wait(kSecond);
       }},
      {"among what the controller sends",  // data without end, and never the answer
       [](TcpStream& stream, const Interrupt& stop) {
         std::vector<std::uint8_t> bytes;
         for (int i = 0; i < 3000; ++i) append_package(RtdePackageType::kData, data_of(1), bytes);
         (void)stream.write(bytes, kSecond);
         stop.wait(kSecond);
       }},
  };
  for (const auto& [expected, script] : robots) {
    const std::string problem = problem_of(script);
    EXPECT_NE(problem.find(expected), std::string::npos) << problem;
  }
}

TEST(RtdeLink, StopsWithinTwoSecondsWhateverTheRobotDoes) {
  const auto server = robot();
  server->hang(true);
  for (const int wait_ms : {0, 50}) {
    RtdeOptions options = options_for(server->port(), {"actual_q_0"});
    options.patience = kSecond * 60;
    const auto link = make_rtde_link(options);
    link->start();
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    const auto begin = std::chrono::steady_clock::now();
    link->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    EXPECT_EQ(link->health().state, LinkState::kStopped);
  }
}

// The simulated controller answers bad requests as the guide says.
TEST(RtdeServer, AnswersBadRequestsAsAControllerDoes) {
  const auto server = robot();
  const Interrupt stop;
  auto a = RtdeClient::connect("127.0.0.1", server->port(), kSecond, stop);
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_FALSE(a->start());  // nothing was set up
  EXPECT_NE(a->setup_inputs({"input_int_register_9"})->id, 0);
  EXPECT_FALSE(a->start());  // a controller wants an output
  EXPECT_EQ(a->setup_outputs(125, {"actual_q", "nonsense"})->types,
            (std::vector<RtdeType>{RtdeType::kVector6d, RtdeType::kNotFound}));
  EXPECT_FALSE(a->start());
  EXPECT_EQ(a->setup_inputs({"nonsense"})->types.front(), RtdeType::kNotFound);
  const auto inputs = a->setup_inputs({"input_int_register_1"});
  EXPECT_EQ(inputs->types.front(), RtdeType::kInt32);
  EXPECT_NE(inputs->id, 0);
  {
    auto b = RtdeClient::connect("127.0.0.1", server->port(), kSecond, stop);
    EXPECT_EQ(b->setup_inputs({"input_int_register_1", "input_int_register_2"})->types,
              (std::vector<RtdeType>{RtdeType::kInUse, RtdeType::kInt32}));
    EXPECT_EQ(b->setup_inputs({"input_int_register_2"})->types.front(), RtdeType::kInt32);
  }
  // what b had is free once it is gone
  EXPECT_TRUE(eventually([&] { return a->setup_inputs({"input_int_register_2"})->types.front() == RtdeType::kInt32; }));
  EXPECT_TRUE(a->setup_outputs(125, {"timestamp"}));
  EXPECT_TRUE(a->start());
  EXPECT_TRUE(a->send(99, {RtdeType::kInt32}, {1}));
  const Interrupt wake;
  std::string said;
  for (int i = 0; i < 500 && said.empty(); ++i) {
    const auto package = a->next(kSecond, wake);
    ASSERT_TRUE(package && *package);
    if ((*package)->type == RtdePackageType::kText) said = decode_text(**package)->message;
  }
  EXPECT_EQ(said, "a data package of no recipe of inputs was ignored");
}

TEST(RtdeServer, HoldsTheNewestRowAtTheControllersCycle) {
  const auto server = robot();
  const Interrupt stop, wake;
  auto client = RtdeClient::connect("127.0.0.1", server->port(), kSecond, stop);
  ASSERT_TRUE(client);
  const auto recipe = client->setup_outputs(125, {"timestamp", "actual_q"});
  ASSERT_TRUE(client->start());
  const RtdeColumns columns = recording({"L0L1", "L1L2"});
  std::optional<double> last;
  for (int i = 0; i < 40; ++i) {
    const auto package = client->next(kSecond, wake);
    ASSERT_TRUE(package && *package);
    std::vector<Value> values;
    ASSERT_TRUE(decode_data(**package, recipe->types, values));
    const double time = number_of(values[0]);
    if (last) {
      EXPECT_NEAR(time - *last, 0.008, 1e-6);  // no package is left out
    }
    last = time;
    std::size_t row = 0;
    while (row + 1 < columns.time.size() && columns.time[row + 1] <= Time::from_seconds(time)) ++row;
    std::size_t offset = 0;
    for (const RtdeVariable& v : columns.variables) {
      if (v.name == "actual_q") break;
      offset += element_count(v.type);
    }
    EXPECT_EQ(number_of(values[1]), columns.values[row * columns.width + offset]) << time;
  }
}

TEST(RtdeServer, LeavesPackagesOutForAClientThatDoesNotRead) {
  const auto server = robot({.cycle = 20'000});
  const Interrupt stop;
  auto client = RtdeClient::connect("127.0.0.1", server->port(), kSecond, stop);
  std::vector<std::string> names = {"timestamp"};
  for (int i = 0; i < 48; ++i) names.push_back("output_double_register_" + std::to_string(i));
  ASSERT_TRUE(client->setup_outputs(20'000, names));
  ASSERT_TRUE(client->start());
  EXPECT_TRUE(eventually([&] { return server->skipped() > 0; }));
}

TEST(RtdeServer, RefusesRecordingsThatItCannotPlay) {
  Diagnostics diagnostics;
  EXPECT_FALSE(read_rtde_columns({"/nowhere.csv"}, diagnostics));
  EXPECT_TRUE(diagnostics.has("not-found"));
  EXPECT_FALSE(read_rtde_columns({kData + "L1L2.csv", kData + "L0L1.csv"}, diagnostics));
  EXPECT_TRUE(diagnostics.has("time-backwards"));
}

// A client that shares no code with ours finds a robot: ur_rtde reads what is played and writes what can be written.
TEST(RtdeServer, IsARobotForUrRtde) {
  const std::string python = GEOUL_SOURCE_DIR "/build/judges/link/bin/python";
  if (!std::filesystem::exists(python)) GTEST_SKIP() << "ur_rtde is not installed: run tools/oracles/link_judges";
  // port 30004 is the only one that ur_rtde knows: an address of loopback that nobody else listens on
  const std::string address =
      "127.77." + std::to_string(getpid() / 250 % 250) + "." + std::to_string(getpid() % 250 + 1);
  const RtdeColumns columns = recording({"L0L1", "L1L2"});
  auto server = RtdeServer::start(columns, {.address = address, .port = 30004, .loop = true});
  ASSERT_TRUE(server) << server.error().message;
  FILE* const client = popen(
      (python + " " GEOUL_SOURCE_DIR "/geoul/link/rtde/testdata/oracle/ur_rtde_client.py " + address).c_str(), "r");
  ASSERT_NE(client, nullptr);
  std::string said;
  for (char line[1024]; fgets(line, sizeof line, client);) said += line;
  EXPECT_EQ(pclose(client), 0) << said;
  std::set<std::vector<double>> rows;
  std::size_t offset = 0;
  for (const RtdeVariable& v : columns.variables) {
    if (v.name == "actual_q") break;
    offset += element_count(v.type);
  }
  for (std::size_t r = 0; r < columns.time.size(); ++r) {
    const auto at = columns.values.begin() + static_cast<std::ptrdiff_t>(r * columns.width + offset);
    rows.emplace(at, at + 6);
  }
  std::istringstream lines(said);
  std::map<std::string, std::string> others;
  int samples = 0;
  for (std::string word; lines >> word;) {
    if (word != "sample") {
      std::getline(lines, others[word]);
      continue;
    }
    double time = 0, mode = 0;
    std::vector<double> q(6);
    lines >> time;
    for (double& value : q) lines >> value;
    lines >> mode;
    EXPECT_TRUE(rows.contains(q)) << time;
    EXPECT_EQ(mode, 7);
    ++samples;
  }
  EXPECT_GE(samples, 5) << said;
  EXPECT_EQ(others["connected"], " 1") << said;
  EXPECT_EQ(others["written"], " 1 1 1 1") << said;
  EXPECT_EQ(others["bits"], " 8") << said;
  EXPECT_EQ(others["speed"], " 0.5") << said;
  EXPECT_EQ((*server)->output("input_double_register_20"), 3.25);
  EXPECT_EQ((*server)->output("input_int_register_20"), -9);
}

}  // namespace
}  // namespace geoul::link
