// Values of USDA text: numbers by std::from_chars, straight into flat arrays.
#include <charconv>
#include <limits>

#include "geoul/scene/formats/usd/cursor.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxDepth = 64;

bool ends_number(char c) {
  return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_');
}

}  // namespace

double Cursor::real() {
  skip_space();
  const char* begin = text_.data() + position_;
  const char* const end = text_.data() + text_.size();
  if (begin != end && *begin == '+' && begin + 1 != end && begin[1] != '-') ++begin;
  double x = 0;
  const auto [stop, status] = std::from_chars(begin, end, x);
  if (status == std::errc::invalid_argument || (stop != end && !ends_number(*stop))) {
    std::string found = here();
    fail("bad-number", "expected a number, found " + found, "write a number such as 0.5, or leave the statement out");
  }
  if (status == std::errc::result_out_of_range) {
    // Too small rounds to zero; too large has no value.
    const std::string_view digits(begin, static_cast<std::size_t>(stop - begin));
    const std::size_t e = digits.find_first_of("eE");
    const bool tiny = e != std::string_view::npos ? digits.substr(e).find('-') != std::string_view::npos
                                                  : digits.find_first_of("123456789") > digits.find('.');
    if (!tiny) fail("bad-number", "the number " + std::string(digits.substr(0, 40)) + " is too large for a double");
    x = 0;
  }
  position_ = static_cast<std::size_t>(stop - text_.data());
  return x;
}

std::int64_t Cursor::integer() {
  skip_space();
  const char* begin = text_.data() + position_;
  const char* const end = text_.data() + text_.size();
  std::int64_t x = 0;
  auto [stop, status] = std::from_chars(begin, end, x);
  if (status == std::errc::result_out_of_range) {
    std::uint64_t u = 0;
    const auto again = std::from_chars(begin, end, u);
    if (again.ec == std::errc{}) x = static_cast<std::int64_t>(u), stop = again.ptr, status = {};
  }
  if (status != std::errc{} || (stop != end && !ends_number(*stop))) {
    std::string found = here();
    fail("bad-number", "expected an integer, found " + found, "write a whole number within 64 bits");
  }
  position_ = static_cast<std::size_t>(stop - text_.data());
  return x;
}

std::int64_t Cursor::boolean() {
  const std::string_view word = peek_word();
  if (word == "true" || word == "false" || word == "True" || word == "False") {
    position_ += word.size();
    return word == "true" || word == "True";
  }
  const char c = peek();
  if (c != '0' && c != '1') {
    std::string found = here();
    fail("wrong-type", "expected true or false, found " + found);
  }
  return integer() != 0;
}

std::string Cursor::text_element(Base base) {
  if (base == Base::kAsset) return asset();
  if (base == Base::kToken && !peek_word().empty()) return std::string(identifier("a token"));
  return quoted("a string");
}

void Cursor::reals(int rows, int columns, std::vector<double>& out) {
  if (rows > 1) {
    expect('(', "before the rows of a matrix");
    for (int i = 0; i < rows; ++i) {
      if (i > 0) expect(',', "between the rows of a matrix");
      reals(1, columns, out);
    }
    accept(',');
    expect(')', "after the rows of a matrix");
    return;
  }
  if (columns == 1) {
    out.push_back(real());
    return;
  }
  expect('(', "before the numbers of a vector");
  for (int i = 0; i < columns; ++i) {
    if (i > 0) expect(',', "between the numbers of a vector");
    out.push_back(real());
  }
  accept(',');
  expect(')', "after the numbers of a vector");
}

void Cursor::integers(int columns, std::vector<std::int64_t>& out) {
  if (columns == 1) {
    out.push_back(integer());
    return;
  }
  expect('(', "before the numbers of a vector");
  for (int i = 0; i < columns; ++i) {
    if (i > 0) expect(',', "between the numbers of a vector");
    out.push_back(integer());
  }
  accept(',');
  expect(')', "after the numbers of a vector");
}

// '[' elements ']' with commas between; one may follow the last.
template <class Element>
void Cursor::array(Element&& element) {
  expect('[', "before the elements of an array");
  while (!accept(']')) {
    element();
    if (accept(',')) continue;
    expect(']', "after the elements of an array");
    return;
  }
}

