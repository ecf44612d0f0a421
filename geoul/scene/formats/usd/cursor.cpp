#include "geoul/scene/formats/usd/cursor.h"

#include <algorithm>

namespace geoul::scene::usd {
namespace {

bool word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool word_part(char c) { return word_start(c) || (c >= '0' && c <= '9'); }

}  // namespace

void Cursor::fail(std::string code, std::string message, std::string mend) const {
  throw SyntaxError{line_, std::move(code), std::move(message), std::move(mend)};
}

std::string Cursor::here() {
  skip_space();
  if (at_end()) return "the end of the file";
  const char c = text_[position_];
  if (word_part(c)) {
    std::size_t n = 1;
    while (n < 40 && position_ + n < text_.size() && word_part(text_[position_ + n])) ++n;
    return "'" + std::string(text_.substr(position_, n)) + "'";
  }
  if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "byte " + std::to_string(static_cast<int>(c));
  return std::string("'") + c + "'";
}

void Cursor::move_to(std::size_t position) {
  position = std::min(position, text_.size());
  const auto newlines = [&](std::size_t begin, std::size_t end) {
    const std::string_view part = text_.substr(begin, end - begin);
    return static_cast<int>(std::count(part.begin(), part.end(), '\n'));
  };
  line_ += position > position_ ? newlines(position_, position) : -newlines(position, position_);
  position_ = position;
}

// Whether a comment stood here; it is skipped.
bool Cursor::skip_comment() {
  const bool hash = text_[position_] == '#';
  const char next = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
  if (hash || next == '/') {
    position_ = std::min(text_.find('\n', position_), text_.size());
    return true;
  }
  if (next != '*') return false;
  const std::size_t end = text_.find("*/", position_ + 2);
  if (end == std::string_view::npos) fail("syntax", "a comment /* is not closed", "write */ at its end");
  move_to(end + 2);
  return true;
}

void Cursor::expect(char c, const char* where) {
  if (accept(c)) return;
  std::string found = here();
  fail("syntax", std::string("expected '") + c + "' " + where + ", found " + found);
}

std::string_view Cursor::peek_word() {
  skip_space();
  if (at_end() || !word_start(text_[position_])) return {};
  std::size_t n = 1;
  while (position_ + n < text_.size() && word_part(text_[position_ + n])) ++n;
  return text_.substr(position_, n);
}

bool Cursor::accept_word(std::string_view word) {
  if (peek_word() != word) return false;
  position_ += word.size();
  return true;
}

void Cursor::end_statement() {
  while (!at_end()) {
    const char c = text_[position_];
    if (c == ' ' || c == '\t' || c == '\r') {
      ++position_;
    } else if (c == ';') {
      ++position_;
      return;
    } else if (c == '\n' || c == ')' || c == '}' || c == ',') {
      if (c == ',') ++position_;
      return;
    } else if ((c != '#' && c != '/') || !skip_comment()) {
      fail("syntax", "expected the end of the statement, found " + here(), "write a newline or ';' between statements");
    }
  }
}

std::string_view Cursor::identifier(const char* what) {
  const std::string_view word = peek_word();
  if (word.empty()) {
    std::string found = here();
    fail("syntax", std::string("expected ") + what + ", found " + found);
  }
  position_ += word.size();
  return word;
}

std::string_view Cursor::property_name() {
  const std::size_t size = identifier("a property name").size();
  const std::size_t begin = position_ - size;
  while (position_ + 1 < text_.size() && text_[position_] == ':' && word_part(text_[position_ + 1])) {
    ++position_;
    while (position_ < text_.size() && word_part(text_[position_])) ++position_;
  }
  return text_.substr(begin, position_ - begin);
}

void Cursor::escape(std::string& out) {
  const auto hex = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  if (++position_ >= text_.size()) return;
  const char c = text_[position_++];
  switch (c) {
    case 'n': out += '\n'; return;
    case 't': out += '\t'; return;
    case 'r': out += '\r'; return;
    case 'a': out += '\a'; return;
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case 'v': out += '\v'; return;
    case '\n': ++line_, out += '\n'; return;
    case 'x': {
      int code = 0;
      for (int i = 0; i < 2 && position_ < text_.size() && hex(text_[position_]) >= 0; ++i) {
        code = code * 16 + hex(text_[position_++]);
      }
      out += static_cast<char>(code);
      return;
    }
    default: break;
  }
  if (c < '0' || c > '7') {
    out += c;
    return;
  }
  int code = c - '0';
  for (int i = 0; i < 2 && position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '7'; ++i) {
    code = code * 8 + (text_[position_++] - '0');
  }
  out += static_cast<char>(code);
}

std::string Cursor::quoted(const char* what) {
  const char quote = peek();
  if (quote != '"' && quote != '\'') {
    std::string found = here();
    fail("syntax", std::string("expected ") + what + " in quotes, found " + found);
  }
  const std::string three(3, quote);
  const bool tripled = text_.substr(position_, 3) == three;
  const int first_line = line_;
  position_ += tripled ? 3 : 1;
  std::string out;
  while (!at_end()) {
    const char c = text_[position_];
    if (c == '\\') {
      escape(out);
    } else if (tripled ? text_.substr(position_, 3) == three : c == quote) {
      position_ += tripled ? 3 : 1;
      return out;
    } else if (c == '\n' && !tripled) {
      break;
    } else {
      if (c == '\n') ++line_;
      out += c;
      ++position_;
    }
  }
  throw SyntaxError{first_line, "unclosed-string", "a string is not closed",
                    std::string("write ") + (tripled ? three : std::string(1, quote)) + " at its end"};
}

std::string Cursor::asset() {
  if (peek() != '@') {
    std::string found = here();
    fail("syntax", "expected an asset path like @part.usda@, found " + found);
  }
  const bool tripled = text_.substr(position_, 3) == "@@@";
  const std::size_t begin = position_ + (tripled ? 3 : 1);
  const std::size_t end = text_.find(tripled ? "@@@" : "@", begin);
  const std::size_t newline = std::min(text_.find('\n', begin), text_.size());
  if (end == std::string_view::npos || end > newline) {
    fail("unclosed-string", "an asset path is not closed", "write @ at its end");
  }
  position_ = end + (tripled ? 3 : 1);
  return std::string(text_.substr(begin, end - begin));
}

std::string Cursor::path(const std::string& anchor) {
  expect('<', "before a path");
  const std::size_t end = std::min(text_.find('>', position_), text_.size());
  const std::string_view body = text_.substr(position_, end - position_);
  if (end >= text_.size() || body.find('\n') != std::string_view::npos) {
    fail("unclosed-string", "a path is not closed", "write > at its end");
  }
  position_ = end + 1;
  if (body.empty()) return {};
  std::string whole = absolute_path(std::string(body), anchor);
  if (whole.empty()) {
    fail("bad-path", "<" + std::string(body) + "> is not a path below the root", "write a path like </World/arm>");
  }
  return whole;
}

std::string absolute_path(const std::string& path, const std::string& anchor) {
  std::string out = path.front() == '/' ? "" : anchor == "/" ? "" : anchor;
  std::size_t begin = path.front() == '/' ? 1 : 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part == "..") {
      if (out.empty()) return {};
      const std::size_t slash = out.rfind('/');  // none in ".attribute"
      out.erase(slash == std::string::npos ? 0 : slash);
    } else if (!part.empty() && part.front() == '.' && part.size() > 1) {
      out += part;  // ".attribute" of the anchor
    } else if (!part.empty() && part != ".") {
      out += "/" + part;
    } else if (part.empty() && end < path.size()) {
      return {};  // "//"
    }
  }
  return out.empty() ? "/" : out;
}

}  // namespace geoul::scene::usd
