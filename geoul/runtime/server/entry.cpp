#include "geoul/runtime/server/entry.h"

#include <nlohmann/json.hpp>

namespace geoul::runtime {
namespace {

using access::Gate;
using access::Identity;
using access::Secret;
using access::Session;
using nlohmann::json;

constexpr std::string_view kForeignAccount =
    "this twin runs under another account of this machine; who runs it can let you in: geoul user add NAME";
constexpr std::string_view kSecurePrefix = "__Host-";  // browsers keep such a cookie from being set by anyone else

std::string cookie_name(const Visitor& visitor) { return "geoul_session_" + std::to_string(visitor.port); }

std::string cookie_line(const Visitor& visitor, bool is_secure, std::string_view value, std::int64_t seconds) {
  return (is_secure ? std::string(kSecurePrefix) : std::string()) + cookie_name(visitor) + "=" + std::string(value) +
         "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(seconds) + (is_secure ? "; Secure" : "");
}

std::optional<Session> session_of(Gate& gate, const Visitor& visitor, const Ask& ask) {
  Secret value = access::cookie_value(ask.cookie, std::string(kSecurePrefix) + cookie_name(visitor));
  if (value.empty()) value = access::cookie_value(ask.cookie, cookie_name(visitor));
  return gate.find_session(value);
}

// The token of a request, wherever it stands.
Secret token_of(const Ask& ask) {
  Secret out = access::bearer_value(ask.authorization);
  if (out.empty()) out = access::query_value(ask.target, "token");
  if (out.empty()) out = access::list_value(ask.subprotocols, "geoul.token.");
  return out;
}

std::int64_t whole_seconds(Duration wait) { return (wait.ns + 999'999'999) / 1'000'000'000; }

Answer wait_answer(Duration wait) {
  Answer out = refusal(429, "too many failed attempts: wait, then try again");
  out.retry_after = std::max<std::int64_t>(1, whole_seconds(wait));
  return out;
}

}  // namespace

Answer refusal(int status, std::string_view words) {
  return {status, json{{"error", words}}.dump(-1, ' ', true, json::error_handler_t::replace), {}, 0};
}

bool is_secure(const Visitor& visitor, const Ask& ask) {
  return visitor.is_encrypted || ask.origin.substr(0, 8) == "https://";
}

std::variant<Identity, Answer> admit(Gate& gate, const Visitor& visitor, const Ask& ask) {
  if (!gate.has_users()) {
    if (visitor.is_own_account) return gate.local_account();
    gate.note_refusal("another account of this machine", visitor.address);
    return refusal(403, kForeignAccount);
  }
  if (const Secret token = token_of(ask); !token.empty()) {
    if (!access::looks_like_token(token.reveal())) return refusal(401, "this is no token");
    if (std::optional<Identity> identity = gate.find_token(token, visitor.address)) return std::move(*identity);
    return refusal(401, "the token is unknown, revoked or has expired");
  }
  const std::optional<Session> session = session_of(gate, visitor, ask);
  if (!session) return refusal(401, "sign in, or give a token");
  if (!access::is_own_origin(ask.origin, ask.host)) {
    gate.note_refusal("a cookie from a page of another origin", visitor.address);
    return refusal(403, "only this server's own pages may connect with its cookie");
  }
  if (!Gate::csrf_matches(*session, access::list_value(ask.subprotocols, "geoul.csrf."))) {
    gate.note_refusal("a cookie without its CSRF token", visitor.address);
    return refusal(403, "the CSRF token is missing or wrong");
  }
  return session->identity;
}

Answer answer_session(Gate& gate, const Visitor& visitor, const Ask& ask) {
  json out;
  if (!gate.has_users()) {
    if (!visitor.is_own_account) return refusal(403, kForeignAccount);
    const Identity local = gate.local_account();
    out = {{"entry", "open"}, {"name", local.name}, {"role", to_string(local.role)}};
  } else if (const std::optional<Session> session = session_of(gate, visitor, ask)) {
    out = {{"entry", "signed-in"},
           {"name", session->identity.name},
           {"role", to_string(session->identity.role)},
           {"csrf", session->csrf},
           {"expires_in", whole_seconds(session->expires - gate.now())}};
  } else {
    out = {{"entry", "sign-in"}};
  }
  return {200, out.dump(), {}, 0};
}

Answer answer_logout(Gate& gate, const Visitor& visitor, const Ask& ask) {
  const std::optional<Session> session = session_of(gate, visitor, ask);
  if (!session) return refusal(401, "nobody is signed in");
  const bool own_page = ask.origin.empty() || access::is_own_origin(ask.origin, ask.host);
  if (!own_page || !Gate::csrf_matches(*session, Secret(ask.csrf))) {
    return refusal(403, "the CSRF token is missing or wrong");
  }
  gate.sign_out(session->identity, visitor.address);
  return {200, "{}", cookie_line(visitor, is_secure(visitor, ask), "", 0), 0};
}

std::variant<access::SignInRequest, Answer> begin_login(Gate& gate, const Visitor& visitor, const Ask& ask) {
  // A form of another page can send no JSON, and its script is stopped by the browser, which asks first.
  if (ask.content_type.substr(0, 16) != "application/json") return refusal(415, "send JSON");
  if (!ask.origin.empty() && !access::is_own_origin(ask.origin, ask.host)) {
    gate.note_refusal("a sign-in from a page of another origin", visitor.address);
    return refusal(403, "only this server's own page may sign in");
  }
  Result<access::SignInRequest> request = access::parse_sign_in(ask.body);
  if (!request) return refusal(400, request.error().message);
  if (!gate.has_users()) return refusal(404, "there are no users: add one with 'geoul user add'");
  const Duration wait = gate.wait_before_sign_in(request->name, visitor.address);
  if (wait > Duration{0}) return wait_answer(wait);
  return std::move(request).value();
}

Answer finish_login(Gate& gate, const Visitor& visitor, bool is_secure, const access::SignInRequest& request) {
  const access::SignIn done = gate.sign_in(request.name, request.password, visitor.address);
  switch (done.outcome) {
    case access::SignIn::Outcome::kWait: return wait_answer(done.wait);
    case access::SignIn::Outcome::kUnavailable: return refusal(503, "the list of users cannot be read");
    case access::SignIn::Outcome::kWrong: {
      Answer out = refusal(401, "the name or the password is wrong");
      out.retry_after = whole_seconds(done.wait);
      return out;
    }
    case access::SignIn::Outcome::kDone: break;
  }
  const std::optional<Session> session = gate.find_session(done.session);
  if (!session) return refusal(401, "the user was changed meanwhile: sign in again");
  const std::int64_t seconds = whole_seconds(session->expires - gate.now());
  const json body = {{"entry", "signed-in"},
                     {"name", session->identity.name},
                     {"role", to_string(session->identity.role)},
                     {"csrf", session->csrf},
                     {"expires_in", seconds}};
  return {200, body.dump(), cookie_line(visitor, is_secure, done.session.reveal(), seconds), 0};
}

}  // namespace geoul::runtime
