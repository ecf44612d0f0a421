#include "geoul/scene/formats/usd/package.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "geoul/core/crc32.h"
#include "geoul/scene/formats/zip.h"

namespace geoul::scene::usd {
namespace {

using zip::kCentral, zip::kCentralBytes, zip::kEnd, zip::kEndBytes, zip::kLocal, zip::kLocalBytes;

constexpr std::uint16_t kVersion = 20;      // that a reader needs: folders
constexpr std::uint16_t kDate = 0x21;       // 1980-01-01, the first that a zip can say
constexpr std::uint16_t kPadding = 0x1986;  // kind of the extra field that only fills, as OpenUSD writes it
constexpr std::uint64_t kMaxBytes = 0xffffffff;

template <class T>
void put(std::string& out, T x) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(x >> (8 * i) & 0xff));
}

struct PackageError {
  std::string code, message, mend;
};
[[noreturn]] void fail(const char* code, std::string message, std::string mend = "pack it again with usdzip") {
  throw PackageError{code, std::move(message), std::move(mend)};
}

// Why a member may not be called so; empty where it may.
std::string bad_name(const std::string& name) {
  if (name.empty()) return "is empty";
  if (name.front() == '/') return "is an absolute path";
  if (name.size() > 1 && name[1] == ':') return "names a drive";
  for (const char c : name) {
    if (c == '\\') return "holds a backslash";
    if (c == '[' || c == ']') return "holds a bracket, which stands for members of packages";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "holds a control character";
  }
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    if (part == ".." || part == ".") return "holds '" + std::string(part) + "'";
    if (part.empty() && end < name.size()) return "holds '//'";
    begin = end + 1;
  }
  return {};
}

bool ends_with(const std::string& name, std::string_view ending) {
  if (name.size() < ending.size()) return false;
  return std::equal(ending.begin(), ending.end(), name.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b); });
}
bool is_layer(const std::string& name) {
  return ends_with(name, ".usda") || ends_with(name, ".usdc") || ends_with(name, ".usd");
}

class Opener {
 public:
  Opener(std::string bytes, const std::string& file, Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics) {
    package_.bytes = std::move(bytes);
  }

  std::optional<Package> run() {
    try {
      list();
      check_overlap();
    } catch (const PackageError& e) {
      diagnostics_.error({file_, 0, ""}, e.code, e.message, e.mend);
      return std::nullopt;
    }
    return std::move(package_);
  }

 private:
  std::string_view bytes() const { return package_.bytes; }

  void list() {
    zip::Fault fault;
    const std::optional<zip::Directory> directory = zip::read_directory(bytes(), fault);
    if (!directory && !fault.supported) fail("unsupported-package", fault.message, "keep the package below 4 GiB");
    if (!directory) fail("bad-package", fault.message);
    if (directory->end != directory->end_record) {
      fail("bad-package", "the list of members is not where the end record says");
    }
    for (const zip::Entry& entry : directory->entries) add(entry);
    if (package_.members.empty()) fail("bad-package", "the package holds no file");
    const std::string& first = package_.members.front().name;
    if (!is_layer(first)) {
      fail("no-root-layer", "the first member, '" + first + "', is no .usd, .usda or .usdc file",
           "put the layer to open first");
    }
  }

  void add(const zip::Entry& entry) {
    PackageMember member;
    member.name = entry.name;
    const std::string shown = "member '" + member.name.substr(0, 200) + "'";
    if (const std::string why = bad_name(member.name); !why.empty()) {
      fail("package-path", shown + ": the name " + why, "name members by paths below the package");
    }
    if (entry.encrypted) fail("encrypted-member", shown + " is encrypted", "pack it without a password");
    if (entry.method != 0 || entry.packed_size != entry.size) {
      fail("compressed-member", shown + " is compressed, which a usdz may not be", "pack it with usdzip, or zip -0");
    }
    if (entry.size == 0xffffffff || entry.header == 0xffffffff) {
      fail("unsupported-package", "zip64 archives are not read", "keep the package below 4 GiB");
    }
    if (member.name.back() == '/') return;  // a folder
    if (ends_with(member.name, ".usdz")) {
      fail("nested-package", shown + " is a package in a package, which is not read", "unpack it into this one");
    }
    member.size = entry.size;
    member.crc = entry.crc;
    place(member, entry, shown);
    if (!package_.index.emplace(member.name, package_.members.size()).second) {
      fail("duplicate-member", shown + " stands twice in the package", "give each file a name of its own");
    }
    package_.members.push_back(std::move(member));
  }

