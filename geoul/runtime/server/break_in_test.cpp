// Tries to get in, over real sockets and real TLS, and must fail to. What is defended and what is not:
// docs/security.md.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "geoul/core/random.h"
#include "geoul/runtime/server/eventually.h"
#include "geoul/runtime/server/raw_client.h"
#include "geoul/runtime/server/server.h"
#include "geoul/runtime/state_messages.h"

namespace geoul::runtime {
namespace {

using access::Role;
using access::Secret;
using nlohmann::json;
using Kind = RawClient::Kind;

constexpr access::PasswordCost kCheap{1, 8192};
constexpr Duration kSecond{1'000'000'000};
constexpr std::string_view kWords = "correct horse battery";

// A server that is open to the network, with the users vic (view), ann (operate) and dora (administer), a service that
// operates and one that steers the clock, a parameter, and a clock that the test turns.
class BreakIn : public testing::Test {
 protected:
  BreakIn() : store_(std::filesystem::temp_directory_path() / ("geoul_break_in_" + std::to_string(getpid()))) {
    for (const auto& [name, role] :
         {std::pair{"vic", Role::kView}, {"ann", Role::kOperate}, {"dora", Role::kAdminister}}) {
      change([&, n = name, r = role](access::Users& users) {
        return add_user(users, n, r, Secret(kWords), now_, kCheap);
      });
    }
    std::filesystem::create_directories(store_.folder() / "dist");
    std::ofstream(store_.folder() / "dist/index.html") << "<h1>studio</h1>";
    certificate_ = std::make_shared<access::Certificate>(
        access::make_certificate(access::certificate_names({}), real_now()).value());
  }
  ~BreakIn() override {
    server_.reset();
    std::filesystem::remove_all(store_.folder());
  }

  static Time real_now() { return access::Gate().now(); }
  void start(Limits limits = {}, const std::string& address = "0.0.0.0") {
    ServerOptions options;
    options.address = address;
    options.port = 0;
    options.files = store_.folder() / "dist";
    options.certificate = certificate_;
    options.limits = limits;
    options.gate = std::make_shared<access::Gate>(access::GateOptions{
        .folder = store_.folder(), .limits = limits, .cost = kCheap, .now = [this] { return Time{now_ns_}; }});
    auto started = Server::start(std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(started).value();
    server_->set_parameter({"speed", 1.0}, true);
    const ServiceType bytes{"B", "protobuf", "protobuf", ""};
    server_->add_service({0, "/clock/control", "t", bytes, bytes, access::Action::kSteerClock});
  }
  void change(const std::function<Result<void>(access::Users&)>& edit) {
    const Result<void> done = store_.change(edit);
    ASSERT_TRUE(done) << done.error().message;
  }
  void pass(Duration time) { now_ns_ = now_ns_ + time.ns; }
  // A token as "?token=...", and its id.
  std::string token(const std::string& name, std::optional<Role> role = {}, std::string* id = nullptr) {
    std::string out;
    change([&](access::Users& users) -> Result<void> {
      auto made = make_token(users, name, {"t", role, kSecond * 3600}, Time{now_ns_});
      if (!made) return made.error();
      out = made->secret.reveal();
      if (id) *id = made->id;
      return {};
    });
    return out;
  }
  std::uint16_t port() const { return server_->port(); }

  std::string post(const std::string& path, const std::string& body, const std::string& lines = {}) {
    RawClient client(port());
    return client.ask("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + lines +
                      "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string login(const std::string& name, std::string_view words, const std::string& lines = {}) {
    return post("/api/login", json{{"name", name}, {"password", words}}.dump(), lines);
  }
  struct SignedIn {
    std::string cookie, csrf;  // "Cookie: ...\r\n"
    std::string protocols() const { return "foxglove.websocket.v1, geoul.csrf." + csrf; }
  };
  static inline const std::string kOwn = "Origin: https://localhost\r\n";
  SignedIn sign_in(const std::string& name) {
    const std::string answer = login(name, kWords);
    EXPECT_EQ(status_of(answer), 200) << answer;
    const std::size_t at = answer.find("Set-Cookie: ") + 12;
    const json body = json::parse(answer.substr(answer.find("\r\n\r\n") + 4), nullptr, false);
    return {"Cookie: " + answer.substr(at, answer.find(';', at) - at) + "\r\n", body.value("csrf", "")};
  }
  int knock(const std::string& target, const std::string& lines = {},
            const std::string& protocols = "foxglove.websocket.v1") {
    RawClient client(port());
    return client.open_web_socket(target, lines, protocols);
  }
  bool is_alive() { return knock("/?token=" + token("ann")) == 101; }

  static std::string service_call(std::uint32_t service, std::string_view payload) {
    std::string frame = "\x02";
    const auto append = [&frame](std::uint32_t value) {
      for (int shift = 0; shift < 32; shift += 8) frame.push_back(static_cast<char>(value >> shift));
    };
    append(service), append(7), append(8);
    return frame.append("protobuf").append(payload);
  }

  const Time now_ = real_now();
  std::atomic<std::int64_t> now_ns_{now_.ns};
  access::UserStore store_;
  std::shared_ptr<access::Certificate> certificate_;
  std::unique_ptr<Server> server_;
};

TEST_F(BreakIn, WithoutATokenNobodyGetsIn) {
  start();
  EXPECT_EQ(knock("/"), 401);
  EXPECT_EQ(knock("/?token="), 401);
  EXPECT_EQ(knock("/?token=geoul_"), 401);
  EXPECT_EQ(knock("/?token=" + std::string(access::random_token().reveal())), 401);
  EXPECT_EQ(knock("/", "Authorization: Bearer " + std::string(access::random_token().reveal()) + "\r\n"), 401);
  EXPECT_EQ(knock("/", "Authorization: Basic YW5uOng=\r\n"), 401);
  EXPECT_EQ(knock("/", "Cookie: geoul_session_" + std::to_string(port()) + "=x\r\n" + kOwn), 401);
  EXPECT_EQ(knock("/", {}, "foxglove.websocket.v1, geoul.token.x"), 401);
  EXPECT_EQ(server_->stats().refused, 8u);
  RawClient client(port());
  EXPECT_NE(client.ask("GET /api/session HTTP/1.1\r\nHost: localhost\r\n\r\n").find(R"({"entry":"sign-in"})"),
            std::string::npos);
  EXPECT_EQ(status_of(post("/api/logout", "{}")), 401);
  // The same ways with a right one.
  const std::string right = token("ann");
  EXPECT_EQ(knock("/?token=" + right), 101);
  EXPECT_EQ(knock("/", "Authorization: Bearer " + right + "\r\n"), 101);
  EXPECT_EQ(knock("/", {}, "geoul.token." + right + ", foxglove.websocket.v1"), 101);
  EXPECT_EQ(knock("/?token=" + right + "&token=" + right), 401);  // which one?
}

TEST_F(BreakIn, ATokenThatExpiredOrWasRevokedIsOutAtOnceAndWhenReplayed) {
  start();
  std::string id;
  const std::string first = token("ann", {}, &id), second = token("vic");
  RawClient one(port()), two(port());
  ASSERT_EQ(one.open_web_socket("/?token=" + first), 101);
  ASSERT_EQ(two.open_web_socket("/?token=" + second), 101);
  ASSERT_TRUE(eventually([&] { return server_->stats().clients == 2; }));
  change([&](access::Users& users) { return revoke_token(users, "ann", id); });
  EXPECT_TRUE(one.is_ended());
  EXPECT_EQ(knock("/?token=" + first), 401);
  EXPECT_EQ(server_->stats().clients, 1u);
  pass(kSecond * 3600);
  EXPECT_TRUE(two.is_ended());
  EXPECT_EQ(knock("/?token=" + second), 401);
  change([](access::Users& users) { return remove_user(users, "vic"); });
  EXPECT_EQ(status_of(login("vic", kWords)), 401);
}

TEST_F(BreakIn, AWrongRoleSeesAndChangesNothing) {
  start();
  RawClient viewer(port());
  ASSERT_EQ(viewer.open_web_socket("/?token=" + token("dora", Role::kView)), 101);
  EXPECT_NE(viewer.next_text("serverInfo").find(R"("role":"view")"), std::string::npos);
  viewer.send_frame(2, service_call(1, "\x08\x01"));
  EXPECT_NE(viewer.next_text("serviceCallFailure").find("the role 'operate' is needed, 'dora' has 'view'"),
            std::string::npos);
  viewer.send_frame(1, R"({"op":"setParameters","id":"x","parameters":[{"name":"speed","value":9}]})");
  EXPECT_NE(viewer.next_text("status").find("'operate' is needed"), std::string::npos);
  viewer.send_frame(1, R"({"op":"getParameters","id":"y","parameterNames":[]})");
  EXPECT_NE(viewer.next_text("\"y\"").find("1.0"), std::string::npos);
  EXPECT_TRUE(server_->take_requests().empty());

  RawClient operating(port());
  const std::string operates = token("ann");
  ASSERT_EQ(operating.open_web_socket("/?token=" + operates), 101);
  operating.send_frame(2, service_call(1, "\x08\x01"));
  EXPECT_TRUE(eventually([&] { return !server_->take_requests().empty(); }));
  change([](access::Users& users) { return set_role(users, "ann", Role::kView); });
  EXPECT_TRUE(operating.is_ended());  // a token follows its user down
  RawClient lowered(port());
  ASSERT_EQ(lowered.open_web_socket("/?token=" + operates), 101);
  EXPECT_NE(lowered.next_text("serverInfo").find(R"("role":"view")"), std::string::npos);
}

TEST_F(BreakIn, ASessionThatEndedCannotBeReplayed) {
  start();
  const SignedIn ann = sign_in("ann");
  RawClient client(port());
  ASSERT_EQ(client.open_web_socket("/", ann.cookie + kOwn, ann.protocols()), 101);
  const std::string csrf = "X-Geoul-Csrf: " + ann.csrf + "\r\n";
  EXPECT_EQ(status_of(post("/api/logout", "{}", ann.cookie)), 403);  // without the CSRF token
  EXPECT_EQ(status_of(post("/api/logout", "{}", ann.cookie + csrf + "Origin: https://evil.example\r\n")), 403);
  EXPECT_EQ(status_of(post("/api/logout", "{}", ann.cookie + csrf + kOwn)), 200);
  EXPECT_TRUE(client.is_ended());
  EXPECT_EQ(knock("/", ann.cookie + kOwn, ann.protocols()), 401);
  EXPECT_EQ(status_of(post("/api/logout", "{}", ann.cookie + csrf + kOwn)), 401);

  const SignedIn again = sign_in("ann");
  pass(kSecond);
  change([&](access::Users& users) {
    return set_password(users, "ann", Secret(std::string_view("a new password of ann")), Time{now_ns_}, kCheap);
  });
  EXPECT_EQ(knock("/", again.cookie + kOwn, again.protocols()), 401);
}

TEST_F(BreakIn, ACookieIsOfNoUseToOtherPages) {
  start();
  const SignedIn ann = sign_in("ann"), vic = sign_in("vic");
  EXPECT_EQ(knock("/", ann.cookie + kOwn, ann.protocols()), 101);
  EXPECT_EQ(knock("/", ann.cookie + kOwn), 403);                   // no CSRF token
  EXPECT_EQ(knock("/", ann.cookie + kOwn, vic.protocols()), 403);  // another's
  EXPECT_EQ(knock("/", ann.cookie, ann.protocols()), 403);         // no page
  for (const char* origin : {"http://localhost:3000", "https://localhost:1", "https://app.foxglove.dev",
                             "https://localhost.evil.example", "null", "file://", "https://localhost/"}) {
    EXPECT_EQ(knock("/", ann.cookie + "Origin: " + origin + "\r\n", ann.protocols()), 403) << origin;
  }
  EXPECT_EQ(knock("/", ann.cookie + vic.cookie + kOwn, vic.protocols()),
            403);  // of two Cookie headers the first counts
}

TEST_F(BreakIn, NoOtherPageSignsAnybodyIn) {
  start();
  const std::string body = json{{"name", "ann"}, {"password", kWords}}.dump();
  EXPECT_EQ(status_of(login("ann", kWords, "Origin: https://evil.example\r\n")), 403);
  EXPECT_EQ(status_of(login("ann", kWords, "Origin: http://localhost:3000\r\n")), 403);
  RawClient client(port());
  const std::string form = client.ask(
      "POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(status_of(form), 415);
  const std::string answer = login("ann", kWords, kOwn);
  EXPECT_EQ(status_of(answer), 200);
  for (const char* words : {"__Host-geoul_session_", "; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/",
                            "Cache-Control: no-store", "X-Frame-Options: DENY", "frame-ancestors 'none'"}) {
    EXPECT_NE(answer.find(words), std::string::npos) << words;
  }
  EXPECT_EQ(answer.find("Access-Control-Allow"), std::string::npos);
}

TEST_F(BreakIn, GuessingGetsSlowerAndTellsNothing) {
  start();
  const auto body_of = [](const std::string& answer) { return answer.substr(answer.find("\r\n\r\n")); };
  const std::string unknown = login("zoe", "a wrong password"), wrong = login("ann", "a wrong password");
  EXPECT_EQ(status_of(unknown), 401);
  EXPECT_EQ(body_of(unknown), body_of(wrong));
  login("ann", "a wrong password");
  EXPECT_EQ(status_of(login("ann", "a wrong password")), 401);
  const std::string must_wait = login("ann", kWords);
  EXPECT_EQ(status_of(must_wait), 429);
  EXPECT_NE(must_wait.find("Retry-After: 1\r\n"), std::string::npos) << must_wait;
  EXPECT_EQ(status_of(login("vic", kWords)), 200);  // others do not wait
  pass(kSecond);
  EXPECT_EQ(status_of(login("ann", kWords)), 200);
  // A burst of guesses: three are looked at, the others are told to wait.
  for (int i = 0; i < 60; ++i) login("dora", "guess number " + std::to_string(i));
  pass(kSecond);
  EXPECT_EQ(status_of(login("dora", kWords)), 200);
  for (const char* bad :
       {"", "{", "[]", R"({"name":"ann"})", R"({"name":1,"password":"x"})", R"({"name":"a","password":"b","c":1})"}) {
    EXPECT_EQ(status_of(post("/api/login", bad)), 400) << bad;
  }
}

TEST_F(BreakIn, NoPathLeadsOutOfTheStudiosFolder) {
  start();
  ASSERT_TRUE(std::filesystem::exists(store_.file()));
  for (const char* path : {"/../users.json", "/..%2fusers.json", "/%2e%2e/users.json", "/%2e%2e%2fusers.json",
                           "/..\\users.json", "/%5c..%5cusers.json", "//users.json", "/./../users.json",
                           "/x/../../users.json", "/%00/../users.json", "/users.json%00.html", "/dist/../../users.json",
                           "/....//users.json", "/%252e%252e/users.json", "/api/../../users.json",
                           "/api/%2e%2e/%2e%2e/users.json", "/proc/self/environ", "/../key.pem", "/../access.log"}) {
    RawClient client(port());
    const std::string answer = client.ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(answer.find("argon2id"), std::string::npos) << path;
    const bool is_page = answer.find("<h1>studio</h1>") != std::string::npos;  // an address of the application
    EXPECT_TRUE(is_page || status_of(answer) >= 400) << path << "\n" << answer;
  }
}

TEST_F(BreakIn, WhatIsTooLargeIsCutOff) {
  start({.client_message = 10'000});
  RawClient header(port());
  EXPECT_EQ(status_of(header.ask("GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(40'000, 'a'))), 413);
  EXPECT_EQ(status_of(post("/api/login", std::string(5000, ' '))), 413);
  RawClient lying(port());
  EXPECT_EQ(status_of(lying.ask("POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                "Content-Length: 99999999999\r\n\r\n{")),
            413);
  const std::string right = token("ann");
  RawClient whole(port()), claimed(port()), pieces(port());
  ASSERT_EQ(whole.open_web_socket("/?token=" + right), 101);
  whole.send_frame(1, std::string(20'000, ' '));
  EXPECT_TRUE(whole.is_ended());
  ASSERT_EQ(claimed.open_web_socket("/?token=" + right), 101);
  claimed.send(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14));
  EXPECT_TRUE(claimed.is_ended());
  ASSERT_EQ(pieces.open_web_socket("/?token=" + right), 101);
  for (int i = 0; i < 5; ++i) {  // 4,000 bytes each of one message that never ends
    std::string part = i == 0 ? "\x01" : std::string(1, '\0');
    part += "\xfe";
    part += "\x0f\xa0";
    pieces.send(part + std::string(4, '\0') + std::string(4000, ' '));
  }
  EXPECT_TRUE(pieces.is_ended());
  EXPECT_TRUE(is_alive());
}

TEST_F(BreakIn, WhoIsSlowOnPurposeIsCutOff) {
  start({.connections_per_address = 16, .request_timeout = Duration{400'000'000}, .idle_timeout = kSecond});
  const std::string right = token("ann");
  RawClient silent(port(), Kind::kPlain), half_hello(port(), Kind::kPlain), half_header(port()), idle(port());
  half_hello.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
  half_header.send("GET / HTTP/1.1\r\nHost: loc");
  ASSERT_EQ(idle.open_web_socket("/?token=" + right), 101);
  RawClient drip(port());
  bool cut = false;
  for (int i = 0; i < 40 && !cut; ++i) {  // a byte every 50 ms: never silent for the whole time-out
    cut = !drip.send("a");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(cut || drip.is_ended());
  EXPECT_TRUE(silent.is_ended());
  EXPECT_TRUE(half_hello.is_ended());
  EXPECT_TRUE(half_header.is_ended());
  EXPECT_TRUE(idle.is_ended());  // it answers no ping
  EXPECT_TRUE(eventually([&] { return server_->stats().connections == 0; }));
  EXPECT_TRUE(is_alive());
}

TEST_F(BreakIn, OneAddressCannotTakeAllPlaces) {
  start({.connections_per_address = 4});
  std::vector<std::unique_ptr<RawClient>> held;
  for (int i = 0; i < 4; ++i) held.push_back(std::make_unique<RawClient>(port()));
  EXPECT_TRUE(held.back()->is_connected());
  EXPECT_FALSE(RawClient(port()).is_connected());
  held.pop_back();
  EXPECT_TRUE(eventually([&] { return RawClient(port()).is_connected(); }));
}

TEST_F(BreakIn, AFloodOfRequestsOnlySlowsItsSender) {
  start({.requests_per_second = 20, .request_burst = 50});
  RawClient flood(port());
  ASSERT_EQ(flood.open_web_socket("/?token=" + token("ann")), 101);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) flood.send_frame(2, service_call(1, "\x08\x01"));
  std::size_t taken = 0;
  while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(2)) {
    taken += server_->take_requests().size();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_GE(taken, 50u);
  EXPECT_LE(static_cast<double>(taken), 52 + 20 * seconds);
  EXPECT_TRUE(is_alive());
}

TEST_F(BreakIn, WhereTlsIsNeededNothingElseIsSpoken) {
  start();
  const std::string right = token("ann");
  RawClient plain(port(), Kind::kPlain), socket(port(), Kind::kPlain), sign_in(port(), Kind::kPlain);
  EXPECT_EQ(status_of(plain.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")), 426);
  EXPECT_EQ(socket.open_web_socket("/?token=" + right), 426);
  const std::string body = json{{"name", "ann"}, {"password", kWords}}.dump();
  EXPECT_EQ(status_of(sign_in.ask("POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                  "Content-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body)),
            426);
  EXPECT_EQ(server_->url().substr(0, 8), "https://");
}

TEST_F(BreakIn, OldVersionsAndWeakCiphersOfTlsAreRefused) {
  start();
  const auto with = [&](int most, const char* ciphers) {
    return RawClient(port(), Kind::kTls,
                     [=](SSL_CTX* context) {
                       SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
                       SSL_CTX_set_max_proto_version(context, most);
                       ASSERT_EQ(SSL_CTX_set_cipher_list(context, (std::string(ciphers) + ":@SECLEVEL=0").c_str()), 1);
                     })
        .is_connected();
  };
  EXPECT_FALSE(with(TLS1_VERSION, "ALL"));
  EXPECT_FALSE(with(TLS1_1_VERSION, "ALL"));
  EXPECT_TRUE(with(TLS1_2_VERSION, "ALL"));
  EXPECT_TRUE(with(TLS1_3_VERSION, "ALL"));
  EXPECT_FALSE(with(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"));  // CBC
  EXPECT_FALSE(with(TLS1_2_VERSION, "AES128-GCM-SHA256"));       // no forward secrecy
  EXPECT_FALSE(with(TLS1_2_VERSION, "aNULL"));
}

TEST_F(BreakIn, AnotherCertificateIsNoticedByTheClient) {
  start();
  const auto trusting = [&](const access::Certificate& trusted, const char* name) {
    return RawClient(port(), Kind::kTls,
                     [&](SSL_CTX* context) {
                       BIO* bio = BIO_new_mem_buf(trusted.pem.data(), static_cast<int>(trusted.pem.size()));
                       X509* anchor = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
                       X509_STORE_add_cert(SSL_CTX_get_cert_store(context), anchor);
                       X509_free(anchor);
                       BIO_free(bio);
                       SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
                       X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(context), name, 0);
                     })
        .is_connected();
  };
  const auto other = access::make_certificate(access::certificate_names({}), real_now());
  EXPECT_TRUE(trusting(*certificate_, "localhost"));
  EXPECT_FALSE(trusting(*other, "localhost"));
  EXPECT_FALSE(trusting(*certificate_, "twin.example.org"));
  // And a server does not start with another's key.
  ServerOptions options;
  options.port = 0;
  options.certificate = std::make_shared<access::Certificate>(
      access::Certificate{certificate_->pem, Secret(other->key.reveal()), {}, {}, true, {}});
  EXPECT_FALSE(Server::start(std::move(options)));
}

TEST_F(BreakIn, MalformedProtobufIsRefusedInWords) {
  start();
  RawClient client(port());
  ASSERT_EQ(client.open_web_socket("/?token=" + token("ann")), 101);
  Random random(5);
  const std::string sound("\x0a\x04/Box\x12\x09\x09\0\0\0\0\0\0\xf0\x3f", 17);
  std::size_t refused = 0, accepted = 0;
  for (int i = 0; i < 400; ++i) {
    std::string payload = sound;
    for (int k = 0; k <= i % 4; ++k) payload[random.bits() % payload.size()] = static_cast<char>(random.bits());
    if (i % 3 == 0) payload.resize(random.bits() % payload.size());
    client.send_frame(2, service_call(1, payload));
    std::vector<Request> requests;
    ASSERT_TRUE(eventually([&] { return !(requests = server_->take_requests()).empty(); })) << i;
    const auto& call = std::get<ServiceCall>(requests.front());
    ASSERT_EQ(call.payload, payload);
    ASSERT_EQ(call.who.name, "ann");  // as the gate knows her, whatever the frame says
    const bool steers = bool(parse_clock_command(call.payload)), drags = bool(parse_drag_command(call.payload));
    ++(steers || drags ? accepted : refused);
  }
  EXPECT_GT(refused, 50u);
  EXPECT_EQ(refused + accepted, 400u);
  // Frames of noise end with a status, or the connection; never the server.
  for (int i = 0; i < 200 && client.is_connected(); ++i) {
    std::string noise(random.bits() % 64, '\0');
    for (char& byte : noise) byte = static_cast<char>(random.bits());
    if (!client.send_frame(1 + i % 2, noise)) break;
  }
  EXPECT_TRUE(is_alive());
}

TEST_F(BreakIn, TheNetworkIsNotLetInUnasked) {
  const auto start_with = [&](bool users, bool tls) {
    ServerOptions options;
    options.address = "0.0.0.0";
    options.port = 0;
    if (tls) options.certificate = certificate_;
    if (users) options.gate = std::make_shared<access::Gate>(access::GateOptions{.folder = store_.folder()});
    return Server::start(std::move(options));
  };
  const auto no_users = start_with(false, true), no_tls = start_with(true, false);
  ASSERT_FALSE(no_users);
  EXPECT_NE(no_users.error().message.find("geoul user add"), std::string::npos);
  ASSERT_FALSE(no_tls);
  EXPECT_NE(no_tls.error().message.find("TLS"), std::string::npos);
  EXPECT_TRUE(start_with(true, true));
}

// Over the loopback interface, without users: the account that runs the twin gets in, another does not.
TEST_F(BreakIn, AnotherAccountOfThisMachineIsKeptOut) {
  ServerOptions options;
  options.port = 0;
  auto server = Server::start(std::move(options));
  ASSERT_TRUE(server);
  const std::uint16_t at = (*server)->port();
  EXPECT_EQ(RawClient(at, Kind::kPlain).open_web_socket("/"), 101);
  if (geteuid() != 0) GTEST_SKIP() << "only root can take another account's part";
  const auto as_nobody = [](auto act) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::setgid(65534) == 0 && ::setuid(65534) == 0 ? act() : 2);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(as_nobody([at] { return RawClient(at, Kind::kPlain).open_web_socket("/") == 403 ? 0 : 1; }), 0);
  // Whoever closes at once has no account in the kernel's table any more, which must not count as root.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(as_nobody([at] {
                return RawClient(at, Kind::kPlain)
                               .send(
                                   "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                   "Sec-WebSocket-Protocol: foxglove.websocket.v1\r\n\r\n")
                           ? 0
                           : 1;
              }),
              0);
  }
  EXPECT_TRUE(eventually([&] { return (*server)->stats().connections == 0; }));
  EXPECT_GE((*server)->stats().refused, 1u);
  EXPECT_EQ((*server)->stats().clients, 0u);
}

}  // namespace
}  // namespace geoul::runtime
