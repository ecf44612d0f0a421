#include "geoul/runtime/ros_replay.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "geoul/history/mcap_reader.h"
#include "geoul/link/dds/ros_decoder.h"
#include "geoul/link/intake_link.h"

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using history::McapMessage;
using history::McapReader;
constexpr std::size_t kBrowsed = 20'000;  // messages that browse() reads of a file

Result<std::vector<std::string>> files_of(const std::string& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, problem)) {
    if (entry.path().extension() == ".mcap") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  if (!files.empty()) return files;
  return Error{ErrorCode::kNotFound, path + ": holds no .mcap file; a bag in SQLite becomes one by: ros2 bag convert"};
}

std::string topic_of(const std::string& topic) { return topic.starts_with('/') ? topic.substr(1) : topic; }

// One MCAP file with the types of its channels.
class Bag {
 public:
  static Result<std::unique_ptr<Bag>> open(const std::string& file) {
    auto reader = McapReader::open(file);
    if (!reader) return reader.error();
    std::unique_ptr<Bag> bag(new Bag(file, std::move(*reader)));
    for (const auto& [id, channel] : bag->reader_.channels()) bag->learn(channel);
    return bag;
  }

  McapReader& reader() { return reader_; }
  const std::string& problem() const { return problem_; }  // of the first channel that cannot be read; empty: none
  // Null where the channel cannot be read.
  struct Typed {
    std::string topic;  // without its first '/'
    const link::RosTypes* types = nullptr;
    const link::RosType* type = nullptr;
  };
  const Typed* find(std::uint16_t channel) const {
    const auto at = typed_.find(channel);
    return at == typed_.end() ? nullptr : &at->second;
  }
  const std::map<std::uint16_t, Typed>& typed() const { return typed_; }
  void add_problem(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }

 private:
  Bag(std::string file, McapReader reader) : file_(std::move(file)), reader_(std::move(reader)) {}

  void learn(const history::ChannelRecord& channel) {
    const auto refuse = [&](const std::string& why) { add_problem(file_ + ": topic '" + channel.topic + "' " + why); };
    if (channel.message_encoding != "cdr")
      return refuse("is '" + channel.message_encoding + "', not CDR: it is not read");
    const auto schema = reader_.schemas().find(channel.schema_id);
    if (schema == reader_.schemas().end()) return refuse("has no schema: it is not read");
    const auto& [id, name, encoding, data] = schema->second;
    const link::RosTypes* types = &link::common_ros_types();
    if (encoding == "ros2msg") {
      types = types_of(id, name, data);
    } else if (types->find(name) == nullptr) {
      return refuse("has the type " + name + " with a schema in '" + encoding + "', which is not read");
    }
    if (types == nullptr) return;
    typed_[channel.id] = {topic_of(channel.topic), types, types->find(name)};
  }

  // Of the schema's own text; null where it is wrong.
  const link::RosTypes* types_of(std::uint16_t id, const std::string& name, const std::string& text) {
    const auto [at, is_new] = types_.try_emplace(id);
    if (is_new) {
      Diagnostics diagnostics;
      at->second.emplace();
      if (!at->second->add(name, text, diagnostics)) {
        add_problem(file_ + ": schema of " + diagnostics.to_error().message);
        at->second.reset();
      }
    }
    return at->second ? &*at->second : nullptr;
  }

  std::string file_;
  McapReader reader_;
  std::map<std::uint16_t, std::optional<link::RosTypes>> types_;  // by schema
  std::map<std::uint16_t, Typed> typed_;                          // by channel
  std::string problem_;
};

class Leaves : public link::RosVisitor {
 public:
  void leaf(std::string_view path, const link::Value& value, std::optional<Time>) override {
    link::OfferedSignal& signal = signals[std::string(path)];
    signal.name = path;
    signal.type = static_cast<link::ValueType>(value.index());
    signal.unit = link::unit_of_leaf(type->name, path.substr(topic_size + 1));
    signal.description = type->name;
    signal.value = link::to_string(value).substr(0, 200);
  }
  std::map<std::string, link::OfferedSignal> signals;
  const link::RosType* type = nullptr;
  std::size_t topic_size = 0;
};

class RosReplay final : public link::ThreadLink {
 public:
  explicit RosReplay(RosReplayOptions options)
      : ThreadLink(options.link), options_(std::move(options)), decoder_(options_.link.signals) {
    intake_.set_peer("bag:" + options_.path);
  }
  ~RosReplay() override { stop(); }
  Result<std::uint64_t> write(const std::string& name, const link::Value&) override {
    return Error{ErrorCode::kUnsupported, "'" + name + "' is of a recording, which takes no values"};
  }
  Result<std::vector<link::OfferedSignal>> browse(Duration patience) override;

 private:
  void run() override;
  // Plays all files once; what kept it from it, empty where nothing did.
  std::string play(const std::vector<std::string>& files);
  std::string play_file(const std::string& file);
  void note_damage(Bag& bag);
  bool wait_for(Time log_time);  // false: stop
  void deliver(Bag& bag, const McapMessage& message);

