// geoul_plant mqtt: columns become metrics of a Sparkplug device, or one JSON document a row on a plain topic.
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "geoul/link/mqtt/sparkplug_node.h"
#include "scenarios/plant/plant.h"

namespace geoul::plant {
namespace {

struct MqttPlant {
  PlayOptions play;
  link::MqttConnection connection;
  std::string version = "5";
  std::string group = "plant", node = "cell", device = "robot", primary_host;
  bool plain = false;
};

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 2;
}

// A row every so often: {"timestamp": ms, "column": value, ...} on GROUP/NODE/DEVICE.
int play_plain(const MqttPlant& plant, const Rows& rows) {
  link::MqttClient client(plant.connection, {[](std::string_view, std::string_view, bool) {}, [] {}});
  if (const auto done = client.connect({}); !done) return fail(done.error().message);
  const std::string topic = plant.group + "/" + plant.node + "/" + plant.device;
  std::string lost;
  const std::size_t played = play(rows, plant.play, [&](std::span<const double> row, Time now) {
    std::string text = "{\"timestamp\":" + std::to_string(now.ns / 1'000'000);
    char number[32];
    for (std::size_t c = 0; c < row.size(); ++c) {
      std::snprintf(number, sizeof number, "%.17g", row[c]);
      text += ",\"" + rows.columns[c] + "\":" + number;
    }
    const auto sent = client.publish_and_wait({topic, text + "}", 1, false});
    if (!sent) lost = sent.error().message;
    return lost.empty();
  });
  if (!lost.empty()) return fail(lost);
  std::printf("played %zu rows on %s\n", played, topic.c_str());
  return 0;
}

int play_sparkplug(const MqttPlant& plant, const Rows& rows) {
  link::SparkplugNodeOptions options;
  options.connection = plant.connection;
  options.group = plant.group;
  options.node = plant.node;
  options.primary_host = plant.primary_host;
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    options.metrics.push_back({.device = plant.device, .name = rows.columns[c], .value = rows.row(0)[c]});
  }
  auto made = link::SparkplugNode::make(std::move(options));
  if (!made) return fail(made.error().message);
  link::SparkplugNode& node = **made;
  node.start();
  std::string told;
  const auto tell = [&] {
    const std::string problem = node.health().problem;
    if (problem != told && !problem.empty()) std::fprintf(stderr, "%s\n", problem.c_str());
    told = problem;
  };
  end_on_signals();
  while (node.health().births == 0 && !is_told_to_end()) {
    tell();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::size_t played = play(rows, plant.play, [&](std::span<const double> row, Time now) {
    std::vector<link::SparkplugNode::Item> items(row.size());
    for (std::size_t c = 0; c < row.size(); ++c) items[c] = {static_cast<std::uint32_t>(c), row[c]};
    node.publish(now, std::move(items));
    tell();
    return true;
  });
  const bool is_sent = is_told_to_end() || node.flush(Duration{10'000'000'000});
  const link::SparkplugNodeHealth health = node.health();
  node.stop();
  std::printf("played %zu rows as %s/%s/%s: %llu values sent, %llu of them late, %llu dropped, %llu births\n", played,
              plant.group.c_str(), plant.node.c_str(), plant.device.c_str(),
              static_cast<unsigned long long>(health.sent), static_cast<unsigned long long>(health.historical),
              static_cast<unsigned long long>(health.dropped), static_cast<unsigned long long>(health.births));
  return is_sent ? 0 : fail(health.problem.empty() ? "not everything could be sent" : health.problem);
}

}  // namespace

Protocol add_mqtt(CLI::App& app) {
  CLI::App* command = app.add_subcommand("mqtt", "over MQTT: Sparkplug B, or plain topics");
  const auto plant = std::make_shared<MqttPlant>();
  add_play_options(*command, plant->play);
  command->add_option("--url", plant->connection.url, "mqtt://host:1883 or mqtts://host:8883")->required();
  command->add_option("--version", plant->version, "of MQTT")
      ->check(CLI::IsMember({"3.1.1", "5"}))
      ->capture_default_str();
  command->add_option("--user", plant->connection.user, "user name");
  command->add_option("--password", plant->connection.password, "password")->envname("GEOUL_PLANT_PASSWORD");
  command->add_option("--ca", plant->connection.ca_file, "who signed the broker's certificate (PEM)");
  command->add_option("--certificate", plant->connection.certificate_file, "of this client (PEM)");
  command->add_option("--key", plant->connection.key_file, "of this client (PEM)");
  command->add_option("--group", plant->group, "Sparkplug group")->capture_default_str();
  command->add_option("--node", plant->node, "Sparkplug edge node")->capture_default_str();
  command->add_option("--device", plant->device, "Sparkplug device")->capture_default_str();
  command->add_option("--primary-host", plant->primary_host, "wait for this host application to be online");
  command->add_flag("--plain", plant->plain, "JSON documents on GROUP/NODE/DEVICE instead of Sparkplug");
  return [plant] {
    plant->connection.version = plant->version == "5" ? link::MqttVersion::k5 : link::MqttVersion::k311;
    const auto rows = read_rows(plant->play);
    if (!rows) return fail(rows.error().message);
    return plant->plain ? play_plain(*plant, *rows) : play_sparkplug(*plant, *rows);
  };
}

}  // namespace geoul::plant
