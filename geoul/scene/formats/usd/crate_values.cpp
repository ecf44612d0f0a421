#include "geoul/scene/formats/usd/crate_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "geoul/scene/formats/usd/cursor.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxEdits = 10000;  // lists are edited in quadratic time

[[noreturn]] void unsupported(Rep rep) {
  const auto number = static_cast<int>(rep.type());
  const std::string what = rep.type() == RepType::kSpline           ? "a spline"
                           : rep.type() == RepType::kAnimationBlock ? "a block of animation"
                                                                    : "a value of type " + std::to_string(number);
  throw CrateError{"unsupported-value", what + " is not read", "write a value or time samples"};
}
[[noreturn]] void unexpected(Rep rep, const char* wanted) {
  throw CrateError{
      "wrong-type",
      std::string("expected ") + wanted + ", found a value of type " + std::to_string(static_cast<int>(rep.type())),
      "write the file again"};
}

}  // namespace

ByteReader CrateValues::reader(Rep rep) const {
  if (rep.inlined()) {
    throw CrateError{"bad-crate",
                     "a value of type " + std::to_string(static_cast<int>(rep.type())) + " cannot be inlined",
                     "write the file again"};
  }
  ByteReader in{tables_.file, 0};
  in.seek(rep.payload());
  return in;
}

Value CrateValues::value(Rep rep, int depth) {
  if (depth > kMaxDepth) {
    throw CrateError{"too-deep", "values are nested deeper than 64 levels", "nest less"};
  }
  budget_.take(1, sizeof(Value));
  const RepType type = rep.type();
  const bool shared = !rep.inlined() && (rep.array() || type == RepType::kDictionary);
  if (shared) {
    if (const auto found = known_.find(rep.bits); found != known_.end()) {
      budget_.take(found->second.weight, sizeof(Value));
      weight_ += found->second.weight;
      return found->second.value;
    }
  }
  const std::size_t before = weight_;
  Value out;
  if (type == RepType::kBlock) {
    return out;
  } else if (type == RepType::kDictionary) {
    out = dictionary(rep, depth);
  } else if (type == RepType::kValue) {
    ByteReader in = reader(rep);
    return nested(in, depth + 1);
  } else if (type == RepType::kUnregistered) {
    return unregistered(rep, depth);
  } else if (rep.array()) {
    out = array(rep);
  } else if (is_plain(type)) {
    out = rep.inlined() ? inlined(rep) : plain(rep);
  } else if (type == RepType::kString || type == RepType::kToken || type == RepType::kAsset ||
             type == RepType::kPathExpression) {
    out.type.base = type == RepType::kToken ? Base::kToken : type == RepType::kAsset ? Base::kAsset : Base::kString;
    const auto index = rep.inlined() ? static_cast<std::uint32_t>(rep.payload()) : reader(rep).get<std::uint32_t>();
    // An asset path that is inlined is a token, unlike those of arrays.
    out.content = Value::Strings{text(index, type == RepType::kAsset && rep.inlined() ? RepType::kToken : type)};
  } else {
    out = list_value(rep);
  }
  if (shared) known_.emplace(rep.bits, Known{out, weight_ - before});
  return out;
}

// Strings, tokens and asset paths: four bytes each.
Value CrateValues::text_array(Rep rep) {
  const RepType type = rep.type();
  if (type != RepType::kString && type != RepType::kToken && type != RepType::kAsset &&
      type != RepType::kPathExpression) {
    unsupported(rep);
  }
  Value out;
  out.type = {type == RepType::kToken   ? Base::kToken
              : type == RepType::kAsset ? Base::kAsset
                                        : Base::kString,
              1, 1, true};
  Value::Strings& strings = out.content.emplace<Value::Strings>();
  if (rep.payload() == 0) return out;
  ByteReader in = reader(rep);
  const std::size_t n = array_size(in, 4, false);
  budget_.take(n, sizeof(std::string));
  strings = Value::Strings::unset(n);
  for (std::size_t i = 0; i < n; ++i) {
    strings.fill()[i] = text(in.get<std::uint32_t>(), type);
    budget_.take(strings[i].size(), 1);
  }
  return out;
}

std::string CrateValues::text(std::uint32_t index, RepType type) const {
  return std::string(type == RepType::kToken ? tables_.token(index) : tables_.string(index));
}

