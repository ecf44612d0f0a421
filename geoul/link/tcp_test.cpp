#include "geoul/link/tcp.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace geoul::link {
namespace {

constexpr Duration kSecond{1'000'000'000};

double seconds_of(const auto& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Pair {
  TcpListener listener = std::move(TcpListener::listen("127.0.0.1", 0)).value();
  TcpStream client = std::move(TcpStream::connect("127.0.0.1", listener.port(), kSecond)).value();
  TcpStream server = std::move(listener.accept(kSecond)).value();
};

TEST(Tcp, CarriesBytesBothWays) {
  Pair pair;
  ASSERT_TRUE(pair.server.is_open());
  const std::vector<std::uint8_t> sent = {1, 2, 3, 4};
  ASSERT_TRUE(pair.client.write(sent, kSecond));
  std::vector<std::uint8_t> got(4);
  EXPECT_EQ(pair.server.read_all(got, kSecond).value(), TcpWait::kReady);
  EXPECT_EQ(got, sent);
  ASSERT_TRUE(pair.server.write(sent, kSecond));
  EXPECT_EQ(pair.client.read_all(got, kSecond).value(), TcpWait::kReady);
}

TEST(Tcp, FindsAddressesByName) {
  const auto listener = TcpListener::listen("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  EXPECT_TRUE(TcpStream::connect("localhost", listener->port(), kSecond * 5));
  const auto unknown = TcpStream::connect("no-such-host.invalid", 1, kSecond * 10);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("numeric address"), std::string::npos) << unknown.error().message;
}

TEST(Tcp, RefusalIsSaidWithItsRemedy) {
  std::uint16_t port = 0;
  { port = TcpListener::listen("127.0.0.1", 0)->port(); }
  const auto stream = TcpStream::connect("127.0.0.1", port, kSecond);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(stream.error().message.find("127.0.0.1:" + std::to_string(port) + ": connection refused; check"),
            std::string::npos)
      << stream.error().message;
}

// A listener whose queue is full answers nothing: the kernel drops what comes, as a firewall does.
TEST(Tcp, ABlackHoleCostsNoMoreThanThePatience) {
  const auto listener = TcpListener::listen("127.0.0.1", 0);
  std::vector<TcpStream> fill;
  for (int i = 0; i < 64; ++i) {
    auto stream = TcpStream::connect("127.0.0.1", listener->port(), {100'000'000});
    if (!stream) break;
    fill.push_back(std::move(stream).value());
  }
  ASSERT_LT(fill.size(), 64u);
  std::string message;
  const double taken = seconds_of([&] {
    const auto stream = TcpStream::connect("127.0.0.1", listener->port(), {300'000'000});
    message = stream ? "connected" : stream.error().message;
  });
  EXPECT_NE(message.find("no answer"), std::string::npos) << message;
  EXPECT_GE(taken, 0.29);
  Interrupt interrupt;
  interrupt.raise();
  const auto stopped = TcpStream::connect("127.0.0.1", listener->port(), kSecond * 60, &interrupt);
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message.find("stopped"), std::string::npos);
}

TEST(Tcp, SilenceIsATimeoutAndAnInterruptEndsIt) {
  Pair pair;
  std::uint8_t byte = 0;
  EXPECT_EQ(pair.client.read({&byte, 1}, {20'000'000})->wait, TcpWait::kTimeout);
  Interrupt interrupt;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    interrupt.raise();
  });
  EXPECT_EQ(pair.client.read({&byte, 1}, kSecond * 60, &interrupt)->wait, TcpWait::kInterrupted);
  other.join();
  EXPECT_TRUE(interrupt.wait({}));
  interrupt.lower();
  EXPECT_FALSE(interrupt.wait({}));
}

TEST(Tcp, ACutIsAnErrorOfBothDirections) {
  Pair pair;
  pair.server.close();
  std::uint8_t byte = 0;
  const auto got = pair.client.read({&byte, 1}, kSecond);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("ended the connection"), std::string::npos) << got.error().message;
  std::vector<std::uint8_t> much(1 << 20);
  EXPECT_FALSE(pair.client.write(much, kSecond));
}

TEST(Tcp, APeerThatTakesNothingIsAnError) {
  Pair pair;
  const std::vector<std::uint8_t> much(64 << 20);
  const auto sent = pair.client.write(much, {200'000'000});
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().message.find("takes no data"), std::string::npos) << sent.error().message;
}

TEST(Tcp, APortInUseIsSaid) {
  const auto listener = TcpListener::listen("127.0.0.1", 0);
  const auto second = TcpListener::listen("127.0.0.1", listener->port());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
  EXPECT_EQ(TcpListener::listen("nonsense", 1).error().code, ErrorCode::kBadInput);
}

}  // namespace
}  // namespace geoul::link
