// Cursor: reads the tokens and values of USDA text from front to back. Methods throw SyntaxError, which the parser
// catches at the statement it was reading; nothing of it leaves parse_layer().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/scene/formats/usd/value.h"

namespace geoul::scene::usd {

struct SyntaxError {
  int line;
  std::string code, message, mend;
};

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  std::size_t position() const { return position_; }
  int line() const { return line_; }
  std::string_view text() const { return text_; }
  void move_to(std::size_t position);  // O(distance)
  bool at_end() const { return position_ >= text_.size(); }

  // Past blanks, newlines and comments (# // and /* */).
  void skip_space() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == ' ' || c == '\t' || c == '\r') {
        ++position_;
      } else if (c == '\n') {
        ++position_, ++line_;
      } else if (c == '#' || c == '/') {
        if (!skip_comment()) return;
      } else {
        return;
      }
    }
  }
  // The next character after space; 0 at the end.
  char peek() {
    skip_space();
    return at_end() ? '\0' : text_[position_];
  }
  // Takes c where it is the next; else stays where it is, before the space, so that end_statement() sees newlines.
  bool accept(char c) {
    const std::size_t before = position_;
    const int line = line_;
    if (peek() == c && !at_end()) {
      ++position_;
      return true;
    }
    position_ = before;
    line_ = line;
    return false;
  }
  // Whether c is the next; stays where it is.
  bool next_is(char c) {
    if (!accept(c)) return false;
    --position_;
    return true;
  }
  void expect(char c, const char* where);
  bool accept_word(std::string_view word);
  // Nothing but blanks, comments, a newline, ';' or a closing bracket may follow.
  void end_statement();

  std::string_view peek_word();                           // identifier, or empty
  std::string_view identifier(const char* what);          // [A-Za-z_][A-Za-z0-9_]*, or bytes >= 0x80
  std::string_view property_name();                       // identifiers joined by ':'
  std::string quoted(const char* what);                   // "..." '...' and the tripled forms
  std::string asset();                                    // @...@ or @@@...@@@
  std::string path(const std::string& anchor);            // <...>, made absolute from the prim `anchor`
  double real();                                          // also inf, -inf, nan
  Value value(const ValueType& type);                     // what the declared type says
  Value any_value(const std::string& anchor, int depth);  // metadata without a declared type
  Dictionary dictionary(const std::string& anchor, int depth);

  [[noreturn]] void fail(std::string code, std::string message, std::string mend = {}) const;
  // What stands at the cursor, for messages: "'{'", "the end of the file".
  std::string here();

 private:
  bool skip_comment();
  void reals(int rows, int columns, std::vector<double>& out);
  void integers(int columns, std::vector<std::int64_t>& out);
  std::int64_t integer();
  std::int64_t boolean();
  std::string text_element(Base base);
  template <class Element>
  void array(Element&& element);
  void escape(std::string& out);
  void dictionary_entry(const std::string& anchor, int depth, Dictionary& out);

  std::string_view text_;
  std::size_t position_ = 0;
  int line_ = 1;
};

// `path` (absolute, or relative like "../b.x") as an absolute path, seen from the prim `anchor`. Empty where it
// leads above the root.
std::string absolute_path(const std::string& path, const std::string& anchor);

}  // namespace geoul::scene::usd