  void place(PackageMember& member, const zip::Entry& entry, const std::string& shown) {
    zip::Fault fault;
    const std::optional<std::size_t> begin = zip::find_content(bytes(), entry, fault);
    if (!begin) fail("bad-package", shown + ": " + fault.message);
    member.begin = *begin;
    ranges_.push_back({entry.header, member.begin + member.size});
    if (member.begin % kPackageAlignment == 0 || unaligned_) return;
    unaligned_ = true;
    diagnostics_.warning({file_, 0, ""}, "unaligned-member",
                         shown + " begins at byte " + std::to_string(member.begin) + ", not at a multiple of 64",
                         "pack it with usdzip, or geoul convert");
  }

  void check_overlap() {
    std::sort(ranges_.begin(), ranges_.end());
    for (std::size_t i = 1; i < ranges_.size(); ++i) {
      if (ranges_[i].first < ranges_[i - 1].second) {
        fail("bad-package", "members overlap at byte " + std::to_string(ranges_[i].first));
      }
    }
  }

  const std::string& file_;
  Diagnostics& diagnostics_;
  Package package_;
  std::vector<std::pair<std::size_t, std::size_t>> ranges_;
  bool unaligned_ = false;
};

}  // namespace

const PackageMember* Package::member(std::string_view name) const {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : &members[found->second];
}

std::optional<Package> open_package(std::string bytes, const std::string& file, Diagnostics& diagnostics) {
  return Opener(std::move(bytes), file, diagnostics).run();
}

std::optional<std::pair<std::string, std::string>> split_member(std::string_view name) {
  if (name.empty() || name.back() != ']') return std::nullopt;
  const std::size_t open = name.find(".usdz[");
  if (open == std::string_view::npos) return std::nullopt;
  const std::size_t begin = open + 6;
  return std::pair{std::string(name.substr(0, begin - 1)), std::string(name.substr(begin, name.size() - 1 - begin))};
}

std::string joined(const std::string& folder, const std::string& asset) {
  const std::filesystem::path path =
      folder.empty() ? std::filesystem::path(asset) : std::filesystem::path(folder) / asset;
  return path.lexically_normal().generic_string();
}

std::optional<std::string> package_bytes(const std::vector<std::pair<std::string, std::string_view>>& members) {
  std::uint64_t size = kEndBytes;
  for (const auto& [name, bytes] : members) {
    size += bytes.size() + 2 * name.size() + kLocalBytes + kCentralBytes + 2 * kPackageAlignment;
  }
  if (size >= kMaxBytes || members.size() >= 0xffff) return std::nullopt;
  std::string out, list;
  out.reserve(static_cast<std::size_t>(size));
  for (const auto& member : members) {
    const std::string& name = member.first;
    const std::string_view bytes = member.second;
    const auto local = static_cast<std::uint32_t>(out.size());
    // The extra field has a header of 4 bytes, so it may have to fill up to the boundary after the next.
    const std::size_t used = out.size() + kLocalBytes + name.size();
    const std::size_t fill = (used + 4 + kPackageAlignment - 1) / kPackageAlignment * kPackageAlignment - used;
    const auto header = [&](std::string& to) {  // what both headers share
      put(to, kVersion);
      put(to, std::uint16_t{0}), put(to, std::uint16_t{0});  // no flags; stored
      put(to, std::uint16_t{0}), put(to, kDate);
      put(to, crc32(bytes));
      put(to, static_cast<std::uint32_t>(bytes.size())), put(to, static_cast<std::uint32_t>(bytes.size()));
      put(to, static_cast<std::uint16_t>(name.size()));
    };
    put(out, kLocal);
    header(out);
    put(out, static_cast<std::uint16_t>(fill));
    out += name;
    put(out, kPadding), put(out, static_cast<std::uint16_t>(fill - 4));
    out.append(fill - 4, '\0');
    out += bytes;
    put(list, kCentral), put(list, kVersion);
    header(list);
    list.append(12, '\0');  // no extra field, no comment, first disk, no attributes
    put(list, local);
    list += name;
  }
  const auto begin = static_cast<std::uint32_t>(out.size());
  out += list;
  put(out, kEnd), put(out, std::uint32_t{0});
  put(out, static_cast<std::uint16_t>(members.size())), put(out, static_cast<std::uint16_t>(members.size()));
  put(out, static_cast<std::uint32_t>(list.size())), put(out, begin), put(out, std::uint16_t{0});
  return out;
}

}  // namespace geoul::scene::usd
