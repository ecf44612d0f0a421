// What a request brings to say who asks: parsed from HTTP text, apart from any socket. Clients are not trusted: any
// bytes are accepted, and nothing is allocated beyond their size.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/result.h"
#include "geoul/runtime/access/secret.h"

namespace geoul::runtime::access {

struct SignInRequest {
  std::string name;
  Secret password;
};

// {"name": ..., "password": ...}, nothing else. kBadInput, without a byte of the body in the message.
Result<SignInRequest> parse_sign_in(std::string_view body);

// The value of a cookie of a Cookie header ("a=1; b=2"); empty where it is missing or stands twice.
Secret cookie_value(std::string_view header, std::string_view name);
// The value of `name` in the query of a target ("/?a=1&name=value"), percent-decoded; empty as above.
Secret query_value(std::string_view target, std::string_view name);
// "Bearer X" -> X.
Secret bearer_value(std::string_view header);
// The element of a list ("a, b") that begins with `prefix`, without it: of subprotocols; empty as above.
Secret list_value(std::string_view list, std::string_view prefix);
// A token that has the form of random_token().
bool looks_like_token(std::string_view text);

// "http://host:80" of scheme and Host: whether an Origin header names exactly this server. A proxy may add TLS, so both
// schemes will do.
bool is_own_origin(std::string_view origin, std::string_view host);

}  // namespace geoul::runtime::access
