// TLS, users and certificates against a real broker: what is right connects, and everything that is wrong is one line
// with its remedy.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "geoul/link/mqtt/mqtt_client.h"
#include "geoul/link/mqtt/mqtt_link.h"
#include "geoul/link/mqtt/test_broker.h"
#include "geoul/link/test_peers.h"

namespace geoul::link {
namespace {

MqttClient::Callbacks nothing() {
  return {[](std::string_view, std::string_view, bool) {}, [] {}};
}

// "connected", or the problem.
std::string outcome(const MqttConnection& connection) {
  MqttClient client(connection, nothing());
  const auto done = client.connect({});
  if (!done) return done.error().message;
  EXPECT_TRUE(client.subscribe({"a", "b/+"}, 0));
  EXPECT_TRUE(client.publish_and_wait({"a", "1", 1, false}));
  return "connected";
}

void expect_problem(const MqttConnection& connection, const std::string& what, const std::string& remedy) {
  const std::string problem = outcome(connection);
  EXPECT_NE(problem.find(what), std::string::npos) << problem;
  EXPECT_NE(problem.find(remedy), std::string::npos) << problem;
  EXPECT_TRUE(problem.starts_with(connection.url + ": ")) << problem;
  EXPECT_EQ(problem.find('\n'), std::string::npos);
  EXPECT_TRUE(connection.password.empty() || problem.find(connection.password) == std::string::npos) << problem;
}

class Mqtt : public testing::TestWithParam<MqttVersion> {
 protected:
  MqttConnection to(const TestBroker& broker) const { return {.url = broker.url(), .version = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(Security, Mqtt, testing::Values(MqttVersion::k311, MqttVersion::k5),
                         [](const auto& which) { return which.param == MqttVersion::k5 ? "v5" : "v311"; });

TEST_P(Mqtt, UsersNeedTheirPassword) {
  TestBroker broker({.user = "twin", .password = "right-Horse7"});
  ASSERT_TRUE(broker.start()) << broker.log();
  MqttConnection connection = to(broker);
  expect_problem(connection, "refuses this client, which gives no user", "mend user and password");
  connection.user = "twin";
  connection.password = "wrong-Horse7";
  expect_problem(connection, "refuses user 'twin'", "mend user and password");
  connection.password = "right-Horse7";
  EXPECT_EQ(outcome(connection), "connected");
}

TEST_P(Mqtt, TheBrokersCertificateMustBeTrustedAndValid) {
  TestAuthority authority("plant"), stranger("stranger");
  const auto good = authority.issue("broker");
  TestBroker broker(
      {.ca_file = authority.ca_file(), .certificate_file = good.certificate_file, .key_file = good.key_file});
  ASSERT_TRUE(broker.start()) << broker.log();
  MqttConnection connection = to(broker);
  expect_problem(connection, "not signed by this machine's authorities", "as ca_file");
  connection.ca_file = stranger.ca_file();
  expect_problem(connection, "not signed by " + stranger.ca_file(), "give the authority that signed it");
  connection.ca_file = good.key_file;
  expect_problem(connection, "holds no certificate in PEM form", good.key_file);
  connection.ca_file = authority.ca_file();
  EXPECT_EQ(outcome(connection), "connected");
  connection.url = "mqtts://localhost:" + std::to_string(broker.port());
  EXPECT_EQ(outcome(connection), "connected");
}

TEST_P(Mqtt, AnExpiredOrForeignCertificateOfTheBrokerIsNamed) {
  TestAuthority authority("plant");
  const auto old = authority.issue("old", -1), other = authority.issue("other", 2, "elsewhere.example");
  TestBroker expired(
      {.ca_file = authority.ca_file(), .certificate_file = old.certificate_file, .key_file = old.key_file});
  ASSERT_TRUE(expired.start()) << expired.log();
  MqttConnection connection = to(expired);
  connection.ca_file = authority.ca_file();
  expect_problem(connection, "the broker's certificate has expired on 20", "renewed");
  TestBroker named(
      {.ca_file = authority.ca_file(), .certificate_file = other.certificate_file, .key_file = other.key_file});
  ASSERT_TRUE(named.start()) << named.log();
  connection.url = named.url();
  expect_problem(connection, "is for another name than '127.0.0.1'", "write the name that it holds");
}

TEST_P(Mqtt, AClientCertificateMayBeWanted) {
  TestAuthority authority("plant"), stranger("stranger");
  const auto server = authority.issue("broker"), mine = authority.issue("twin"), foreign = stranger.issue("twin"),
             old = authority.issue("old", -1);
  TestBroker broker({.ca_file = authority.ca_file(),
                     .certificate_file = server.certificate_file,
                     .key_file = server.key_file,
                     .wants_client_certificate = true});
  ASSERT_TRUE(broker.start()) << broker.log();
  MqttConnection connection = to(broker);
  connection.ca_file = authority.ca_file();
  expect_problem(connection, "wants a client certificate", "give certificate_file and key_file");
  connection.certificate_file = foreign.certificate_file;
  connection.key_file = foreign.key_file;
  expect_problem(connection, "does not trust who signed the client's certificate", "signed by the broker's authority");
  connection.certificate_file = old.certificate_file;
  connection.key_file = old.key_file;
  expect_problem(connection, "the client's certificate has expired", "renew");
  connection.certificate_file = mine.certificate_file;
  expect_problem(connection, "is not the key of", "give the pair that belongs together");
  connection.key_file = mine.key_file;
  EXPECT_EQ(outcome(connection), "connected");
}

TEST_P(Mqtt, TlsAndPlainPortsAreToldApart) {
  TestAuthority authority("plant");
  const auto pair = authority.issue("broker");
  TestBroker plain,
      secure({.ca_file = authority.ca_file(), .certificate_file = pair.certificate_file, .key_file = pair.key_file});
  ASSERT_TRUE(plain.start() && secure.start()) << plain.log() << secure.log();
  MqttConnection connection = to(plain);
  connection.url = "mqtts://127.0.0.1:" + std::to_string(plain.port());
  connection.ca_file = authority.ca_file();
  expect_problem(connection, "closes the connection", "TLS");
  connection.ca_file = "";
  connection.url = "mqtt://127.0.0.1:" + std::to_string(secure.port());
  expect_problem(connection, "closes the connection without an answer", "write mqtts://");
}

TEST_P(Mqtt, HostsAndPortsThatAreNotThereAreNamed) {
  MqttConnection connection{.url = "mqtt://127.0.0.1:" + std::to_string(free_port()), .version = GetParam()};
  expect_problem(connection, "nothing listens there", "start the broker");
  connection.url = "mqtt://no-such-host.invalid";
  expect_problem(connection, "the host 'no-such-host.invalid' is unknown", "mend the url");
}

TEST_P(Mqtt, SubscriptionsThatTheBrokerForbidsAreNamed) {
  const std::string plugin = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";
  if (!std::filesystem::exists(plugin))
    GTEST_SKIP() << "no " << plugin << ": mosquitto's own access lists allow every subscription";
  TestFolder folder;
  const std::string rules = (folder / "rules.json").string();
  std::ofstream(rules) << R"({
    "defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false, "unsubscribe": true},
    "clients": [], "anonymousGroup": "all", "groups": [{"groupname": "all", "roles": [{"rolename": "open"}]}],
    "roles": [{"rolename": "open", "acls": [{"acltype": "subscribePattern", "topic": "open/#", "allow": true}]}]})";
  TestBroker broker({.lines = {"plugin " + plugin, "plugin_opt_config_file " + rules}});
  ASSERT_TRUE(broker.start()) << broker.log();
  MqttClient client(to(broker), nothing());
  ASSERT_TRUE(client.connect({}));
  EXPECT_TRUE(client.subscribe({"open/a"}, 0));
  EXPECT_TRUE(client.subscribe({"open/a", "open/b"}, 0));
  for (const std::vector<std::string>& filters : {std::vector<std::string>{"shut"}, {"open/a", "shut"}}) {
    const auto done = client.subscribe(filters, 0);
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().message.find("is refused; allow it in the broker's access list"), std::string::npos);
  }
}

}  // namespace
}  // namespace geoul::link