  const RosReplayOptions options_;
  link::RosDecoder decoder_;
  // of the thread
  std::optional<Time> first_;  // log time of the bag's first message
  Time last_;
  Duration lap_;  // how far times are moved in this lap
  Clock::time_point begin_;
  std::string damage_;  // of the files, the first; empty: none
  std::vector<link::Intake::Item> items_;
};

void RosReplay::run() {
  link::Backoff backoff(static_cast<std::uint64_t>(intake_.now().ns));
  intake_.set_connecting();
  while (!stopping_) {
    const auto files = files_of(options_.path);
    const std::string problem = files ? play(*files) : files.error().message;
    if (stopping_) return;
    if (problem.empty() && !options_.loop) {
      intake_.mark_all_bad();
      intake_.set_stopped();
      intake_.set_problem("the recording has ended; start again, or let it loop" +
                          (damage_.empty() ? "" : "; it is damaged: " + damage_));
      return;
    }
    if (problem.empty()) {
      lap_ = lap_ + (last_ - first_.value_or(last_)) + Duration{10'000'000};  // ten milliseconds between two laps
      backoff.succeeded();
      continue;
    }
    const Duration pause = backoff.next();
    intake_.mark_all_bad();
    intake_.set_waiting(problem, intake_.now() + pause);
    stop_.wait(pause);
    intake_.set_connecting();
  }
}

std::string RosReplay::play(const std::vector<std::string>& files) {
  if (!first_) begin_ = Clock::now();
  for (const std::string& file : files) {
    const std::string problem = play_file(file);
    if (!problem.empty() || stopping_) return problem;
  }
  if (first_) return {};
  if (!damage_.empty()) return damage_;
  return options_.path + ": holds no message of the topics that are asked for; see geoul link probe";
}

std::string RosReplay::play_file(const std::string& file) {
  auto bag = Bag::open(file);
  if (!bag) return bag.error().message;
  history::McapQuery query;
  for (const auto& [id, typed] : (*bag)->typed()) {
    if (decoder_.wants(typed.topic)) query.topics.push_back((*bag)->reader().channels().at(id).topic);
  }
  intake_.set_live();
  if (!(*bag)->problem().empty()) intake_.set_problem((*bag)->problem());
  note_damage(**bag);
  if (query.topics.empty()) return {};  // no topics would mean all
  const auto done = (*bag)->reader().for_each(query, [&](const McapMessage& message) {
    if (!first_) {
      first_ = message.log_time;
      begin_ = Clock::now();
    }
    last_ = message.log_time;
    if (!wait_for(message.log_time)) return false;
    deliver(**bag, message);
    return true;
  });
  if (!done) return done.error().message;
  note_damage(**bag);
  return {};
}

void RosReplay::note_damage(Bag& bag) {
  if (bag.reader().diagnostics().ok() || !damage_.empty()) return;
  damage_ = bag.reader().diagnostics().to_error().message;
  intake_.set_problem(damage_);
}

bool RosReplay::wait_for(Time log_time) {
  const double seconds = (log_time - *first_ + lap_).seconds() / options_.speed;
  const auto due = begin_ + std::chrono::nanoseconds(std::llround(seconds * 1e9));
  const Duration left{std::chrono::nanoseconds(due - Clock::now()).count()};
  if (left.ns > 0) stop_.wait(left);
  return !stopping_;
}

void RosReplay::deliver(Bag& bag, const McapMessage& message) {
  const Bag::Typed* typed = bag.find(message.channel->id);
  if (typed == nullptr) return;
  items_.clear();
  Diagnostics diagnostics;
  if (!decoder_.decode(*typed->types, *typed->type, typed->topic, message.data, items_, diagnostics)) {
    return intake_.set_problem(to_string(diagnostics.findings().front()));
  }
  for (link::Intake::Item& item : items_) {
    if (!item.source_time || item.source_time->ns == 0) item.source_time = message.publish_time;
    item.source_time = *item.source_time + lap_;
  }
  intake_.deliver(items_);
}

Result<std::vector<link::OfferedSignal>> RosReplay::browse(Duration patience) {
  const auto files = files_of(options_.path);
  if (!files) return files.error();
  Leaves leaves;
  const auto end = Clock::now() + std::chrono::nanoseconds(patience.ns);
  for (const std::string& file : *files) {
    auto bag = Bag::open(file);
    if (!bag) return bag.error();
    std::size_t count = 0;
    const auto done = (*bag)->reader().for_each({}, [&](const McapMessage& message) {
      const Bag::Typed* typed = (*bag)->find(message.channel->id);
      Diagnostics diagnostics;
      if (typed != nullptr) {
        leaves.type = typed->type;
        leaves.topic_size = typed->topic.size();
        (void)walk_message(*typed->types, *typed->type, typed->topic, message.data, link::RosNaming::kSignals, leaves,
                           diagnostics);
      }
      return ++count < kBrowsed && Clock::now() < end;
    });
    if (!done) return done.error();
  }
  std::vector<link::OfferedSignal> out;
  for (auto& [name, signal] : leaves.signals) out.push_back(std::move(signal));
  return out;
}

}  // namespace

std::unique_ptr<link::Link> make_ros_replay_link(RosReplayOptions options) {
  GEOUL_EXPECTS(!options.path.empty() && options.speed > 0);
  return std::make_unique<RosReplay>(std::move(options));
}

}  // namespace geoul::runtime
