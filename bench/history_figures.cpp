// History: throughput, durability and the time machine. One part a call:
//   history_figures throughput   segments and recorder in memory-backed files (/dev/shm)
//   history_figures durable      updates that are acknowledged by the disk (TMPDIR or /tmp), recovery after a kill
//   history_figures kills [N]    kill -9 at N random moments (1,000)
//   history_figures bits         a flip of every bit, and a cut at every byte, of a segment of 1 MB
//   history_figures time [S]     S seconds at 1 kHz (3,600): 10,000 random instants against the run
// Throughput counts the bytes of messages over CPU time: of the writer's one thread, and of all threads of the recorder
// together, as if they shared one core. By the wall clock it is what the machine has left. The best of five rounds.
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <tuple>

#include "bench/figure.h"
#include "geoul/core/crc32.h"
#include "geoul/dynamics/snapshot.h"
#include "geoul/history/kill_trial.h"
#include "geoul/runtime/time_machine.h"
#include "scenarios/mechanics.h"

using namespace geoul;
namespace fs = std::filesystem;

namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr int kRounds = 5;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

class Folder {
 public:
  explicit Folder(const fs::path& parent) : path_(parent / ("geoul_history_" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

// As of sensors: smooth numbers with noise in their last digits.
std::string sensor_bytes(std::size_t size) {
  std::string out;
  Random random(3);
  for (double t = 0; out.size() < size; t += 1e-3) {
    const double x = std::sin(t) + 1e-6 * random.normal();
    out.append(reinterpret_cast<const char*>(&x), sizeof(x));
  }
  out.resize(size);
  return out;
}

// CPU time of all threads [s].
double process_clock() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Message i of a stream that repeats itself after 16 MiB: farther than any compression looks.
std::string_view message_of(const std::string& stream, std::uint64_t i, std::size_t size) {
  return std::string_view(stream).substr(i * size % (stream.size() - size), size);
}

// [MiB/s] of CPU time.
double writer_speed(const fs::path& folder, std::size_t size, std::uint64_t total, int level) {
  const std::string stream = sensor_bytes(16 << 20);
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = process_clock();
    auto writer = history::McapWriter::create(folder / "w.mcap", {.zstd_level = level});
    (void)writer->add_channel({"/a", "x", {}, {}, {}, {}});
    for (std::uint64_t i = 0; i < total / size; ++i) {
      const Time time{static_cast<std::int64_t>(i) * 1000};
      (void)writer->write(1, time, time, message_of(stream, i, size));
    }
    if (!writer->close()) return 0;
    best = std::max(best, static_cast<double>(total) / kMiB / (process_clock() - begin));
  }
  return best;
}

struct Speed {
  double cpu = 0, wall = 0;  // [MiB/s]
};
Speed recorder_speed(const fs::path& folder, std::size_t size, std::uint64_t total, int level) {
  const std::string stream = sensor_bytes(16 << 20);
  Speed best;
  for (int round = 0; round < kRounds; ++round) {
    fs::remove_all(folder / "segments");
    history::RecorderOptions options;
    options.segment.mcap.zstd_level = level;
    Diagnostics diagnostics;
    auto recorder = history::Recorder::open(folder, options, {}, diagnostics);
    if (!recorder) return {};
    (void)recorder->add_channel({"/a", "x", {}, {}, {}, {}});
    const double begin = seconds(), begin_cpu = process_clock();
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < total / size; ++i) {
      const Time time{static_cast<std::int64_t>(i) * 1000};
      last = recorder->write(1, time, time, message_of(stream, i, size)).value();
    }
    if (!recorder->wait(last) || !recorder->close()) return {};  // acknowledged, and in closed segments
    best.wall = std::max(best.wall, static_cast<double>(total) / kMiB / (seconds() - begin));
    best.cpu = std::max(best.cpu, static_cast<double>(total) / kMiB / (process_clock() - begin_cpu));
  }
  return best;
}

void throughput() {
  const Folder folder("/dev/shm");
  std::string block(64 << 20, 'x'), copy(block.size(), '\0');
  std::uint32_t sum = 0;
  const double copied = bench::nanoseconds([&] { std::memcpy(copy.data(), block.data(), block.size()); }, 1, 5);
  const double summed = bench::nanoseconds([&] { sum ^= crc32(block); }, 1, 5);
  bench::report("history/floor/memcpy", static_cast<double>(block.size()) / kMiB / (1e-9 * copied), "MiB/s");
  bench::report("history/floor/crc32", static_cast<double>(block.size()) / kMiB / (1e-9 * summed), "MiB/s");
  constexpr std::uint64_t kLarge = 512u << 20, kSmall = 128u << 20;
  bench::at_least("history/segment/10 KiB", writer_speed(folder.path(), 10 << 10, kLarge, 0), "MiB/s", 800);
  bench::at_least("history/segment/100 B", writer_speed(folder.path(), 100, kSmall, 0), "MiB/s", 200);
  bench::report("history/segment/10 KiB, zstd 1", writer_speed(folder.path(), 10 << 10, kLarge, 1), "MiB/s");
  for (const auto& [name, size, total, bound] :
       {std::tuple("10 KiB", std::size_t{10 << 10}, kLarge, 800.0), {"100 B", std::size_t{100}, kSmall, 200.0}}) {
    const Speed speed = recorder_speed(folder.path(), size, total, 0);
    bench::at_least(std::string("history/recorder/") + name, speed.cpu, "MiB/s", bound);
    bench::report(std::string("history/recorder/") + name + ", wall clock", speed.wall, "MiB/s");
  }
  const Speed packed = recorder_speed(folder.path(), 10 << 10, kLarge, 1);
  bench::report("history/recorder/10 KiB, zstd 1", packed.cpu, "MiB/s");
}

// 1,000 assets as fast as they can, and one at 1 kHz that waits for each acknowledgement.
void durable() {
  constexpr double kSeconds = 5;
  constexpr std::uint16_t kAssets = 1000;
  const Folder folder(fs::temp_directory_path());
  Diagnostics diagnostics;
  auto recorder = history::Recorder::open(folder.path(), {}, {}, diagnostics);
  for (int i = 0; i <= kAssets; ++i) (void)recorder->add_channel({"/asset/" + std::to_string(i), "x", {}, {}, {}, {}});
  std::atomic<bool> stop = false;
  std::uint64_t last = 0, count = 0;
  const std::string update = sensor_bytes(64);
  const double begin = seconds();
  std::thread many([&] {
    for (; !stop; ++count) {
      const Time time{static_cast<std::int64_t>(1e9 * (seconds() - begin))};
      last = recorder->write(static_cast<std::uint16_t>(1 + count % kAssets), time, time, update).value();
    }
  });
  std::vector<double> latency;
  for (double next = begin; seconds() - begin < kSeconds; next += 1e-3) {
    std::this_thread::sleep_for(std::chrono::duration<double>(std::max(0.0, next - seconds())));
    const double sent = seconds();
    const Time time{static_cast<std::int64_t>(1e9 * (sent - begin))};
    const auto written = recorder->write(kAssets + 1, time, time, update);
    if (!written || !recorder->wait(*written)) break;
    latency.push_back(seconds() - sent);
  }
  stop = true;
  many.join();
  const bool good = static_cast<bool>(recorder->wait(last));
  const double rate = static_cast<double>(count) / (seconds() - begin);
  bench::at_least("history/durable updates", good ? rate : 0, "1/s", 100'000);
  bench::report("history/durable/asset at 1 kHz, p50 to the disk", 1e3 * percentile(latency, 0.5), "ms");
  bench::report("history/durable/asset at 1 kHz, p99 to the disk", 1e3 * percentile(latency, 0.99), "ms");
}

// Killed at full speed, with journals of the default size.
void recovery() {
  double slowest = 0, slowest_cpu = 0;
  for (int round = 0; round < 5; ++round) {
    const Folder folder(fs::temp_directory_path());
    const pid_t child = ::fork();
    if (child == 0) {
      Diagnostics diagnostics;
      auto recorder = history::Recorder::open(folder.path(), {}, {}, diagnostics);
      (void)recorder->add_channel({"/a", "x", {}, {}, {}, {}});
      const std::string data = sensor_bytes(1000);
      for (std::int64_t i = 0;; ++i) (void)recorder->write(1, Time{i}, Time{i}, data);
    }
    ::usleep(static_cast<useconds_t>(700'000 + 100'000 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Diagnostics diagnostics;
    const double begin = seconds(), begin_cpu = process_clock();
    const bool good = history::recover(folder.path(), {}, {}, diagnostics) && diagnostics.has("recovered");
    slowest = std::max(slowest, good ? seconds() - begin : 1e9);
    slowest_cpu = std::max(slowest_cpu, process_clock() - begin_cpu);
  }
  bench::at_most("history/recovery, slowest of 5", slowest, "s", 1);
  bench::report("history/recovery, slowest of 5, CPU time", slowest_cpu, "s");
}

void kills(int count) {
  const Folder folder(fs::temp_directory_path());
  const history::KillTrials trials = history::run_kill_trials(folder.path(), count, 7);
  bench::at_least("history/kills", trials.kills, "kills", 1000);
  bench::at_most("history/kills/acknowledged and lost", static_cast<double>(trials.lost), "messages", 0);
  bench::at_most("history/kills/wrong", static_cast<double>(trials.wrong), "messages", 0);
  bench::at_most("history/kills/recoveries that failed", trials.errors, "", 0);
  bench::at_most("history/kills/slowest recovery", trials.slowest_recovery, "s", 1);
  bench::report("history/kills/messages", static_cast<double>(trials.messages), "");
  bench::report("history/kills/with records in the journal alone", trials.unfinished, "");
}

// Every bit: the CRC's state at the end of the block in which it lies differs from the sound one's. What follows is the
// same for both, and takes different states to different ones (each step of a CRC can be undone), so the CRC of the
// file differs too. That verify_segment sees it, and the reader alone, is run for a part of them.
void bits() {
  const Folder folder(fs::temp_directory_path());
  history::RecorderOptions options;
  options.segment.bytes = 1u << 30;
  options.segment.mcap.chunk_bytes = 64 << 10;
  history::SegmentInfo info;
  Diagnostics diagnostics;
  {
    auto recorder = history::Recorder::open(
        folder.path(), options, [&](const history::SegmentInfo& i) { return info = i, Result<void>(); }, diagnostics);
    (void)recorder->add_channel({"/trial", "bytes", {}, {}, {}, {}});
    for (std::uint64_t i = 0, size = 0; size < 1'000'000; ++i) {
      const std::string message = history::trial_message(i);  // random bytes: not compressed
      (void)recorder->write(1, Time{static_cast<std::int64_t>(i)}, Time{0}, message);
      size += message.size();
    }
    (void)recorder->close();
  }
  const fs::path path = folder.path() / "segments" / info.file;
  std::ifstream in(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  constexpr std::size_t kBlock = 1024;
  double missed = 0;
  std::uint32_t before = 0;
  for (std::size_t block = 0; block < bytes.size(); block += kBlock) {
    const std::size_t end = std::min(bytes.size(), block + kBlock);
    std::uint32_t here = before;
    const std::uint32_t after = crc32(std::string_view(bytes).substr(block, end - block), before);
    for (std::size_t at = block; at < end; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
        missed += crc32(std::string_view(bytes).substr(at, end - at), here) == after;
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
      }
      here = crc32(std::string_view(bytes).substr(at, 1), here);
    }
    before = after;
  }
  bench::report("history/segment of 1 MB", static_cast<double>(bytes.size()), "bytes");
  bench::at_most("history/flips of every bit, not found", missed + (before != info.crc), "", 0);
  double cuts = 0, read_alone = 0, verified = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) cuts += size == info.bytes;
  Random random(11);
  for (int i = 0; i < 600; ++i) {
    const auto at = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(bytes.size())));
    std::string image = bytes;
    i % 2 == 0 ? image.resize(at) : void(image[at] = static_cast<char>(image[at] ^ 1 << random.integer(8)));
    std::ofstream(path, std::ios::binary).write(image.data(), static_cast<std::streamsize>(image.size()));
    Diagnostics found;
    verified += history::verify_segment(path, &info, found);
    auto reader = history::McapReader::from_bytes(image, "image");
    read_alone += reader && reader->verify();
  }
  bench::at_most("history/cuts at every byte, not found", cuts, "", 0);
  bench::at_most("history/600 flips and cuts, not found by verify", verified, "", 0);
  bench::at_most("history/600 flips and cuts, not found without the catalogue", read_alone, "", 0);
}

void time_machine(int length) {
  const Folder folder(fs::temp_directory_path());
  Diagnostics diagnostics;
  const auto twin = runtime::make_twin(scenarios::arm7(), diagnostics);
  const Time now{1};
  const int steps = 1000 * length;
  std::vector<std::uint64_t> hashes;
  std::int64_t run = 0;
  int drags = 0;
  {
    auto store = history::Store::open(folder.path(), {}, true, now, diagnostics);
    runtime::Simulation simulation(*twin, {});
    auto writer = runtime::HistoryWriter::start(*store, simulation, {"arm7", "arm7"}, now, diagnostics);
    Random random(5);
    hashes.push_back(dynamics::hash_state(simulation.snapshot().state));
    const double begin = bench::thread_clock();
    for (int i = 0; i < steps; ++i) {
      if (i % 233 == 7) {  // people pull at it, and let go
        runtime::Drag drag;
        drag.body = twin->scene.bodies[static_cast<std::size_t>(random.integer(7))].path;
        drag.target_W = {random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(0, 1.5)};
        drags += static_cast<bool>(simulation.drag(static_cast<std::uint64_t>(random.integer(2)), drag));
      }
      if (i % 701 == 500) simulation.release(static_cast<std::uint64_t>(random.integer(2)));
      simulation.step();
      hashes.push_back(dynamics::hash_state(simulation.snapshot().state));
    }
    bench::report("history/time/recorded step", 1e-3 * (bench::thread_clock() - begin) / steps, "us");
    run = (*writer)->run();
    if (!(*writer)->finish()) return;
  }
  auto store = history::Store::open(folder.path(), {}, false, now, diagnostics);
  auto machine = runtime::TimeMachine::open(*store, run, *twin);
  if (!machine) return void(std::fprintf(stderr, "%s\n", machine.error().message.c_str()));
  constexpr int kInstants = 10'000;
  std::vector<double> wall, cpu;
  double wrong = 0;
  Random random(6);
  for (int i = 0; i < kInstants; ++i) {
    const Time t{random.integer(machine->end().ns + 1)};
    const double begin = seconds(), begin_cpu = bench::thread_clock();
    const auto state = machine->seek(t);
    cpu.push_back(1e-6 * (bench::thread_clock() - begin_cpu));
    wall.push_back(1e3 * (seconds() - begin));
    wrong += !state || dynamics::hash_state(**state) != hashes[static_cast<std::size_t>(t.ns / 1'000'000)];
  }
  std::uintmax_t size = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "segments")) size += entry.file_size();
  bench::report("history/time/steps of the run", steps, "");
  bench::report("history/time/drags of the run", drags, "");
  bench::report("history/time/segments", static_cast<double>(size) / kMiB, "MiB");
  bench::at_most("history/time/10,000 instants with other bits", wrong, "", 0);
  bench::at_most("history/time/seek p99", percentile(wall, 0.99), "ms", 50);
  bench::report("history/time/seek p99, CPU time", percentile(cpu, 0.99), "ms");
  bench::report("history/time/seek median, CPU time", percentile(cpu, 0.5), "ms");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string part = argc > 1 ? argv[1] : "";
  const int number = argc > 2 ? std::atoi(argv[2]) : 0;
  if (part == "throughput") return throughput(), 0;
  if (part == "durable") return durable(), recovery(), 0;
  if (part == "kills") return kills(number > 0 ? number : 1000), 0;
  if (part == "bits") return bits(), 0;
  if (part == "time") return time_machine(number > 0 ? number : 3600), 0;
  std::fputs("history_figures: say throughput, durable, kills, bits or time\n", stderr);
  return 2;
}
