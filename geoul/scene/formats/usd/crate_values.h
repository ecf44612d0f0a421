// Values of a crate file. A field holds 64 bits: its type, whether it is an array, whether it is compressed, and either
// the value itself or where in the file it stands. All functions throw CrateError.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "geoul/scene/formats/usd/crate_tables.h"
#include "geoul/scene/formats/usd/layer.h"

namespace geoul::scene::usd {

// Numbers are the format's own; those of plain values (bool to vec4i) stand in crate_numbers.cpp.
enum class RepType : std::uint8_t {
  kBool = 1,
  kString = 10,
  kToken = 11,
  kAsset = 12,
  kDictionary = 31,
  kTokenListOp = 32,
  kStringListOp = 33,
  kPathListOp = 34,
  kReferenceListOp = 35,
  kIntListOp = 36,
  kInt64ListOp = 37,
  kUIntListOp = 38,
  kUInt64ListOp = 39,
  kPathVector = 40,
  kTokenVector = 41,
  kSpecifier = 42,
  kPermission = 43,
  kVariability = 44,
  kVariantSelections = 45,
  kTimeSamples = 46,
  kPayload = 47,
  kDoubleVector = 48,
  kLayerOffsets = 49,
  kStringVector = 50,
  kBlock = 51,
  kValue = 52,
  kUnregistered = 53,
  kUnregisteredListOp = 54,
  kPayloadListOp = 55,
  kTimeCode = 56,
  kPathExpression = 57,
  kRelocates = 58,
  kSpline = 59,
  kAnimationBlock = 60,
};

struct Rep {
  std::uint64_t bits = 0;

  RepType type() const { return static_cast<RepType>(bits >> 48 & 0xff); }
  bool array() const { return (bits >> 63 & 1) != 0; }
  bool inlined() const { return (bits >> 62 & 1) != 0; }
  bool compressed() const { return (bits >> 61 & 1) != 0; }
  std::uint64_t payload() const { return bits & 0xffffffffffff; }
};

class CrateValues {
 public:
  CrateValues(const CrateTables& tables, Budget& budget, Scratch& scratch)
      : tables_(tables), budget_(budget), scratch_(scratch) {}

  // Of an attribute or of an entry of a dictionary.
  Value value(Rep rep) { return value(rep, 0); }
  // Of a metadata field, in the form that text without a declared type gives: numbers are reals, tokens strings.
  Value metadata(Rep rep);
  std::vector<std::pair<double, Value>> samples(Rep rep);  // by time, ascending

  bool boolean(Rep rep);
  std::uint32_t number(Rep rep, RepType type);  // specifier, variability
  std::string token(Rep rep);
  std::vector<std::string> strings(Rep rep);  // a vector of tokens or strings
  ListOp<std::string> string_list(Rep rep);   // of tokens, strings or paths
  ListOp<Reference> references(Rep rep, bool payload);
  std::vector<std::pair<double, double>> offsets(Rep rep);  // offset, scale
  std::vector<std::pair<std::string, std::string>> selections(Rep rep);
  Relocates relocates(Rep rep);

 private:
  static bool is_plain(RepType type);  // numbers, vectors, matrices
  ByteReader reader(Rep rep) const;
  std::size_t array_size(ByteReader& in, std::size_t bytes_each, bool compressed) const;
  Value value(Rep rep, int depth);
  Value plain(Rep rep);
  Value inlined(Rep rep);
  Value array(Rep rep);
  Value text_array(Rep rep);
  Value dictionary(Rep rep, int depth);
  Value unregistered(Rep rep, int depth);
  Value nested(ByteReader& in, int depth);
  Value list_value(Rep rep);
  template <class T>
  Value integer_array(Rep rep, ValueType type);
  template <class T>
  Value real_array(Rep rep, ValueType type);
  std::string text(std::uint32_t index, RepType type) const;
  std::vector<std::string> texts(ByteReader& in, RepType type);
  template <class Read>
  auto list_op(ByteReader in, Read&& read);
  Reference reference(ByteReader& in, bool payload);

  struct Known {
    Value value;
    std::size_t weight = 0;  // entries of the dictionaries in it
  };
  const CrateTables& tables_;
  Budget& budget_;
  Scratch& scratch_;
  std::unordered_map<std::uint64_t, Known> known_;  // arrays and dictionaries; the file holds equal ones once
  std::size_t weight_ = 0;                          // of what is being read
};

}  // namespace geoul::scene::usd
