// Opening a plant of 150,000 prims: read, check and compile, in a process of its own for each (the files are in the
// system's cache). bench/scenes/make_plant.py writes them: machines as instances, as references, written out. Each is
// opened twice: with an empty cache of derived data, and with what the first left there.
//   plant_figures              writes and measures all three
//   plant_figures FOLDER       FOLDER holds plant.usda; its name is the figure's
//   plant_figures FOLDER warm  the second time
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>

#include "bench/figure.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/scene.h"

namespace {

using namespace geoul;

double wall() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
double cpu() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

bool measure(const std::string& folder, bool warm) {
  const std::string name = "plant/" + std::filesystem::path(folder).filename().string();
  const double begin = wall(), begin_cpu = cpu();
  Diagnostics diagnostics;
  const auto scene = scene::read_scene(folder + "/plant.usda", diagnostics);
  if (!scene) return std::fputs(diagnostics.text().c_str(), stderr), false;
  const double read = cpu();
  scene::validate(*scene, diagnostics);
  const double checked = cpu();
  const auto model = dynamics::compile(*scene, diagnostics);
  if (!model) return std::fputs(diagnostics.text().substr(0, 2000).c_str(), stderr), false;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  if (warm) {
    const bool instanced = !name.ends_with("plain");
    return bench::print(name + "/open warm", wall() - begin, "s", instanced ? "max" : "report", 1.5), true;
  }
  bench::at_most(name + "/open", wall() - begin, "s", 5);
  bench::at_most(name + "/open_cpu", cpu() - begin_cpu, "s", 5);
  bench::report(name + "/read_cpu", read - begin_cpu, "s");
  bench::report(name + "/validate_cpu", checked - read, "s");
  bench::report(name + "/compile_cpu", cpu() - checked, "s");
  bench::report(name + "/bodies", static_cast<double>(scene->bodies.size()), "");
  bench::report(name + "/joints", static_cast<double>(scene->joints.size()), "");
  bench::at_most(name + "/memory", static_cast<double>(usage.ru_maxrss) / 1024, "MiB", 2048);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const bool warm = argc == 3 && std::string(argv[2]) == "warm";
  if (argc == 2 || warm) return measure(argv[1], warm) ? 0 : 1;
  if (argc > 2) return std::fputs("usage: plant_figures [FOLDER [warm]]\n", stderr), 2;
  const std::filesystem::path plants = std::filesystem::temp_directory_path() / "geoul_plants";
  setenv("XDG_CACHE_HOME", (plants / "cache").c_str(), 1);
  for (const std::string copies : {"instance", "reference", "plain"}) {
    const std::string folder = (plants / copies).string();
    const std::string make =
        std::string("python3 " GEOUL_SOURCE_DIR "/bench/scenes/make_plant.py ") + folder + " --copies " + copies;
    if (std::system(make.c_str()) != 0) return 1;
    for (const char* time : {"", " warm"}) {
      if (std::system((std::string(argv[0]) + " " + folder + time).c_str()) != 0) return 1;
    }
  }
  std::filesystem::remove_all(plants);
  return 0;
}