// Names and values; a value stands where a distance behind the name says.
Value CrateValues::dictionary(Rep rep, int depth) {
  Value out;
  out.type.base = Base::kDictionary;
  auto entries = std::make_shared<Dictionary>();
  if (!rep.inlined()) {
    ByteReader in = reader(rep);
    const std::size_t n = in.count(4 + 8);
    budget_.take(n, sizeof(Dictionary::value_type));
    entries->reserve(n);
    weight_ += n;
    for (std::size_t i = 0; i < n; ++i) {
      std::string name = text(in.get<std::uint32_t>(), RepType::kString);
      budget_.take(name.size(), 1);
      entries->emplace_back(std::move(name), nested(in, depth + 1));
    }
  }
  out.content = std::shared_ptr<const Dictionary>(std::move(entries));
  return out;
}

// A distance, from where it stands, to 64 bits that say what a value is; reading goes on behind those.
Value CrateValues::nested(ByteReader& in, int depth) {
  const std::size_t at = in.at;
  const auto distance = in.get<std::int64_t>();
  in.seek(static_cast<std::uint64_t>(at) + static_cast<std::uint64_t>(distance));
  return value(Rep{in.get<std::uint64_t>()}, depth);
}

// What no schema of the writer knew: a string holds the text that a text file would.
Value CrateValues::unregistered(Rep rep, int depth) {
  ByteReader in = reader(rep);
  Value v = nested(in, depth + 1);
  const auto* strings = std::get_if<Value::Strings>(&v.content);
  if (!strings || strings->size() != 1 || v.type.array) return v;
  try {
    Cursor cursor(strings->front());
    Value read = cursor.any_value("/", depth);
    if (cursor.peek() == '\0' && cursor.at_end()) return read;
  } catch (const SyntaxError&) {
    // Not the text of a value, so a string as it stands.
  }
  return v;
}

// A byte that says which lists follow, then those. Items are read by read(in), a whole list at once.
template <class Read>
auto CrateValues::list_op(ByteReader in, Read&& read) {
  ListOp<typename decltype(read(in))::value_type> op;
  const unsigned bits = in.get<std::uint8_t>();
  op.is_explicit = (bits & 1) != 0;
  if (bits & 2) op.items = read(in);
  if (bits & 4) op.added = read(in);
  if (bits & 32) op.prepended = read(in);
  if (bits & 64) op.appended = read(in);
  if (bits & 8) op.deleted = read(in);
  if (bits & 16) op.ordered = read(in);
  for (const auto* edits : {&op.added, &op.prepended, &op.appended, &op.deleted, &op.ordered}) {
    if (edits->size() > kMaxEdits) {
      throw CrateError{"too-large", "an edited list has more than 10000 items", "write an explicit list"};
    }
  }
  return op;
}

Value CrateValues::list_value(Rep rep) {
  const RepType type = rep.type();
  Value v;
  if (type == RepType::kTokenListOp || type == RepType::kStringListOp || type == RepType::kPathListOp) {
    std::vector<std::string> list;
    string_list(rep).apply(list);
    v.type = {type == RepType::kPathListOp ? Base::kPath : Base::kString, 1, 1, true};
    v.content = Value::Strings(list);
  } else if (type == RepType::kTokenVector || type == RepType::kStringVector || type == RepType::kPathVector) {
    v.type = {type == RepType::kPathVector ? Base::kPath : Base::kString, 1, 1, true};
    v.content = Value::Strings(strings(rep));
  } else if (type >= RepType::kIntListOp && type <= RepType::kUInt64ListOp) {
    const auto item = [&](ByteReader& in) -> std::int64_t {
      if (type == RepType::kIntListOp) return in.get<std::int32_t>();
      if (type == RepType::kUIntListOp) return in.get<std::uint32_t>();
      return in.get<std::int64_t>();
    };
    std::vector<std::int64_t> list;
    const auto read = [&](ByteReader& in) {
      std::vector<std::int64_t> items(in.count(type == RepType::kIntListOp || type == RepType::kUIntListOp ? 4 : 8));
      budget_.take(items.size(), 8);
      for (std::int64_t& x : items) x = item(in);
      return items;
    };
    list_op(reader(rep), read).apply(list);
    v.type = {Base::kInteger, 1, 1, true};
    v.content = Value::Integers(list);
  } else if (type == RepType::kDoubleVector) {
    ByteReader in = reader(rep);
    const std::size_t n = in.count(8);
    budget_.take(n, 8);
    auto out = Value::Reals::unset(n);
    double* const to = out.fill();
    const std::string_view bytes = in.take(8 * n);
    if (n > 0) std::memcpy(to, bytes.data(), 8 * n);
    v.type = {Base::kReal, 1, 1, true};
    v.content = std::move(out);
  } else if (type == RepType::kSpecifier || type == RepType::kPermission || type == RepType::kVariability) {
    v.type.base = Base::kInteger;
    v.content = Value::Integers{static_cast<std::int64_t>(rep.payload() & 0xffffffff)};
  } else {
    unsupported(rep);
  }
  return v;
}

