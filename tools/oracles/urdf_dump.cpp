// Prints a URDF as Geoul reads it, for urdf_compare.py: "body path mass x y z qw qx qy qz" (start pose) and
// "joint path type parent child lower upper effort velocity ax ay az px py pz qw qx qy qz".
#include <cstdio>

#include "geoul/scene/formats/urdf/urdf.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: urdf_dump FILE\n", stderr), 2;
  geoul::Diagnostics diagnostics;
  const auto scene = geoul::scene::read_urdf(argv[1], {.load_meshes = false}, diagnostics);
  if (!scene) return std::fputs(diagnostics.text().c_str(), stderr), 2;
  for (const auto& b : scene->bodies) {
    const auto& X = b.X_WB;
    std::printf("body %s %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", b.path.c_str(), b.mass.mass, X.p.x, X.p.y,
                X.p.z, X.R.w, X.R.x, X.R.y, X.R.z);
  }
  for (const auto& j : scene->joints) {
    const auto& X = j.X_PJ;
    std::printf(
        "joint %s %s %d %d %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n",
        j.path.c_str(), to_string(j.type), j.parent.value, j.child.value, j.lower, j.upper, j.effort_limit,
        j.velocity_limit, j.axis.x, j.axis.y, j.axis.z, X.p.x, X.p.y, X.p.z, X.R.w, X.R.x, X.R.y, X.R.z);
  }
  return 0;
}
