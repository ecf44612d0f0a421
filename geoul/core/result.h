// Result<T>: a value, or the error that kept it from being made. For failures of the world (files, network,
// user's text); broken preconditions throw ContractError instead (contract.h).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "geoul/core/contract.h"

namespace geoul {

enum class ErrorCode {
  kNotFound,     // a file, name or address that does not exist
  kBadInput,     // text or bytes that break their format, or values that contradict each other
  kUnsupported,  // right by its format, but outside what Geoul reads or does
  kUnavailable,  // in use, refused, disconnected, no space left
  kInternal,     // a defect of Geoul
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // one line: where, what, and the remedy
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content_.index() == 0; }

  // The value; throws ContractError where there is none.
  const T& value() const& {
    GEOUL_EXPECTS(content_.index() == 0);
    return std::get<0>(content_);
  }
  T& value() & {
    GEOUL_EXPECTS(content_.index() == 0);
    return std::get<0>(content_);
  }
  T&& value() && {
    GEOUL_EXPECTS(content_.index() == 0);
    return std::get<0>(std::move(content_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  // The error; throws ContractError where there is a value.
  const Error& error() const {
    GEOUL_EXPECTS(content_.index() == 1);
    return std::get<1>(content_);
  }

 private:
  std::variant<T, Error> content_;
};

// Result<void>: done, or the error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_.has_value(); }

  const Error& error() const {
    GEOUL_EXPECTS(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace geoul
