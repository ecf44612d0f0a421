// The doctor at work on files: reads, examines, compiles and foretells; mends; walks folders. What is looked for:
// scene/doctor/doctor.h, dynamics/outlook.h. The words of the command `geoul check`: docs/notes/doctor.md.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/dynamics/step.h"
#include "geoul/scene/read.h"

namespace geoul::runtime {

using Codes = std::set<std::string, std::less<>>;

struct CheckOptions {
  dynamics::StepOptions step;  // for which trouble is foretold
  Codes ignore;                // codes that are left out
  scene::ReadOptions read;     // of every scene file that is checked or mended
  int threads = 0;             // of check_folder; 0: one a core. The result is the same for any number
};

enum class Mending { kByHand, kAutomatic, kOnRequest };

struct CheckedFinding {
  Finding finding;
  std::string why;                     // why it matters; empty where the finding says it
  Mending mending = Mending::kByHand;  // what --mend can do about this one
};

// What a file holds, after reading, examining and compiling. A site file is checked with its scene and recordings.
struct CheckedFile {
  std::string file;
  bool ok = false;                       // it could be used: no errors
  std::string summary;                   // "12 bodies, 3 moving joints, 9 fixed joints, 14 shapes"; may be empty
  std::vector<CheckedFinding> findings;  // errors first, then by code, in the order of the file
  std::vector<std::string> parts;        // other files that it read: meshes, layers, includes
  std::size_t count(Severity severity) const;
  bool has(std::string_view code) const;
};
CheckedFile check_file(const std::string& file, const CheckOptions& options = {});

// Every scene file below a folder, sorted by path. Files that others of the folder are made of are left out and named
// in `parts`, as far as reading the others or their text can tell.
struct CheckedFolder {
  std::vector<CheckedFile> files;
  std::vector<std::string> parts;
};
// kNotFound where there is no such folder, or no scene file in it. progress: called one at a time, from any thread.
Result<CheckedFolder> check_folder(const std::string& folder, const CheckOptions& options,
                                   const std::function<void(double fraction, const std::string& what)>& progress);

struct MendChange {
  std::string code;
  Location where;
  std::string words;  // "limits exchanged: -1 to 1"
};
struct Mended {
  std::vector<MendChange> changes;
  std::string out;                   // the file that was written; empty where nothing was to be mended
  std::optional<CheckedFile> after;  // of the file written
};
// Reads a scene, mends it and writes it to `out` (.usda .usdz .urdf .sdf .xml). only: codes; empty: all that have one
// right answer. Errors: of reading in diagnostics; kBadInput for a code that cannot be mended, kUnsupported for another
// ending.
Result<Mended> mend_file(const std::string& file, const std::string& out, const Codes& only,
                         const CheckOptions& options, Diagnostics& diagnostics);

// JSON of the whole, for other programs; the schema stands in docs/notes/doctor.md.
std::string to_json(const std::vector<CheckedFile>& files, const std::vector<std::string>& parts = {},
                    const Mended* mended = nullptr);

}  // namespace geoul::runtime