Value CrateValues::metadata(Rep rep) {
  Value v = value(rep, 0);
  const bool tuple = v.type.components() > 1;
  if (const auto* integers = std::get_if<Value::Integers>(&v.content); integers && v.type.base != Base::kBool) {
    if (rep.type() == RepType::kPermission) {
      v.type.base = Base::kToken;
      v.content = Value::Strings{integers->front() == 0 ? "public" : "private"};
      return v;
    }
    budget_.take(integers->size(), sizeof(double));
    auto reals = Value::Reals::unset(integers->size());
    std::transform(integers->begin(), integers->end(), reals.fill(),
                   [](std::int64_t x) { return static_cast<double>(x); });
    v.content = std::move(reals);
  }
  if (std::holds_alternative<Value::Reals>(v.content)) v.type = {Base::kReal, 1, 1, v.type.array || tuple};
  if (v.type.base == Base::kToken) v.type.base = Base::kString;
  return v;
}

std::vector<std::pair<double, Value>> CrateValues::samples(Rep rep) {
  if (rep.type() != RepType::kTimeSamples) unexpected(rep, "time samples");
  ByteReader in = reader(rep);
  const std::size_t begin = in.at;
  const Value times_value = nested(in, 0);
  const auto* times = std::get_if<Value::Reals>(&times_value.content);
  if (!times) fail_at(begin, "time samples without times");
  const std::size_t at = in.at;
  const auto distance = in.get<std::int64_t>();
  in.seek(static_cast<std::uint64_t>(at) + static_cast<std::uint64_t>(distance));
  const std::size_t n = in.count(8);
  if (n != times->size()) {
    fail_at(begin, std::to_string(n) + " time samples at " + std::to_string(times->size()) + " times");
  }
  budget_.take(n, sizeof(std::pair<double, Value>));
  std::vector<std::pair<double, Value>> out;
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isnan((*times)[i])) fail_at(begin, "the time of a sample is NaN");
    out.emplace_back((*times)[i], value(Rep{in.get<std::uint64_t>()}, 0));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

// Fields with a meaning of their own -------------------------------------------------------------------------------

bool CrateValues::boolean(Rep rep) {
  if (rep.type() != RepType::kBool || !rep.inlined()) unexpected(rep, "true or false");
  return rep.payload() != 0;
}

std::uint32_t CrateValues::number(Rep rep, RepType type) {
  if (rep.type() != type || !rep.inlined()) unexpected(rep, "a number of the format's own");
  return static_cast<std::uint32_t>(rep.payload());
}

std::string CrateValues::token(Rep rep) {
  if (rep.type() != RepType::kToken && rep.type() != RepType::kString) unexpected(rep, "a token");
  const auto index = rep.inlined() ? static_cast<std::uint32_t>(rep.payload()) : reader(rep).get<std::uint32_t>();
  std::string out = text(index, rep.type());
  budget_.take(out.size(), 1);
  return out;
}

std::vector<std::string> CrateValues::texts(ByteReader& in, RepType type) {
  const std::size_t n = in.count(4);
  budget_.take(n, sizeof(std::string));
  std::vector<std::string> out;
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto index = in.get<std::uint32_t>();
    out.push_back(type == RepType::kPathVector ? tables_.path_text(index) : text(index, type));
    budget_.take(out.back().size(), 1);
  }
  return out;
}

