// Every scene file below a folder, each once.
#include <algorithm>
#include <cctype>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "geoul/core/parallel.h"
#include "geoul/runtime/check.h"

namespace geoul::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostText = 16 << 20;  // [bytes] of a text that is searched for names of files

std::string ending_of(const fs::path& file) {
  std::string out = file.extension().string();
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Endings of scenes and of what scenes are made of. One that no reader knows is left out as it is found to be so.
bool is_scene_ending(const std::string& ending) {
  static const Codes kEndings = {".usda", ".usd", ".usdc", ".usdz", ".urdf", ".xml", ".mjcf", ".sdf",
                                 ".stl",  ".obj", ".dae",  ".glb",  ".gltf", ".ply", ".3mf"};
  return kEndings.contains(ending);
}

std::string text_of(const fs::path& file, std::size_t most) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(most, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(most));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

// An .xml is a scene where its text opens an element <mujoco>.
bool is_scene(const fs::path& file) {
  const std::string ending = ending_of(file);
  if (!is_scene_ending(ending)) return false;
  return ending != ".xml" || text_of(file, 64 << 10).find("<mujoco") != std::string::npos;
}

// What others are made of, and which is not read twice where it is part of one of them.
bool is_mesh(const fs::path& file) {
  static const Codes kEndings = {".stl", ".obj", ".dae", ".ply", ".3mf"};
  return kEndings.contains(ending_of(file));
}

// Names of files between quotes or @ in a text that end like a scene or mesh.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  for (const char quote : {'"', '\'', '@'}) {
    // Every pair of neighbouring quotes, so that a quote that opens nothing hides only one name.
    for (std::size_t begin = text.find(quote); begin != std::string::npos;) {
      const std::size_t end = text.find(quote, begin + 1);
      if (end == std::string::npos) break;
      if (end - begin > 4 && end - begin < 1000) {
        std::string name = text.substr(begin + 1, end - begin - 1);
        const bool one_line = name.find('\n') == std::string::npos;
        if (one_line && is_scene_ending(ending_of(name))) names.push_back(std::move(name));
      }
      begin = end;
    }
  }
  return names;
}

struct Walk {
  std::vector<fs::path> files;                              // scenes, then meshes, each sorted
  std::map<std::string, std::vector<std::size_t>> by_name;  // last part of the path

  void list(const fs::path& folder) {
    std::error_code failed;
    fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed);
    for (; !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
      const bool hidden = at->path().filename().string().starts_with(".");
      if (hidden && at->is_directory(failed)) at.disable_recursion_pending();
      if (!hidden && at->is_regular_file(failed) && is_scene(at->path())) files.push_back(at->path());
    }
    std::sort(files.begin(), files.end());
    std::stable_partition(files.begin(), files.end(), [](const fs::path& file) { return !is_mesh(file); });
    for (std::size_t i = 0; i < files.size(); ++i) by_name[files[i].filename().string()].push_back(i);
  }

  // Files that a name in the text of file `from` can mean: the one it leads to; otherwise those below the file's folder
  // (packages: anywhere) whose path ends so, since mesh folders and packages are named elsewhere.
  void find(std::size_t from, const std::string& name, std::set<std::size_t>& parts) const {
    std::string rest = name;
    const bool package = rest.starts_with("package://") || rest.starts_with("model://");
    if (package) {  // the folder of the package may be the top
      rest.erase(0, rest.find("://") + 3);
      rest.erase(0, rest.find('/') + 1);
    } else if (rest.starts_with("file://")) {
      rest.erase(0, 7);
    }
    const auto candidates = by_name.find(fs::path(rest).filename().string());
    if (candidates == by_name.end()) return;
    const std::string folder = files[from].parent_path().generic_string() + "/";
    const fs::path beside = (files[from].parent_path() / rest).lexically_normal();
    while (rest.starts_with("/") || rest.starts_with("./") || rest.starts_with("../"))
      rest.erase(0, rest.find('/') + 1);
    std::set<std::size_t> found;
    for (const std::size_t i : candidates->second) {
      if (i == from) continue;
      if (!package && files[i].lexically_normal() == beside) {
        parts.insert(i);
        return;
      }
      const std::string path = files[i].generic_string();
      if (path.ends_with("/" + rest) && (package || path.starts_with(folder))) found.insert(i);
    }
    parts.merge(found);
  }
};