Value Cursor::value(const ValueType& type) {
  Value v;
  v.type = type;
  if (accept_word("None")) return v;
  const auto each = [&](auto&& element) {
    if (type.array) {
      array(element);
    } else {
      element();
    }
  };
  switch (type.base) {
    case Base::kReal: {
      std::vector<double> out;
      each([&] { reals(type.rows, type.columns, out); });
      v.content = Value::Reals(out);
      return v;
    }
    case Base::kInteger: {
      std::vector<std::int64_t> out;
      each([&] { integers(type.columns, out); });
      v.content = Value::Integers(out);
      return v;
    }
    case Base::kBool: {
      std::vector<std::int64_t> out;
      each([&] { out.push_back(boolean()); });
      v.content = Value::Integers(out);
      return v;
    }
    case Base::kString:
    case Base::kToken:
    case Base::kAsset: {
      std::vector<std::string> out;
      each([&] { out.push_back(text_element(type.base)); });
      v.content = Value::Strings(out);
      return v;
    }
    case Base::kDictionary: {
      v.content = std::make_shared<const Dictionary>(dictionary("/", 1));
      return v;
    }
    case Base::kPath:
    case Base::kOpaque: break;
  }
  fail("wrong-type", "an attribute of this type has no value");
}

Value Cursor::any_value(const std::string& anchor, int depth) {
  if (depth > kMaxDepth) fail("too-deep", "values are nested deeper than 64 levels");
  Value v;
  const char c = peek();
  if (c == '"' || c == '\'') {
    v.type.base = Base::kString;
    v.content = Value::Strings{quoted("a string")};
  } else if (c == '@') {
    v.type.base = Base::kAsset;
    v.content = Value::Strings{asset()};
  } else if (c == '<') {
    v.type.base = Base::kPath;
    v.content = Value::Strings{path(anchor)};
  } else if (c == '{') {
    v.type.base = Base::kDictionary;
    v.content = std::make_shared<const Dictionary>(dictionary(anchor, depth + 1));
  } else if (c == '[' || c == '(') {
    const char close = c == '[' ? ']' : ')';
    v.type.array = true;
    ++position_;
    std::vector<double> numbers;
    std::vector<std::string> strings;
    while (!accept(close)) {
      const Value element = any_value(anchor, depth + 1);
      if (const auto* x = std::get_if<Value::Reals>(&element.content))
        numbers.insert(numbers.end(), x->begin(), x->end());
      if (const auto* s = std::get_if<Value::Strings>(&element.content))
        strings.insert(strings.end(), s->begin(), s->end());
      v.type.base = element.type.base;
      if (accept(',')) continue;
      expect(close, "after the elements of a list");
      break;
    }
    if (strings.empty()) {
      v.content = Value::Reals(numbers);
    } else {
      v.content = Value::Strings(strings);
    }
  } else if (const std::string_view word = peek_word(); !word.empty() && word != "inf" && word != "nan") {
    position_ += word.size();
    if (word == "None") return v;
    v.type.base = Base::kToken;
    v.content = Value::Strings{std::string(word)};
    const bool yes = word == "true" || word == "True";
    if (yes || word == "false" || word == "False") v.type.base = Base::kBool, v.content = Value::Integers{yes};
  } else {
    v.content = Value::Reals{real()};
  }
  return v;
}

Dictionary Cursor::dictionary(const std::string& anchor, int depth) {
  if (depth > kMaxDepth) fail("too-deep", "dictionaries are nested deeper than 64 levels");
  Dictionary out;
  expect('{', "before the entries of a dictionary");
  while (!accept('}')) {
    dictionary_entry(anchor, depth, out);
    while (accept(';') || accept(',')) {
    }
  }
  return out;
}

// type name = value, with the name in quotes or not.
void Cursor::dictionary_entry(const std::string& anchor, int depth, Dictionary& out) {
  std::string type_name(identifier("the type of a dictionary entry"));
  if (accept('[')) {
    expect(']', "after '['");
    type_name += "[]";
  }
  const char c = peek();
  std::string name = c == '"' || c == '\'' ? quoted("a name") : std::string(property_name());
  expect('=', "after the name of a dictionary entry");
  const std::optional<ValueType> type = value_type(type_name);
  if (!type) fail("unknown-type", "USD has no type '" + type_name + "'");
  Value v;
  if (type->base == Base::kDictionary) {
    v.type = *type;
    v.content = std::make_shared<const Dictionary>(dictionary(anchor, depth + 1));
  } else {
    v = value(*type);
  }
  out.emplace_back(std::move(name), std::move(v));
}

}  // namespace geoul::scene::usd
