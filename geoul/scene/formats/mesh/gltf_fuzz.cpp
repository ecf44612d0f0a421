#include "geoul/scene/formats/mesh/fuzz_mesh.h"

// seeds: geoul/scene/formats/mesh/testdata/gltf
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return geoul::scene::fuzz_mesh(data, size, geoul::scene::MeshFormat::kGltf);
}
