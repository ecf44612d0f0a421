#include "geoul/scene/formats/usd/crate_tables.h"

#include <algorithm>

#include "geoul/scene/formats/usd/lz4.h"

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMaxPathDepth = 1000;    // elements; prims alone may be 200 deep
constexpr std::size_t kMaxPathLength = 65536;  // [bytes]
constexpr int kOldest = 4;                     // of 0.4 and later; 0.0.1 beside them
constexpr int kNewest = 12;

struct Section {
  std::size_t begin = 0, size = 0;
};

class TableReader {
 public:
  TableReader(std::string_view file, Budget& budget, Scratch& scratch) : budget_(budget), scratch_(scratch) {
    tables_.file = file;
  }

  CrateTables run() {
    header();
    tokens();
    strings();
    fields();
    field_sets();
    paths();
    specs();
    return std::move(tables_);
  }

 private:
  bool compressed() const { return tables_.minor >= kOldest; }

  void header() {
    ByteReader in{tables_.file, 0};
    if (in.left() < 88 || in.take(8) != "PXR-USDC") {
      throw CrateError{"bad-crate", "byte 0: no header of a binary USD file (88 bytes, PXR-USDC)",
                       "write the file again"};
    }
    const int major = in.get<std::uint8_t>(), minor = in.get<std::uint8_t>(), patch = in.get<std::uint8_t>();
    const bool first = major == 0 && minor == 0 && patch == 1;
    if (!first && (major != 0 || minor < kOldest || minor > kNewest)) {
      throw CrateError{"unsupported-version",
                       "binary USD of version " + std::to_string(major) + "." + std::to_string(minor) + "." +
                           std::to_string(patch) + " is not read; 0.4 to 0.12 and 0.0.1 are",
                       "write it again with usdcat -o"};
    }
    tables_.minor = minor;
    in.seek(16);
    in.seek(in.get<std::uint64_t>());
    const std::size_t n = in.count(32);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = in.at;
      const std::string_view field = in.take(16);
      const std::string_view name = field.substr(0, std::min(field.find('\0'), field.size()));
      const auto begin = in.get<std::uint64_t>(), size = in.get<std::uint64_t>();
      if (begin > tables_.file.size() || size > tables_.file.size() - begin) {
        fail_at(at, "a section reaches beyond the end of the file");
      }
      for (std::size_t k = 0; k < kNames.size(); ++k) {
        if (name == kNames[k]) sections_[k] = {static_cast<std::size_t>(begin), static_cast<std::size_t>(size)};
      }
    }
    for (std::size_t k = 0; k < kNames.size(); ++k) {
      if (sections_[k].size == 0) fail_at(16, "the file has no section " + std::string(kNames[k]));
    }
  }

  // Reads no further than the section; positions count from the start of the file.
  ByteReader section(std::size_t k) const {
    return {tables_.file.substr(0, sections_[k].begin + sections_[k].size), sections_[k].begin};
  }
  // A number of things that will be `bytes_here` each in memory.
  std::size_t counted(ByteReader& in, std::size_t bytes_here) {
    const auto n = in.get<std::uint64_t>();
    budget_.take(n > kNone ? ~std::size_t{0} : static_cast<std::size_t>(n), bytes_here);
    return static_cast<std::size_t>(n);
  }
  template <class Int>
  std::vector<Int> integers(ByteReader& in, std::size_t n) {
    // The codes of n integers must be in the block before room is made for them.
    ByteReader ahead = in;
    if (n / (4 * kMaxLz4Expansion) > ahead.get<std::uint64_t>()) {
      fail_at(in.at, std::to_string(n) + " integers cannot be in a block of this size");
    }
    std::vector<Int> out(n);
    read_integers<std::int32_t>(in, n, scratch_, out.data());
    return out;
  }

  void tokens() {
    ByteReader in = section(0);
    const std::size_t n = counted(in, sizeof(std::string_view));
    const std::size_t at = in.at;
    const auto size = in.get<std::uint64_t>();
    const auto stored = compressed() ? in.get<std::uint64_t>() : size;
    const std::string_view bytes = in.take(stored);
    if (size / kMaxLz4Expansion > stored || n > size) fail_at(at, "tokens cannot unfold to what is said");
    budget_.take(static_cast<std::size_t>(size), 1);
    tables_.token_text = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(size));
    std::span<char> text(tables_.token_text.get(), static_cast<std::size_t>(size));
    if (compressed()) {
      text = decompress(bytes, at, text);
    } else {
      std::copy(bytes.begin(), bytes.end(), text.begin());
    }
    tables_.tokens.reserve(n);
    std::string_view rest(text.data(), text.size());
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t end = rest.find('\0');
      if (end == std::string_view::npos) {
        fail_at(at, "tokens end after " + std::to_string(i) + " of " + std::to_string(n));
      }
      tables_.tokens.push_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }

  void strings() {
    ByteReader in = section(1);
    const std::size_t n = in.count(4);
    budget_.take(n, 4);
    tables_.strings.resize(n);
    for (std::uint32_t& s : tables_.strings) {
      const std::size_t at = in.at;
      s = in.get<std::uint32_t>();
      if (s >= tables_.tokens.size()) fail_at(at, "string of token " + std::to_string(s) + ", which does not exist");
    }
  }

  void fields() {
    ByteReader in = section(2);
    const std::size_t begin = in.at;
    const std::size_t n = counted(in, sizeof(CrateField));
    if (compressed()) {
      const std::vector<std::uint32_t> names = integers<std::uint32_t>(in, n);
      tables_.fields.resize(n);
      const std::size_t at = in.at;
      const std::string_view block = in.take(in.get<std::uint64_t>());
      const std::span<char> reps = decompress(block, at, scratch_.room(8 * n));
      if (reps.size() != 8 * n) fail_at(at, "fields have values of another number");
      for (std::size_t i = 0; i < n; ++i) {
        tables_.fields[i].token = names[i];
        std::memcpy(&tables_.fields[i].rep, reps.data() + 8 * i, 8);
      }
    } else {
      in.need(std::uint64_t{16} * n);
      tables_.fields.resize(n);
      for (CrateField& field : tables_.fields) {
        in.take(4);  // padding
        field.token = in.get<std::uint32_t>();
        field.rep = in.get<std::uint64_t>();
      }
    }
    for (const CrateField& field : tables_.fields) {
      if (field.token >= tables_.tokens.size()) {
        fail_at(begin, "field of token " + std::to_string(field.token) + ", which does not exist");
      }
    }
  }

  void field_sets() {
    ByteReader in = section(3);
    const std::size_t begin = in.at;
    const std::size_t n = counted(in, 4);
    if (compressed()) {
      tables_.field_sets = integers<std::uint32_t>(in, n);
    } else {
      in.need(std::uint64_t{4} * n);
      tables_.field_sets.resize(n);
      for (std::uint32_t& f : tables_.field_sets) f = in.get<std::uint32_t>();
    }
    for (const std::uint32_t f : tables_.field_sets) {
      if (f != kNone && f >= tables_.fields.size()) fail_at(begin, "field set of a field that does not exist");
    }
    if (n > 0 && tables_.field_sets.back() != kNone) fail_at(begin, "the last field set does not end");
  }

  // Adds the path `index` as a child of `parent` (kNone: it is the root).
  void add_path(std::uint32_t index, std::uint32_t parent, std::int64_t element, bool property, std::size_t at) {
    if (index >= tables_.paths.size()) fail_at(at, "path " + std::to_string(index) + " does not exist");
    CratePath& path = tables_.paths[index];
    if (path.token != kNone) fail_at(at, "path " + std::to_string(index) + " stands twice in the tree");
    if (element < 0 || static_cast<std::uint64_t>(element) >= tables_.tokens.size()) {
      fail_at(at, "path " + std::to_string(index) + " has a name that does not exist");
    }
    path.token = static_cast<std::uint32_t>(element);
    path.parent = parent;
    if (parent == kNone) {
      path.kind = PathKind::kRoot;
      tables_.root = index;
      return;
    }
    const std::string_view name = tables_.tokens[path.token];
    const char first = name.empty() ? '\0' : name.front();
    path.kind = property       ? PathKind::kProperty
                : first == '{' ? PathKind::kVariant
                : first == '[' ? PathKind::kTarget
                               : PathKind::kPrim;
    if (name.empty()) fail_at(at, "path " + std::to_string(index) + " has an empty name");
    CratePath& above = tables_.paths[parent];
    (above.first_child == kNone ? above.first_child : tables_.paths[above.last_child].next_sibling) = index;
    above.last_child = index;
  }

  struct Pending {
    std::size_t entry;  // where the sibling stands
    std::uint32_t parent;
  };

  void paths() {
    ByteReader in = section(4);
    const std::size_t begin = in.at;
    tables_.paths.resize(counted(in, sizeof(CratePath)));
    if (compressed()) {
      compressed_paths(in, begin);
    } else {
      plain_paths(in);
    }
    check_lengths(begin);
  }

  // Entries depth first: names (negative: of a property), and what follows an entry. 0: its sibling; -1: its first
  // child; -2: neither; n > 0: its first child, and its sibling n entries on.
  void compressed_paths(ByteReader& in, std::size_t begin) {
    const std::size_t n = counted(in, 13);
    if (n > tables_.paths.size()) fail_at(begin, "more paths in the tree than there are");
    const std::vector<std::uint32_t> indices = integers<std::uint32_t>(in, n);
    const std::vector<std::int32_t> names = integers<std::int32_t>(in, n);
    const std::vector<std::int32_t> jumps = integers<std::int32_t>(in, n);
    std::vector<bool> seen(n);
    std::vector<Pending> pending;
    if (n > 0) pending.push_back({0, kNone});
    while (!pending.empty()) {
      auto [i, parent] = pending.back();
      pending.pop_back();
      while (true) {
        if (i >= n || seen[i]) fail_at(begin, "the tree of paths runs in a circle or out of its entries");
        seen[i] = true;
        const std::int64_t name = names[i];
        add_path(indices[i], parent, parent == kNone ? 0 : name < 0 ? -name : name, name < 0, begin);
        const std::int32_t jump = jumps[i];
        if (jump < -2) fail_at(begin, "a path is followed by what it cannot be");
        if (jump > 0) pending.push_back({i + static_cast<std::size_t>(jump), parent});
        if (jump == -2) break;
        if (parent == kNone && jump >= 0) fail_at(begin, "the root of the paths has a sibling");
        if (jump != 0) parent = indices[i];
        ++i;
      }
    }
  }

  // Entries depth first, each with padding, index, name and bits (1: a child follows, 2: a sibling follows, 4: it is
  // a property), then the sibling's position where there are both.
  void plain_paths(ByteReader& in) {
    std::vector<Pending> pending = {{in.at, kNone}};
    std::size_t added = 0;
    while (!pending.empty()) {
      std::uint32_t parent = pending.back().parent;
      in.seek(pending.back().entry);
      pending.pop_back();
      while (true) {
        const std::size_t at = in.at;
        if (++added > tables_.paths.size()) fail_at(at, "the tree of paths holds more than there are");
        in.take(4);
        const auto index = in.get<std::uint32_t>(), name = in.get<std::uint32_t>();
        const unsigned bits = in.get<std::uint32_t>() & 0xff;
        add_path(index, parent, name, (bits & 4) != 0, at);
        const bool child = (bits & 1) != 0, sibling = (bits & 2) != 0;
        if (parent == kNone && sibling) fail_at(at, "the root of the paths has a sibling");
        if (child && sibling) pending.push_back({checked(in.get<std::uint64_t>(), in, at), parent});
        if (!child && !sibling) break;
        if (child) parent = index;
      }
    }
  }
  static std::size_t checked(std::uint64_t to, const ByteReader& in, std::size_t at) {
    if (to > in.bytes.size()) fail_at(at, "a path's sibling stands beyond the end");
    return static_cast<std::size_t>(to);
  }

  // Depth and length of every path, so that its text may be made; parents stand in the tree, so there is no circle.
  void check_lengths(std::size_t begin) {
    struct Open {
      std::uint32_t index;
      std::size_t depth, length;
    };
    std::vector<Open> open;
    if (tables_.root != kNone) open.push_back({tables_.root, 0, 1});
    while (!open.empty()) {
      const Open o = open.back();
      open.pop_back();
      if (o.depth > kMaxPathDepth || o.length > kMaxPathLength) {
        throw CrateError{"too-deep",
                         "byte " + std::to_string(begin) + ": a path is deeper than 1000 or longer than 65536",
                         "nest less"};
      }
      for (std::uint32_t c = tables_.paths[o.index].first_child; c != kNone; c = tables_.paths[c].next_sibling) {
        open.push_back({c, o.depth + 1, o.length + 1 + tables_.tokens[tables_.paths[c].token].size()});
      }
    }
  }

  void specs() {
    ByteReader in = section(5);
    const std::size_t begin = in.at;
    const std::size_t n = counted(in, sizeof(CrateSpec));
    std::vector<std::uint32_t> paths, sets, kinds;
    if (compressed()) {
      paths = integers<std::uint32_t>(in, n);
      sets = integers<std::uint32_t>(in, n);
      kinds = integers<std::uint32_t>(in, n);
    } else {
      in.need(std::uint64_t{16} * n);
      for (std::size_t i = 0; i < n; ++i) {
        in.take(4);
        paths.push_back(in.get<std::uint32_t>());
        sets.push_back(in.get<std::uint32_t>());
        kinds.push_back(in.get<std::uint32_t>());
      }
    }
    tables_.specs.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (paths[i] >= tables_.paths.size() || sets[i] >= tables_.field_sets.size()) {
        fail_at(begin, "spec " + std::to_string(i) + " has a path or fields that do not exist");
      }
      CratePath& path = tables_.paths[paths[i]];
      if (path.token == kNone) fail_at(begin, "spec " + std::to_string(i) + " has the empty path");
      if (path.spec != kNone) fail_at(begin, "two specs of <" + tables_.path_text(paths[i]) + ">");
      path.spec = static_cast<std::uint32_t>(i);
      tables_.specs.push_back({paths[i], sets[i], static_cast<SpecKind>(kinds[i])});
    }
    if (tables_.root == kNone || tables_.paths[tables_.root].spec == kNone) fail_at(begin, "there is no root spec");
  }

  static constexpr std::array<std::string_view, 6> kNames = {"TOKENS",    "STRINGS", "FIELDS",
                                                             "FIELDSETS", "PATHS",   "SPECS"};
  Budget& budget_;
  Scratch& scratch_;
  CrateTables tables_;
  std::array<Section, 6> sections_;
};

}  // namespace