struct Read {
  CheckedFile file;
  std::vector<std::string> named;  // in its text
  bool unread = false;             // of a kind that is not read
};

Read read_one(const fs::path& path, const CheckOptions& options) {
  Read out;
  try {
    out.file = check_file(path.string(), options);
  } catch (const std::exception& failure) {  // of one file; the others go on
    out.file = {path.string(),
                false,
                "",
                {{{Severity::kError,
                   {path.string(), 0, {}},
                   "defect",
                   std::string("this is a defect of geoul, please report it: ") + failure.what(),
                   ""},
                  ""}},
                {}};
  }
  out.unread = std::any_of(out.file.findings.begin(), out.file.findings.end(), [](const CheckedFinding& f) {
    return f.finding.code == "format" && f.finding.where.line == 0;
  });
  const std::string ending = ending_of(path);
  if (ending == ".usda" || ending == ".usd" || ending == ".urdf" || ending == ".xml" || ending == ".mjcf" ||
      ending == ".sdf" || ending == ".gltf") {
    out.named = names_in(text_of(path, kMostText));
  }
  return out;
}

// Marks what the first n files are made of. Two files that name each other are parts of neither.
void mark_parts(const Walk& walk, const std::vector<Read>& read, std::size_t n, std::vector<bool>& part) {
  std::map<fs::path, std::size_t> index;
  for (std::size_t i = 0; i < walk.files.size(); ++i) index[walk.files[i].lexically_normal()] = i;
  std::vector<std::set<std::size_t>> uses(walk.files.size());
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::string& name : read[i].named) walk.find(i, name, uses[i]);
    for (const std::string& file : read[i].file.parts) {
      const auto found = index.find(fs::path(file).lexically_normal());
      if (found != index.end() && found->second != i) uses[i].insert(found->second);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::size_t k : uses[i]) part[k] = part[k] || !uses[k].contains(i);
  }
}

}  // namespace

Result<CheckedFolder> check_folder(const std::string& folder, const CheckOptions& options,
                                   const std::function<void(double fraction, const std::string& what)>& progress) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) {
    return Error{ErrorCode::kNotFound, folder + ": there is no such folder; check the path"};
  }
  Walk walk;
  walk.list(folder);
  const auto meshes = std::find_if(walk.files.begin(), walk.files.end(), is_mesh);
  const auto first_mesh = static_cast<std::size_t>(meshes - walk.files.begin());
  std::vector<Read> read(walk.files.size());
  std::vector<bool> part(read.size());
  std::mutex mutex;
  std::size_t done = 0;
  ThreadPool pool(options.threads);
  const auto read_all = [&](std::size_t first, std::size_t last) {
    pool.parallel_for(last - first, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = first + begin; i < first + end; ++i) {
        if (!part[i]) read[i] = read_one(walk.files[i], options);
        const std::lock_guard lock(mutex);
        ++done;
        if (progress) progress(static_cast<double>(done) / static_cast<double>(read.size()), walk.files[i].string());
      }
    });
  };
  read_all(0, first_mesh);
  mark_parts(walk, read, first_mesh, part);
  read_all(first_mesh, read.size());
  CheckedFolder out;
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (read[i].unread) continue;
    if (part[i]) {
      out.parts.push_back(walk.files[i].string());
    } else {
      out.files.push_back(std::move(read[i].file));
    }
  }
  const auto by_path = [](const CheckedFile& a, const CheckedFile& b) { return fs::path(a.file) < fs::path(b.file); };
  std::sort(out.files.begin(), out.files.end(), by_path);
  std::sort(out.parts.begin(), out.parts.end());
  if (out.files.empty()) {
    return Error{ErrorCode::kNotFound, folder + ": there is no scene file in this folder or below; name a file"};
  }
  return out;
}

}  // namespace geoul::runtime
