// Scenes from files: what it takes to refuse references that multiply, how fast binary USD is read, and what it takes
// in memory. The files are made by bench/make_usdc.py and lie in build/bench/usd; a folder of others may be given. One
// thread.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/figure.h"
#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/crate.h"
#include "geoul/scene/formats/usd/usd.h"

using namespace geoul;
namespace fs = std::filesystem;

namespace {

constexpr double kFloor = 200;       // [MB of file / s] of CPU time, parsing arrays
constexpr double kPrimFloor = 1e5;   // [1/s] prims with three attributes each
constexpr double kSlowestBad = 1;    // [s] to refuse any bad file
constexpr double kBombTime = 1.0;    // [s] of CPU time to refuse references that multiply
constexpr double kBombMemory = 256;  // [MiB] of the process meanwhile

std::size_t prims(const scene::usd::PrimSpec& prim) {
  std::size_t out = 1;
  for (const auto& child : prim.children) out += prims(*child);
  return out;
}

// Bytes of the numbers of a layer as they are held.
std::size_t number_bytes(const scene::usd::PrimSpec& prim) {
  std::size_t out = 0;
  const auto add = [&out](const scene::usd::Value& value) {
    if (const auto* reals = std::get_if<scene::usd::Value::Reals>(&value.content)) out += 8 * reals->size();
    if (const auto* integers = std::get_if<scene::usd::Value::Integers>(&value.content)) out += 8 * integers->size();
  };
  for (const auto& a : prim.attributes) {
    if (a.value) add(*a.value);
    for (const auto& [time, value] : a.samples) add(value);
  }
  for (const auto& child : prim.children) out += number_bytes(*child);
  return out;
}

bool measure(const fs::path& file) {
  const std::string name = "usdc/" + file.stem().string();
  const double size = static_cast<double>(fs::file_size(file));
  Diagnostics diagnostics;
  std::size_t held = 0, count = 0;
  std::vector<double> reading, parsing;
  for (int round = 0; round < 5; ++round) {
    const double begin = bench::thread_clock();
    const auto bytes = scene::usd::read_bytes(file.string(), {}, diagnostics);
    const double middle = bench::thread_clock();
    if (!bytes) break;
    const auto layer = scene::usd::parse_crate(*bytes, file.string(), diagnostics);
    parsing.push_back(bench::thread_clock() - middle);
    reading.push_back(middle - begin);
    held = number_bytes(layer->root);
    count = prims(layer->root);
  }
  if (!diagnostics.ok()) {
    std::fputs(diagnostics.text().c_str(), stderr);
    return false;
  }
  bench::report(name + "/size", 1e-6 * size, "MB");
  if (count > 10000) {  // of prims, not of arrays
    bench::at_least(name + "/parse", 1e9 * static_cast<double>(count) / bench::median(parsing), "prims/s", kPrimFloor);
  } else {
    bench::at_least(name + "/parse", 1e3 * size / bench::median(parsing), "MB/s", kFloor);
  }
  bench::report(name + "/read and parse", 1e3 * size / (bench::median(parsing) + bench::median(reading)), "MB/s");
  bench::report(name + "/numbers held", static_cast<double>(held) / size, "bytes/byte");
  return true;
}

// Levels that each refer to the one below: few levels of many, many of few. The slowest, and the peak of them all.
bool bombs() {
  double slowest = 0;
  for (const auto& [levels, parts] : {std::pair{8, 8}, {20, 10}, {18, 2}, {40, 2}, {4, 60}, {3, 1000}, {2, 500}}) {
    std::string text = "#usda 1.0\n(\n    metersPerUnit = 1\n)\ndef \"level0\"\n{\n}\n";
    for (int level = 1; level <= levels; ++level) {
      text += "def \"level" + std::to_string(level) + "\"\n{\n";
      for (int part = 0; part < parts; ++part) {
        text += "    def \"part" + std::to_string(part) + "\" (\n        references = </level" +
                std::to_string(level - 1) + ">\n    )\n    {\n    }\n";
      }
      text += "}\n";
    }
    Diagnostics diagnostics;
    const double begin = bench::thread_clock();
    const bool refused = !scene::read_usda_text(text, "bomb.usda", diagnostics) && diagnostics.has("too-large");
    slowest = std::max(slowest, 1e-9 * (bench::thread_clock() - begin));
    if (!refused) return std::fputs("a bomb of references was read\n", stderr), false;
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  bench::at_most("usd/reference_bomb", slowest, "s", kBombTime);
  bench::at_most("usd/reference_bomb/memory", static_cast<double>(used.ru_maxrss) / 1024, "MiB", kBombMemory);
  return true;
}

void bad_files() {
  double slowest = 0;
  for (const char* folder : {"bad_usdc", "bad_usdz"}) {
    const fs::path data = fs::path(GEOUL_SOURCE_DIR) / "geoul/scene/formats/usd/testdata" / folder;
    for (const auto& entry : fs::directory_iterator(data)) {
      Diagnostics diagnostics;
      scene::usd::AssetFiles files;
      const double begin = bench::thread_clock();
      files.layer(entry.path().string(), {}, diagnostics);
      slowest = std::max(slowest, 1e-9 * (bench::thread_clock() - begin));
    }
  }
  bench::at_most("usd binary/slowest bad file", slowest, "s", kSlowestBad);
}

}  // namespace

int main(int argc, char** argv) {
  if (!bombs()) return 1;
  const fs::path folder = argc > 1 ? fs::path(argv[1]) : fs::path(GEOUL_SOURCE_DIR) / "build/bench/usd";
  if (!fs::is_directory(folder)) {
    std::fprintf(stderr, "%s: no such folder; make the files with bench/make_usdc.py %s\n", folder.c_str(),
                 folder.c_str());
    return 2;
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  bool good = !files.empty();
  for (const fs::path& file : files) good = measure(file) && good;
  bad_files();
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  bench::report("usdc/peak memory", 1024e-6 * static_cast<double>(used.ru_maxrss), "MB");
  return good ? 0 : 1;
}
