// Prints layers as Geoul reads them, for usd_layer_compare.py: for each FILE its text in FILE.dump (layer_dump.h), and
// the findings on standard output. Exit code: 0, or 2 where a file cannot be opened.
#include <cstdio>
#include <fstream>

#include "geoul/scene/formats/usd/asset.h"
#include "geoul/scene/formats/usd/layer_dump.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    geoul::Diagnostics diagnostics;
    geoul::scene::usd::AssetFiles files;
    const auto layer = files.layer(argv[i], {argv[i], 0, ""}, diagnostics);
    std::fputs(diagnostics.text().c_str(), stdout);
    if (!layer) return 2;
    std::ofstream(std::string(argv[i]) + ".dump") << geoul::scene::usd::LayerDump().run(*layer);
  }
  return 0;
}