std::vector<std::string> CrateValues::strings(Rep rep) {
  const RepType type = rep.type();
  if (type != RepType::kTokenVector && type != RepType::kStringVector && type != RepType::kPathVector) {
    unexpected(rep, "a list of names");
  }
  ByteReader in = reader(rep);
  return texts(in, type == RepType::kTokenVector  ? RepType::kToken
                   : type == RepType::kPathVector ? RepType::kPathVector
                                                  : RepType::kString);
}

ListOp<std::string> CrateValues::string_list(Rep rep) {
  RepType item;
  switch (rep.type()) {
    case RepType::kTokenListOp: item = RepType::kToken; break;
    case RepType::kStringListOp: item = RepType::kString; break;
    case RepType::kPathListOp: item = RepType::kPathVector; break;
    default: unexpected(rep, "a list of names or paths");
  }
  return list_op(reader(rep), [&](ByteReader& in) { return texts(in, item); });
}

Reference CrateValues::reference(ByteReader& in, bool payload) {
  Reference r;
  r.payload = payload;
  r.asset = text(in.get<std::uint32_t>(), RepType::kString);
  r.path = tables_.path_text(in.get<std::uint32_t>());
  budget_.take(sizeof r + r.asset.size() + r.path.size(), 1);
  if (payload && tables_.minor < 8) return r;
  r.offset = in.get<double>();
  r.scale = in.get<double>();
  if (payload) return r;
  const std::size_t entries = in.count(12);  // custom data, which has no meaning for us
  for (std::size_t i = 0; i < entries; ++i) {
    in.get<std::uint32_t>();
    nested(in, 1);
  }
  return r;
}

ListOp<Reference> CrateValues::references(Rep rep, bool payload) {
  const auto all = [&](ByteReader& in) {
    std::vector<Reference> items(in.count(8));
    budget_.take(items.size(), sizeof(Reference));
    for (Reference& r : items) r = reference(in, payload);
    return items;
  };
  if (payload && rep.type() == RepType::kPayload) {
    ListOp<Reference> op;
    op.is_explicit = true;
    ByteReader in = reader(rep);
    Reference r = reference(in, true);
    if (!r.asset.empty() || !r.path.empty()) op.items.push_back(std::move(r));  // else `payload = None`
    return op;
  }
  if (rep.type() != (payload ? RepType::kPayloadListOp : RepType::kReferenceListOp)) unexpected(rep, "references");
  return list_op(reader(rep), all);
}

std::vector<std::pair<double, double>> CrateValues::offsets(Rep rep) {
  if (rep.type() != RepType::kLayerOffsets) unexpected(rep, "offsets of layers");
  ByteReader in = reader(rep);
  std::vector<std::pair<double, double>> out(in.count(16));
  budget_.take(out.size(), 16);
  for (auto& [offset, scale] : out) offset = in.get<double>(), scale = in.get<double>();
  return out;
}

std::vector<std::pair<std::string, std::string>> CrateValues::selections(Rep rep) {
  if (rep.type() != RepType::kVariantSelections) unexpected(rep, "selections of variants");
  std::vector<std::pair<std::string, std::string>> out;
  if (rep.inlined()) return out;
  ByteReader in = reader(rep);
  const std::size_t n = in.count(8);
  budget_.take(n, 2 * sizeof(std::string));
  for (std::size_t i = 0; i < n; ++i) {
    std::string set = text(in.get<std::uint32_t>(), RepType::kString);
    out.emplace_back(std::move(set), text(in.get<std::uint32_t>(), RepType::kString));
    budget_.take(out.back().first.size() + out.back().second.size(), 1);
  }
  return out;
}

Relocates CrateValues::relocates(Rep rep) {
  if (rep.type() != RepType::kRelocates) unexpected(rep, "relocates");
  Relocates out;
  ByteReader in = reader(rep);
  const std::size_t n = in.count(8);
  budget_.take(n, 2 * sizeof(std::string));
  for (std::size_t i = 0; i < n; ++i) {
    std::string from = tables_.path_text(in.get<std::uint32_t>());
    out.emplace_back(std::move(from), tables_.path_text(in.get<std::uint32_t>()));
    budget_.take(out.back().first.size() + out.back().second.size(), 1);
  }
  return out;
}

}  // namespace geoul::scene::usd
