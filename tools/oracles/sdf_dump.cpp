// Prints an SDF file as Geoul reads it, for sdf_compare.py. First line "ok", or "refused CODE LINE MESSAGE"; then
//   link path mass cx cy cz ixx iyy izz ixy ixz iyz x y z qw qx qy qz   (inertia about the centre, along the link's
//                                                                        axes; pose in the world)
//   joint path type ax ay az lower upper                                (axis in the world)
#include <cstdio>
#include <string>

#include "geoul/scene/formats/sdf/sdf.h"

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: sdf_dump FILE [FOLDER...]\n", stderr), 2;
  geoul::Diagnostics diagnostics;
  geoul::scene::SdfOptions options;
  options.search.assign(argv + 2, argv + argc);
  const auto scene = geoul::scene::read_sdf(argv[1], options, diagnostics);
  if (!scene) {
    for (const auto& f : diagnostics.findings()) {
      if (f.severity != geoul::Severity::kError) continue;
      std::printf("refused %s %d %s%s%s\n", f.code.c_str(), f.where.line, f.where.path.c_str(),
                  f.where.path.empty() ? "" : ": ", f.message.c_str());
      break;
    }
    return 0;
  }
  std::printf("ok\n");
  for (const auto& b : scene->bodies) {
    const auto& m = b.mass;
    const auto& i = m.inertia;
    const auto& X = b.X_WB;
    std::printf(
        "link %s %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g "
        "%.17g %.17g\n",
        b.path.c_str(), m.mass, m.center.x, m.center.y, m.center.z, i.xx, i.yy, i.zz, i.xy, i.xz, i.yz, X.p.x, X.p.y,
        X.p.z, X.R.w, X.R.x, X.R.y, X.R.z);
  }
  for (const auto& j : scene->joints) {
    const geoul::Posed X = j.parent.valid() ? scene->bodies[j.parent.index()].X_WB : geoul::Posed{};
    const geoul::Vec3d a = rotation_matrix(X.R) * (rotation_matrix(j.X_PJ.R) * j.axis);
    std::printf("joint %s %s %.17g %.17g %.17g %.17g %.17g\n", j.path.c_str(), to_string(j.type), a.x, a.y, a.z,
                j.lower, j.upper);
  }
  for (const auto& f : diagnostics.findings()) {
    if (f.severity == geoul::Severity::kWarning) std::printf("warning %s\n", f.code.c_str());
  }
  return 0;
}