std::string_view CrateTables::token(std::uint64_t index) const {
  if (index < tokens.size()) return tokens[static_cast<std::size_t>(index)];
  throw CrateError{"bad-crate", "names token " + std::to_string(index) + " of " + std::to_string(tokens.size()),
                   "write the file again"};
}

std::string_view CrateTables::string(std::uint64_t index) const {
  if (index < strings.size()) return tokens[strings[static_cast<std::size_t>(index)]];
  throw CrateError{"bad-crate", "names string " + std::to_string(index) + " of " + std::to_string(strings.size()),
                   "write the file again"};
}

std::string CrateTables::path_text(std::uint64_t index) const {
  if (index >= paths.size()) {
    throw CrateError{"bad-crate", "names path " + std::to_string(index) + " of " + std::to_string(paths.size()),
                     "write the file again"};
  }
  std::vector<const CratePath*> chain;
  for (const CratePath* p = &paths[static_cast<std::size_t>(index)]; p->kind != PathKind::kRoot;
       p = &paths[p->parent]) {
    chain.push_back(p);
  }
  if (chain.empty()) return paths[static_cast<std::size_t>(index)].token == kNone ? "" : "/";
  std::string text;
  PathKind above = PathKind::kRoot;
  for (std::size_t i = chain.size(); i-- > 0;) {
    const CratePath& p = *chain[i];
    if (p.kind == PathKind::kProperty) text += '.';
    if (p.kind == PathKind::kPrim && above != PathKind::kVariant) text += '/';
    text += tokens[p.token];
    above = p.kind;
  }
  return text;
}

CrateTables read_tables(std::string_view file, Budget& budget, Scratch& scratch) {
  return TableReader(file, budget, scratch).run();
}

}  // namespace geoul::scene::usd
