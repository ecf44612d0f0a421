// The convex decomposition of one mesh file, for bench/decomposition.py: one line of JSON with the CPU time of the
// decomposition and the corners of each hull.
//   decompose_file MESH MAX_HULLS TOLERANCE
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/figure.h"
#include "geoul/collision/decompose.h"
#include "geoul/scene/formats/mesh/mesh_file.h"

int main(int argc, char** argv) {
  using namespace geoul;
  if (argc != 4) return std::fputs("usage: decompose_file MESH MAX_HULLS TOLERANCE\n", stderr), 2;
  Diagnostics diagnostics;
  const auto parts = scene::read_mesh_file(argv[1], {}, diagnostics);
  if (!parts) return std::fputs(diagnostics.text().c_str(), stderr), 2;
  const scene::Mesh mesh = scene::merged(*parts);
  const std::vector<Vec3d> vertices(mesh.vertices.begin(), mesh.vertices.end());
  const double begin = bench::thread_clock();
  const collision::Decomposition made = collision::decompose(
      vertices, mesh.triangles, {.max_hulls = std::atoi(argv[2]), .tolerance = std::atof(argv[3])});
  std::printf("{\"seconds\": %.6f, \"closed\": %s, \"hulls\": [", 1e-9 * (bench::thread_clock() - begin),
              made.closed ? "true" : "false");
  for (std::size_t i = 0; i < made.hulls.size(); ++i) {
    std::printf("%s[", i > 0 ? ", " : "");
    for (std::size_t k = 0; k < made.hulls[i].size(); ++k) {
      const Vec3d& p = made.hulls[i][k];
      std::printf("%s[%.17g, %.17g, %.17g]", k > 0 ? ", " : "", p.x, p.y, p.z);
    }
    std::printf("]");
  }
  std::printf("]}\n");
  return 0;
}
